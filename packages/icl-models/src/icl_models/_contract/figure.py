"""What a figure is: what it needs of runs, and the function that makes its numbers of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

__all__ = ["FigureSpec"]


@dataclass(frozen=True, kw_only=True)
class FigureSpec:
    """A figure, as `icl_register_figures` returns it.

    Args:
        name: how ``icl-eval NAME RUNS`` asks for it, and what its files are called: letters, digits, ``-`` and ``_``.
        title: what it shows, in a line.
        picture: ``picture(table, *, band)`` returns an ``icl_eval.Picture``: the numbers that are to be drawn, panel by
            panel. ``table`` is the tidy table of ``icl_eval.load_runs``; ``band`` says what is drawn around a mean
            ("range", "sd", "bootstrap"). It draws nothing and changes nothing.
        measures: what it draws: an evaluation by the name of its split ("fewshot_holdout"), of which it takes the
            accuracy that this is measured by, or a record of training ("train/weight_l2").
        varies: settings, by dotted name, that its runs should differ in; where they do not, it shows a single point or
            curve of each.
        controls: further evaluations by which its values are read, in its files alone.
        paper: authors, year and figure; empty for none.
        experiment: name of the experiment that trains its runs (``icl-train sweep NAME``); empty for none.

    Raises:
        ValueError: for a name that cannot be a file's, or without measures.
    """

    name: str
    title: str
    picture: Callable[..., Any]
    measures: tuple[str, ...]
    varies: tuple[str, ...] = ()
    controls: tuple[str, ...] = ()
    paper: str = ""
    experiment: str = ""

    def __post_init__(self) -> None:
        if not (isinstance(self.name, str) and self.name and self.name.replace("-", "_").isidentifier()):
            raise ValueError(f"a figure's name must be a word of letters, digits, - and _, got {self.name!r}")
        if not self.measures:
            raise ValueError(f"measures of figure {self.name!r} must be one or more, got none")
