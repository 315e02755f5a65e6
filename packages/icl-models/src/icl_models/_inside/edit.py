"""Change what a model computes on its way: ablate, freeze or patch a head, a branch or the residual stream."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from icl_models._inside.places import find_places, in_short


@dataclass(frozen=True)
class Edit:
    """A change for `edit`, as `ablate`, `freeze` and `patch` make it.

    Args:
        change: (name, value) -> new value.
        positions: where, see `ablate`; None for everywhere.
    """

    change: Callable[[str, Tensor], Tensor]
    positions: tuple[int, ...] | None

    def __call__(self, name: str, value: Tensor) -> Tensor:
        """What becomes of the `value` that passes the place called `name`."""
        changed = self.change(name, value)
        try:
            changed = changed.to(value).expand_as(value)
        except RuntimeError:
            shapes = f"{tuple(value.shape)}, got {tuple(changed.shape)}"
            raise ValueError(f"the value for {name} must have, or broadcast to, shape {shapes}") from None
        if self.positions is None:
            return changed
        num_positions = value.shape[-2]
        for position in self.positions:
            if not -num_positions <= position < num_positions:
                bounds = f"from {-num_positions} to {num_positions - 1}"
                raise ValueError(f"positions in {name} must be {bounds}, got {position}")
        index = torch.tensor([position % num_positions for position in self.positions], device=value.device)
        return value.index_copy(-2, index, changed.index_select(-2, index))


def ablate(to: Literal["zero", "mean"] = "zero", *, positions: Sequence[int] | None = None) -> Edit:
    """Replace a value by zero or by its mean over the batch.

    For the mean over other sequences (Wang et al. 2022), patch with the mean of a trace.

    Args:
        to: by what; the mean is each position's own.
        positions: where on the second last axis, which is that of the tokens (of the queries in attention weights);
            negative ones count from the end. By default everywhere. With positions="query" most values of the last
            block have the last token alone there.

    Raises:
        ValueError: an unknown `to`.
    """
    if to not in ("zero", "mean"):
        raise ValueError(f"to must be one of zero, mean, got {to!r}")
    if to == "zero":
        return _edit(lambda name, value: torch.zeros_like(value), positions)
    return _edit(lambda name, value: value.mean(0, keepdim=True), positions)


def freeze(trace: Mapping[str, Tensor], *, positions: Sequence[int] | None = None) -> Edit:
    """Replace a value by the one of the same name in `trace`, which another forward pass left.

    On attention weights this fixes the pattern; on activations of a clean run, in the forward pass of a corrupted one,
    it is activation patching (Wang et al. 2022).

    Args:
        trace: of a forward pass on as many sequences of the same length.
        positions: as for `ablate`.

    Raises:
        ValueError: in the forward pass, a value that the trace does not have, or has in another shape.
    """

    def change(name: str, value: Tensor) -> Tensor:
        if name not in trace:
            captured = ", ".join(in_short(trace)) or "nothing"
            raise ValueError(f"the trace that {name} is frozen to must have it, got {captured}")
        if trace[name].shape != value.shape:
            shapes = f"{tuple(value.shape)}, got {tuple(trace[name].shape)}"
            raise ValueError(f"the trace's {name} must have shape {shapes}")
        return trace[name]

    return _edit(change, positions)


def patch(value: Tensor | float | Callable[[Tensor], Tensor], *, positions: Sequence[int] | None = None) -> Edit:
    """Replace a value by another, or by what a function makes of it.

    Args:
        value: a number or tensor that broadcasts to the shape of what it replaces, or a function that returns one and
            leaves its argument as it is.
        positions: as for `ablate`; `value` is for all positions nonetheless.

    Raises:
        ValueError: `value` is none of these.
    """
    if isinstance(value, Tensor):
        return _edit(lambda name, old: value, positions)
    if callable(value):
        return _edit(lambda name, old: torch.as_tensor(value(old)), positions)
    if isinstance(value, int | float):
        return _edit(lambda name, old: torch.tensor(float(value)), positions)
    raise ValueError(f"value must be a tensor, a number or a function, got {value!r}")


@contextmanager
def edit(model: nn.Module, edits: Mapping[str, Edit]) -> Iterator[None]:
    """Apply `edits` in every forward pass inside the `with` block.

    Blocks may be nested, also with `capture`, which sees the edited values in whatever order they are nested. Several
    edits of one place act one after the other, those of an outer block first. Gradients flow through what is computed.

    Args:
        model: an `InContextModel`, or any module.
        edits: names, as `capture` has them (several places may match one), to edits.

    Raises:
        ValueError: for an unknown name, a value that does not fit, or a compiled model; and at the end of the block if
            no forward pass came by the place of an edit, which then was without effect.
    """
    waiting: set[str] = set()
    with ExitStack() as stack:
        for pattern, change in edits.items():
            if not isinstance(change, Edit):
                raise ValueError(f"an edit of {pattern} must come from ablate, freeze or patch, got {change!r}")
            for name, place in find_places(model, [pattern]).items():
                waiting.add(name)
                stack.callback(place.edit(partial(_apply, change, name, waiting)))
        yield
    if waiting:
        raise ValueError(f"a forward pass must come by every edit, got none at {', '.join(sorted(waiting))}")


def _apply(change: Edit, name: str, waiting: set[str], value: Tensor) -> Tensor:
    waiting.discard(name)
    return change(name, value)


def _edit(change: Callable[[str, Tensor], Tensor], positions: Sequence[int] | None) -> Edit:
    if positions is None:
        return Edit(change, None)
    if not positions or any(isinstance(p, bool) or not isinstance(p, int) for p in positions):
        raise ValueError(f"positions must be integers, got {positions!r}")
    return Edit(change, tuple(positions))
