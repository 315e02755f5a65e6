"""Runs to damage, the damages, and every command on a damaged copy: what it printed and what it left."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tiny_runs import train

_SECONDS = 120  # for one command; they take about one


@dataclass(frozen=True)
class Damage:
    """A flipped bit, or all from a byte on gone.

    Attributes:
        kind: flip or truncation.
        file: below the run's folder.
        place: number of the bit, or of the byte.
    """

    kind: str
    file: str
    place: int

    def apply(self, run: Path) -> None:
        """Damage the file."""
        content = bytearray((run / self.file).read_bytes())
        if self.kind == "flip":
            content[self.place // 8] ^= 1 << self.place % 8
        else:
            del content[self.place :]
        (run / self.file).write_bytes(content)


def damages(run: Path, *, flips: int, truncations: int, seed: int) -> list[Damage]:
    """So many damages, over all files of a run alike: each file has its share, however small it is."""
    random = np.random.default_rng(seed)
    files = sorted(path for path in run.rglob("*") if path.is_file() and path.stat().st_size)
    found = []
    for kind, number in (("flip", flips), ("truncation", truncations)):
        for count in range(number):
            file = files[count % len(files)]
            size = file.stat().st_size * (8 if kind == "flip" else 1)
            found.append(Damage(kind, str(file.relative_to(run)), int(random.integers(size))))
    return [found[place] for place in random.permutation(len(found))]


@dataclass(frozen=True)
class Told:
    """What a command has done: its exit code (None: a traceback), what it printed, and what it left."""

    code: int | None
    out: str
    err: str
    result: Any


def in_child(
    folder: Path, work: Callable[[], int | None], *, kill_after: float | None = None
) -> tuple[int | None, str, str]:
    """Run something in a forked child whose output goes to files; its exit code, None if it raised or crashed.

    Args:
        folder: for the output.
        work: what is run.
        kill_after: seconds after which it is killed.
    """
    out, err = folder / "out", folder / "err"
    child = os.fork()
    if child == 0:
        code = 99
        try:
            os.setpgid(0, 0)
            for number, file in ((1, out), (2, err)):
                os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            signal.alarm(_SECONDS)
            try:
                code = work() or 0
            except SystemExit as stop:
                code = stop.code if isinstance(stop.code, int) else 2
            except BaseException:
                traceback.print_exc()
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)
    if kill_after is not None:
        time.sleep(kill_after)
        os.kill(child, signal.SIGKILL)  # one that has ended waits to be asked how
    _, status = os.waitpid(child, 0)
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 99
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)
    return None if code == 99 else code, *(file.read_text(errors="replace") for file in (out, err))


def icl_train(*args: object) -> int:
    """The command, in this process."""
    from icl_train._commands.main import main

    sys.argv = ["icl-train", *map(str, args)]
    return main()


def icl_eval(*args: object) -> int:
    """The command, in this process."""
    from icl_eval._commands.main import main

    sys.argv = ["icl-eval", *map(str, args)]
    return main()


@dataclass(frozen=True)
class Scene:
    """Runs below one root, of which `name` is damaged.

    Attributes:
        name: what the scene is called.
        origin: the folder, whole.
        healthy: the run beside it.
    """

    name: str
    origin: Path
    healthy: str = "second"
    damaged: str = "first"


def scenes(folder: Path) -> list[Scene]:
    """A finished run, one that was interrupted, and a sweep of which the first run is damaged."""
    finished = folder / "finished"
    train(finished, "first")
    train(finished, "second", "--seeds.init", 1)
    interrupted = folder / "interrupted"
    shutil.copytree(finished, interrupted)
    # As a kill after the last checkpoint but one leaves it: records go a little further than the checkpoint.
    cut = interrupted / "first"
    (cut / "DONE").unlink()
    shutil.rmtree(cut / "checkpoints" / "step_0000020")
    lines = (cut / "metrics.jsonl").read_bytes().splitlines(keepends=True)
    kept = [line for line in lines if json.loads(line)["step"] < 20]
    (cut / "metrics.jsonl").write_bytes(b"".join(kept))
    return [Scene("finished", finished), Scene("interrupted", interrupted)]


def commands_on(root: Path, run: Path) -> dict[str, Callable[[], int | None]]:
    out = root.parent / "results"

    def load_runs() -> None:
        from icl_eval import load_runs

        table = load_runs(root, metrics="all", unfinished=True)
        print("\n".join(table.attrs["skipped"]), file=sys.stderr)
        out.mkdir()
        table.astype(str).to_csv(out / "runs.csv")

    return {
        "resume": lambda: icl_train("resume", run),
        "status": lambda: icl_train("status", root, "--json"),
        "figure3a": lambda: icl_eval("figure3a", root, "--out", out, "--unfinished"),
        "load_runs": load_runs,
        "evaluate": lambda: icl_eval("evaluate", run, "--out", out.with_name("results.csv")),
        "evaluate all": lambda: icl_eval("evaluate", root, "--out", out.with_name("results.csv")),
        "verify": lambda: icl_train("verify", run),
    }


COMMANDS = ("resume", "status", "figure3a", "load_runs", "evaluate", "evaluate all", "verify")


def run_command(scene: Scene, damage: Damage | None, command: str, folder: Path) -> Told:
    """Run one command on a copy of a scene."""
    root = folder / "runs"
    for path in (root, folder / "results", folder / "results.csv"):
        shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
    shutil.copytree(scene.origin, root)
    run = root / scene.damaged
    if damage is not None:
        damage.apply(run)
    before = _contents(run)
    work = commands_on(root, run)[command]
    code, out, err = in_child(folder, work)
    if command == "resume" and _contents(run) == before:
        return Told(code, out, err, "nothing is changed")
    return Told(code, out, err, _result(command, folder, run, out))


def _contents(run: Path) -> dict[str, bytes]:
    files = (path for path in run.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(run)): path.read_bytes() for path in files}


def _result(command: str, folder: Path, run: Path, out: str) -> Any:
    """What a command leaves, without what a clock decides."""
    if command == "resume":
        return what_is_trained(run)
    if command == "status":
        try:
            return json.loads(out)["runs"]
        except (ValueError, KeyError, TypeError):
            return None
    if command in ("evaluate", "evaluate all"):
        file = folder / "results.csv"
        return file.read_text() if file.is_file() else None
    if command == "verify":
        return out
    return {path.name: path.read_bytes() for path in sorted((folder / "results").glob("*.csv"))}


def what_is_trained(run: Path) -> Any:
    """Weights and optimiser state byte for byte, records without what a clock decides, and whether it is done."""
    last = run / "checkpoints" / "step_0000020"
    files = {path.name: path.read_bytes() for path in sorted(last.glob("*.safetensors"))}
    return files, _records(run / "metrics.jsonl"), (run / "DONE").exists()


def _records(file: Path) -> list[Any]:
    def plain(line: str) -> Any:
        try:
            record = json.loads(line)
            return {name: value for name, value in record.items() if name not in ("sequences_per_second", "crc32")}
        except (ValueError, AttributeError):
            return line

    return [plain(line) for line in file.read_text(errors="replace").splitlines()] if file.is_file() else []
