"""What an entry is called where room is short: its settings stay whole, the name of a run gives way, its hash first."""

from __future__ import annotations

import re

from rich.cells import cell_len, set_cell_size

from icl_eval._watch.entries import Entry

__all__ = ["called", "fitted", "heading", "wrapped"]

_HASH = re.compile(r"-[0-9a-f]{8}$")  # the end of names that sweeps give
_LEAST_NAME = 12  # cells below which a name says nothing


def called(entry: Entry) -> str:
    """All of it: the name, the settings that set it apart, and how many seeds it is of."""
    return " ".join(part for part in (entry.name, _rest(entry)) if part)


def heading(entry: Entry, width: int) -> tuple[str, str]:
    """What it is called in ``width`` cells, and what is told below as there is no room for it.

    Args:
        entry: what is called something.
        width: cells of the heading.
    """
    whole, rest = called(entry), _rest(entry)
    if cell_len(whole) <= width:
        return whole, ""
    if not entry.name:
        return fitted(entry.seeds, width).rstrip(), entry.differs
    room = width - cell_len(rest) - 1 if rest else width
    if room >= min(cell_len(entry.name), _LEAST_NAME) or not rest:
        return f"{_shortened(entry.name, room)} {rest}".strip(), ""
    return _shortened(entry.name, width), rest


def wrapped(settings: str, width: int) -> list[str]:
    """Settings as lines of at most ``width`` cells, none of them broken unless it is longer than a line."""
    lines: list[str] = []
    for word in settings.split():
        if lines and cell_len(f"{lines[-1]} {word}") <= width:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return [line if cell_len(line) <= width else fitted(line, width) for line in lines]


def fitted(text: str, width: int) -> str:
    """In exactly ``width`` cells; what is cut off ends in dots."""
    if cell_len(text) <= width or width < 4:
        return set_cell_size(text, max(width, 0))
    return set_cell_size(text, width - 2) + ".."


def _rest(entry: Entry) -> str:
    """What stays whole."""
    return " ".join(part for part in (entry.differs, f"({entry.seeds})" if entry.seeds else "") if part)


def _shortened(name: str, width: int) -> str:
    if cell_len(name) <= width:
        return name
    without_hash = _HASH.sub("..", name)
    if cell_len(without_hash) <= width:
        return without_hash
    return _both_ends(_HASH.sub("", name), width)


def _both_ends(text: str, width: int) -> str:
    """In that many cells; what is cut out is in the middle, as names begin alike and seeds are at their ends."""
    if cell_len(text) <= width or width < 8:
        return fitted(text, width).rstrip()
    tail = text[-(width // 2 - 1) :]
    while cell_len(tail) > width // 2 - 1:
        tail = tail[1:]
    return set_cell_size(text, width - 2 - cell_len(tail)) + ".." + tail
