"""The disentangled transformer of an ensemble: `_sequence_models/reddy.py` with every product batched."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from icl_models._config import ModelConfig
from icl_models._contract.component import Positions
from icl_models._ensemble.attention import attend, causal_mask
from icl_models._ensemble.noise import Generators, starts
from icl_models._ensemble.products import linear
from icl_models._sequence_models.settings import ReddyConfig


class EnsembleReddy(nn.Module):
    """Tokens (M, B, T, W) to features (M, B T, mlp_width), or the last token's (M, B, mlp_width).

    Args:
        config: what the members share.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        own = config.sequence_model_config or ReddyConfig()
        assert isinstance(own, ReddyConfig)
        self.own, self.config = own, config

    def forward(self, x: Tensor, weights: Mapping[str, Tensor], positions: Positions, generators: Generators) -> Tensor:
        if self.own.positions == "shifted":
            x = self._placed(x, generators)
        members, size, length, width = x.shape
        last = self.config.num_layers - 1
        for layer in range(self.config.num_layers):
            query_only = positions == "query" and layer == last
            prefix = f"sequence_model.blocks.{layer}.attention."
            query, key, value = (weights[f"{prefix}{name}.weight"] for name in ("query", "key", "value"))
            flat = x.reshape(members, size * length, width)
            asking = x[:, :, -1:] if query_only else x  # (M, B, Q, W)
            q = linear(asking.reshape(members, -1, width), query)
            k, v = linear(flat, key), linear(flat, value)
            q, k, v = (part.view(members * size, -1, part.shape[2]) for part in (q, k, v))  # (M B, Q or T, K or W) each
            mixed = attend(q, k, v, None if query_only else causal_mask(length, q)[None])  # (M B, Q, W)
            x = asking + mixed.view_as(asking)
        x = x.reshape(members, -1, width)
        for layer in range(self.own.mlp_layers):
            prefix = f"sequence_model.mlp.{layer}."
            x = F.relu(linear(x, weights[f"{prefix}weight"]) + weights[f"{prefix}bias"][:, None])
        return x

    def _placed(self, tokens: Tensor, generators: Generators) -> Tensor:
        """One-hot positions before each token, as `ShiftedPositions`."""
        members, size, length, _ = tokens.shape
        count = self.own.num_positions
        if length > count:
            raise ValueError(f"sequences must have at most 2 * max_pairs + 1, {count}, tokens, got {length}")
        choices = count - length + 1
        if self.training:
            start = starts(choices, members, size, tokens.device, generators)
        else:
            start = (torch.arange(size, device=tokens.device) % choices).expand(members, -1)
        place = start[..., None] + torch.arange(length, device=tokens.device)  # (M, B, T)
        one_hot = place[..., None] == torch.arange(count, device=tokens.device)
        return torch.cat((one_hot.to(tokens.dtype), tokens), -1)
