"""classes.json: which classes are rare, common and holdout, and which each evaluation asks for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from icl_data.foundation.regular_file import read_file
from icl_data.foundation.sealed import Damaged, seal_object, unseal_object
from icl_data.foundation.whole_file import write_text

__all__ = ["CLASSES", "classes_damage", "write_classes"]

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
    except Damaged as damage:
        return f"{CLASSES}: {damage}"
    return None
