"""The runs that a folder holds already, whatever they are called."""

from __future__ import annotations

import contextlib
from collections.abc import Collection
from pathlib import Path

from icl_train._intact.markers import DONE
from icl_train._runs.stored import stored_settings
from icl_train._settings.identity import digest_of, flattened

__all__ = ["folders_by_digest"]


def folders_by_digest(root: Path, names: Collection[str]) -> dict[str, Path]:
    """Digest → the folder right below ``root`` that holds the run; hidden ones, such as those being made, are none.

    Of several that hold the same one: a finished one, else one of these names, else the first.

    Read off what config.json holds, not off names: a run may have any name, and may have become a longer one. What
    cannot be read is left out here; opening it says why.

    Args:
        root: folder of run folders, which need not exist.
        names: of folders.
    """
    found: dict[str, Path] = {}
    try:
        folders = sorted(folder for folder in root.iterdir() if not folder.name.startswith("."))
    except OSError:
        return {}
    for folder in sorted(folders, key=lambda path: (not (path / DONE).exists(), path.name not in names)):
        settings = stored_settings(folder)
        with contextlib.suppress(RecursionError):
            if settings is not None:
                found.setdefault(digest_of(flattened(settings)), folder)
    return found
