"""What lies in the place of a run's files: training writes into them, and must not write into somebody else's."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from icl_train._intact.checkpoints import CHECKPOINTS, is_checkpoint_name
from icl_train._intact.errors import RunUnreadable

__all__ = ["require_own_places", "strange_places"]

_FILES = (
    "config.json",
    "classes.json",
    "metrics.jsonl",
    "progress.txt",
    "initial.safetensors",
    "other_*.safetensors",
    "DONE",
    "FAILED",
    "heartbeat.json",
    ".heartbeat.json.writing",
    "job.json",
    "log.txt",
    ".lock",
)


def strange_places(folder: Path) -> Iterator[tuple[str, str]]:
    """Names below a run's folder, which may itself be a link, and what is wrong there: links to other places, and
    what is no file or folder where there should be one.

    Args:
        folder: the run's.

    Raises:
        OSError: what the system says.
    """
    for name in _FILES:
        for found in sorted(path.name for path in folder.glob(name)) if "*" in name else [name]:
            yield from _strange(folder, found, stat.S_ISREG, "a file")
    yield from _strange(folder, "tensorboard", stat.S_ISDIR, "a folder")
    strange = list(_strange(folder, CHECKPOINTS, stat.S_ISDIR, "a folder"))
    yield from strange
    if strange or not (folder / CHECKPOINTS).is_dir():
        return
    for entry in sorted(os.listdir(folder / CHECKPOINTS)):
        if not is_checkpoint_name(entry):
            continue
        name = f"{CHECKPOINTS}/{entry}"
        strange = list(_strange(folder, name, stat.S_ISDIR, "a folder"))
        yield from strange
        for file in () if strange else sorted(os.listdir(folder / name)):
            yield from _strange(folder, f"{name}/{file}", stat.S_ISREG, "a file")


def require_own_places(folder: Path) -> None:
    """Before anything is written into a run's folder, which may itself be a link.

    Args:
        folder: the run's.

    Raises:
        RunUnreadable: naming the first of the :func:`strange_places`.
        OSError: what the system says.
    """
    for name, why in strange_places(folder):
        raise RunUnreadable(f"cannot train {folder}: {name}: {why}")


def _strange(folder: Path, name: str, is_right: Callable[[int], bool], what: str) -> Iterator[tuple[str, str]]:
    try:
        mode = os.lstat(folder / name).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return
    if stat.S_ISLNK(mode):
        yield name, f"it must be {what} of the run's own, got a link"
    elif not is_right(mode):
        kinds = ((stat.S_ISREG, "a file"), (stat.S_ISDIR, "a folder"), (stat.S_ISFIFO, "a pipe"))
        found = next((kind for is_kind, kind in kinds if is_kind(mode)), "something else")
        yield name, f"it must be {what}, got {found}"
