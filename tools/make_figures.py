"""Train, draw and judge the experiments of some papers at laptop scale, into one folder.

python tools/make_figures.py chan2022 figures-runs        figures 2 to 7 of Chan et al. 2022, and experiments of plugins
python tools/make_figures.py followups followups-runs     Reddy 2023, Singh et al. 2023, 2024 and 2025

Training stops after an hour, and the same command goes on. Exit code 1 if a claim does not hold, or training failed;
one whose runs are missing cannot be judged yet. `docs/figures/build.py` makes its page of such folders.
"""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

MINUTES = 60  # on two cores
FOLLOWUPS = ("reddy2023", "singh2023", "singh2024", "singh2025")


def command(*words: object) -> list[str]:
    """A command of this Python's environment, said as it begins."""
    print(f"$ {shlex.join(map(str, words))}", flush=True)
    name, *args = map(str, words)
    return [str(Path(sysconfig.get_path("scripts")) / name), *args]


def trained_until(until: float, *words: object) -> bool:
    """Whether a command has ended well by then; else it is asked to end, as by Ctrl+C.

    Raises:
        subprocess.CalledProcessError: if it failed.
    """
    if time.monotonic() >= until:
        return False
    process = subprocess.Popen(command(*words))
    try:
        code = process.wait(timeout=until - time.monotonic())
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGTERM)
        process.wait()
        return False
    if code:
        raise subprocess.CalledProcessError(code, process.args)
    return True


def make(papers: str, folder: Path) -> int:
    """All of it; the exit code.

    Args:
        papers: chan2022 or followups.
        folder: that runs, pictures and claims.json are made in.
    """
    runs = folder / "runs"  # one folder for all: what two experiments share is trained once
    until = time.monotonic() + 60 * MINUTES
    listed = subprocess.check_output(command("icl-train", "experiments", "--json", "--no-time"))
    for experiment in json.loads(listed):
        name = experiment["name"]
        if "laptop" not in experiment["scales"] or name.startswith(FOLLOWUPS) != (papers == "followups"):
            continue
        trained = trained_until(until, "icl-train", "sweep", name, "--scale", "laptop", "--root", runs)
        if not trained:
            print(f"{name} is not all trained after {MINUTES} minutes: the same command goes on", file=sys.stderr)
        # Runs that another experiment has trained have its names.
        if trained or any((runs / run / "DONE").exists() for run in experiment["scales"]["laptop"]["runs"]):
            for figure in experiment["figures"]:
                chosen = ("--experiment", name, "--scale", "laptop", "--out", folder / name)
                subprocess.run(command("icl-eval", figure, runs, *chosen), check=True)
    told = subprocess.run(command("icl-eval", "claims", runs, "--json"), stdout=subprocess.PIPE, check=False).stdout
    if told:  # some may not hold
        (folder / "claims.json").write_bytes(told)
    return subprocess.run(command("icl-eval", "claims", runs), check=False).returncode


def main(args: list[str]) -> int:
    """Run the command; the exit code."""
    if len(args) != 2 or args[0] not in ("chan2022", "followups"):
        print(__doc__, file=sys.stderr)
        return 2
    try:
        return make(args[0], Path(args[1]))
    except subprocess.CalledProcessError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
