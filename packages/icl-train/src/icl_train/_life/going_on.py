"""From which checkpoint a run goes on: the newest one that is as it was written and whose records are all there."""

from __future__ import annotations

import warnings
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from icl_data.foundation.printable import one_line
from icl_data.foundation.sealed import Damaged
from icl_train._intact.checkpoints import CHECKPOINTS, OPTIMIZER, CheckpointState, checkpoint_folder, hashed_content
from icl_train._intact.errors import RunDamaged, RunFailed
from icl_train._intact.markers import DONE, Done, read_done
from icl_train._intact.metrics import METRICS, plain_lines, read_metrics
from icl_train._intact.records import RUNNING_MEANS, records_in
from icl_train._intact.whole_run import own_state
from icl_train._runs.folder import RunFolder

if TYPE_CHECKING:
    import torch
    from torch import nn

__all__ = ["go_on", "newest_intact", "require_start", "tell_of_missing"]


def newest_intact(run: RunFolder) -> CheckpointState | None:
    """What the newest checkpoint says that the run can go on from, its files' hashes looked at; None without any.

    Args:
        run: the run.

    Raises:
        RunFailed: if there are checkpoints, but none is intact; or if they are gone.
    """
    reasons: dict[int, str] = {}
    for step in reversed(run.checkpoint_steps()):
        try:
            state = _state(run, step)
            for name in state.hashes or (OPTIMIZER,):
                hashed_content(run.checkpoints, name, state)
            return state
        except Damaged as damage:
            reasons[step] = str(damage)
    require_start(run, reasons)
    return None


def go_on(run: RunFolder, model: nn.Module, optimizer: torch.optim.Optimizer) -> CheckpointState | None:
    """Load the newest checkpoint that the run can go on from.

    Newer ones are set aside as ``step_NNNNNNN.damaged``, each with a warning that says why; they go when training has
    written that checkpoint anew.

    Args:
        run: the run; the caller holds its lock.
        model, optimizer: what takes weights and state.

    Returns:
        What it says; None if there is no checkpoint.

    Raises:
        RunFailed: if there are checkpoints, but none is intact; if they are gone; or if DONE is of another run.
    """
    from icl_train._runs.checkpoint import load_training_state

    reasons: dict[int, str] = {}
    _tell_of_marker(run)
    tell_of_missing(run)
    for step in reversed(run.checkpoint_steps()):
        try:
            _state(run, step)
            state = load_training_state(run.checkpoints, step, model, optimizer)
        except Damaged as damage:
            reasons[step] = str(damage)
            continue
        for damaged, reason in reasons.items():
            kept = _set_aside(run, damaged)
            line = f"{run.path} goes on from step {step}: the checkpoint of step {damaged} cannot be used, {reason}"
            warnings.warn(one_line(f"{line} (it is kept as {kept})"), RunDamaged, stacklevel=2)
        return state
    require_start(run, reasons)
    return None


def require_start(run: RunFolder, reasons: dict[int, str]) -> None:
    """That a run without a checkpoint to go on from has never had one.

    Args:
        run: the run.
        reasons: step → why its checkpoint cannot be used.

    Raises:
        RunFailed: if it has, with how to start again.
    """
    advice = f"to train it again from step 0, remove checkpoints and {METRICS} from its folder"
    if reasons:
        told = "; ".join(f"step {step}: {reason}" for step, reason in list(reasons.items())[:3])
        more = f"; and {len(reasons) - 3} more" if len(reasons) > 3 else ""
        raise RunFailed(one_line(f"none of its checkpoints can be gone on from ({told}{more}); {advice}"))
    if promised := run.promised_checkpoints():
        raise RunFailed(f"its checkpoints are gone: {DONE} names that of step {promised[-1]}; {advice}, and {DONE}")
    first, last = _first_checkpoint(run), _last_record(run)
    if first < last:
        raise RunFailed(
            f"its checkpoints are gone: it has records of step {last}, and had a checkpoint of step {first}; {advice}"
        )


def tell_of_missing(run: RunFolder) -> None:
    """A warning for checkpoints that were there once; those after where the run goes on are written anew."""
    missing = sorted(set(run.promised_checkpoints()) - set(run.checkpoint_steps()))
    if missing:
        names = ", ".join(str(checkpoint_folder(Path(CHECKPOINTS), step)) for step in missing[:3])
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        warnings.warn(one_line(f"{run.path}: {names}{more} must be there, and is missing"), RunDamaged, stacklevel=3)


def _tell_of_marker(run: RunFolder) -> None:
    try:
        done = read_done(run.path, run_format=run.run_format)
    except Damaged as damage:
        warnings.warn(f"{run.path} goes on to its last step anew: {damage}", RunDamaged, stacklevel=3)
        return
    try:
        if isinstance(done, Done):
            done.ties.require_run(run.identity)
    except Damaged as damage:
        raise RunFailed(f"{DONE}: {damage}") from None


def _state(run: RunFolder, step: int) -> CheckpointState:
    """What a checkpoint says, if the run can go on from it as far as that shows without its weights."""
    state = own_state(run.checkpoints, step, run.identity)
    if len(state.sums) != len(RUNNING_MEANS):
        raise Damaged(f"state.json: its sums must be {len(RUNNING_MEANS)} numbers, got {len(state.sums)}")
    if not (checkpoint_folder(run.checkpoints, step) / OPTIMIZER).exists():
        raise Damaged(f"{OPTIMIZER} is missing (it is kept with the two newest checkpoints)")
    try:
        content = read_metrics(run.path, most_bytes=run.settled.most_metrics)
        if state.require_metrics(content) is None:
            _require_records(run, content, step)
    except Damaged as damage:
        raise Damaged(f"{METRICS}: {damage}") from None
    return state


def _require_records(run: RunFolder, content: bytes, step: int) -> None:
    """That the records of training up to a step are there; all that can be known in format 1."""
    last = max((record["step"] for record in records_in(plain_lines(content)) if record["step"] <= step), default=0)
    due = step - step % run.config.train.log_interval
    if last < due:
        raise Damaged(f"it must have a record of step {due}, got none after step {last}")


def _first_checkpoint(run: RunFolder) -> int:
    due = run.config.train.checkpoints
    return min(due.listed or (due.last,)) if due.listed is not None else min(due.interval, due.last)


def _last_record(run: RunFolder) -> int:
    """The last step that has one; 0 where they cannot be read: no checkpoint says that any should be there."""
    try:
        lines = plain_lines(read_metrics(run.path, most_bytes=run.settled.most_metrics))
        return max((record["step"] for record in records_in(lines)), default=0)
    except Damaged:
        return 0


def _set_aside(run: RunFolder, step: int) -> str:
    """Rename a checkpoint so that it is none any more; its new name."""
    folder = checkpoint_folder(run.checkpoints, step)
    for number in count():
        name = f"{folder.name}.damaged{number or ''}"
        if not (run.checkpoints / name).exists():
            folder.rename(run.checkpoints / name)
            return name
    raise AssertionError("numbers do not end")
