"""The tests that are asked for behind `--` of a session, which runs them away from where they were named."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

__all__ = ["absolute", "asked"]

_EXPRESSIONS = ("-k", "-m")  # a folder may be called like the word behind them
_PLACES = ("--report",)  # the word behind them is a path, whether it is there or not


def absolute(words: Sequence[str], folder: Path) -> list[str]:
    """The words, with the paths among them from the root on.

    Args:
        words: options and paths of pytest; behind a path there may be `::` and a test.
        folder: from which the paths go.
    """
    return [
        _absolute(word, folder) if before in _PLACES or _is_test(before, word, folder) else word
        for before, word in _pairs(words)
    ]


def asked(words: Sequence[str], folder: Path, paths: Sequence[Path], *, own: bool = False) -> list[str]:
    """What pytest is given: the words, and where they name no tests all of the session.

    Args:
        words: as of `absolute`.
        folder: from which the paths go.
        paths: tests of the session.
        own: whether tests that are not below the paths are left out; if there are no others, nothing is given.
    """
    words = absolute(words, folder)
    tests = [word for before, word in _pairs(words) if _is_test(before, word, folder)]
    if not tests:
        return [*words, *map(str, paths)]
    others = [word for word in tests if own and not any(_file(word, folder).is_relative_to(path) for path in paths)]
    return [] if others == tests else [word for word in words if word not in others]


def _pairs(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Each word with the one before it."""
    return zip(["", *words], words, strict=False)


def _is_test(before: str, word: str, folder: Path) -> bool:
    """Whether a word behind another names tests that are there."""
    if not word or word.startswith("-") or before in (*_EXPRESSIONS, *_PLACES):
        return False
    return _file(word, folder).exists()


def _file(word: str, folder: Path) -> Path:
    return (folder / word.partition("::")[0]).resolve()


def _absolute(word: str, folder: Path) -> str:
    _, colons, test = word.partition("::")
    return f"{_file(word, folder)}{colons}{test}"
