"""Tables of runs for a terminal: of many columns those that fit, and a line that says what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.table import Table

from icl_data.foundation.printable import printable
from icl_eval._tables.terminal import plain_table
from icl_train import RunConfig, headline_of

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Shown", "shown_onsets", "shown_tidy", "shown_wide"]

_MOST_ROWS = 40
_MAIN = ("fewshot_holdout", "no_support_zipfian")
_RUN_WIDTH = 28  # a longer name of a run is folded where other columns need the room
_RUN_LEAST = 12  # and to no less than this


@dataclass(frozen=True)
class Shown:
    """A table for the terminal.

    Attributes:
        table: the table.
        left_out: what it leaves out, in one line; empty if nothing.
    """

    table: Table
    left_out: str


@dataclass(frozen=True)
class _Column:
    title: str
    cells: list[str]
    rank: (
        int  # those of the lowest rank are shown first where there is not enough room, of 0 and below before all others
    )
    right: bool = True

    @property
    def width(self) -> int:
        own = max(map(len, [self.title, *self.cells]))
        return min(own, _RUN_WIDTH) if self.title == "run" else own

    @property
    def least(self) -> int:
        """To which it may be folded."""
        return min(self.width, _RUN_LEAST) if self.title == "run" else self.width


def shown_wide(frame: pd.DataFrame, settings: Sequence[str], width: int) -> Shown:
    """A row for each run: the settings in which the runs differ, and each headline's last value and its peak.

    Args:
        frame: of `summarize_runs`.
        settings: names of those settings.
        width: columns of the terminal.
    """
    columns = [_Column("run", _text(frame["run"]), 0, right=False)]
    if frame["status"].nunique() > 1:
        columns.append(_Column("status", _text(frame["status"]), 1, right=False))
    columns += _settings(frame, settings)
    columns.append(_Column("step", _text(frame["step"]), 3))
    splits = [str(name).removesuffix("_peak_step") for name in frame if str(name).endswith("_peak_step")]
    splits.sort(key=lambda split: split not in _MAIN)
    for rank, end in ((1, "_last"), (5, "_peak")):
        for split in splits:
            short = headline_of(split).short
            cells = [_share(value) for value in frame[f"{split}{end}"]]
            if end == "_peak":
                steps = _text(frame[f"{split}_peak_step"])
                cells = [f"{cell} at {step}" if cell else "" for cell, step in zip(cells, steps, strict=True)]
                short += " peak"
            columns.append(_Column(short, cells, rank if split in _MAIN else rank + 3))
    onsets = [str(name) for name in frame if str(name).endswith("_onset")]
    for name in onsets:
        measure = name.removesuffix("_onset")
        short = headline_of(measure).short if measure in splits else measure.replace("_", " ")
        columns.append(_Column(f"{short} onset", _updates(frame[name]), 4))
    others = [
        str(name) for name in frame if str(name).endswith("_last") and str(name).removesuffix("_last") not in splits
    ]
    columns += [_Column(name.removesuffix("_last").replace("_", " "), _text(frame[name]), 9) for name in others]
    return _fitting(columns, width)


def shown_tidy(frame: pd.DataFrame, settings: Sequence[str], width: int) -> Shown:
    """A row for each value; of many rows the first and the last.

    Args:
        frame: of `load_runs`.
        settings: names of the settings in which the runs differ.
        width: columns of the terminal.
    """
    import pandas as pd

    passed_over = max(len(frame) - _MOST_ROWS, 0)
    if passed_over:
        frame = pd.concat([frame.head(_MOST_ROWS // 2), frame.tail(_MOST_ROWS // 2)])
    columns = [_Column("run", _text(frame["run"]), 0, right=False)]
    columns += _settings(frame, settings)
    columns += [
        _Column("step", _text(frame["step"]), 0),
        _Column("split", _text(frame["split"]), 0, right=False),
        _Column("metric", _text(frame["metric"]), 0, right=False),
        _Column("value", _text(frame["value"]), -1),
        _Column("low", [_share(value) for value in frame["low"]], 3),
        _Column("high", [_share(value) for value in frame["high"]], 3),
        _Column("chance", _text(frame["chance"]), 5),
        _Column("sequences", _text(frame["sequences"]), 7),
        _Column("n", _text(frame["n_sequences"]), 7),
    ]
    return _fitting(columns, width, passed_over=passed_over)


def shown_onsets(frame: pd.DataFrame, settings: Sequence[str], width: int) -> Shown:
    """A row for each run and measure: when the change was half done, from where to where it went, and how fast.

    Args:
        frame: of `load_onsets`, with its ``attrs``.
        settings: names of the settings in which the runs differ.
        width: columns of the terminal.
    """
    there = frame["time"].notna()
    between = [
        f"{low:,.0f}-{high:,.0f}" if known else ""
        for low, high, known in zip(frame["low"], frame["high"], there, strict=True)
    ]
    changes = [
        f"{before:.3f} to {after:.3f}" if known else ""
        for before, after, known in zip(frame["before"], frame["after"], there, strict=True)
    ]
    columns = [_Column("run", _text(frame["run"]), 0, right=False)]
    columns += _settings(frame, settings)
    columns += [
        _Column("measure", [frame.attrs["short_names"][name] for name in frame["measure"]], 0, right=False),
        _Column(
            "onset", [f"{time:,.0f}" if known else "none" for time, known in zip(frame["time"], there, strict=True)], 0
        ),
        _Column("95% interval", between, 1),
        _Column("plateau", _updates(frame["plateau"]), 3),
        _Column("10% to 90%", _updates(frame["width"]), 2),
        _Column("from … to", changes, 4),
    ]
    return _fitting(columns, width)


def _updates(values: pd.Series[Any]) -> list[str]:
    return ["" if value != value else f"{value:,.0f}" for value in values]


def _fitting(columns: list[_Column], width: int, *, passed_over: int = 0) -> Shown:
    """The columns that fit, by rank, in their order."""
    order = sorted(range(len(columns)), key=lambda place: columns[place].rank)
    main = [place for place in order if columns[place].rank <= 0]
    room = width
    shown: set[int] = set()
    for place in main:
        needed = columns[place].least + 2
        if needed <= room or not shown:
            shown.add(place)
            room -= needed
    names = sum(columns[place].width - columns[place].least for place in shown)
    run_width = _RUN_LEAST + min(names, max(room, 0))
    room -= run_width - _RUN_LEAST
    for place in order[len(main) :] if len(shown) == len(main) else ():
        needed = columns[place].width + 2
        if needed <= room:
            shown.add(place)
            room -= needed
    table = plain_table()
    chosen = [column for place, column in enumerate(columns) if place in shown]
    for column in chosen:
        folded = column.title == "run"
        table.add_column(
            column.title,
            justify="right" if column.right else "left",
            no_wrap=not folded,
            overflow="fold",
            max_width=run_width + max(room, 0) if folded else None,  # what no other column needs
        )
    for number, row in enumerate(zip(*(column.cells for column in chosen), strict=True)):
        if passed_over and number == _MOST_ROWS // 2:
            table.add_row("…")
        table.add_row(*row)
    left = [f"columns {', '.join(column.title for place, column in enumerate(columns) if place not in shown)}"]
    left = left if len(shown) < len(columns) else []
    left += [f"{passed_over:,} rows"] if passed_over else []
    return Shown(table, " and ".join(left))


def _settings(frame: pd.DataFrame, names: Sequence[str]) -> list[_Column]:
    """Columns of settings; those that change no number of a run last."""
    plain = RunConfig()
    neutral = plain.flat().keys() - plain.telling().keys()
    return [_Column(title, _text(frame[name]), 8 if name in neutral else 2) for name, title in _short(names).items()]


def _short(settings: Sequence[str]) -> dict[str, str]:
    """Dotted name → its last part, where that names no other setting."""
    count = Counter(name.rpartition(".")[2] for name in settings)
    return {name: last if count[last := name.rpartition(".")[2]] == 1 else name for name in settings}


def _text(values: pd.Series[Any]) -> list[str]:
    present = values.notna()
    return [
        "" if not there else f"{value:.4g}" if isinstance(value, float) else printable(value)
        for value, there in zip(values, present, strict=True)
    ]


def _share(value: float) -> str:
    return "" if value != value else f"{value:.3f}"
