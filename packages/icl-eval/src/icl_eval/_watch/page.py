"""Entries as lines of a terminal of any width: on one line each where there is room, on two where there is not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from icl_eval._watch.curves import Curve
from icl_eval._watch.entries import Entry
from icl_eval._watch.sparks import spark

__all__ = ["page_of"]

_BESIDE = 94  # room that two curves with their values need on the line of the name
_GAPS, _LEFT = 6, 8
_NAME, _STATE = 44, 26
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
    widths = _widths(entries, width)
    blocks = [_block(entry, width, levels, widths) for entry in entries]
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


def _widths(entries: Sequence[Entry], width: int) -> tuple[int, int, int]:
    """Of names, states and steps, where all are below each other."""
    names = max((cell_len(_called(entry)) for entry in entries), default=0)
    states = max((cell_len(entry.state) for entry in entries), default=0)
    steps = max((cell_len(_steps(entry)) for entry in entries), default=0)
    states = min(states, _STATE)
    for most in (width // 3, _NAME):  # whole names, if that leaves room for curves beside them
        if _room(width, min(names, most), states, steps) >= _BESIDE:
            return min(names, most), states, steps
    return min(names, max(_NAME, width // 3)), states, steps


def _room(width: int, name: int, state: int, steps: int) -> int:
    """What is left of a line for curves."""
    return width - (name + state + steps + _GAPS + _LEFT + 2)


def _block(entry: Entry, width: int, levels: str, widths: tuple[int, int, int]) -> list[Text]:
    name, state, steps = widths
    room = _room(width, name, state, steps)
    if room < 0:
        name = max(8, name + room + 2)
    style = _TROUBLED if entry.troubled else ""
    head = Text()
    head.append(_both_ends(_called(entry), name))
    head.append("  ")
    head.append(_fitted(entry.state, state), style)
    head.append(f"  {_steps(entry):>{steps}}  {entry.left:>{_LEFT}}")
    block = [head]
    if entry.curves and room >= _BESIDE:
        head.append("  ")
        head.append_text(_curves(entry, room, levels))
    elif entry.curves:
        block.append(Text("  ").append_text(_curves(entry, width - 2, levels)))
    if entry.reason:
        block.append(Text(_fitted(f"  {entry.reason}", width), _TROUBLED))
    return [_on_one_line(line, width) for line in block]


def _curves(entry: Entry, room: int, levels: str) -> Text:
    """The last value of each curve with its interval, and the curve, in what room there is."""
    text = Text()
    each = room // len(entry.curves)
    for place, curve in enumerate(entry.curves.values()):
        said = _value(curve)
        long = max(0, each - cell_len(said) - 3)
        part = f"{said} {spark(curve, entry.last, long, levels)}" if long >= _LEAST_SPARK else said
        text.append(_fitted(part, each), _STYLES[place % len(_STYLES)])
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


def _called(entry: Entry) -> str:
    return f"{entry.name} {entry.differs}".strip()


def _fitted(text: str, width: int) -> str:
    """In that many cells; what is cut off ends in dots."""
    if cell_len(text) <= width or width < 4:
        return set_cell_size(text, max(width, 0))
    return set_cell_size(text, width - 2) + ".."


def _both_ends(text: str, width: int) -> str:
    """In that many cells; what is cut out is in the middle, as names begin alike and seeds are at their ends."""
    if cell_len(text) <= width or width < 8:
        return _fitted(text, width)
    tail = text[-(width // 2 - 1) :]
    while cell_len(tail) > width // 2 - 1:
        tail = tail[1:]
    return set_cell_size(text, width - 2 - cell_len(tail)) + ".." + tail


def _on_one_line(line: Text, width: int) -> Text:
    line.no_wrap, line.overflow = True, "crop"
    line.truncate(width)
    line.rstrip()
    return line


def _legend(entries: Sequence[Entry], width: int) -> Text:
    if not any(entry.curves for entry in entries):
        return Text("")
    said = "value [95% interval] (chance); curve from chance or below to 1, over all updates"
    return _on_one_line(Text(_fitted(said, width), "dim"), width)


def _cut(cut: Sequence[Entry], width: int) -> Text:
    states = Counter(part for entry in cut for part in entry.state.split(", "))
    if all(part[:1].isalpha() for part in states):
        said = ", ".join(f"{count} {state}" for state, count in states.items())
        text = f"and {len(cut)} more ({said}), for which there is no room"
    else:
        text = f"and {len(cut)} more groups, for which there is no room"
    return _on_one_line(Text(_fitted(text, width), "bold"), width)
