"""Where run folders are: a walk that enters every folder once, through links as well."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from icl_train._intact.checkpoints import CHECKPOINTS
from icl_train._intact.errors import RunError
from icl_train._intact.markers import DONE
from icl_train._intact.metrics import METRICS
from icl_train._runs.folder import RunFolder
from icl_train._runs.stored import CONFIG, left_of_a_run

__all__ = ["find_lost_runs", "find_runs"]


def find_runs(root: Path) -> tuple[list[RunFolder], list[tuple[Path, str]]]:
    """Runs at or below ``root`` (at any depth), by path, and the folders that could not be read, with the reason.

    Links to folders are followed; a run that is reached in several ways is there once.

    Args:
        root: a run folder, or any folder above some.

    Raises:
        RunError: if ``root`` is not a folder.
    """
    if not root.is_dir():
        raise RunError(f"runs are looked for in a folder, got {root}{'' if root.exists() else ' (it does not exist)'}")
    folders, broken = _folders_holding({CONFIG}, root)
    runs = []
    for folder in folders:
        try:
            runs.append(RunFolder.open(folder))
        except RunError as error:
            broken.append((folder, str(error)))
        except OSError as error:  # a folder that can be listed but not entered
            broken.append((folder, f"cannot read its config.json: {error.strerror}"))
    return runs, broken


def find_lost_runs(root: Path) -> list[tuple[Path, str]]:
    """Folders at or below ``root`` that have what a run alone has, but no config.json, with what they have."""
    folders, _ = _folders_holding({METRICS, DONE, CHECKPOINTS}, root)
    lost = [(folder, left_of_a_run(folder)) for folder in folders if not os.path.lexists(folder / CONFIG)]
    return [(folder, f"{CONFIG} is missing beside {others}") for folder, others in lost if others is not None]


def _folders_holding(names: Collection[str], root: Path) -> tuple[list[Path], list[tuple[Path, str]]]:
    """Folders at or below ``root`` that hold one of ``names``, by path, and those that cannot be entered, with why.

    What is reached without links comes first, so a folder that is there itself is not called by the name of a link to
    it. A link to a folder above itself is a loop and not followed; hidden folders are not entered.
    """
    found: set[Path] = set()
    closed: list[tuple[Path, str]] = []
    entered: set[tuple[int, int]] = set()
    above = os.path.realpath(root)
    folders = [str(root)]
    links: list[str] = []
    while folders or links:
        folder = folders.pop() if folders else links.pop(links.index(min(links)))
        try:
            place = os.stat(folder)
            if (place.st_dev, place.st_ino) in entered:
                continue
            entered.add((place.st_dev, place.st_ino))
            with os.scandir(folder) as listing:
                entries = list(listing)
        except OSError as error:
            closed.append((Path(folder), f"cannot look into it: {error.strerror}"))
            continue
        for entry in entries:
            if entry.name in names:  # whatever it is: opening it says why it is no file
                found.add(Path(folder))
            elif entry.is_dir(follow_symlinks=False):
                if not entry.name.startswith("."):
                    folders.append(entry.path)
            elif entry.is_symlink() and not entry.name.startswith(".") and _leads_nowhere(entry.path):
                closed.append((Path(entry.path), "it is a link to what is not there"))
            elif entry.is_symlink() and not entry.name.startswith(".") and os.path.isdir(entry.path):
                target = os.path.realpath(entry.path)
                if not _within(os.path.realpath(folder), target) and not _within(above, target):
                    links.append(entry.path)
    return sorted(found), sorted(closed)


def _leads_nowhere(link: str) -> bool:
    try:
        os.stat(link)
    except FileNotFoundError:
        return True
    except OSError:  # links that go round
        return False
    return False


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)
