"""Evaluate the checkpoints of a run again: with more sequences, another protocol, or other evaluations."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Literal

import torch

from icl_data.foundation.command_line import CommandFailed
from icl_data.foundation.sealed import Damaged
from icl_eval._runs import require_checkpoints
from icl_models import InContextModel
from icl_train import (
    EVAL_SPLITS,
    Evaluator,
    Interventions,
    RunFolder,
    Task,
    eval_record,
    interventions_of,
    load_model_weights,
    resolve_device,
)
from icl_train.config import Protocol
from icl_train.evaluation import workers_of

__all__ = ["ALL", "CheckpointDamaged", "evaluate_run", "load_checkpoint", "under_interventions"]

ALL = "all"
"""In the place of an evaluation: every one that has a name already and that the run's data can give."""


class CheckpointDamaged(CommandFailed, ValueError):
    """A checkpoint that is there cannot be read, or is not of its run's model."""


def evaluate_run(
    run: RunFolder,
    *,
    steps: Sequence[int],
    splits: Sequence[str] | None = None,
    batches: int | None = None,
    sequences: int | None = None,
    protocol: Protocol | Literal["both"] = "paper",
    device: str = "auto",
    trust: bool = False,
    interventions: bool = True,
    done: Callable[[int], None] = lambda step: None,
    left_out: Callable[[str], None] = lambda line: None,
) -> list[dict[str, Any]]:
    """Measure checkpoints on the class split of their own training run.

    With as many batches as in training, the numbers are those of training, to the last bit: on the same machine, and
    with the same versions of the libraries. On a CPU the model is called in one thread, and as often beside itself as
    there are cores, which changes no number.

    Args:
        run: the run.
        steps: which checkpoints.
        splits: evaluations: names of ``icl_train.EVAL_SPLITS``, texts (NAME:setting=value,…), ``all``; None for those
            of the run.
        batches: batches of the run's batch size per evaluation; None without ``sequences``: as many as in training.
        sequences: sequences per evaluation, in place of ``batches``; the last batch is cut.
        protocol: ``paper``, ``released``, or both, one after the other.
        device: as for training.
        trust: import a source of somebody's own code, although no command of this user made the run in its folder.
        interventions: measure with what the run does to its model at each step, as in training; False: the model by
            itself.
        done: called with each step when it is measured.
        left_out: called with a line for each evaluation of ``all`` that the run's data cannot give.

    Returns:
        One record per checkpoint, protocol and evaluation, as in metrics.jsonl.

    Raises:
        ValueError: if a checkpoint, evaluation, device, or a plugin of the model is not to be had, or the run's source
            is code that is not trusted.
        CheckpointDamaged: if a checkpoint cannot be read; found before the first is measured.
        CommandFailed: if the device's memory is too small.
    """
    if not trust:
        run.require_trusted()
    run.require_components()
    require_checkpoints(run, steps)
    if batches is None and sequences is None:
        batches = run.config.eval.batches
    try:
        task = Task.of_run(run, device=resolve_device(device))
        model = task.build_model()
        protocols: Sequence[Protocol] = ("paper", "released") if protocol == "both" else (protocol,)
        evaluators = []
        for one in protocols:
            evaluator = Evaluator(
                task,
                batches=batches,
                sequences=sequences,
                protocol=one,
                splits=_without_all(splits, task, model, one, left_out),
                workers=workers_of(run.config),
            )
            evaluator.check_lengths(model)
            evaluators.append(evaluator)
        for step in steps if len(steps) > 1 else ():
            load_checkpoint(run, step, model, ended=step == steps[0])
        records = []
        with under_interventions(run, model, wanted=interventions) as put:
            for step in steps:
                load_checkpoint(run, step, model, ended=len(steps) == 1)
                seen = step * run.config.train.batch_size
                acting = None if put is None else put.at(step)
                for evaluator in evaluators:
                    results = evaluator(model, acting)
                    records += [eval_record(result, step=step, sequences=seen) for result in results]
                done(step)
        return records
    except torch.cuda.OutOfMemoryError as error:
        why = " ".join(str(error).split())
        raise CommandFailed(f"{run.path} needs more memory than its device has (--device cpu?): {why}") from error


def _without_all(
    splits: Sequence[str] | None,
    task: Task,
    model: InContextModel,
    protocol: Protocol,
    left_out: Callable[[str], None],
) -> list[str] | None:
    """What was asked for, with the evaluations that the run can give in the place of ``all``."""
    if splits is None or ALL not in splits:
        return None if splits is None else list(splits)
    possible = []
    for name in EVAL_SPLITS:
        try:
            Evaluator(task, sequences=1, protocol=protocol, splits=[name]).check_lengths(model)
            possible.append(name)
        except ValueError as error:
            if name not in splits:
                left_out(f"left out: {error}")
            else:
                raise
    return list(dict.fromkeys(name for split in splits for name in (possible if split == ALL else [split])))


def under_interventions(
    run: RunFolder, model: InContextModel, *, wanted: bool = True
) -> AbstractContextManager[Interventions | None]:
    """Within the block, what a run does to its model, of which ``at(step)`` puts in what acts then; None if nothing.

    Args:
        run: the run.
        model: its model, which is by itself again behind the block.
        wanted: False for the model by itself.

    Raises:
        CheckpointDamaged: if a copy of another run's weights is not as it was written.
    """
    if not wanted:
        return nullcontext()
    try:
        return interventions_of(run, model) or nullcontext()
    except Damaged as damage:
        raise CheckpointDamaged(f"cannot measure {run.path}: {damage}") from damage


def load_checkpoint(run: RunFolder, step: int, model: torch.nn.Module, *, ended: bool = True) -> None:
    """Put the weights of one of a run's own checkpoints into its model.

    Args:
        run: the run.
        step: of the checkpoint.
        model: the run's model.
        ended: look into DONE as well, which need not be read again for each of many checkpoints.

    Raises:
        CheckpointDamaged: if it cannot be read, is of another run or model, or has numbers that are not finite.
    """
    try:
        run.require_own_checkpoint(step, ended=ended)
        load_model_weights(run.checkpoints, step, model)
    except ValueError as error:
        raise CheckpointDamaged(str(error)) from error
