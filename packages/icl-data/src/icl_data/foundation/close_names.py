"""The known name that somebody may have meant by an unknown one; rather none than a wild guess."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

# A letter left out, doubled, exchanged or wrong in a word of five or more; `lr` and `root`, or `split` and `plot`, are
# further apart.
_CLOSE = 0.75
_SHORTEST_WORD = 3


def close_names(name: str, known: Iterable[str]) -> list[str]:
    """The known names that ``name`` may stand for: one, several that are equally near, or none.

    Of a dotted name the last part counts, since it is the groups before it that people leave out; so do words: `noise`
    is `--data.noise-scale`. Case, leading dashes and whether words are joined by `-` or `_` do not matter.

    Args:
        name: what was given.
        known: the names there are.
    """
    names = list(dict.fromkeys(known))
    parts = {one: _last_part(one) for one in names}
    wanted = _last_part(name)
    if not wanted:
        return []
    same = [one for one in names if parts[one] == wanted]
    if same:
        group = [one for one in same if _plain(one) == _plain(name)]
        return group or same
    spelt = difflib.get_close_matches(wanted, list(dict.fromkeys(parts.values())), n=1, cutoff=_CLOSE)
    if spelt:
        return _of_one_group(name, [one for one in names if parts[one] == spelt[0]])
    return _with_its_words(wanted, parts)


def _with_its_words(wanted: str, parts: dict[str, str]) -> list[str]:
    """The only one with the fewest words besides those of `wanted`, if they say anything."""
    words = {word for word in wanted.split("-") if word}
    if max(map(len, words), default=0) < _SHORTEST_WORD:
        return []
    extra = {one: len(set(part.split("-")) - words) for one, part in parts.items() if words <= set(part.split("-"))}
    least = [one for one, count in extra.items() if count == min(extra.values())]
    return least if len({parts[one] for one in least}) == 1 else []


def _of_one_group(name: str, found: Sequence[str]) -> list[str]:
    """Those of the group that was named, if any are; all otherwise."""
    group = _plain(name).rpartition(".")[0]
    return [one for one in found if _plain(one).rpartition(".")[0] == group] or list(found)


def _last_part(name: str) -> str:
    return _plain(name).rpartition(".")[2]


def _plain(name: str) -> str:
    return name.lstrip("-").replace("_", "-").lower()
