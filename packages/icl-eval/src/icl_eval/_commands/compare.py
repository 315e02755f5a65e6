"""``icl-eval compare``: runs beside other runs, or beside metrics that another implementation left."""

from __future__ import annotations

import json
import math
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from icl_data.foundation.command_line import DONE, FAILED, CommandFailed
from icl_data.foundation.paths import describe, user_path
from icl_data.foundation.printable import printable
from icl_eval._commands.output import figure_folder, files_together, say, why_not_written
from icl_eval._comparison.crossing import threshold_for
from icl_eval._comparison.measured import area_test, crossing_test
from icl_eval._comparison.power import LEVEL
from icl_eval._comparison.reading import BothSides, notes_on_means, read_sides
from icl_eval._comparison.rows import Compared, curve_rows, difference_rows, test_rows
from icl_eval._comparison.sides import chosen_metrics, pair
from icl_eval._comparison.text import difference_table, heading, sentences
from icl_eval._picture.names import conditions
from icl_eval._tables.files import write_csv
from icl_train.command_line import parse, show_table, shown_width

__all__ = ["compare"]

PROG = "icl-eval compare"
MOST_COLUMNS = 110  # of text: longer lines are hard to read


@dataclass(frozen=True)
class CompareCommand:
    """Hold runs against metrics of another implementation, or against other runs: a picture, differences, and tests
    whose unit is the run."""

    runs: Annotated[
        tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUNS [RUNS ...]", help_behavior_hint="")
    ] = ()
    """Folders with our runs, which differ in seeds alone."""
    beside: Annotated[
        tuple[Path, ...], tyro.conf.arg(name="with", metavar="FILE [FILE ...]", help_behavior_hint="")
    ] = ()
    """CSV files with columns step, metric and value, a seed each; or folders of runs."""
    metric: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME [NAME ...]", help_behavior_hint="")] = ()
    """What to compare: icl, iwl, another evaluation (its headline), SPLIT/METRIC, or a metric of training (loss);
    default: the headlines that both have."""
    threshold: float | None = None
    """Value whose passing is timed; default: .75 for accuracies, none for others. A loss passes it falling."""
    where: Annotated[tuple[str, ...], tyro.conf.arg(metavar="SETTING=VALUE ...", help_behavior_hint="")] = ()
    """Take the runs with these settings alone, of RUNS and of folders behind --with; of one setting, any of the
    values."""
    with_where: Annotated[tuple[str, ...], tyro.conf.arg(metavar="SETTING=VALUE ...", help_behavior_hint="")] = ()
    """Settings of the runs behind --with, over those of --where."""
    names: Annotated[tuple[str, str] | None, tyro.conf.arg(metavar="OURS THEIRS")] = None
    """What the two sides are called; default: the value in which they differ, or ours and theirs."""
    unfinished: bool = False
    """Take runs that have not reached their last step, too, as far as they are."""
    seed: int = 0
    """Of the random divisions (where there are more than 200,000) and of the simulated experiments."""
    out: Path | None = None
    """Folder for the files; default: the first of our runs' folders."""
    json: bool = False
    """Print tests and differences as JSON instead of the tables; nothing else goes to stdout."""

    def __post_init__(self) -> None:
        """ValueError for what no runs could make right."""
        if not self.runs:
            raise ValueError(f"RUNS must be one folder or more, got none (see {PROG} --help)")
        if not self.beside:
            raise ValueError(f"--with must be one CSV file or folder or more, got none (see {PROG} --help)")
        if self.threshold is not None and not math.isfinite(self.threshold):
            raise ValueError(f"--threshold must be a finite number, got {self.threshold}")
        if self.seed < 0:
            raise ValueError(f"--seed must not be negative, got {self.seed}")
        if self.names is not None and (len(set(self.names)) < 2 or not all(self.names)):
            raise ValueError(f"--names must be two different names, got {' and '.join(map(repr, self.names))}")


