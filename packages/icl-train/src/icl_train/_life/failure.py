"""What ends a training: the reason in one line, and whether it is a failure of this run or a fault of the program."""

from __future__ import annotations

from pathlib import Path

from icl_data.foundation.command_line import CommandFailed
from icl_data.foundation.paths import describe
from icl_data.foundation.printable import one_line
from icl_train._runs.folder import RunFailed

__all__ = ["failure_of", "reason_of"]

# PyTorch has a class of its own for a GPU's memory alone.
_NO_MEMORY = ("out of memory", "can't allocate memory", "not enough memory")


def reason_of(error: BaseException) -> str:
    """The line that FAILED holds: what the error says, or that before `failure_of` was; of faults, their class, too."""
    cause = error.__cause__ if isinstance(error, RunFailed) and error.__cause__ is not None else error
    told = _told(cause)
    return told if told and _is_worldly(cause) else one_line(f"{type(cause).__name__}: {told}")


def failure_of(run: Path, error: Exception) -> Exception:
    """What a command that trains ends with.

    Args:
        run: the run's folder, as the user gave it.
        error: what went wrong.

    Returns:
        `RunFailed` with the folder and the reason, for what the world did: full disks, too little memory, damaged
        files, sources that refuse. Anything else as it is: it is a fault of the program, and keeps its traceback.
    """
    if _is_worldly(error):
        return RunFailed(f"{run}: {_told(error)}")
    return error


def _is_worldly(error: BaseException) -> bool:
    worldly = isinstance(error, (OSError, ValueError, MemoryError, CommandFailed))
    return worldly or any(phrase in str(error) for phrase in _NO_MEMORY)


def _told(error: BaseException) -> str:
    if isinstance(error, OSError):
        return one_line(describe(error))
    return one_line(error) or "no more memory" if isinstance(error, MemoryError) else one_line(error)
