"""The options of a command: the fields of a dataclass, and of those in it, under the names that a command line has."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import tyro

__all__ = ["Option", "option_table"]

_REQUIRED = dataclasses.MISSING
_READABLE = (int, float, bool, str, Path, type(None), Ellipsis)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Option:
    """One option, or one argument without a name.

    Attributes:
        owner: the dataclass whose field it is.
        path: fields that lead to it from the command's dataclass, itself included.
        names: with dashes, the dotted one last; empty for an argument without a name.
        hint: type of its value.
        default: its value where it is not given, or ``dataclasses.MISSING``.
        metavar: what stands for its values in the help; None for what their type says.
    """

    owner: type
    path: tuple[str, ...]
    names: tuple[str, ...]
    hint: Any
    default: Any
    metavar: str | None = None

    @property
    def positional(self) -> bool:
        """Whether it is given without a name."""
        return not self.names

    @property
    def shown(self) -> str:
        """What it is called: the shortest name, or the field in capitals."""
        return min(self.names, key=len) if self.names else self.path[-1].upper().replace("_", "-")

    @property
    def required(self) -> bool:
        """Whether it must be given."""
        return self.default is _REQUIRED

    @property
    def switch(self) -> bool:
        """Whether it is turned on by its name and off by :meth:`turned_off`, and takes no value."""
        return self.hint is bool and isinstance(self.default, bool)

    @property
    def several(self) -> bool:
        """Whether it takes any number of values."""
        return any(typing.get_origin(one) in (tuple, list) for one in self.alternatives)

    @property
    def empty_is_not_given(self) -> bool:
        """Whether no value would mean the same as leaving it out; in settings of a run, an empty list may be meant."""
        return self.several and len(self.path) == 1 and self.default in ((), [])

    @property
    def readable(self) -> bool:
        """Whether its values are of types that are read here; those of others are left to the parser behind."""
        kinds = [
            part
            for kind in self.alternatives
            for part in (typing.get_args(kind) if typing.get_origin(kind) in (tuple, list) else (kind,))
        ]
        return all(kind in _READABLE or typing.get_origin(kind) is typing.Literal for kind in kinds)

    @property
    def alternatives(self) -> tuple[Any, ...]:
        """The types that its value may have; `X | None` is two."""
        union = typing.get_origin(self.hint) in (types.UnionType, typing.Union)
        return typing.get_args(self.hint) if union else (self.hint,)

    @staticmethod
    def turned_off(name: str) -> str:
        """The name that turns a switch off: `--data.no-augment`."""
        group, dot, last = name.removeprefix("--").rpartition(".")
        return f"--{group}{dot}no-{last}"


def option_table(target: type, default: object = None) -> list[Option]:
    """All options of a dataclass, in the order of its fields.

    Args:
        target: the dataclass.
        default: an instance that holds the defaults; None for the dataclass's own. Whose settings a component has, and
            therefore which options, it says.
    """
    return list(_options(target, default, "", ()))


def _options(target: type, instance: object, prefix: str, path: tuple[str, ...]) -> Iterator[Option]:
    hints = _hints(target)
    for field in dataclasses.fields(target):
        hint, notes = _without_notes(hints[field.name])
        if not field.init or tyro.conf.Suppress in notes:
            continue
        value = _default(field) if instance is None else getattr(instance, field.name)
        given_name, aliases = _named(notes)
        name = field.name.replace("_", "-") if given_name is None else given_name
        here = (*path, field.name)
        inner = type(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else hint
        if isinstance(inner, type) and dataclasses.is_dataclass(inner):
            nested = value if isinstance(value, inner) else None
            yield from _options(inner, nested, f"{prefix}{name}." if name else prefix, here)
            continue
        if value is None and any(dataclasses.is_dataclass(one) for one in typing.get_args(hint)):
            continue  # settings of a component that is not chosen
        positional = tyro.conf.Positional in notes
        names = () if positional else (*aliases, f"--{prefix}{name}")
        metavar = next((note.metavar for note in notes if getattr(note, "metavar", None)), None)
        yield Option(owner=target, path=here, names=names, hint=hint, default=value, metavar=metavar)


@cache
def _hints(target: type) -> dict[str, Any]:
    return typing.get_type_hints(target, include_extras=True)


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _without_notes(hint: Any) -> tuple[Any, Sequence[Any]]:
    if typing.get_origin(hint) is Annotated:
        return typing.get_args(hint)[0], hint.__metadata__
    return hint, ()


def _named(notes: Sequence[Any]) -> tuple[str | None, tuple[str, ...]]:
    """The name and the short names that `tyro.conf.arg` gives a field."""
    name, aliases = None, ()
    for note in notes:
        name = getattr(note, "name", None) if name is None else name
        aliases += tuple(getattr(note, "aliases", None) or ())
    return name, aliases
