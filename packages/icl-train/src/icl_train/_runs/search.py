"""Where run folders are: a walk that enters every folder once, through links as well."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["folders_holding"]


def folders_holding(name: str, root: Path) -> tuple[list[Path], list[tuple[Path, str]]]:
    """Folders at or below ``root`` that hold ``name``, by path, and those that cannot be entered, with the reason.

    What is reached without links comes first, so a folder that is there itself is not called by the name of a link to
    it. A link to a folder above itself is a loop and not followed; hidden folders are not entered.
    """
    found: list[Path] = []
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
            if entry.name == name:  # whatever it is: opening it says why it is no file
                found.append(Path(folder))
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
