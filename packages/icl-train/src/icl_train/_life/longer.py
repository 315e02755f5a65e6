"""A run that goes on to another last step, on another device or in another engine: whether it can, and its record."""

from __future__ import annotations

from dataclasses import replace

from icl_train._intact.markers import DONE
from icl_train._life.going_on import newest_intact
from icl_train._runs.folder import RunError, RunFailed, RunFolder
from icl_train.config import EngineName, RunConfig

__all__ = ["changed", "check_change", "write_change"]

# Settings that are counted from train.max_steps when they have these values and, where one is named, the other has none
_HANG_ON_THE_END = (
    ("optim.schedule", ("cosine", "linear"), "optim.schedule_steps"),
    ("eval.log_spaced_steps", None, None),
)


def changed(
    config: RunConfig, *, max_steps: int | None = None, device: str | None = None, engine: EngineName | None = None
) -> RunConfig:
    """The configuration with another last step, device or engine, where one is given."""
    train = config.train
    if max_steps is not None:
        train = replace(train, max_steps=max_steps)
    if device is not None:
        train = replace(train, device=device)
    if engine is not None:
        train = replace(train, engine=engine)
    return replace(config, train=train)


def check_change(run: RunFolder, config: RunConfig) -> None:
    """Whether the run can go on under ``config`` and be, bit for bit, what it would have been from the start.

    Raises:
        RunError: if it has done as many updates already, if what it did hung on the old last step, or if its last
            checkpoint has not kept the sums that the next line of training metrics begins with.
        RunFailed: if none of its checkpoints is intact with its records.
    """
    last = config.train.max_steps
    if last == run.config.train.max_steps:
        return
    done = max(run.checkpoint_steps(), default=0)
    if last <= done:
        raise RunError(f"max_steps must be above the {done} updates that {run.path} has done, got {last}")
    settings = run.config.flat()
    for name, values, unless in _HANG_ON_THE_END:
        value = settings.get(name)
        hangs = value is not None if values is None else value in values
        if hangs and (unless is None or settings.get(unless) is None):
            raise RunError(
                f"max_steps must stay {run.config.train.max_steps} for {run.path}, whose {name} ({value}) hangs on it"
                f"{f': give {unless} when a run is made that may become longer' if unless else ''}"
            )
    try:
        state = newest_intact(run)
    except RunFailed as error:  # a finished run stays finished
        raise RunFailed(f"{run.path}: {error}") from error
    if state is not None and state.summed != state.step % run.config.train.log_interval:
        raise RunError(
            f"max_steps must stay {run.config.train.max_steps} for {run.path}: at its end an earlier version kept no "
            "sums, which a longer run's next line of training metrics needs"
        )


def write_change(run: RunFolder) -> None:
    """Write down that a run has another last step, device or engine than its folder says; see :func:`check_change`.

    Args:
        run: the run with its new settings; the caller holds its lock, and knows that it can go on.
    """
    there = RunFolder.open(run.path)
    if there.config == run.config:
        return
    if there.config.train.max_steps != run.config.train.max_steps:
        # First, so that a kill between leaves a run that is to be finished as it was.
        (run.path / DONE).unlink(missing_ok=True)
    there.rewrite(config=run.config)
