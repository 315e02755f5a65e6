"""Every file of a real run is damaged, a bit or an end at a time, and every command is asked to go on with it.

What a command then does is one of: `harmless`, the result is what it is without damage, weights and tables byte for
byte; `named`, another result, and a line or an exit code that says so of this run; `silent`, another result and no word
of it; `traceback`; `hidden`, a healthy run beside it is no longer there.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tiny_runs import SMOKE, train

Counted = tuple[list[dict[str, Any]], list[str]]
NOT_COVERED = ("progress.txt",)  # what people read, which no command does
OUTCOMES = ("harmless", "named", "silent", "traceback", "hidden")
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


def judge(command: str, scene: Scene, damage: Damage, told: Told, whole: Told) -> str:
    """Which of `OUTCOMES` it is."""
    if told.code is None or "Traceback (most recent" in told.err:
        return "traceback"
    if command in ("status", "load_runs", "figure3a", "evaluate all") and not _shows(scene.healthy, command, told):
        return "hidden"
    if command == "verify":
        if told.code == 1 and _says_more(told, whole):
            return "named"
        return "harmless" if damage.file in NOT_COVERED else "silent"
    if (told.code, told.result) == (whole.code, whole.result):
        return "harmless"
    if command == "resume" and told.code == 0 and told.result[0] != _weights(scene, whole):
        return "silent"  # whatever it has said: it has trained on something else
    words = told.err + told.out
    names_it = re.search(rf"\b{re.escape(scene.damaged)}\b", words) is not None
    if told.code != whole.code and words.strip():
        return "named"
    return "named" if names_it and _says_more(told, whole) else "silent"


def _weights(scene: Scene, whole: Told) -> Any:
    """The weights that a run of this scene must end with."""
    return whole.result[0] if scene.name == "interrupted" else what_is_trained(scene.origin / scene.damaged)[0]


def _says_more(told: Told, whole: Told) -> bool:
    """Whether there is a line that names what is wrong, which the command does not print of a whole run."""
    said = set(whole.err.splitlines()) | set(whole.out.splitlines())
    lines = [line for line in (*told.err.splitlines(), *told.out.splitlines()) if line not in said]
    return any(re.search(r"skipped|damage|cannot|must |unreadable|left out|without|not as", line) for line in lines)


def _shows(healthy: str, command: str, told: Told) -> bool:
    if command == "status":
        return any(row.get("name") == healthy or healthy in row.get("path", "") for row in told.result or ())
    text = told.result if isinstance(told.result, str) else b"".join((told.result or {}).values()).decode()
    return bool(text and healthy in text)


def import_what_is_needed(scene: Scene, folder: Path, commands: Sequence[str]) -> None:
    """Import here what a child imports for these commands, so that every child begins with it."""
    names = folder / "imported"

    def tell(command: str) -> Callable[[], int | None]:
        def work() -> int | None:
            try:
                return commands_on(folder / "runs", folder / "runs" / scene.damaged)[command]()
            finally:
                names.write_text("\n".join(name for name in sys.modules if not name.startswith("_")))

        return work

    for command in commands:
        shutil.rmtree(folder / "runs", ignore_errors=True)
        shutil.copytree(scene.origin, folder / "runs")
        in_child(folder, tell(command))
        for name in names.read_text().splitlines():
            with suppress(Exception):  # modules that made themselves known under other names
                importlib.import_module(name)
        shutil.rmtree(folder / "results", ignore_errors=True)
    with suppress(FileNotFoundError):
        (folder / "results.csv").unlink()


def damage_campaign(
    scene_name: str, folder: Path, tell: Callable[[Counted], None], *, flips: int, truncations: int, seed: int
) -> None:
    """Damage a scene's run so many times.

    Args:
        scene_name: finished or interrupted.
        folder: for the copies.
        tell: is given counts by kind and command, and what was not as promised, after each damage.
        flips, truncations: how many damages.
        seed: of the damages.
    """
    commands: Sequence[str] = COMMANDS
    (scene,) = (scene for scene in scenes(folder / "origin") if scene.name == scene_name)
    faults = []
    place = folder / scene.name
    place.mkdir()
    import_what_is_needed(scene, place, commands)
    whole = {command: run_command(scene, None, command, place) for command in commands}
    again = {command: run_command(scene, None, command, place) for command in commands}
    for command in commands:  # or nothing could be told from a difference
        assert (whole[command].code, whole[command].result) == (again[command].code, again[command].result), command
    if whole["verify"].code == 2:
        commands = [command for command in commands if command != "verify"]
    counts: dict[tuple[str, str], dict[str, int]] = {}
    for damage in damages(scene.origin / scene.damaged, flips=flips, truncations=truncations, seed=seed):
        resumed = ""
        for command in commands:
            told = run_command(scene, damage, command, place)
            outcome = judge(command, scene, damage, told, whole[command])
            resumed = outcome if command == "resume" else resumed
            # The end of the records of a run that was interrupted may be cut off as a kill cuts it off: all is written
            # again, as `resume` has shown.
            if command == "verify" and outcome == "silent" and scene.name == "interrupted" and resumed == "harmless":
                outcome = "harmless"
            count = counts.setdefault((damage.kind, command), dict.fromkeys(OUTCOMES, 0))
            count[outcome] += 1
            if outcome in ("silent", "traceback", "hidden"):
                last = (told.err.strip().splitlines() or [""])[-1][:200]
                faults.append(f"{outcome}: {scene.name} {command}, {damage}: {last}")
        rows = [
            {"run": scene.name, "damage": kind, "command": command, "tried": sum(count.values()), **count}
            for (kind, command), count in counts.items()
        ]
        tell((rows, faults))


def kill_campaign(folder: Path, tell: Callable[[Counted], None], *, kills: int, seed: int) -> None:
    """Kill trainings at moments that nobody chose, some of them again when they go on, and let each come to its end.

    Args:
        folder, tell, seed: as above.
        kills: how many trainings.
    """
    random = np.random.default_rng(seed)
    scene = scenes(folder / "origin")[1]
    import_what_is_needed(scene, folder, ["resume"])
    root = folder / "runs"

    def start(name: str) -> Callable[[], int]:
        return lambda: icl_train(*SMOKE, "--root", root, "--name", name)

    shutil.rmtree(root)
    began = time.monotonic()
    code, _, complaint = in_child(folder, start("whole"))
    assert code == 0, complaint
    seconds = time.monotonic() - began
    whole = what_is_trained(root / "whole")
    counts = dict.fromkeys(("same", "differs", "refused"), 0)
    faults = []
    for number in range(kills):
        run, moments = root / f"killed{number}", []
        while not moments or random.random() < 0.5:
            moments.append(round(float(random.uniform(0, seconds)), 4))
            go_on = start(run.name) if not run.exists() else lambda run=run: icl_train("resume", run)
            in_child(folder, go_on, kill_after=moments[-1])
        go_on = start(run.name) if not run.exists() else lambda run=run: icl_train("resume", run)
        code, _, complaint = in_child(folder, go_on)
        outcome = "refused" if code != 0 else "same" if what_is_trained(run) == whole else "differs"
        counts[outcome] += 1
        if outcome != "same":
            faults.append(f"{outcome}: killed after {moments} seconds: {complaint.strip()[-200:]}")
        shutil.rmtree(run)
        tell(([{"seconds": round(seconds, 1), "kills": number + 1, **counts}], faults))


def in_memory() -> tempfile.TemporaryDirectory[str]:
    """A folder that is gone afterwards."""
    return tempfile.TemporaryDirectory(prefix="faults-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None)


def main(args: Sequence[str]) -> int:
    """finished|interrupted FLIPS TRUNCATIONS SEED FILE, or killed KILLS SEED FILE: counts and faults as JSON."""
    scene, *numbers, file = args

    def tell(counted: Counted) -> None:
        rows, faults = counted
        Path(file).write_text(json.dumps({"rows": rows, "faults": faults}))

    with in_memory() as folder:
        if scene == "killed":
            kills, seed = map(int, numbers)
            kill_campaign(Path(folder), tell, kills=kills, seed=seed)
        else:
            flips, truncations, seed = map(int, numbers)
            damage_campaign(scene, Path(folder), tell, flips=flips, truncations=truncations, seed=seed)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
