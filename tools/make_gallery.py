"""Train, draw and judge the experiments at laptop scale in one folder, and take what is finished into docs/gallery and
docs/report.html.

    python tools/make_gallery.py gallery-runs                     all of them
    python tools/make_gallery.py gallery-runs --part chan2022     figures 2 to 7 of Chan et al. 2022, those of plugins
    python tools/make_gallery.py gallery-runs --part followups    Reddy 2023, Singh et al. 2023, 2024 and 2025

Training stops when its time is up, and the same command goes on. Exit code 1 if a claim does not hold, or training
failed; one whose runs are missing cannot be judged yet. A part leaves the pages as they are.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

from training import MINUTES, command, minutes, trained_until

from icl_data.foundation.whole_file import whole_file

BUILD = Path(__file__).parents[1] / "docs" / "gallery" / "build.py"
REPORT = Path(__file__).with_name("make_report.py")
FOLLOWUPS = ("reddy2023", "singh2023", "singh2024", "singh2025")


def make(part: str, folder: Path, most: float) -> int:
    """Train, draw and judge; the exit code.

    Args:
        part: chan2022, followups, or all.
        folder: that runs, pictures and claims.json are made in.
        most: minutes of training.
    """
    runs = folder / "runs"  # one folder for all: what two experiments share is trained once
    until = time.monotonic() + 60 * most
    listed = subprocess.check_output(command("icl-train", "experiments", "--json", "--no-time"))
    for experiment in json.loads(listed):
        name = experiment["name"]
        is_of_part = part == "all" or name.startswith(FOLLOWUPS) == (part == "followups")
        if "laptop" not in experiment["scales"] or not is_of_part:
            continue
        trained = trained_until(until, "icl-train", "sweep", name, "--scale", "laptop", "--root", runs)
        if not trained:
            print(f"{name} is not all trained after {most:g} minutes: the same command goes on", file=sys.stderr)
        # Runs that another experiment has trained have its names.
        if trained or any((runs / run / "DONE").exists() for run in experiment["scales"]["laptop"]["runs"]):
            for figure in experiment["figures"]:
                chosen = ("--experiment", name, "--scale", "laptop", "--out", folder / name)
                subprocess.run(command("icl-eval", figure, runs, *chosen), check=True)
    if not any(runs.glob("*/DONE")):
        print("no run is finished yet: there is nothing to judge", file=sys.stderr)
        return 0
    judged = subprocess.run(command("icl-eval", "claims", runs, "--json"), stdout=subprocess.PIPE, check=False)
    if judged.returncode not in (0, 1) or not judged.stdout:  # claims that do not hold are 1 as well
        print("the claims could not be judged: the pages stay as they are", file=sys.stderr)
        return judged.returncode or 1
    with whole_file(folder / "claims.json") as beside:
        beside.write_bytes(judged.stdout)
    held = subprocess.run(command("icl-eval", "claims", runs), check=False).returncode
    if part == "all":
        subprocess.run([sys.executable, str(BUILD), str(folder)], check=True)
        subprocess.run([sys.executable, str(REPORT), str(runs)], check=True)
    return held


def main(args: list[str]) -> int:
    """Run the command; the exit code."""
    parser = argparse.ArgumentParser(
        prog="make_gallery.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, default=Path("gallery-runs"), help="for runs and pictures")
    parser.add_argument("--part", choices=["all", "chan2022", "followups"], default="all", help="which experiments")
    parser.add_argument("--minutes", type=minutes, default=MINUTES, help="of training, at most")
    chosen = parser.parse_args(args)
    try:
        return make(chosen.part, chosen.folder, chosen.minutes)
    except subprocess.CalledProcessError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
