"""The names of the places in a model where values can be seen or replaced, and how to get there."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any
from weakref import WeakKeyDictionary

from torch import Tensor, nn

from icl_models._model import InContextModel
from icl_models._sequence_models.tap import Station, Tapped

_SEQUENCE_MODEL = "sequence_model."
_CONTAINERS = (nn.ModuleList, nn.ModuleDict)  # never called, so they have no output

_outputs: WeakKeyDictionary[nn.Module, tuple[Station, Any]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Place:
    """A site of a tapped module, or the output of any module (`site` None); all heads of it, or one."""

    module: nn.Module
    site: str | None = None
    head: int | None = None

    @property
    def num_heads(self) -> int:
        """How many heads lie on axis 1 of its values; 0 where that axis is something else."""
        return self.module.num_heads if self.site and isinstance(self.module, Tapped) else 0

    def edit(self, change: Callable[[Tensor], Tensor]) -> Callable[[], None]:
        """Let every value be what `change` makes of it, until the function returned is called."""
        head = self.head
        if head is None:
            return self._join(lambda station: station.edits, change)

        def change_head(value: Tensor) -> Tensor:
            index = value.new_tensor([head]).long()
            return value.index_copy(1, index, change(value.select(1, head)).unsqueeze(1))

        return self._join(lambda station: station.edits, change_head)

    def observe(self, look: Callable[[Tensor], None]) -> Callable[[], None]:
        """Show every value to `look`, edited as it may be, until the function returned is called."""
        head = self.head
        if head is None:
            return self._join(lambda station: station.observers, look)
        return self._join(lambda station: station.observers, lambda value: look(value.select(1, head)))

    def _join(self, queue: Callable[[Station], list[Any]], action: Callable[..., Any]) -> Callable[[], None]:
        station = self._station()
        queue(station).append(action)

        def leave() -> None:
            queue(station).remove(action)
            if not station.edits and not station.observers:
                self._close()

        return leave

    def _station(self) -> Station:
        if self.site is not None:
            assert isinstance(self.module, Tapped)
            return self.module.stations.setdefault(self.site, Station())
        if self.module not in _outputs:
            station = Station()
            hook = self.module.register_forward_hook(lambda module, given, output: _pass(station, output))
            _outputs[self.module] = (station, hook)
        return _outputs[self.module][0]

    def _close(self) -> None:
        if self.site is not None:
            assert isinstance(self.module, Tapped)
            del self.module.stations[self.site]
        else:
            _outputs.pop(self.module)[1].remove()


def _pass(station: Station, output: Any) -> Any:
    """A module may return a tuple that starts with what matters, as torch's recurrent layers do."""
    if isinstance(output, Tensor):
        return station(output)
    if type(output) is tuple and output and isinstance(output[0], Tensor):
        return (station(output[0]), *output[1:])
    return output


def site_names(model: nn.Module) -> list[str]:
    """The names that `capture` and `edit` know of, in the order of the model's modules.

    Names start inside the sequence model. They are the named values of its blocks and attention and, where it has no
    such, the output of each of its modules. Beside these, any module's name as in `model.named_modules()` may be given.
    """
    return list(_listed(model))


def in_short(names: Iterable[str]) -> list[str]:
    """The names with * for their numbers, each once."""
    return list(dict.fromkeys(re.sub(r"\b\d+\b", "*", name) for name in names))


def find_places(model: nn.Module, patterns: Iterable[str]) -> dict[str, Place]:
    """The places under these names, in which * stands for anything.

    Raises:
        ValueError: for a name that no place has, or a compiled model.
    """
    if any(hasattr(m, "_orig_mod") or getattr(m, "_compiled_call_impl", None) for m in model.modules()):
        raise ValueError("model must not be compiled to be captured or edited, got one that torch.compile made")
    listed = _listed(model)
    return {name: place for pattern in patterns for name, place in _matches(model, listed, pattern)}


def _listed(model: nn.Module) -> dict[str, Place]:
    start = _SEQUENCE_MODEL if isinstance(model, InContextModel) else ""
    listed: dict[str, Place] = {}
    tapped: list[str] = []
    for path, module in model.named_modules():
        if isinstance(module, Tapped):
            listed |= {_short(model, f"{path}.{site}".lstrip(".")): Place(module, site) for site in module.sites}
            tapped.append(path)
        elif (
            path.removeprefix(start)
            and path.startswith(start)
            and not isinstance(module, _CONTAINERS)
            and not any(parent and path.startswith(f"{parent}.") for parent in tapped)
        ):
            listed[_short(model, path)] = Place(module)
    return listed


def _short(model: nn.Module, path: str) -> str:
    """The name without `sequence_model.`, but where the model has a part of its own called so."""
    short = path.removeprefix(_SEQUENCE_MODEL)
    taken = {name for name, _ in model.named_children()} | set(getattr(model, "sites", ()))
    return path if short.split(".")[0] in taken else short


def _matches(model: nn.Module, listed: dict[str, Place], pattern: str) -> Iterator[tuple[str, Place]]:
    found = [(name, place) for name, place in listed.items() if fnmatchcase(name, pattern)]
    if not found:
        found = [*_heads(listed, pattern), *_output_of_any_module(model, pattern)]
    if not found:
        close = difflib.get_close_matches(pattern, listed, n=1, cutoff=0.6)
        hint = f" (did you mean {close[0]!r}?)" if close else ""
        raise ValueError(f"a name must be one of {', '.join(in_short(listed))}, or a module's, got {pattern!r}{hint}")
    yield from found


def _heads(listed: dict[str, Place], pattern: str) -> Iterator[tuple[str, Place]]:
    """One head, whose number follows the name."""
    whole, _, head = pattern.rpartition(".")
    if not head.isdecimal():
        return
    for name, place in listed.items():
        if not place.num_heads or not fnmatchcase(name, whole):
            continue
        if int(head) >= place.num_heads:
            raise ValueError(f"heads of {name} must be from 0 to {place.num_heads - 1}, got {head}")
        yield f"{name}.{int(head)}", replace(place, head=int(head))


def _output_of_any_module(model: nn.Module, name: str) -> Iterator[tuple[str, Place]]:
    modules = dict(model.named_modules())
    path = name if name in modules else _SEQUENCE_MODEL + name
    if name and path in modules and not isinstance(modules[path], _CONTAINERS):
        yield name, Place(modules[path])
