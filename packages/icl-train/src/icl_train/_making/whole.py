"""A folder that appears whole or not at all, and what killed processes leave behind."""

from __future__ import annotations

import errno
import os
import re
import secrets
import shlex
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from icl_data.foundation.paths import errors_about, require_writable
from icl_data.foundation.whole_file import held_by_writer, sync, writer_is_gone
from icl_train._intact.errors import RunError

__all__ = ["check_place", "remove_leftovers", "require_new", "whole_folder"]

# Of random letters, not of the process's number: in containers these begin at 1 each time.
_BEING_MADE = re.compile(r"\.[0-9a-f]{16}\.making")
_BEING_WRITTEN = re.compile(r"\..+\.[0-9a-f]{8}\.writing(\.\w+)?|\.writing_step_\d+")


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """Yields a folder to fill, which becomes ``path`` when the block ends; if it fails, no folder is left.

    Args:
        path: the folder to be, which does not exist.

    Raises:
        OSError: what the system says, about ``path`` or a folder above it.
    """
    made = _make_parents(path.parent)
    _remove_old(path.parent)
    beside = path.with_name(f".{secrets.token_hex(8)}.making")
    with errors_about(path, instead_of=beside):
        try:
            beside.mkdir()
            with held_by_writer(beside):
                yield beside
                for file in (*beside.iterdir(), beside):
                    sync(file)
                beside.rename(path)
            sync(path.parent)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)
            for folder in made:
                with suppress(OSError):  # somebody has put something into it
                    folder.rmdir()
            raise


def check_place(path: Path) -> None:
    """Whether a folder can be made there, as far as that shows without making it.

    Raises:
        OSError: what would go wrong, about ``path`` or a folder above it.
    """
    with suppress(FileNotFoundError, NotADirectoryError):
        os.lstat(path)  # the system says whether the name is too long
    for folder in path.parents:
        if os.path.lexists(folder):
            if not folder.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder))
            require_writable(folder)
            return


def remove_leftovers(run: Path) -> None:
    """Remove what a killed process was writing into a run folder; only who holds the run's lock may."""
    for folder in (run, run / "checkpoints"):
        for path in folder.glob(".*"):
            if _BEING_WRITTEN.fullmatch(path.name):
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def _make_parents(folder: Path) -> list[Path]:
    """Make a folder and those above it that are missing; returns what was made, the lowest first."""
    missing = [one for one in (folder, *folder.parents) if not os.path.lexists(one)]
    check_place(folder / "x")
    made: list[Path] = []
    for one in reversed(missing):
        one.mkdir(exist_ok=True)
        made.insert(0, one)
    return made


def _remove_old(folder: Path) -> None:
    """Remove folders that killed processes were making; none that holds anything else."""
    for path in folder.glob(".*.making"):
        with suppress(OSError):
            ours = all(file.suffix in (".json", ".safetensors") for file in path.iterdir())
            if _BEING_MADE.fullmatch(path.name) and ours and writer_is_gone(path):
                shutil.rmtree(path, ignore_errors=True)


def require_new(path: Path) -> None:
    """Raise RunError, which says how to go on, if there is something at ``path``."""
    if os.path.lexists(path):
        raise RunError(
            f"a new run needs a folder that does not exist, got {path} "
            f"(go on with it: icl-train resume {shlex.quote(str(path))}; or give another --name)"
        )
