"""A comparison in words and in a table for the terminal."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from rich.table import Table

from icl_data.foundation.printable import printable
from icl_eval._comparison.crossing import in_words
from icl_eval._comparison.difference import Shift
from icl_eval._comparison.measured import AreaTest, CrossingTest
from icl_eval._comparison.permutation import fewest_that_can, smallest_p
from icl_eval._comparison.power import LEVEL
from icl_eval._comparison.rows import Compared, difference_rows
from icl_eval._comparison.sides import Side
from icl_eval._picture.measures import measure_recorded_as
from icl_eval._tables.terminal import plain_table

__all__ = ["difference_table", "heading", "sentences"]

_MOST_ROWS = 11


def heading(ours: Side, theirs: Side, one: Compared) -> list[str]:
    """What is compared, in lines."""
    steps = one.pair.steps
    left_out = f", {one.pair.steps_left_out} that not all have left out" if one.pair.steps_left_out else ""
    runs = " and ".join(f"{_runs(len(side.members))} of {side.name}" for side in (ours, theirs))
    names = [measure_recorded_as(one.pair.metric).label, one.pair.metric]
    return [*map(printable, [*names, f"{runs}, {len(steps)} steps from {steps[0]:,} to {steps[-1]:,}{left_out}"])]


def difference_table(ours: Side, theirs: Side, one: Compared) -> Table:
    """Means and their difference with its 95% interval; of many steps, eleven from the first to the last."""
    rows = difference_rows([one])
    if len(rows) > _MOST_ROWS:
        rows = [rows[place] for place in np.linspace(0, len(rows) - 1, _MOST_ROWS).round().astype(int)]
    table = plain_table()
    table.add_column("step", justify="right", no_wrap=True)
    for name in (ours.name, theirs.name):
        table.add_column(printable(name), justify="right", overflow="fold")
    for name in ("difference", "95% interval"):
        table.add_column(name, justify="right", no_wrap=True)
    digits = _digits(one)
    for row in rows:
        interval = "" if row["low"] is None else f"{_signed(row['low'], digits)} to {_signed(row['high'], digits)}"
        means = (f"{row[name]:{digits}}" for name in ("mean_ours", "mean_theirs"))
        table.add_row(f"{row['step']:,}", *means, _signed(row["difference"], digits), interval)
    return table


def sentences(ours: Side, theirs: Side, one: Compared) -> list[str]:
    """What the tests say, a paragraph each."""
    names = (ours.name, theirs.name)
    said = [_area_sentence(one.area, names, _digits(one))]
    if one.crossing is not None:
        said.append(_crossing_sentence(one.crossing, names))
    said.append(_what_can_be_seen(len(ours.members), len(theirs.members), names))
    return [printable(sentence) for sentence in said if sentence]


def _area_sentence(test: AreaTest, names: Sequence[str], digits: str) -> str:
    interval = ""
    if test.low is not None and test.high is not None:
        interval = f" (95% interval {_signed(test.low, digits)} to {_signed(test.high, digits)})"
    spread = ""
    if test.detectable is not None:
        spread = f"; a difference of {test.detectable:.2g} would be found in 80 of 100 such experiments"
    means = f"{names[0]} {test.ours:{digits}}, {names[1]} {test.theirs:{digits}}"
    return (
        f"Mean over training (area under the curve): {means}, "
        f"difference {_signed(test.difference, digits)}{interval}. {_p(test.p, test)}{spread}."
    )


def _crossing_sentence(test: CrossingTest, names: Sequence[str]) -> str:
    way = "falls below" if test.falling else "passes"
    seen = "; ".join(
        f"{name} {in_words(side, test.last)}" for name, side in zip(names, (test.ours, test.theirs), strict=True)
    )
    start = f"Update at which it {way} {_share(test.threshold)}: {seen}."
    if test.p is None or test.shift is None:
        return f"{start} Nothing to test: no run does."
    spread = ""
    if test.detectable is not None:
        never = "at least " if np.isinf([*test.ours, *test.theirs]).any() else ""
        spread = f"; a delay of {never}{test.detectable:,.0f} would be found in 80 of 100 such experiments"
    elif test.smallest_p < LEVEL and np.std(np.minimum([*test.ours, *test.theirs], test.last)) > 0:
        spread = f"; as they end at {test.last:,.0f}, no delay would be found in 80 of 100 such experiments"
    ties = ""
    if np.isinf([*test.ours, *test.theirs]).any():
        ties = ", runs that do not tied for last"
    return f"{start} {_shift(test.shift, names)} {_p(test.p, test)} on ranks{ties}{spread}."


def _shift(shift: Shift, names: Sequence[str]) -> str:
    if shift.estimate is None:
        estimate = f"How much later {names[0]} is cannot be said: too many runs do not"
    elif shift.estimate == 0:
        estimate = "No shift"
    else:
        later = "later" if shift.estimate > 0 else "earlier"
        estimate = f"{names[0]} is {abs(shift.estimate):,.0f} updates {later}"
    if shift.low is None or shift.high is None:
        return f"{estimate} (so few runs have no 95% interval)."
    if not math.isfinite(shift.low) and not math.isfinite(shift.high):
        return f"{estimate} (its 95% interval has no bounds: too many runs never do)."
    low, high = (f"{bound:+,.0f}" if math.isfinite(bound) else "no bound" for bound in (shift.low, shift.high))
    return f"{estimate} (95% interval {low} to {high})."


def _p(p: float, test: AreaTest | CrossingTest) -> str:
    how = f"all {test.ways:,} ways to divide the runs" if test.exact else f"{test.ways:,} random divisions of the runs"
    verdict = "They differ" if p < LEVEL else "No difference is found"
    return f"{verdict}: p = {p:.2g}, two-sided, {how}"


def _what_can_be_seen(n_ours: int, n_theirs: int, names: Sequence[str]) -> str:
    least = smallest_p(n_ours, n_theirs)
    if least < LEVEL:
        return f"The smallest p that {n_ours} and {n_theirs} runs can reach is {least:.2g}."
    enough = fewest_that_can(n_theirs, level=LEVEL)
    return (
        f"The smallest p that {n_ours} and {n_theirs} runs can reach is {least:.2g}: no test of these runs can reach "
        f"p < .05, whatever they measured. Beside {n_theirs} of {names[1]}, {enough} of {names[0]} could."
    )


def _runs(n: int) -> str:
    return f"{n} run" if n == 1 else f"{n} runs"


def _digits(one: Compared) -> str:
    """How its values are written: accuracies to three decimals, others, which may be small, to four digits."""
    return ".3f" if measure_recorded_as(one.pair.metric).is_share else ".4g"


def _signed(value: float, digits: str) -> str:
    return f"{float(f'{value:{digits}}') + 0.0:+{digits}}"  # no -0.000


def _share(value: float) -> str:
    return f"{value:g}".removeprefix("0") if 0 < value < 1 else f"{value:g}"
