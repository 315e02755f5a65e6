"""What an intervention makes of the values that pass its place."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from icl_models import Edit, InContextModel, ablate, patch
from icl_train._intervening.batch import answered
from icl_train._intervening.patterns import (
    attention_to_labels,
    copied_logits,
    induction_pattern,
    previous_pattern,
    uniform_pattern,
)
from icl_train._intervening.shifted import weights_of_shifted
from icl_train._interventions.text import intervention_text
from icl_train._interventions.value import Intervention

__all__ = ["answer_with_copies", "edit_of", "keep_theirs"]

_Change = Callable[[str, Tensor], Tensor]


def edit_of(intervention: Intervention, model: InContextModel) -> Edit:
    """The change that an intervention other than ``fix`` makes.

    Args:
        intervention: which.
        model: that it is made in.
    """
    one = intervention
    if one.action == "copy":
        return Edit(_note_copies(one, model.config.num_classes), None)
    change = _change_of(one, model)
    return Edit(_but(one.but, change) if one.but else change, None)


def keep_theirs(run: str) -> Edit:
    """No change: what another run's model computes is kept for the batch.

    Args:
        run: that run.
    """

    def keep(name: str, value: Tensor) -> Tensor:
        batch, _ = answered(f"run={run}")
        batch.theirs[run, name] = value
        return value

    return Edit(keep, None)


def answer_with_copies() -> Edit:
    """The change of the readout's logits, (B, C) or (B, T, C): the query's are what was copied in this pass."""

    def change(name: str, value: Tensor) -> Tensor:
        batch, _ = answered("copy")
        logits = copied_logits(torch.stack(batch.copied).sum(0)).to(value)
        batch.copied.clear()  # a batch may be answered again
        return logits if value.ndim == 2 else torch.cat((value[:, :-1], logits[:, None]), 1)

    return Edit(change, None)


def _change_of(one: Intervention, model: InContextModel) -> _Change:
    if one.action in ("ablate", "mean"):
        return ablate("zero" if one.action == "ablate" else "mean").change
    if one.action == "value":
        return patch(float(one.to or 0)).change
    if one.action == "run":
        return _their_value(str(one.to))
    if one.to == "shifted":
        return weights_of_shifted(model)
    if one.to == "induction":
        told = intervention_text(one)
        return lambda name, value: induction_pattern(value, answered(told)[1])
    return lambda name, value: previous_pattern(value) if one.to == "previous" else uniform_pattern(value)


def _note_copies(one: Intervention, num_classes: int) -> _Change:
    told = intervention_text(one)

    def note(name: str, value: Tensor) -> Tensor:
        batch, labels = answered(told)
        _require_heads(name, value, one.but)
        copying = [head for head in range(value.shape[1]) if head not in one.but] if one.but else slice(None)
        batch.copied.append(attention_to_labels(value[:, copying], labels, num_classes))
        return value

    return note


def _their_value(run: str) -> _Change:
    def change(name: str, value: Tensor) -> Tensor:
        batch, _ = answered(f"run={run}")
        theirs = batch.theirs[run, name]
        if theirs.ndim == value.ndim + 1:  # at all tokens, where ours is at the query alone
            theirs = theirs[..., -1, :]
        elif theirs.ndim == value.ndim and value.ndim >= 3 and value.shape[-2] == 1:
            theirs = theirs[..., -1:, :]
        if theirs.shape != value.shape:
            raise ValueError(f"{name} must have shape {tuple(value.shape)} in {run}, got {tuple(theirs.shape)}")
        return theirs

    return change


def _but(heads: tuple[int, ...], change: _Change) -> _Change:
    """The change of all other heads, which lie on axis 1."""

    def changed(name: str, value: Tensor) -> Tensor:
        _require_heads(name, value, heads)
        index = torch.tensor(heads, device=value.device)
        return change(name, value).to(value).expand_as(value).index_copy(1, index, value.index_select(1, index))

    return changed


def _require_heads(name: str, value: Tensor, heads: tuple[int, ...]) -> None:
    if heads and max(heads) >= value.shape[1]:
        raise ValueError(f"heads of {name} must be from 0 to {value.shape[1] - 1}, got {max(heads)}")
