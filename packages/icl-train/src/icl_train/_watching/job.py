"""job.json: the job of a cluster that a run waits for, or is trained in; written anew whenever that changes."""

from __future__ import annotations

import contextlib
import json
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from icl_data.foundation.printable import one_line
from icl_data.foundation.regular_file import read_file
from icl_data.foundation.sealed import seal_object, unseal_object
from icl_data.foundation.whole_file import write_text

__all__ = ["JOB", "JobNote", "forget_job", "note_job", "read_job"]

JOB = "job.json"
_LARGEST = 100_000  # bytes
_STAGES = ("submitting", "queued", "running")


@dataclass(frozen=True, kw_only=True)
class JobNote:
    """What job.json says.

    Attributes:
        launcher: whose job it is.
        id: by what the launcher knows it; empty while it is handed over.
        stage: submitting (a sweep hands it over), queued, or running.
        host: the machine that has written this.
    """

    launcher: str
    id: str
    stage: Literal["submitting", "queued", "running"]
    host: str

    def __str__(self) -> str:
        return one_line(f"job {self.id or '?'} of {self.launcher}")


def note_job(folder: Path, *, launcher: str, id: str, stage: Literal["submitting", "queued", "running"]) -> None:
    """Write job.json; whoever reads it meanwhile finds this or what was there before.

    Args:
        folder: the run folder.
        launcher, id, stage: see `JobNote`.

    Raises:
        OSError: what the system says.
    """
    note = JobNote(launcher=launcher, id=id, stage=stage, host=platform.node())
    write_text(folder / JOB, seal_object(json.dumps(asdict(note), indent=1) + "\n"))


def forget_job(folder: Path) -> None:
    """The job is gone, as whoever can know has said."""
    with contextlib.suppress(OSError):
        (folder / JOB).unlink(missing_ok=True)


def read_job(folder: Path) -> JobNote | None:
    """The job of a run; None where there is none, or none that can be read.

    Args:
        folder: the run folder.
    """
    try:
        note = JobNote(**unseal_object(read_file(folder / JOB, most_bytes=_LARGEST)))
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    texts = all(isinstance(text, str) for text in (note.launcher, note.id, note.host))
    return note if texts and note.stage in _STAGES else None
