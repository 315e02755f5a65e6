"""The name of a run's source as config.json keeps it, and as a part of a run's name."""

from __future__ import annotations

import re
from pathlib import PurePosixPath, PureWindowsPath

from icl_data import SourceName, read_source_name
from icl_data.foundation.command_line import nearest
from icl_data.foundation.paths import user_path

__all__ = ["BUILT_IN_SOURCES", "source_label", "stored_source"]

BUILT_IN_SOURCES = ("symbolic", "gaussian", "omniglot")

_RULE = (
    f"data.source must be one of {', '.join(BUILT_IN_SOURCES)}, an array file (.npz, .npy, .h5, .hdf5; with :key for "
    "one of several arrays), a folder of image folders, or package.module:factory"
)


def stored_source(name: str) -> str:
    """The name that means the same in any folder: paths absolute, with the home folder for ``~``; others as they are.

    A path that is absolute on any system is left alone, whether it exists here or not: a run can be read anywhere.

    Raises:
        ValueError: if no source can have that name.
    """
    if name in BUILT_IN_SOURCES or _is_absolute(name):
        return name
    found = read_source_name(name)
    if found is None:
        if name and re.search(r"[/\\]", name):  # a folder that is not there, which opening it will say
            return str(user_path(name).absolute())
        raise ValueError(f"{_RULE}, got {name!r}{nearest(name, BUILT_IN_SOURCES)}")
    if found.which == "factory":
        return name
    return _joined(str(user_path(found.place).absolute()), found)


def source_label(name: str) -> str:
    """A short name of a source, for the names of folders: a path's last part with its key, else the name itself."""
    if name in BUILT_IN_SOURCES:
        return name
    found = read_source_name(name)
    if found is not None and found.which == "factory":
        return name.replace(":", "-")
    place = name if found is None or found.part is None else found.place
    last = re.split(r"[/\\]", place)[-1]
    label = last if found is None or found.part is None else f"{last}-{found.part}"
    return re.sub(r"[^\w.-]+", "-", label).lstrip(".") or "source"


def _joined(place: str, found: SourceName) -> str:
    return place if found.part is None else f"{place}:{found.part}"


def _is_absolute(name: str) -> bool:
    return PurePosixPath(name).is_absolute() or PureWindowsPath(name).is_absolute()
