"""Evaluate the checkpoints of a run again: with more sequences, another protocol, or other splits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from icl_data.foundation.command_line import CommandFailed
from icl_eval._runs import require_checkpoints
from icl_train import Evaluator, RunFolder, Task, eval_record, load_model_weights, resolve_device
from icl_train.config import Protocol

__all__ = ["CheckpointDamaged", "evaluate_run"]


class CheckpointDamaged(CommandFailed, ValueError):
    """A checkpoint that is there cannot be read, or is not of its run's model."""


def evaluate_run(
    run: RunFolder,
    *,
    steps: Sequence[int],
    splits: Sequence[str],
    batches: int,
    protocol: Protocol = "paper",
    device: str = "auto",
    done: Callable[[int], None] = lambda step: None,
) -> list[dict[str, Any]]:
    """Measure checkpoints on the class split of their own training run.

    Args:
        run: the run.
        steps: which checkpoints.
        splits: which of ``icl_train.EVAL_SPLITS``.
        batches: batches of the run's batch size per split.
        protocol: ``paper`` or ``released``.
        device: as for training.
        done: called with each step when it is measured.

    Returns:
        One record per checkpoint and split, as in metrics.jsonl.

    Raises:
        ValueError: if a checkpoint, split, device, or a plugin of the model is not to be had.
        CheckpointDamaged: if a checkpoint cannot be read; found before the first is measured.
        CommandFailed: if the device's memory is too small.
    """
    run.require_components()
    require_checkpoints(run, steps)
    try:
        task = Task.build(run.config, device=resolve_device(device))
        evaluator = Evaluator(task, batches=batches, protocol=protocol, splits=splits)
        model = task.build_model()
        for step in steps:
            _load(run, step, model)
        records = []
        with _threads_of(run):
            for step in steps:
                _load(run, step, model)
                sequences = step * run.config.train.batch_size
                records += [eval_record(result, step=step, sequences=sequences) for result in evaluator(model)]
                done(step)
        return records
    except torch.cuda.OutOfMemoryError as error:
        why = " ".join(str(error).split())
        raise CommandFailed(f"{run.path} needs more memory than its device has (--device cpu?): {why}") from error


@contextmanager
def _threads_of(run: RunFolder) -> Iterator[None]:
    """The run's own number of threads: sums then come out as in training, to the last bit."""
    threads = torch.get_num_threads()
    torch.set_num_threads(run.threads)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _load(run: RunFolder, step: int, model: torch.nn.Module) -> None:
    try:
        load_model_weights(run.checkpoints, step, model)
    except ValueError as error:
        raise CheckpointDamaged(str(error)) from error
