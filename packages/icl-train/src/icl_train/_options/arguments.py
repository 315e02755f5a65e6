"""Arguments as people write them, turned into those that the parser behind reads, or refused in one line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from icl_train._options.other_names import meant_by
from icl_train._options.table import Option
from icl_train._options.values import SWITCH_WORDS, kind_of_value, value_as_text, values_as_text

__all__ = ["plain_arguments"]


def plain_arguments(args: Sequence[str], table: Sequence[Option], *, prog: str) -> list[str]:
    """The same arguments in one way of writing: names as in the help, each value apart, switches without a value.

    Args:
        args: the arguments, without the program's name.
        table: the command's options.
        prog: the program's name.

    Raises:
        ValueError: for an unknown option, a value that is none, one that is missing, or one too many.
    """
    return _Reading(args, table, prog).all()


@dataclass(frozen=True)
class _Named:
    """An option as it was written: what it is called, whether that turns a switch off, and a value behind `=`."""

    option: Option
    name: str
    off: bool
    attached: str | None


class _Reading:
    """Goes through the arguments once, from the left."""

    def __init__(self, args: Sequence[str], table: Sequence[Option], prog: str) -> None:
        self._rest = list(args)
        self._prog = prog
        self._named = {name: (option, False) for option in table for name in option.names}
        self._named |= {
            Option.turned_off(name): (option, True) for option in table if option.switch for name in option.names
        }
        self._shown = [option.shown for option in table if not option.positional]
        self._positional = [option for option in table if option.positional]
        self._begun: set[Option] = set()  # those that may take more

    def all(self) -> list[str]:
        """Everything; what has no name first, where no option with several values can take it."""
        nameless: list[str] = []
        named: list[str] = []
        while self._rest:
            arg = self._rest.pop(0)
            if arg == "--":
                nameless += [part for one in self._rest for part in self._without_name(one)]
                break
            if not _looks_like_an_option(arg):
                nameless += self._without_name(arg)
                continue
            written = self._option(arg)
            named += self._switch(written) if written.option.switch else self._with_value(written)
        missing = [option for option in self._positional if option.required and option not in self._begun]
        if missing:
            raise ValueError(f"{missing[0].shown} must be given (see {self._prog} --help)")
        return [*named, "--", *nameless] if any(map(_looks_like_an_option, nameless)) else [*nameless, *named]

    def _option(self, arg: str) -> _Named:
        name, equals, attached = arg.partition("=")
        known = name.replace("_", "-")
        if known not in self._named:
            close = meant_by(name, self._shown)
            hint = f"; did you mean {' or '.join(close)}?" if close else f" (see {self._prog} --help)"
            raise ValueError(f"option {name} does not exist{hint}")
        option, off = self._named[known]
        return _Named(option, known, off, attached if equals else None)

    def _without_name(self, arg: str) -> Iterator[str]:
        if not self._positional:
            raise ValueError(f"argument {arg} is one too many (see {self._prog} --help)")
        option = self._positional[0]
        if option.several:
            self._begun.add(option)
            yield from values_as_text(option, [arg], option.shown)
            return
        self._positional.pop(0)
        yield value_as_text(option, arg, option.shown)

    def _switch(self, named: _Named) -> list[str]:
        word = named.attached
        if word is None and self._rest and self._is_for_the_switch(self._rest[0]):
            word = self._rest.pop(0)
        if word is None:
            return [named.name]
        on = SWITCH_WORDS.get(word.lower())
        if on is None or named.off:
            turned_on = min(named.option.names, key=len)
            raise ValueError(
                f"{turned_on} is a switch: {turned_on} or {Option.turned_off(turned_on)}, got "
                f"{f'{named.name} {word}' if named.off else repr(word)}"
            )
        return [named.name if on else Option.turned_off(named.name)]

    def _is_for_the_switch(self, following: str) -> bool:
        """Whether what follows a switch is meant as its value: where a command takes other arguments, words alone."""
        if _looks_like_an_option(following):
            return False
        return not self._positional or (following.lower() in SWITCH_WORDS and not following.isdigit())

    def _with_value(self, named: _Named) -> list[str]:
        option, name = named.option, named.name
        if not option.readable:
            return [name if named.attached is None else f"{name}={named.attached}", *self._up_to_the_next_option()]
        if option.several:
            texts = [named.attached] if named.attached is not None else []
            kept = sum(one.required and one not in self._begun for one in self._positional)
            while self._rest and not _looks_like_an_option(self._rest[0]) and len(self._rest) > kept:
                texts.append(self._rest.pop(0))
            if not texts and option.empty_is_not_given:
                raise ValueError(f"{name} needs at least one value{self._instead() or ', got none'}")
            return [name, *values_as_text(option, texts, name)]
        if named.attached is not None:
            return [f"{name}={value_as_text(option, named.attached, name)}"]
        if not self._rest or _looks_like_an_option(self._rest[0]):
            raise ValueError(f"{name} needs a value: {kind_of_value(option)}{self._instead()}")
        return [f"{name}={value_as_text(option, self._rest.pop(0), name)}"]

    def _up_to_the_next_option(self) -> list[str]:
        count = self._values_left()
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken

    def _values_left(self) -> int:
        """Arguments up to the next option."""
        names = [position for position, arg in enumerate(self._rest) if _looks_like_an_option(arg)]
        return names[0] if names else len(self._rest)

    def _instead(self) -> str:
        return f", got the option {self._rest[0]}" if self._rest else ""


def _looks_like_an_option(arg: str) -> bool:
    """`-5` is a number."""
    return (arg.startswith("-") and arg.lstrip("-")[:1].isalpha()) or arg == "--"
