"""Clean and corrupted sequences of a run, and its model patched from one to the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from icl_eval._evaluate import load_checkpoint, under_interventions
from icl_eval._heads.passes import Asked
from icl_eval._heads.patching import Patching, patched_from
from icl_eval._heads.runs import ICL, opened, steps_of
from icl_train import Evaluation, Evaluator, RunFolder, read_evaluation
from icl_train.config import Protocol

__all__ = ["LABELS", "QUERY", "corrupted_evaluation", "patch_run"]

LABELS, QUERY = "labels", "query"
_LONGEST_NAME = 40  # of an evaluation


def patch_run(
    run: RunFolder,
    *,
    clean: str = ICL,
    corrupted: str = LABELS,
    step: int | None = None,
    sequences: int = 200,
    sites: Sequence[str] | None = None,
    protocol: Protocol | None = None,
    device: str = "cpu",
    trust: bool = False,
    interventions: bool = True,
) -> Patching:
    """Patch values of a run's model from clean sequences into corrupted ones with the same contexts.

    Args:
        run: the run.
        clean: an evaluation, by name or text.
        corrupted: ``labels``: the same sequences with their labels exchanged, each for the next larger one and the
            largest for the smallest; ``query``: the query is the first item of the context that has another label; or
            an evaluation on the same contexts as ``clean``, as ``flipped`` is on those of ``fewshot_holdout``.
        step: which checkpoint; None for the last.
        sequences: how many pairs, the first ones of the stream; those with one right answer in both do not count.
        sites: as for :func:`activation_patching`.
        protocol: how sequences are drawn; None for the run's own.
        device: as for training.
        trust: import a source of somebody's own code, although no command of this user made the run in its folder.
        interventions: patch the model with what the run does to it at that step; False: the model by itself.

    Raises:
        ValueError: for a model without attention, evaluations on other contexts, or what cannot be had.
        CheckpointDamaged: if the checkpoint cannot be read.
    """
    (chosen,) = steps_of(run, None if step is None else [step])
    task, model = opened(run, device=device, trust=trust)
    evaluation = read_evaluation(clean)
    other = corrupted_evaluation(evaluation, corrupted)
    evaluator = Evaluator(
        task,
        sequences=sequences,
        protocol=protocol or run.config.eval.protocol,
        splits=[evaluation] if other is None else [evaluation, other],
    )
    evaluator.check_lengths(model)
    load_checkpoint(run, chosen, model)
    with under_interventions(run, model, wanted=interventions) as put, evaluator.autocast():
        given = [Asked.of(one) for one in evaluator.embedded(model, None if put is None else put.at(chosen))]
        if other is not None and not torch.equal(given[0].embedded, given[1].embedded):
            raise ValueError(
                f"CORRUPTED must be {LABELS}, {QUERY}, or an evaluation on the same contexts as {clean} (its stream, "
                f"kind and classes), got {corrupted}"
            )
        return patched_from(model, given[0], _other_query(given[0]) if other is None else given[1], sites=sites)


def corrupted_evaluation(clean: Evaluation, corrupted: str) -> Evaluation | None:
    """The evaluation that is meant; None for another query.

    Args:
        clean: the clean one.
        corrupted: labels, query, or an evaluation by name or text.

    Raises:
        ValueError: if it is neither, or labels of ``clean`` cannot be exchanged.
    """
    if corrupted == QUERY:
        return None
    if corrupted == LABELS:
        name = f"{clean.name[: _LONGEST_NAME - 10]}_exchanged"
        return replace(clean, name=name, exchanged=not clean.exchanged, stream=clean.stream or clean.name)
    return read_evaluation(corrupted)


def _other_query(given: Asked) -> Asked:
    """The sequences with a context item of another label as their query; those without one keep theirs."""
    others = given.labels[:, :-1] != given.labels[:, -1:]
    rows = torch.arange(len(others), device=others.device)[others.any(1)]
    places = others[rows].float().argmax(1)  # the first

    def asked_another(values: Tensor) -> Tensor:
        found = values.clone()
        found[rows, -1] = values[rows, places]
        return found

    return given.changed(asked_another, asked_another(given.labels))
