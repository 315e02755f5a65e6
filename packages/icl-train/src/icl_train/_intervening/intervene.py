"""Interventions put into a model by hand, and those of a run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor

from icl_models import InContextModel
from icl_train._intervening.interventions import Interventions
from icl_train._intervening.others import load_others
from icl_train._interventions.text import read_intervention
from icl_train._interventions.value import Intervention
from icl_train._making.others import check_other, find_other
from icl_train._runs.folder import RunFolder

__all__ = ["intervene", "interventions_of"]


@contextmanager
def intervene(
    model: InContextModel,
    interventions: Sequence[Intervention | str],
    *,
    labels: Tensor | None = None,
    examples: Tensor | None = None,
    step: int = 1,
) -> Iterator[None]:
    """Within the block, do to a model what a run's interventions do, in every forward pass.

    Args:
        model: in training or evaluation; it itself must be called, not what ``torch.compile`` makes of it.
        interventions: values, or their texts.
        labels: (B, S) of the sequences that it is called with, the last being the right answers; for ``copy``,
            ``run`` and the induction pattern.
        examples: (B, S, …) of the sequences; for ``run``.
        step: number of an update; those that do not act in it do nothing.

    Raises:
        ValueError: for a name that the model does not have, an action that its place cannot take, another run that is
            not there, or labels or examples that are needed.
    """
    found = [read_intervention(one) if isinstance(one, str) else one for one in interventions]
    device = model.readout.weight.device
    others = load_others(found, find=find_other, model=model, device=device)

    def embed(other: InContextModel) -> Tensor:
        if examples is None:
            raise ValueError("run needs the examples of the sequences, got none")
        return other.embed_examples(examples)

    with Interventions(model, found, others) as put:
        acting = put.at(step)
        if acting is None:
            yield
            return
        with acting.on(labels, embed):
            yield


def interventions_of(run: RunFolder, model: InContextModel) -> Interventions | None:
    """What a run does to its model; None if nothing.

    Args:
        run: its settings, and its copies of other runs' weights.
        model: its model, on any device.

    Raises:
        Damaged: if a copy is not as it was written; the line begins with the file.
        ValueError: for a name that the model does not have, or an action that its place cannot take.
        OSError: what the system says.
    """
    found = run.config.model.intervened
    if not found:
        return None
    device: torch.device = model.readout.weight.device
    others = load_others(found, find=partial(check_other, run.path), model=model, device=device)
    return Interventions(model, found, others)
