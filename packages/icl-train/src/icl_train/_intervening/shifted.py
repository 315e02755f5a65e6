"""Attention weights as they are where the layers below are perfect (Singh et al. 2024, arXiv 2404.07129, section 5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from icl_models import Edit, InContextModel
from icl_train._intervening.batch import answered

__all__ = ["FIRST_TOKENS", "note_tokens", "require_shiftable", "shifted", "weights_of_shifted"]

FIRST_TOKENS = "blocks.0.residual_pre"

_WHY = "pattern=shifted"


def shifted(tokens: Tensor) -> Tensor:
    """Tokens of which each has what the one before it had, but for the first and the query, which have their own.

    Args:
        tokens: (B, T, W).
    """
    return torch.cat((tokens[:, :1], tokens[:, :-2], tokens[:, -1:]), 1) if tokens.shape[1] > 1 else tokens


def note_tokens() -> Edit:
    """No change: what the first block is given is kept for the pass."""

    def note(name: str, value: Tensor) -> Tensor:
        answered(_WHY)[0].tokens = value
        return value

    return Edit(note, None)


def weights_of_shifted(model: InContextModel) -> Callable[[str, Tensor], Tensor]:
    """The change of attention weights: the same layer's, with queries and keys of the shifted first tokens.

    Args:
        model: a transformer, whose first tokens are noted.
    """

    def change(name: str, value: Tensor) -> Tensor:
        batch, _ = answered(_WHY)
        if name in batch.asked:  # the call below has come here
            batch.asked[name] = value
            return value
        assert batch.tokens is not None
        block: Any = model.get_submodule("sequence_model." + name.partition(".attention.")[0])
        tokens = shifted(batch.tokens)
        batch.asked[name] = None
        try:
            given = block.norm_attention(tokens) if block.pre_norm else tokens
            # Nobody sees this call: what is captured are the pass's own queries, keys and values.
            attention = block.attention.unseen()
            attention(given, query_only=value.shape[-2] < value.shape[-1])
        finally:
            found = batch.asked.pop(name)
        assert found is not None
        return found

    return change


def require_shiftable(model: InContextModel) -> None:
    """Refuse models in which an example and its label are one token, and those without blocks of attention.

    Args:
        model: any.

    Raises:
        ValueError: as said.
    """
    if model.config.sequence_model != "transformer" or model.config.concatenate_labels:
        raise ValueError("shifted needs a transformer in which labels are tokens of their own")
