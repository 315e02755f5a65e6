"""Weights from a file, which are taken if they are a model's: its names, shapes and types, and numbers."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from safetensors.torch import load
from torch import nn

from icl_data.foundation.printable import one_line
from icl_data.foundation.sealed import Damaged

__all__ = ["check_weights_fit", "load_checked", "tensors_in"]


def load_checked(model: nn.Module, content: bytes, name: str) -> None:
    """Load the content of a safetensors file into a model, which is as it was if they do not fit.

    Args:
        model: what takes the weights.
        content: of the file.
        name: what the file is called in a complaint.

    Raises:
        Damaged: if it is no such file, its tensors are not the model's, or one of them is not finite.
    """
    tensors = tensors_in(content, name)
    _require_fit(_kinds(model.state_dict()), _kinds(tensors), name)
    model.load_state_dict(tensors)


def tensors_in(content: bytes, name: str) -> dict[str, torch.Tensor]:
    """The tensors in the content of a safetensors file, all of them finite.

    Raises:
        Damaged: if it is no such file, or one is not finite.
    """
    try:
        tensors = load(content)
    except Exception as error:  # safetensors and torch raise their own types
        raise Damaged(f"{name} must be a safetensors file, got one that is damaged or none") from error
    for key, value in tensors.items():
        if not bool(torch.isfinite(value).all()):
            raise Damaged(f"{name} must hold finite numbers alone, got others in {one_line(key)}")
    return tensors


def check_weights_fit(content: bytes, model: nn.Module, what: str, where: str) -> None:
    """Whether weights have the names, shapes and types of a model's, and are numbers.

    Args:
        content: of a safetensors file.
        model: the model.
        what: what they are called in a complaint.
        where: the file.

    Raises:
        ValueError: naming the first parameter that differs, with both shapes or types.
    """
    try:
        tensors = tensors_in(content, where)
    except Damaged as damage:
        raise ValueError(f"{what}: {damage}") from None
    try:
        _require_fit(_kinds(model.state_dict()), _kinds(tensors), where)
    except Damaged as damage:
        raise ValueError(f"{what} must fit the model: {damage}") from None


def _kinds(tensors: Mapping[str, torch.Tensor]) -> dict[str, tuple[object, str]]:
    """Shape and type of each."""
    return {name: (tuple(value.shape), str(value.dtype).removeprefix("torch.")) for name, value in tensors.items()}


def _require_fit(ours: Mapping[str, tuple[object, str]], theirs: Mapping[str, tuple[object, str]], where: str) -> None:
    for name in [*ours, *theirs]:
        if ours.get(name) == theirs.get(name):
            continue
        (found, kind), (needed, wanted) = (one.get(name, ("none", "none")) for one in (theirs, ours))
        if found == needed:
            found, needed = kind, wanted
        raise Damaged(f"{one_line(name)} is {needed} in the model, got {found} in {where}")
