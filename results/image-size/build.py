"""Make this page's files and tables of runs of 1,600 classes on images of two sizes, in groups of 2 and all together.

    python results/image-size/build.py [RUNS ...]

Runs of figure 3 that are not below RUNS are taken from the pages about figure 3a and batch statistics. Runs that this
page has already stay, unless those below RUNS have come further. Other runs below RUNS, and broken folders, are named
and passed over.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from figure3_runs import STATISTICS, Figure3Run, runs_of_figure3
from page import arguments, build, compared, draw_kept, made

HERE = Path(__file__).parent
CLASSES = 1600
GROUPS = {2: "groups-of-2", 32: "all-together"}
AT_PAPER = "at-105x105"  # the groups held against each other, on large images
PAPER, SMALL = "paper", "omniglot28"
DRAWN = {"accuracies": ("icl", "iwl"), "controls": ("novel_label", "flipped/accuracy_both", "train/accuracy_query")}


def of_both_sizes(found: list[Figure3Run]) -> dict[int, dict[str, list[Figure3Run]]]:
    """Runs by groups and scale, of the groups that have been trained at both sizes."""
    by: dict[int, dict[str, list[Figure3Run]]] = {groups: {PAPER: [], SMALL: []} for groups in GROUPS}
    for one in found:
        if one.classes == CLASSES and one.statistics in by:
            by[one.statistics][one.scale].append(one)
    return {groups: sides for groups, sides in by.items() if all(sides.values())}


def due(
    runs: dict[int, dict[str, list[Figure3Run]]],
) -> dict[str, tuple[list[Figure3Run], list[Figure3Run], list[str]]]:
    """Comparisons by folder, each with its two sides and what they are called: large images against small ones in each
    of the groups, and the groups at 105 x 105 if there are both, each with runs of both sizes.
    """
    found = {}
    for groups, sides in runs.items():
        names = [sides[scale][0].images for scale in (PAPER, SMALL)]
        found[GROUPS[groups]] = (sides[PAPER], sides[SMALL], names)
    if len(runs) == len(GROUPS):
        ours, theirs = (runs[groups][PAPER] for groups in GROUPS)
        found[AT_PAPER] = (ours, theirs, [name.replace("-", " ") for name in GROUPS.values()])
    return found


def compare(out: Path, runs: dict[int, dict[str, list[Figure3Run]]]) -> bool:
    """Whether all that is due could be held against each other. Folders of what is not due any more are removed."""
    wanted, done = due(runs), True
    for name in {*GROUPS.values(), AT_PAPER} - set(wanted):
        shutil.rmtree(out / name, ignore_errors=True)
    for name, (ours, theirs, names) in wanted.items():
        if not compared(out / name, ours, theirs, names):
            print(f"{name} could not be compared: what the page has of it stays", file=sys.stderr)
            done = False
    return done


def make(chosen: argparse.Namespace) -> int:
    """The files of the page; the exit code."""
    pages = [HERE.parent / "figure3a", HERE.parent / "batch-statistics"]
    with runs_of_figure3(chosen, [SMALL, PAPER], beside=pages) as found:
        runs = of_both_sizes(found)
        if not runs:
            said = f"there must be runs with {CLASSES} classes of both 28 x 28 and 105 x 105, got none"
            print(f"{HERE.name}/build.py: {said}", file=sys.stderr)
            return 1
        chosen.out.mkdir(parents=True, exist_ok=True)
        done = compare(chosen.out, runs)
        build(chosen.out, [one for sides in runs.values() for own in sides.values() for one in own])
    done &= draw_kept(chosen.out, DRAWN, "--hue", STATISTICS, "--col", "data.downsample")
    return 0 if done else 1


def main(args: list[str]) -> int:
    """Run the command; the exit code."""
    return made(make, arguments(HERE, (__doc__ or "").split("\n")[0]).parse_args(args), HERE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
