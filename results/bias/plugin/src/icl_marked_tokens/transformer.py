"""The transformer that adds a mark to some of its tokens."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from icl_marked_tokens import MarkedConfig
from icl_models import ModelFacts, find_sequence_model

_TAKEN = {"items": slice(0, None, 2), "labels": slice(1, None, 2), "tokens": slice(None)}


class MarkedTransformer(nn.Module):
    """Tokens (B, T, W), items and labels in turn, to the features of the transformer on tokens with the mark."""

    updates: Tensor

    def __init__(self, model: ModelFacts, own: MarkedConfig) -> None:
        super().__init__()
        self.own = own
        self.transformer = find_sequence_model("transformer").build(model, own)
        self.out_features = cast(int, self.transformer.out_features)
        mark = torch.zeros(model.token_width)
        if own.fixed_norm:
            with torch.random.fork_rng(devices=[]):  # a direction for each seed, and no other weight drawn otherwise
                mark = torch.randn(model.token_width)
            mark *= own.fixed_norm / mark.norm()
        self.mark = nn.Parameter(mark, requires_grad=not own.fixed_norm)
        self.register_buffer("updates", torch.zeros((), dtype=torch.int64))

    def forward(self, tokens: Tensor, positions: str = "all") -> Tensor:
        own, done = self.own, int(self.updates)
        if self.training:
            self.updates += 1
        is_there = done >= own.since and (own.until is None or done < own.until)
        shift = torch.zeros_like(tokens[:1])  # (1, T, W)
        shift[:, _TAKEN[own.target]] = own.scale * is_there * self.mark
        features: Tensor = self.transformer(tokens + shift, positions)
        return features
