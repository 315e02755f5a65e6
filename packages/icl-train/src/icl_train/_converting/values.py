"""What the lines of a configuration may mean, as far as it can be known without running them."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Function", "Group", "Library", "Scope", "TooLong", "Unknown", "known"]


class TooLong(ValueError):
    """Following the lines takes more steps than any configuration needs."""


@dataclass(frozen=True)
class Unknown:
    """A value that only running the file would tell.

    Attributes:
        why: what stands in the way, to be read after "because of".
        line: where that is.
    """

    why: str
    line: int


class Group(dict[str, Any]):
    """Options by name, as ConfigDict and dict have them, with the line that each was set on.

    Attributes:
        is_plain: it is a dict: what it is put into, unless that is one as well, has a ConfigDict like it.
    """

    def __init__(self, *, is_plain: bool = False) -> None:
        super().__init__()
        self.is_plain = is_plain
        self.lines: dict[str, int] = {}

    def put(self, name: str, value: Any, line: int, *, count: Callable[[int], None]) -> None:
        """Set an option.

        Args:
            name, value: of the option.
            line: that sets it.
            count: told of how many options are copied.
        """
        if isinstance(value, Group) and value.is_plain and not self.is_plain:
            value = _configured(value, count)
        self[name], self.lines[name] = value, line

    def take(self, other: Group, *, count: Callable[[int], None], deeper: int = 20) -> None:
        """Set all options of another group, as ``update`` does: a ConfigDict joins groups within groups.

        Args:
            other: the other group.
            count: told of how many options there are, group by group: groups may hold each other many times.
            deeper: how many groups within each other are joined.
        """
        count(len(other))
        for name, value in list(other.items()):
            own = self.get(name)
            joins = not self.is_plain and isinstance(value, Group) and own is not value and deeper
            if joins and isinstance(own, Group):
                own.take(value, count=count, deeper=deeper - 1)
            else:
                self.put(name, value, other.lines[name], count=count)


def _configured(group: Group, count: Callable[[int], None]) -> Group:
    """A dict, and those within it, as the ConfigDict that is made of it: each once, however often it is there."""
    made: dict[int, Group] = {id(group): Group()}
    left = [group]
    while left:
        plain = left.pop()
        own = made[id(plain)]
        count(len(plain))
        for name, value in plain.items():
            own.lines[name] = plain.lines[name]
            if isinstance(value, Group) and value.is_plain:
                if id(value) not in made:
                    made[id(value)] = Group()
                    left.append(value)
                own[name] = made[id(value)]
            else:
                own[name] = value
    return made[id(group)]


@dataclass(frozen=True)
class Library:
    """A name that an import has bound, or a part of it."""

    name: str


def known(value: Any, line: int) -> Any:
    """A value as conditions and comparisons take it: what a library has there, only running the file would tell.

    Args:
        value: the value.
        line: where it is looked at.
    """
    return Unknown(f"the value of {value.name[:60]}", line) if isinstance(value, Library) else value


@dataclass
class Scope:
    """Names of a function, or of the file, those around it, and what the function was called with."""

    names: dict[str, Any] = field(default_factory=dict)
    around: Scope | None = None
    given: tuple[Any, ...] = ()

    def find(self, name: str, line: int) -> Any:
        """What a name means here."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.names:
                return scope.names[name]
            scope = scope.around
        return Unknown(f"the name {name[:60]}", line)


@dataclass(frozen=True)
class Function:
    """A function that the file itself defines.

    Attributes:
        arguments: of its definition.
        body: its statements, or the expression of a lambda.
        scope: where it was defined.
        line: where that is.
        defaults: argument → what it is by default, as it was known where the function was defined.
        is_decorated: what a call of it gives is then known to nobody.
    """

    arguments: ast.arguments
    body: list[ast.stmt] | ast.expr
    scope: Scope
    line: int
    defaults: Mapping[str, Any]
    is_decorated: bool = False
