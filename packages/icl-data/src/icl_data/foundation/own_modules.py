"""Modules of somebody's own: looked for in the current folder, too, but only while one is asked for.

A folder with runs of somebody else's may hold anything under any name. While it is on Python's path, every import that
is not found elsewhere runs what lies there; installed plugins are looked for there as well.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["modules_here", "place_of_module"]


@contextmanager
def modules_here() -> Iterator[None]:
    """While it lasts, modules that are found nowhere else are looked for in the current folder.

    Raises:
        OSError: the current folder is gone.
    """
    here = os.getcwd()
    if here in sys.path:  # as `python -m` has it
        yield
        return
    sys.path.append(here)
    try:
        yield
    finally:
        if here in sys.path:
            sys.path.remove(here)


def place_of_module(name: str) -> Path | None:
    """The file or folder that importing a module would begin with; nothing is imported. None where none is found.

    Args:
        name: of the module; of a dotted one, the outermost package is looked for, as looking further would import it.
    """
    with modules_here():
        importlib.invalidate_caches()
        try:
            found = importlib.util.find_spec(name.partition(".")[0])
        except (ImportError, ValueError, AttributeError):  # a name that is none; a module that is there without a file
            return None
    if found is None:
        return None
    places = [found.origin] if found.has_location else list(found.submodule_search_locations or [])
    return Path(os.path.abspath(places[0])) if places and places[0] else None
