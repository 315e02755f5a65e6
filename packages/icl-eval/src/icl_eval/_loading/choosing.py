"""Which runs are taken, and what is said of those that are not: the same for figures and tables."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, Literal, TypeVar

from icl_train import RunFolder, find_runs, why_failed

__all__ = ["Read", "Taken", "each_once", "run_names", "take_runs"]

_LONGEST_REASON = 200

T = TypeVar("T")
Status = Literal["done", "failed", "running", "interrupted", "queued", "damaged"]


@dataclass(frozen=True)
class Read(Generic[T]):
    """What was read of the records of a run.

    Attributes:
        last_step: that of its last evaluation; None if it has none.
        content: what was made of them.
    """

    last_step: int | None
    content: T


@dataclass(frozen=True)
class Taken(Generic[T]):
    """A run that is taken.

    Attributes:
        run: its folder.
        status: what its folder said: done, running, interrupted, failed.
        last_step: that of its last evaluation.
        content: what was made of its records.
    """

    run: RunFolder
    status: Status
    last_step: int
    content: T


def take_runs(
    roots: Sequence[Path], read: Callable[[Sequence[RunFolder]], Iterable[Read[T] | str]], *, unfinished: bool
) -> tuple[list[Taken[T]], list[str]]:
    """Runs below ``roots`` that have evaluations, and a line for each folder that was passed over.

    Records need no plugin, so a run is taken without those of its model; a line then says which is missing.

    Args:
        roots: run folders, or any folders above some; a file beside others is passed over.
        read: reads the records of runs; gives for each what it read, or why it could not.
        unfinished: take runs that have not reached their last step as well.

    Raises:
        RunError: if one of ``roots`` is not there, or the only one is no folder.
    """
    found, skipped = _found(roots)
    candidates: list[tuple[RunFolder, Status]] = []
    refused: dict[Path, str] = {}
    for run in found:
        try:
            status = run.status()
        except OSError as error:
            refused[run.path] = f"cannot look into it: {error.strerror}"
            continue
        if status == "damaged":
            refused[run.path] = f"damaged, {run.damage()}"
        elif status == "done" or unfinished:
            candidates.append((run, status))
        else:
            refused[run.path] = f"{_state(run, status)} (--unfinished takes it as far as it is)"
    taken: list[Taken[T]] = []
    for (run, status), result in zip(candidates, read([run for run, _ in candidates]), strict=True):
        end = run.config.train.max_steps
        if isinstance(result, str):
            refused[run.path] = result
        elif result.last_step is None:
            refused[run.path] = f"it has no evaluation{f', {_state(run, status)}' if status == 'failed' else ' yet'}"
        elif result.last_step < end and not unfinished:
            refused[run.path] = f"its evaluations end at step {result.last_step} of {end} (--unfinished takes it)"
        else:
            taken.append(Taken(run, status, result.last_step, result.content))
    skipped += [f"skipped {run.path}: {refused[run.path]}" for run in found if run.path in refused]
    taken = _without_copies(taken, skipped)
    told = [f"{one.run.path}: drawn from its records; {one.run.unusable}" for one in taken if one.run.unusable]
    return taken, list(dict.fromkeys(skipped + told))


def _state(run: RunFolder, status: Status) -> str:
    """The state of a run; of one that has failed with the reason, so that nobody has to look for it."""
    reason = why_failed(run) if status == "failed" else None
    return f"failed: {reason[:_LONGEST_REASON]}" if reason else status


def each_once(runs: Iterable[RunFolder]) -> list[RunFolder]:
    """The runs without those whose folder, by whatever path, is among them already."""
    first: dict[str, RunFolder] = {}
    for run in runs:
        first.setdefault(os.path.realpath(run.path), run)
    return list(first.values())


def run_names(runs: Sequence[RunFolder]) -> list[str]:
    """What each run is called in a table: its folder's own name, or the path where others have the same."""
    own = [Path(os.path.abspath(run.path)).name for run in runs]
    count = Counter(own)
    return [name if count[name] == 1 else str(run.path) for name, run in zip(own, runs, strict=True)]


def _found(roots: Sequence[Path]) -> tuple[list[RunFolder], list[str]]:
    runs: list[RunFolder] = []
    skipped: list[str] = []
    for root in roots:
        if root.is_file() and len(roots) > 1:  # runs/* are the runs and the figures drawn of them
            skipped.append(f"skipped {root}: not a folder")
            continue
        found, broken = find_runs(root)
        runs += found
        skipped += [f"skipped {path}: {reason}" for path, reason in broken]
    return each_once(runs), skipped


def _without_copies(taken: list[Taken[T]], skipped: list[str]) -> list[Taken[T]]:
    """Of runs with the same settings and seeds, the one that got furthest: the others are no further seeds."""
    digests = {one.run.path: one.run.config.digest() for one in taken}
    kept: dict[str, Taken[T]] = {}
    for one in sorted(taken, key=lambda one: -one.last_step):
        first = kept.setdefault(digests[one.run.path], one)
        if first is not one:
            skipped.append(f"skipped {one.run.path}: a copy of {first.run.path}, with the same settings and seeds")
    return [one for one in taken if kept[digests[one.run.path]] is one]
