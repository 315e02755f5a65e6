"""classes.json: which classes are rare, common and holdout, which each evaluation asks for, and of which data."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from icl_data.foundation.printable import one_line
from icl_data.foundation.regular_file import TooLarge, read_file
from icl_data.foundation.sealed import Damaged, seal_object, unseal_object
from icl_data.foundation.whole_file import write_text

__all__ = ["CLASSES", "classes_damage", "other_data", "write_classes"]

CLASSES = "classes.json"


def write_classes(folder: Path, classes: dict[str, Any]) -> None:
    """Write the file, a line for each list however long it is."""
    lists = ",\n".join(f" {json.dumps(name)}: {json.dumps(keys)}" for name, keys in classes.items())
    write_text(folder / CLASSES, seal_object(f"{{\n{lists}\n}}\n"))


def classes_damage(folder: Path) -> str | None:
    """What is wrong with the file, in one line; None if it is as it was written.

    Raises:
        OSError: if it cannot be read, or is not there.
    """
    try:
        unseal_object(read_file(folder / CLASSES))
    except TooLarge as error:
        return f"{CLASSES}: it {error.strerror}"
    except Damaged as damage:
        return f"{CLASSES}: {damage}"
    return None


def other_data(folder: Path, described: Mapping[str, Any]) -> str | None:
    """What of the data that a run finds now is not as classes.json says, in a few words; None if nothing is.

    Nothing is either if the file cannot be read: that is damage, of which others tell.

    Args:
        folder: the run's.
        described: classes and source as they are now, as `RunData.described` has them.
    """
    try:
        stored = unseal_object(read_file(folder / CLASSES))
    except (OSError, ValueError):
        return None
    before, now = stored.get("source"), described["source"]
    if isinstance(before, dict):  # runs of earlier versions say nothing of it
        for name, value in now.items():
            if before.get(name) != value:
                other = "other examples" if name == "sha256" else f"{name} {value}, not {before.get(name)}"
                return one_line(other)
    names = ("rare", "common", "holdout")
    return None if all(stored.get(name) == described[name] for name in names) else "another split into classes"
