"""Train figure 3a, a seed of all its class counts after another, and make what results/figure3a has of it.

    python tools/make_figure3a.py --scale omniglot28 --minutes 60 [option of icl-train sweep ...]

Omniglot is fetched where it is not there yet, unless `--data.omniglot` names its folder. Training stops when its time
is up, and the same command goes on. Pictures and tables are made of the runs as far as they are: at the scales with
images in results/figure3a, at laptop scale below the runs' folder.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path

from training import MINUTES, command, minutes, trained_until

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "results" / "figure3a"


def arguments(args: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """The options, and those that are passed on to the sweep."""
    parser = argparse.ArgumentParser(
        prog="make_figure3a.py",
        description=__doc__.split("\n")[0],
        epilog="Others are passed on to icl-train sweep.",
        allow_abbrev=False,
    )
    parser.add_argument("--scale", default="omniglot28", choices=["omniglot28", "paper", "laptop"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0], help="of weights and data")
    parser.add_argument("--minutes", type=minutes, default=MINUTES, help="of training, at most")
    parser.add_argument("--root", type=Path, default=Path("figure3a-runs"), help="folder with the runs")
    parser.add_argument("--out", type=Path, help="folder for pictures and tables")
    chosen, others = parser.parse_known_args(args)
    chosen.out = chosen.out or (PAGE if chosen.scale != "laptop" else chosen.root / "figure3a")
    return chosen, others


def have_images() -> bool:
    """Whether Omniglot is in its own folder, fetched if it was not; zips that are there are taken as they are."""
    if subprocess.run(command("icl-data", "omniglot", "where"), capture_output=True, check=False).returncode == 0:
        return True
    return subprocess.run(command("icl-data", "omniglot", "fetch"), check=False).returncode == 0


def main(args: list[str]) -> int:
    """Run the command; the exit code."""
    chosen, others = arguments(args)
    named = any(word.split("=")[0] == "--data.omniglot" for word in others)
    if chosen.scale != "laptop" and not named and not have_images():
        return 1
    until = time.monotonic() + 60 * chosen.minutes
    sweep = ("icl-train", "sweep", "figure3", "--scale", chosen.scale, "--root", chosen.root, *others)
    try:
        for seed in chosen.seeds:
            if not trained_until(until, *sweep, "--run-seeds", seed):
                said = f"seed {seed} is not all trained after {chosen.minutes:g} minutes: the same command goes on"
                print(said, file=sys.stderr)
                break
    except subprocess.CalledProcessError as error:
        print(error, file=sys.stderr)
        return 1
    build = [str(PAGE / "build.py"), str(chosen.root), "--scale", chosen.scale, "--out", str(chosen.out)]
    return subprocess.run([sys.executable, *build], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
