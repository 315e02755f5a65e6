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
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
from damaged_runs import (
    COMMANDS,
    Damage,
    Scene,
    Told,
    commands_on,
    damages,
    icl_train,
    in_child,
    run_command,
    scenes,
    what_is_trained,
)
from tiny_runs import SMOKE

Counted = tuple[list[dict[str, Any]], list[str]]
NOT_COVERED = ("progress.txt",)  # what people read, which no command does
OUTCOMES = ("harmless", "named", "silent", "traceback", "hidden")


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
