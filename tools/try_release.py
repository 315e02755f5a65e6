"""Try a package that was installed from its own source archive: its import, its commands, and the tests in the archive.

python tools/try_release.py PACKAGE FOLDER    in that environment; FOLDER has the archives in archives/
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

MODEL = "from icl_models import ModelConfig, build_model; print(build_model(ModelConfig(num_classes=9), seed=0))"
# What is done with each, in an empty folder; names of commands stand for those of this environment.
TRIED = {
    "icl-data": [["icl-data", "show", "bursty"], ["icl-data", "stats", "bursty", "--n", "100"]],
    "icl-models": [["icl-models", "plugins"], ["python", "-c", MODEL]],
    "icl-train": [["icl-train", "run", "smoke", "--name", "tried"], ["icl-train", "verify", "runs"]],
    "icl-eval": [["icl-train", "run", "smoke", "--name", "tried"], ["icl-eval", "table", "runs"]],
}


def run(command: list[str], folder: Path) -> str:
    """What a command of this environment prints.

    Raises:
        SystemExit: it fails; with what it says.
    """
    words = [str(Path(sys.executable).with_name(command[0])), *command[1:]]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} must work, got exit code {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def main(package: str, folder: str) -> int:
    """Run the command; the exit code."""
    place = Path(folder).resolve()
    imported = Path(str(importlib.import_module(package.replace("-", "_")).__file__))
    if not imported.is_relative_to(Path(sys.prefix).resolve()):
        raise SystemExit(f"{package} must be imported from {sys.prefix}, got {imported}")
    away = place / "away"
    away.mkdir()
    if (told := run([package, "--version"], away)) != (expected := f"{package} {version(package)}\n"):
        raise SystemExit(f"{package} --version must print {expected!r}, got {told!r}")
    for command in ([package, "--help"], *TRIED[package]):
        run(command, away)
    (archive,) = (place / "archives").glob(f"{package.replace('-', '_')}-*.tar.gz")
    with tarfile.open(archive) as file:
        file.extractall(place / "unpacked", filter="data")
    (unpacked,) = (place / "unpacked").iterdir()
    collect = ["python", "-m", "pytest", "--import-mode=importlib", "--collect-only", "-q", "-p", "no:cacheprovider"]
    told = run([*collect, "tests"], unpacked).strip().splitlines()[-1]
    print(f"{package} {version(package)}: {len(TRIED[package]) + 2} commands; {told}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
