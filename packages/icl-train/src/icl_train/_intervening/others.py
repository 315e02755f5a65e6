"""The models of other runs, which answer the same sequences."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import torch

from icl_models import InContextModel, load_model
from icl_train._interventions.value import Intervention
from icl_train._making.others import others_of

__all__ = ["Others", "load_others"]

Others = dict[str, InContextModel]
"""A run as an intervention names it → its model, which is not trained."""


def load_others(
    interventions: Iterable[Intervention], *, find: Callable[[str], Path], model: InContextModel, device: torch.device
) -> Others:
    """The models that some interventions hold another one to.

    Args:
        interventions: of the run.
        find: where the weights of a run that they name are.
        model: that which is held to them.
        device: where they are to be.

    Raises:
        ValueError: if a file is no saved model, or it is one of other examples or fewer labels.
        OSError: what the system says.
    """
    others: Others = {}
    for run in others_of(interventions):
        other = load_model(find(run)).to(device).eval().requires_grad_(False)
        _require_same_sequences(run, other, model)
        others[run] = other
    return others


def _require_same_sequences(run: str, other: InContextModel, model: InContextModel) -> None:
    ours, theirs = model.config, other.config
    for name in ("example_kind", "example_shape"):
        wanted, got = getattr(ours, name), getattr(theirs, name)
        if wanted != got:
            raise ValueError(f"run must be of a model of the same examples: {name} {wanted}, got {got} in {run}")
    for name in ("num_classes", "num_ids"):
        least, most = getattr(ours, name) or 0, getattr(theirs, name) or 0
        if most < least:
            raise ValueError(f"run must be of a model with {name} at least {least}, got {most} in {run}")
