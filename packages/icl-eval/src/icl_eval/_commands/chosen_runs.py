"""Which runs, and which of their checkpoints, a command is about: one of several that cannot be used is passed over."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from pathlib import Path

from icl_data.foundation.command_line import CommandFailed
from icl_data.foundation.paths import user_path
from icl_eval._runs import each_once, require_checkpoints
from icl_train import RunError, RunFolder, find_runs

__all__ = ["chosen_runs", "chosen_steps", "require_one"]


def chosen_runs(paths: Sequence[Path], skip: Callable[[Path, object], None]) -> list[RunFolder]:
    """The runs at or below ``paths``, each once. The only path must lead to one.

    Args:
        paths: run folders, or folders above some.
        skip: called with each folder that is passed over, and the reason.

    Raises:
        RunError: if one of them is not there, or the only one is no run and has none below it.
    """
    found: list[RunFolder] = []
    several = len(paths) > 1
    for path in map(user_path, paths):
        if path.is_file() and several:
            skip(path, "not a folder")
        elif not path.is_dir() or (path / "config.json").is_file():
            found += _opened(path, skip, several=several and path.exists())
        else:
            runs, broken = find_runs(path)
            found += runs
            for folder, reason in broken:
                skip(folder, reason)
            if not runs and not broken:
                found += _opened(path, skip, several=several)
    return each_once(found)


def chosen_steps(
    runs: Iterable[RunFolder], of_run: Callable[[RunFolder], list[int]], skip: Callable[[Path, object], None]
) -> list[tuple[RunFolder, list[int]]]:
    """The runs that can be measured, each with the checkpoints that are asked for.

    Args:
        runs: the runs; the only one must have them.
        of_run: the checkpoints asked for.
        skip: called with each run that is passed over, and the reason.

    Raises:
        RunError: if the only run does not have the checkpoints.
    """
    runs = list(runs)
    usable = []
    for run in runs:
        steps = of_run(run)
        try:
            if run.unusable and len(runs) > 1:  # a single one says so itself
                raise RunError(run.unusable)
            if not run.unusable:
                require_checkpoints(run, steps)
        except RunError as error:
            if len(runs) == 1:
                raise
            skip(run.path, error)
        else:
            usable.append((run, steps))
    return usable


def require_one(found: Collection[object], what: str) -> None:
    """CommandFailed where nothing of ``what`` is left."""
    if not found:
        raise CommandFailed(f"none of the runs can be {what}; the lines above say why")


def _opened(path: Path, skip: Callable[[Path, object], None], *, several: bool) -> list[RunFolder]:
    try:
        return [RunFolder.open(path)]
    except RunError as error:
        if not several:
            raise
        skip(path, error)
        return []
