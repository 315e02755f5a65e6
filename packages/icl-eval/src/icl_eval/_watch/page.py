"""Entries as lines of a terminal of any width: on one line each where there is room, on two where there is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len
from rich.text import Text

from icl_eval._watch.called import fitted, heading, wrapped
from icl_eval._watch.curves import Curve
from icl_eval._watch.entries import Entry
from icl_eval._watch.sparks import spark

__all__ = ["page_of"]

_BESIDE = 94  # room that two curves with their values need on the line of the name
_GAP = 2
_LEAST_NAME, _STATE = 8, 26
_LEAST_SPARK = 8
_STYLES = ("cyan", "magenta")
_TROUBLED = "red"


def page_of(entries: Sequence[Entry], *, width: int, height: int, levels: str) -> list[Text]:
    """As many entries as there is room for, and a line that says what is left out.

    Args:
        entries: what there is to show.
        width, height: of the room, in characters.
        levels: the characters of curves.
    """
    columns, headings = _columns(entries, width)
    blocks = [_block(*one, width, levels, columns) for one in zip(entries, headings, strict=True)]
    if sum(map(len, blocks)) + 1 <= height:
        return [line for block in blocks for line in block] + [_legend(entries, width)]
    order = sorted(range(len(entries)), key=lambda place: entries[place].rank)
    lines: list[Text] = []
    shown: set[int] = set()
    for place in order:
        if len(lines) + len(blocks[place]) > height - 1:
            break
        lines += blocks[place]
        shown.add(place)
    cut = [entries[place] for place in order if place not in shown]
    return [*lines, _cut(cut, width)][: max(height, 1)]


@dataclass(frozen=True)
class _Columns:
    """Widths of what stands below each other: names, states, steps, and the time that is left."""

    name: int
    state: int
    steps: int
    left: int

    @property
    def used(self) -> int:
        """Of a line, with the gaps between them."""
        return self.name + self.state + self.steps + 2 * _GAP + (self.left + _GAP if self.left else 0)


def _columns(entries: Sequence[Entry], width: int) -> tuple[_Columns, list[tuple[str, str]]]:
    """The widths, and of each entry its heading, which has what states and steps leave of a line."""
    states = max((cell_len(entry.state) for entry in entries), default=0)
    steps = max((cell_len(_steps(entry)) for entry in entries), default=0)
    left = max((cell_len(entry.left) for entry in entries), default=0)
    others = _Columns(0, min(states, _STATE), steps, left)
    room = max(_LEAST_NAME, width - others.used)
    headings = [heading(entry, room) for entry in entries]
    return replace(others, name=max((cell_len(name) for name, _ in headings), default=0)), headings


def _block(entry: Entry, headed: tuple[str, str], width: int, levels: str, columns: _Columns) -> list[Text]:
    name, below = headed
    head = Text()
    head.append(fitted(name, columns.name))
    head.append(" " * _GAP)
    head.append(fitted(entry.state, columns.state), _TROUBLED if entry.troubled else "")
    head.append(" " * _GAP + f"{_steps(entry):>{columns.steps}}")
    if columns.left:
        head.append(" " * _GAP + f"{entry.left:>{columns.left}}")
    block = [head, *(Text(f"  {line}") for line in wrapped(below, width - 2))]
    room = width - columns.used - _GAP
    if entry.curves and room >= _BESIDE:
        head.append(" " * _GAP)
        head.append_text(_curves(entry, room, levels))
    elif entry.curves:
        block.append(Text("  ").append_text(_curves(entry, width - 2, levels)))
    if entry.reason:
        block.append(Text(fitted(f"  {entry.reason}", width), _TROUBLED))
    return [_on_one_line(line, width) for line in block]


def _curves(entry: Entry, room: int, levels: str) -> Text:
    """The last value of each curve with its interval, and the curve, in what room there is."""
    text = Text()
    each = room // len(entry.curves)
    for place, curve in enumerate(entry.curves.values()):
        said = _value(curve)
        long = max(0, each - cell_len(said) - 3)
        part = f"{said} {spark(curve, entry.last, long, levels)}" if long >= _LEAST_SPARK else said
        text.append(fitted(part, each), _STYLES[place % len(_STYLES)])
    return text


def _value(curve: Curve) -> str:
    interval = "" if curve.low is None or curve.high is None else f" [{_share(curve.low)}, {_share(curve.high)}]"
    chance = "" if curve.chance is None else f" ({_share(curve.chance)})"
    return f"{curve.short} {_share(curve.values[-1])}{interval}{chance}"


def _share(value: float) -> str:
    """As papers print it, each as wide as the others: `.498`, `1.00`."""
    return f"{value:.3f}".removeprefix("0") if value < 0.9995 else f"{value:.2f}"


def _steps(entry: Entry) -> str:
    speed = f" {entry.speed}/s" if entry.speed else ""
    return f"{entry.step}/{entry.last}{speed}"


def _on_one_line(line: Text, width: int) -> Text:
    line.no_wrap, line.overflow = True, "crop"
    line.truncate(width)
    line.rstrip()
    return line


def _legend(entries: Sequence[Entry], width: int) -> Text:
    if not any(entry.curves for entry in entries):
        return Text("")
    said = "value [95% interval] (chance); curve from chance or below to 1, over all updates"
    return _on_one_line(Text(fitted(said, width), "dim"), width)


def _cut(cut: Sequence[Entry], width: int) -> Text:
    states = Counter(part for entry in cut for part in entry.state.split(", "))
    if all(part[:1].isalpha() for part in states):
        said = ", ".join(f"{count} {state}" for state, count in states.items())
        text = f"and {len(cut)} more ({said}), for which there is no room"
    else:
        text = f"and {len(cut)} more groups, for which there is no room"
    return _on_one_line(Text(fitted(text, width), "bold"), width)
