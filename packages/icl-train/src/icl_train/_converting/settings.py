"""Options of the released code as settings of ours, and what is to be said of those that become none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from icl_data.foundation.close_names import close_names
from icl_data.foundation.printable import one_line
from icl_train._by_name.settings import with_settings
from icl_train._converting.reading import Found, ReadFile
from icl_train._converting.values import Function, Group, Library, Unknown
from icl_train._other_codes.option import LEFT_OUT, NEEDED, OtherOption
from icl_train._other_codes.released import RELEASED
from icl_train.config import RunConfig

__all__ = ["Converted", "Note", "converted"]

_KNOWN = {option.name: option for option in RELEASED.options}
_BLOCKS = "data.generator_config.preserve_ordering_every_n"
_KINDS = {int: "a whole number", float: "a number", bool: "True or False", str: "text"}
_INTERVAL_TYPE = "interval_type"
_LONGEST_NAME = 120  # as it is told; those there are have some fifty letters


@dataclass(frozen=True)
class Note:
    """What is to be said of an option, or of a line.

    Attributes:
        line: where it stands; None for an option that the file leaves out.
        text: what is to be said.
    """

    line: int | None
    text: str


@dataclass(frozen=True)
class Converted:
    """Settings of ours, and what became of the options.

    Attributes:
        settings: dotted name → value, of those that the options became.
        carried: how many options became settings.
        idle: those that do nothing in the released code.
        otherwise: those that change no number, and whose work is done otherwise here.
        lost: what the configuration does not have of the file.
    """

    settings: Mapping[str, Any]
    carried: int
    idle: tuple[Note, ...]
    otherwise: tuple[Note, ...]
    lost: tuple[Note, ...]

    def config(self) -> RunConfig:
        """The whole configuration.

        Raises:
            ValueError: for values that it refuses.
        """
        return with_settings(RunConfig(), self.settings)


def converted(read: ReadFile, *, devices: int = 1) -> Converted:
    """The settings that train as the released code does with these options.

    Args:
        read: what the file says.
        devices: on how many devices the released code trained: each normalises its own share of a batch.

    Raises:
        ValueError: for an option whose value cannot be.
    """
    made = _Making(read.options)
    for line, what in sorted(read.passed_over.items()):
        made.lost.append(Note(line, f"{what} is not followed, as nothing of the file is run; what it sets is missing"))
    for name, found in read.options.items():
        made.take(name, found)
    made.fill_in()
    settings = made.settings
    _check_blocks(made)
    settings |= {"data.protocol": "released", "eval.protocol": "released"}
    if "polysemy" in str(settings.get("data.labeling_rare")):
        settings["data.protocol"] = "paper"
    settings |= _statistics(settings, devices)
    width = settings.get("model.emb_dim", 0) * (2 if settings.get("model.concatenate_labels") else 1)
    if settings.get("model.hidden_size") == width:
        settings["model.hidden_size"] = None  # as it is here by default
    return Converted(
        settings=settings,
        carried=made.carried,
        idle=tuple(made.idle),
        otherwise=tuple(made.otherwise),
        lost=tuple(made.lost),
    )


def _statistics(settings: Mapping[str, Any], devices: int) -> dict[str, Any]:
    batch = settings.get("train.batch_size", RunConfig().train.batch_size)
    if devices < 1 or batch % devices:
        raise ValueError(f"--devices must divide training.batch_size, {batch}, got {devices}")
    if devices == 1 or settings.get("model.embedder") != "resnet":
        return {}
    return {"model.embedder_config.sequences_per_statistics": batch // devices}


class _Making:
    """The settings while they are put together."""

    def __init__(self, options: Mapping[str, Found]) -> None:
        self.options = options
        self.settings: dict[str, Any] = {}
        self.carried = 0
        self.idle: list[Note] = []
        self.otherwise: list[Note] = []
        self.lost: list[Note] = []

    def take(self, name: str, found: Found) -> None:
        """One option of the file."""
        option = _KNOWN.get(name)
        if option is None:
            near = close_names(name, _KNOWN)[:2]
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            said = f"{name[:_LONGEST_NAME]}{'..' * (len(name) > _LONGEST_NAME)}{_is(found.value)}"
            self.lost.append(Note(found.line, f"{said} is no option of the released code{hint}"))
            return
        unused = self._unused(option)
        if unused is not None:
            self.idle.append(Note(found.line, f"{name}{_is(found.value)} is not used {unused}"))
        elif option.fate in ("idle", "otherwise"):
            notes = self.idle if option.fate == "idle" else self.otherwise
            notes.append(Note(found.line, f"{name}{_is(found.value)}: {option.told}"))
        elif isinstance(found.value, Unknown):
            self.lost.append(
                Note(found.line, f"{name} cannot be known without running the file, because of {found.value.why}")
            )
        else:
            self._put(option, _of_kind(option, found), found.line)

    def fill_in(self) -> None:
        """Options that the file leaves out, and that the released code then has at other values than ours."""
        for option in RELEASED.options:
            if option.name in self.options or option.default is LEFT_OUT or self._unused(option) is not None:
                continue
            if option.default is not NEEDED:
                self._put(option, option.default, None)
            elif option.fate != "otherwise":
                self.lost.append(Note(None, f"{option.name} is left out, where the released code stops{_ours(option)}"))

    def _put(self, option: OtherOption, value: Any, line: int | None) -> None:
        left_out = " (left out)" if line is None else ""
        if option.fate == "otherwise":
            return
        if option.fate == "lost":
            if option.name != _BLOCKS and value not in option.neutral:
                self.lost.append(Note(line, f"{option.name}{_is(value)}{left_out}: {option.told}"))
            elif line is not None and option.name != _BLOCKS:
                self.otherwise.append(Note(line, f"{option.name}{_is(value)}: always so here"))
            return
        try:
            self.settings |= option.settings(value)
        except ValueError as reason:
            ours = _ours(option)
            self.lost.append(Note(line, f"{option.name} {reason}, got {_shown(value)}{left_out}{ours}"))
            return
        self.carried += line is not None

    def _value(self, name: str) -> Any:
        found = self.options.get(name)
        return found.value if found else _KNOWN[name].default

    def _unused(self, option: OtherOption) -> str | None:
        """Why an option is not used there with the others of the file; None if it is."""
        for name, values in option.only.items():
            value = self._value(name)
            if value is None and name.endswith("interval_type"):
                name, value = _INTERVAL_TYPE, self._value(_INTERVAL_TYPE)
            if isinstance(value, Unknown):
                continue
            if value not in values:
                said = "left out" if value is NEEDED else _shown(value)
                return f"with {name} {said}, only with {' or '.join(map(str, values))}"
        return None


def _check_blocks(made: _Making) -> None:
    """Blocks of classes that stay together are made from the other options here."""
    found = made.options.get(_BLOCKS)
    value = found.value if found else None
    if isinstance(value, Unknown):
        return
    block = (8 if made.settings.get("data.augment") else 1) * (
        20 if made.settings.get("data.exemplars") == "separated" else 1
    )
    if (value or 1) != block:
        said = f"{_BLOCKS}{_is(value)}{'' if found else ' (left out)'}: {_KNOWN[_BLOCKS].told}; here it is {block}"
        made.lost.append(Note(found.line if found else None, said))
    elif found:
        made.otherwise.append(Note(found.line, f"{_BLOCKS}{_is(value)}: so by itself here"))


def _of_kind(option: OtherOption, found: Found) -> Any:
    """The value as the option's type; None where that is a default of its own."""
    value, kind = found.value, option.kind
    if value is None and (option.default is None or option.default is LEFT_OUT or None in option.neutral):
        return None
    if kind is object:
        return value
    whole = isinstance(value, float) and value.is_integer()
    fits = type(value) is kind or (kind is int and whole) or (kind is float and type(value) is int)
    if not fits:
        raise ValueError(f"line {found.line}: {option.name} must be {_KINDS[kind]}, got {_shown(value)}")
    return kind(value)


def _ours(option: OtherOption) -> str:
    flat = RunConfig().flat()
    told = [f"{name} {flat[name]}" for name in option.becomes if name in flat]
    return f"; here {', '.join(told)} is taken" if told else ""


def _is(value: Any) -> str:
    return "" if isinstance(value, Unknown) else f" = {_shown(value)}"


def _shown(value: Any) -> str:
    if isinstance(value, Group | Function | Library):
        return "what is no value"
    return one_line(repr(value))[:60]
