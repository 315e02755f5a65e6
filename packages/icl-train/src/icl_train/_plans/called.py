"""What the runs of a sweep are called, on screen and as folders: by what varies."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from icl_data.foundation.printable import one_line
from icl_train._interventions.text import intervention_word
from icl_train._runs.departures import departures
from icl_train._settings.source import source_label
from icl_train.config import RunConfig

__all__ = ["Called", "Words", "folder_names", "safe_word", "screen_labels", "value_words"]

_LONGEST_PART, _LONGEST_STEM = 40, 120  # bytes; a file name may have 255
_UNSAFE = re.compile(r"[^\w.+-]+")

Words = Mapping[str, tuple[str, bool]]
"""Axis → what a place on it is called, and whether that says by itself what it is: "lstm" does, "0.5" does not."""


class Called(NamedTuple):
    """A run, and the words it is called by.

    Attributes:
        config: its configuration.
        words: of its places on the axes.
        seed: what its seeds are called; "" where an axis tells.
    """

    config: RunConfig
    words: Words
    seed: str


def value_words(setting: str, value: Any) -> tuple[str, bool]:
    """What a setting's value is called, and whether that says by itself of what it is.

    Args:
        setting: dotted name.
        value: plain, as ``RunConfig.flat`` has it.
    """
    if setting == "model.interventions" and value:
        return ", ".join(map(intervention_word, value)), True
    if isinstance(value, list):
        return ",".join(map(_number, value)), False
    if not isinstance(value, str):
        return _number(value), False
    if setting == "data.source":
        return source_label(value), True
    text = re.split(r"[/\\]", value.partition("#sha256:")[0])[-1] or value
    return text, text[:1].isalpha()


def _number(value: object) -> str:
    return str(value).removesuffix(".0")


def screen_labels(runs: Sequence[Called]) -> list[str]:
    """A label for each run, ``p_bursty 0.5, lstm, s0``, in the order of the axes; those that differ, differ."""
    names, doubtful = _short_names(runs), _doubtful(runs)
    labels = [
        one_line(", ".join([*_told(run.words, names, doubtful, " "), *([run.seed] if run.seed else [])]))
        for run in runs
    ]
    times = Counter(labels)
    if max(times.values(), default=0) > 1:  # two files of one name, in two folders
        others = departures([run.config for run in runs])
        labels = [
            label if times[label] == 1 else ", ".join([label, *(one_line(f"{name}={other[name]}") for name in other)])
            for label, other in zip(labels, others, strict=True)
        ]
    return labels


def folder_names(runs: Sequence[Called]) -> list[str]:
    """A folder's name for each run, ``gaussian-p_bursty0.5-lstm-s0-DIGEST``, whatever the order of the axes."""
    names, doubtful = _short_names(runs), _doubtful(runs)
    found = []
    for run in runs:
        by_name = dict(sorted((axis, word) for axis, word in run.words.items() if axis != "data.source"))
        parts = [source_label(run.config.data.source), *_told(by_name, names, doubtful, "")]
        stem = _cut("-".join(_cut(safe_word(part), _LONGEST_PART) for part in parts), _LONGEST_STEM)
        found.append("-".join([stem, *([run.seed] if run.seed else []), run.config.digest()]))
    return found


def _told(words: Words, names: Mapping[str, str], doubtful: set[str], between: str) -> list[str]:
    return [
        text if clear and text not in doubtful else f"{names[axis]}{between}{text}"
        for axis, (text, clear) in words.items()
    ]


def _short_names(runs: Sequence[Called]) -> dict[str, str]:
    """Axis → the last part of its name, or the whole where several would be called the same."""
    axes = list(dict.fromkeys(axis for run in runs for axis in run.words))
    times = Counter(_last(axis) for axis in axes)
    return {axis: _last(axis) if times[_last(axis)] == 1 else axis for axis in axes}


def _last(axis: str) -> str:
    return axis.rpartition(".")[2]


def _doubtful(runs: Sequence[Called]) -> set[str]:
    """Words that stand on several axes, such as `linear`: an embedder, and a schedule."""
    axes: dict[str, set[str]] = {}
    for run in runs:
        for axis, (text, _) in run.words.items():
            axes.setdefault(text, set()).add(axis)
    return {text for text, found in axes.items() if len(found) > 1}


def safe_word(part: str) -> str:
    """A part of a folder's name: letters, digits, and ``.+-_`` within; what else there is becomes a dash.

    Args:
        part: any text.
    """
    return _UNSAFE.sub("-", part).strip("-.") or "value"


def _cut(text: str, size: int) -> str:
    return text.encode(errors="replace")[:size].decode(errors="ignore").rstrip("-.")