def compare(args: Sequence[str]) -> int:
    """Run the command; returns the exit code.

    Args:
        args: what follows ``compare``.
    """
    command = parse(CompareCommand, args, prog=PROG)
    roots = [user_path(root) for root in command.runs]
    out = figure_folder(command.out) if command.out else next((root for root in roots if root.is_dir()), roots[0])
    both = read_sides(
        roots,
        [user_path(path) for path in command.beside],
        where=conditions("--where", command.where),
        where_theirs=conditions("--with-where", command.with_where),
        names=command.names,
        unfinished=command.unfinished,
    )
    for line in both.skipped:
        print(printable(line), file=sys.stderr)
    compared = _compare(both, command)
    why = None if command.out else why_not_written(out / "compare.png")
    ends = (".png", ".pdf", ".svg", "_curves.csv", "_differences.csv", "_tests.csv")
    files = [] if why else [out / f"compare{end}" for end in ends]
    if why:
        say(PROG, f"nothing is drawn: {out} cannot be written to ({why}); --out FOLDER takes the files")
    else:
        _write(both, compared, files)
    if command.json:
        print(json.dumps(_as_json(both, compared), indent=1, allow_nan=False))
    else:
        _print(both, compared, files)
    return FAILED if why else DONE


def _compare(both: BothSides, command: CompareCommand) -> list[Compared]:
    compared = []
    for metric in chosen_metrics(both.ours, both.theirs, command.metric):
        threshold = threshold_for(metric, command.threshold)
        one = pair(both.ours, both.theirs, metric)
        for line in notes_on_means(one, both.ours, both.theirs):
            say(PROG, line)
        crossing = None if threshold is None else crossing_test(one, threshold, seed=command.seed)
        compared.append(Compared(one, area_test(one, seed=command.seed), crossing))
    return compared


def _write(both: BothSides, compared: Sequence[Compared], files: Sequence[Path]) -> None:
    from icl_eval._comparison.drawing import draw_comparison  # matplotlib is imported when there is something to draw

    try:
        files[0].parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandFailed(describe(error)) from error
    with files_together(files) as (*pictures, curves, differences, tests):
        draw_comparison(both.ours, both.theirs, compared, pictures)
        write_csv(curves, curve_rows(both.ours, both.theirs, compared))
        write_csv(differences, difference_rows(compared))
        write_csv(tests, test_rows(compared))


def _as_json(both: BothSides, compared: Sequence[Compared]) -> dict[str, Any]:
    return {
        "ours": {"name": both.ours.name, "runs": [member.name for member in both.ours.members]},
        "theirs": {"name": both.theirs.name, "runs": [member.name for member in both.theirs.members]},
        "differing": both.differing,
        "tests": test_rows(compared),
        "differences": difference_rows(compared),
    }


def _print(both: BothSides, compared: Sequence[Compared], files: Sequence[Path]) -> None:
    width = min(shown_width(), MOST_COLUMNS)
    if both.differing and len(both.differing) > 1:
        told = "; ".join(f"{name} {first} / {second}" for name, (first, second) in both.differing.items())
        print(textwrap.fill(printable(f"The sides differ in several settings: {told}."), width), end="\n\n")
    for one in compared:
        print("\n".join(textwrap.fill(line, width) for line in heading(both.ours, both.theirs, one)))
        show_table(difference_table(both.ours, both.theirs, one))
        print()
        for sentence in sentences(both.ours, both.theirs, one):
            print(textwrap.fill(sentence, width), end="\n\n")
    rows = [row for row in test_rows(compared) if row["p"] is not None]
    tests = len(rows)
    if tests > 1 and any(row["smallest_p"] < LEVEL for row in rows):  # else none can find anything
        said = f"{tests} tests, none corrected for the others: about 1 in 20 finds a difference where there is none."
        print(textwrap.fill(said, width), end="\n\n")
    for file in files:
        print(printable(file))
