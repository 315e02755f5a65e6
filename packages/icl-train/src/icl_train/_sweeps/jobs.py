"""The runs of a sweep as jobs: what one process trains, and which jobs of earlier sweeps live."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from icl_models import Job, Launcher, LauncherError, find_launcher
from icl_train._intact.markers import FAILED
from icl_train._runs.folder import RunFolder
from icl_train._watching.heartbeat import HEARTBEAT
from icl_train._watching.job import JobNote, forget_job, read_job

__all__ = ["clear_marks", "job_of", "living_jobs"]

# Seconds without a sign of life after which a job takes a run's former machine for dead, should its lock stay.
_SILENCE = 600.0


def job_of(runs: Sequence[RunFolder], *, here: bool, threads: int | None = None) -> Job:
    """What trains these runs in one process.

    Args:
        runs: one, or several that are trained together.
        here: by this very sweep; jobs elsewhere may find what an earlier try on another machine has left.
        threads: of runs that were not made for a number of threads; None for all of this machine.
    """
    # -P: a random.py or icl_train.py in this folder is not what a run imports; sources are looked for here, last.
    command = [sys.executable, "-P", "-m", "icl_train", "resume", *(str(run.path.absolute()) for run in runs)]
    command += ["--end-with-stdin"] if here else ["--end-with-stdin", "--take-over", f"{_SILENCE:g}"]
    return Job(
        name=runs[0].name,
        folders=tuple(run.path if here else run.path.absolute() for run in runs),
        command=tuple(command),
        threads=max(int(run.environment["threads"] or threads or run.threads) for run in runs),
    )


def clear_marks(run: RunFolder) -> None:
    """Take away what an earlier try has left: whoever looks is not to take it for this one's.

    Raises:
        OSError: the folder is gone, or cannot be written to.
    """
    for name in (FAILED, HEARTBEAT):
        (run.path / name).unlink(missing_ok=True)


def living_jobs(
    runs: Sequence[RunFolder], name: str, launcher: Launcher, *, say: Callable[[str], None]
) -> dict[Path, str]:
    """Run folder → its job at this launcher, for jobs that are queued or running. Notes of jobs that are gone go.

    Args:
        runs: the runs.
        name, launcher: who is asked.
        say: is told what could not be found out.

    Raises:
        LauncherError: a launcher does not say what has become of jobs: to hand them over again might train runs twice.
    """
    notes = {run.path: note for run in runs if (note := read_job(run.path)) is not None}
    living: dict[Path, str] = {}
    for other in dict.fromkeys(note.launcher for note in notes.values()):
        theirs = {path: note for path, note in notes.items() if note.launcher == other}
        asked = launcher if other == name else _other(other, theirs, say)
        if asked is None:
            continue
        states = asked.states([note.id for note in theirs.values()])
        for (path, note), state in zip(theirs.items(), states, strict=True):
            if state.stage == "gone" or not note.id:
                forget_job(path)
            elif other == name:
                living[path] = note.id
            else:
                raise LauncherError(
                    f"{note} is {state.stage} for {path.name}: end it first, or go on with --launcher {other}"
                )
    return living


def _other(name: str, notes: dict[Path, JobNote], say: Callable[[str], None]) -> Launcher | None:
    """The launcher that an earlier sweep has handed runs to; None where it cannot be had here."""
    try:
        spec = find_launcher(name)
        spec.check(spec.config())
        return spec.build(spec.config(), None)
    except ValueError as error:
        say(f"{len(notes)} runs were handed to launcher {name!r}, which cannot be asked about them: {error}")
        return None
