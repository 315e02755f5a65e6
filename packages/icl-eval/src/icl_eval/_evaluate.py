"""Evaluate the checkpoints of a run again: with more sequences, another protocol, or other splits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch

from icl_train import Evaluator, RunError, RunFolder, Task, eval_record, load_model_weights, resolve_device
from icl_train.config import Protocol

__all__ = ["evaluate_run"]


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
    """
    run.require_components()
    available = run.checkpoint_steps()
    missing = [step for step in steps if step not in available]
    if missing or not steps:
        raise RunError(
            f"steps must be checkpoints of {run.path} ({', '.join(map(str, available)) or 'it has none'}), "
            f"got {', '.join(map(str, missing)) or 'none'}"
        )
    task = Task.build(run.config, device=resolve_device(device))
    evaluator = Evaluator(task, batches=batches, protocol=protocol, splits=splits)
    model = task.build_model()
    records = []
    threads = torch.get_num_threads()
    torch.set_num_threads(run.threads)  # sums come out as in training, to the last bit
    try:
        for step in steps:
            load_model_weights(run.checkpoints, step, model)
            sequences = step * run.config.train.batch_size
            records += [eval_record(result, step=step, sequences=sequences) for result in evaluator(model)]
            done(step)
    finally:
        torch.set_num_threads(threads)
    return records
