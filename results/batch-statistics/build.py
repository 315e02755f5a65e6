"""Make this page's files and tables of runs with 1,600 classes that differ in batch norm's groups, finished or not.

    python results/batch-statistics/build.py [RUNS ...]

Runs that the page has already stay, unless those below RUNS have come further. Other runs below RUNS, and broken
folders, are named and passed over.
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
CLASSES, ALL_TOGETHER = 1600, 32
PICTURES = {"accuracies": ("icl", "iwl"), "controls": ("novel_label", "flipped/accuracy_both", "train/accuracy_query")}


def compare(out: Path, runs: list[Figure3Run]) -> bool:
    """Whether every smaller group could be held against all sequences together; of those without runs, nothing is.

    `icl-eval compare` holds no runs against others that differ in more than seeds among themselves, as in length. Such
    a group is named, and what the page has of it stays.
    """
    by_group = {one.statistics: [other for other in runs if other.statistics == one.statistics] for one in runs}
    whole = by_group.pop(ALL_TOGETHER, [])
    folders = {out / f"{group}-against-all": own for group, own in by_group.items() if whole}
    done = True
    for folder, own in folders.items():
        if not compared(folder, own, whole, [f"groups of {side[0].statistics}" for side in (own, whole)]):
            stays = "what the page has of it stays" if folder.exists() else "the page has nothing of it"
            told = f"groups of {own[0].statistics} could not be held against groups of {ALL_TOGETHER}: {stays}"
            print(told, file=sys.stderr)
            done = False
    for folder in set(out.glob("*-against-all")) - folders.keys():  # of runs that are no longer there
        shutil.rmtree(folder)
    return done


def make(chosen: argparse.Namespace) -> int:
    """The files of the page; the exit code."""
    with runs_of_figure3(chosen, ["omniglot28"]) as found:
        runs = [one for one in found if one.classes == CLASSES]
        if not runs:
            said = f"there must be runs with {CLASSES} classes of 28 x 28, got none"
            print(f"{HERE.name}/build.py: {said}", file=sys.stderr)
            return 1
        chosen.out.mkdir(parents=True, exist_ok=True)
        done = compare(chosen.out, runs)
        build(chosen.out, runs)
    done &= draw_kept(chosen.out, PICTURES, "--hue", STATISTICS)
    return 0 if done else 1


def main(args: list[str]) -> int:
    """Run the command; the exit code."""
    return made(make, arguments(HERE, (__doc__ or "").split("\n")[0]).parse_args(args), HERE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
