"""What is varied, as the options of a command have it, made into axes and ranges."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from icl_models import Axis, Range
from icl_train._by_name.settings import dotted_name, settings_of
from icl_train._options.table import Option
from icl_train._plans.combined import Started
from icl_train.config import RunConfig

__all__ = ["given_settings", "read_axes", "read_choices", "read_ranges"]

_NAMES = ("model.embedder", "model.sequence_model", "train.tracker")  # texts without commas


def read_axes(written: Sequence[Sequence[str]], base: RunConfig, fixed: Mapping[str, Any]) -> list[Axis]:
    """Axes as ``--vary SETTING VALUE ...`` has them.

    Values may be joined by commas, but where a comma may be part of one: in a path or another text, and where a value
    is a list. ``SETTING=VALUE,VALUE`` is the same.

    Args:
        written: of each option, what stands behind it.
        base, fixed: what the settings go on top of.

    Raises:
        ValueError: if the setting's name is missing, or a component does not exist.
    """
    named = [_named("--vary", words, settings_of(base)) for words in written]
    spelt = [Axis.of(name, *_values_of(name, texts, settings_of(base))) for name, texts in named]
    known = Started(base, fixed).known_settings(spelt)
    return [Axis.of(name, *_values_of(name, texts, known)) for name, texts in named]


def read_choices(written: Sequence[Sequence[str]], base: RunConfig) -> list[Range]:
    """Choices to draw from as ``--choices SETTING VALUE ...`` has them; see `read_axes`."""
    table = settings_of(base)
    found = [_named("--choices", words, table) for words in written]
    return [Range(setting=name, choices=tuple(_values_of(name, texts, table))) for name, texts in found]


def read_ranges(written: Sequence[Sequence[str]]) -> list[Range]:
    """Ranges to draw from as ``--range SETTING LOW HIGH [log]`` has them.

    Args:
        written: of each option, what stands behind it.

    Raises:
        ValueError: if it is not written so.
    """
    return [_range(words) for words in written]


def given_settings(args: Sequence[str], config: RunConfig) -> dict[str, Any]:
    """The settings of a run that options name, under their dotted names, with their values.

    Args:
        args: the options, in any spelling.
        config: what they were read into.
    """
    names = {name: option for option in settings_of(config).values() for name in _spellings(option)}
    found: dict[str, Any] = {}
    for arg in args:
        option = names.get(arg.partition("=")[0].replace("_", "-")) if arg.startswith("--") else None
        if option is not None:
            value: Any = config
            for part in option.path:
                value = getattr(value, part)
            found[".".join(option.path)] = value
    return found


def _spellings(option: Option) -> Iterator[str]:
    yield from option.names
    if option.switch:
        yield from map(Option.turned_off, option.names)


def _range(words: Sequence[str]) -> Range:
    try:
        name, *ends = words[:3]
        low, high = map(float, ends)
    except ValueError:
        how = [""]
    else:
        how = list(words[3:])
    if how not in ([], ["log"], ["linear"]):
        raise ValueError(
            f"--range must be SETTING LOW HIGH, or SETTING LOW HIGH log, got {' '.join(words) or 'nothing'}"
        )
    return Range(setting=name, low=low, high=high, log=how == ["log"])


def _named(option: str, words: Sequence[str], table: Mapping[str, Option]) -> tuple[str, list[str]]:
    """The setting's dotted name, and the texts of its values."""
    if not words:
        raise ValueError(f"{option} needs a setting and its values, got nothing")
    name, equals, first = words[0].partition("=")
    texts = [*([first] if equals else []), *words[1:]]
    if not texts:
        raise ValueError(f"{option} {name} needs at least one value, got none")
    return dotted_name(name, table), texts


def _values_of(name: str, texts: Sequence[str], table: Mapping[str, Option]) -> list[Any]:
    option = table.get(name)
    if option is None:
        return list(texts)
    if option.several:
        return [_list(text) for text in texts]
    if name not in _NAMES and {str, Path} & set(option.alternatives):
        return list(texts)
    return [part for text in texts for part in text.split(",") if part]


def _list(text: str) -> Any:
    """A list of texts can be written as JSON has it, since a comma may be part of one."""
    if text.startswith('["'):
        with suppress(ValueError):
            return json.loads(text)
    return text
