"""Make this page's files and tables of runs of 1,600 classes that differ from figure 3's in one setting.

    python results/suspects/build.py [RUNS ...]

The run of figure 3 that each is held against, of the same seed and groups, is taken from the page about batch
statistics if it is not below RUNS. Runs that the page has already stay, unless those below RUNS have come further.
Other runs below RUNS, and broken folders, are named and passed over.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from figure3_runs import Changes, Figure3Run, runs_of_figure3
from page import arguments, build, compared, made

HERE = Path(__file__).parent
CLASSES = 1600
UNCHANGED = "unchanged"
CHANGES: Changes = {
    UNCHANGED: {},
    "released-sequences": {"data.protocol": "released"},
    "reversed-drawings": {"data.source": "reversed_drawings:omniglot28", "data.downsample": False},
    "antialiased-drawings": {"data.source": "antialiased_drawings:omniglot28", "data.downsample": False},
}


def of_one_change(found: list[Figure3Run]) -> Mapping[str, list[Figure3Run]]:
    """The changed runs, and those without a change that they are held against, by change."""
    own = [one for one in found if one.classes == CLASSES]
    places = {place_of(one) for one in own if one.change != UNCHANGED}
    return {change: [one for one in own if one.change == change and place_of(one) in places] for change in CHANGES}


def place_of(one: Figure3Run) -> tuple[int | None, int]:
    """What a changed run has in common with the one that it is held against: groups and seed."""
    return one.statistics, one.seed


def compare(out: Path, runs: Mapping[str, list[Figure3Run]]) -> bool:
    """Whether every change could be held against such runs without one; of changes without runs, nothing is."""
    done = True
    for change in [change for change in CHANGES if change != UNCHANGED]:
        if not runs[change]:
            shutil.rmtree(out / change, ignore_errors=True)
            continue
        places = set(map(place_of, runs[change]))
        beside = [one for one in runs[UNCHANGED] if place_of(one) in places]
        if not compared(out / change, runs[change], beside, [change.replace("-", " "), "as in figure 3"]):
            print(f"{change} could not be held against figure 3: what the page has of it stays", file=sys.stderr)
            done = False
    return done


def make(chosen: argparse.Namespace) -> int:
    """The files of the page; the exit code."""
    with runs_of_figure3(chosen, ["omniglot28"], CHANGES, [HERE.parent / "batch-statistics"]) as found:
        runs = of_one_change(found)
        places = {place_of(one) for own in runs.values() for one in own}
        missing = places - set(map(place_of, runs[UNCHANGED]))
        if missing or not places:
            said = f"there must be runs with {CLASSES} classes of 28 x 28 and one change, got none"
            if missing:
                groups, seed = min(missing, key=str)
                said = f"a run without a change must be there, got none with groups of {groups} and seed {seed}"
            print(f"{HERE.name}/build.py: {said}", file=sys.stderr)
            return 1
        chosen.out.mkdir(parents=True, exist_ok=True)
        done = compare(chosen.out, runs)
        build(chosen.out, [one for own in runs.values() for one in own])
    return 0 if done else 1


def main(args: list[str]) -> int:
    """Run the command; the exit code."""
    return made(make, arguments(HERE, (__doc__ or "").split("\n")[0]).parse_args(args), HERE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
