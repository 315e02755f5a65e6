"""Make this page's files and tables of runs of the experiment figure3, finished or not.

    python results/figure3a/build.py [RUNS ...]

Runs that the page has already stay, unless those below RUNS have come further. Other runs below RUNS, and broken
folders, are named and passed over. Runs are taken whose batch statistics are over as
many sequences as those of other class counts; while there is but one class count, all are.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2] / "tools"))
sys.path.insert(0, str(Path(__file__).parents[1]))

from figure3_runs import Figure3Run, runs_of_figure3
from page import arguments, build, draw_into, made
from recorded_runs import write_rows

from icl_eval import published

HERE = Path(__file__).parent
MEASURES = {"icl": "fewshot_holdout", "iwl": "no_support_zipfian"}


def about_classes(runs: list[Figure3Run]) -> list[Figure3Run]:
    """Those of the groups of batch statistics that have several class counts; all, if none has."""
    counts = {one.statistics: {other.classes for other in runs if other.statistics == one.statistics} for one in runs}
    return [one for one in runs if len(counts[one.statistics]) > 1] or runs


def papers(runs: list[Figure3Run]) -> list[dict[str, object]]:
    """What the paper has for these class counts, on its own images."""
    rows = []
    for one in {one.classes: one for one in runs}.values():
        config = replace(one.run.config, data=replace(one.run.config.data, downsample=False))
        for name, split in MEASURES.items():
            points = published("figure3", config, split)
            rows += [{"classes": one.classes, "measure": name, "step": step, "value": value} for step, value in points]
    return rows


def make(chosen: argparse.Namespace) -> int:
    """The files of the page; the exit code."""
    with runs_of_figure3(chosen, chosen.scale) as found:
        runs = about_classes(found)
        if not runs:
            print(f"{HERE.name}/build.py: there must be runs of figure3 below the folders, got none", file=sys.stderr)
            return 1
        chosen.out.mkdir(parents=True, exist_ok=True)
        if rows := papers(runs):
            write_rows(chosen.out / "paper.csv", rows)
        folders = [one.run.path for one in runs]
        drawn = [draw_into(chosen.out, name, name, *folders, "--unfinished") for name in ("figure3a", "figure3b")]
        build(chosen.out, runs)
    return 0 if all(drawn) else 1


def main(args: list[str]) -> int:
    """Run the command; the exit code."""
    return made(make, arguments(HERE, (__doc__ or "").split("\n")[0], has_scales=True).parse_args(args), HERE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
