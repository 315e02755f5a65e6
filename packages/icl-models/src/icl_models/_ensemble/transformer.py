"""The transformer of an ensemble: the forward pass of `_sequence_models/transformer.py` with every product batched."""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from icl_models._config import ModelConfig
from icl_models._contract.component import Positions
from icl_models._ensemble.attention import attend, causal_mask, heads_of, tokens_of
from icl_models._ensemble.noise import Generators, dropout
from icl_models._ensemble.norms import layer_norm
from icl_models._ensemble.products import linear, look_up
from icl_models._sequence_models.positions import RotaryPositions
from icl_models._sequence_models.settings import TransformerConfig


class EnsembleTransformer(nn.Module):
    """Tokens (M, B, T, W) to features (M, B T, W), or the last token's (M, B, W).

    Args:
        config: what the members share.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        own = config.sequence_model_config or TransformerConfig()
        assert isinstance(own, TransformerConfig)
        self.own, self.config = own, config
        self.num_heads = config.resolved_num_heads
        self.with_mlp = frozenset(range(config.num_layers) if own.mlp_layers is None else own.mlp_layers)
        self.rotary = RotaryPositions(config.token_width // self.num_heads) if own.positions == "rotary" else None

    def forward(self, x: Tensor, weights: Mapping[str, Tensor], positions: Positions, generators: Generators) -> Tensor:
        members, size, length, width = x.shape
        if self.own.positions == "learned":
            x = x + self._learned(weights["sequence_model.learned_positions.table"], length, generators)[:, None]
        x = x.reshape(members, size * length, width)
        last = self.config.num_layers - 1
        for layer in range(self.config.num_layers):
            prefix = f"sequence_model.blocks.{layer}."
            own = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
            x = self._block(x, length, own, positions == "query" and layer == last, layer in self.with_mlp, generators)
        if self.own.norm == "pre":
            x = layer_norm(x, weights["sequence_model.norm.weight"], weights["sequence_model.norm.bias"])
        return x

    def _learned(self, table: Tensor, length: int, generators: Generators) -> Tensor:
        if length > table.shape[1]:
            raise ValueError(f"sequences must have at most num_positions, {table.shape[1]}, tokens, got {length}")
        probability = self.config.positional_dropout_prob if self.training else 0.0
        return dropout(table[:, :length], probability, generators)

    def _block(
        self,
        x: Tensor,
        length: int,
        own: Mapping[str, Tensor],
        query_only: bool,
        has_mlp: bool,
        generators: Generators,
    ) -> Tensor:
        pre, probability = self.own.norm == "pre", self.config.dropout_prob if self.training else 0.0
        norm = own["norm_attention.weight"], own["norm_attention.bias"]
        h = self._attention(layer_norm(x, *norm) if pre else x, length, own, query_only)
        kept = _last(x, length) if query_only else x
        x = kept + dropout(h, probability, generators)
        if not pre:
            x = layer_norm(x, *norm)
        if has_mlp:
            norm = own["norm_mlp.weight"], own["norm_mlp.bias"]
            h = linear(layer_norm(x, *norm) if pre else x, own["mlp_in.weight"], own["mlp_in.bias"])
            h = linear(F.gelu(h, approximate="tanh"), own["mlp_out.weight"], own["mlp_out.bias"])
            x = x + dropout(h, probability, generators)
            if not pre:
                x = layer_norm(x, *norm)
        return x

    def _attention(self, x: Tensor, length: int, own: Mapping[str, Tensor], query_only: bool) -> Tensor:
        members, _, width = x.shape
        weight, bias, heads = own["attention.qkv.weight"], own["attention.qkv.bias"], self.num_heads
        if query_only:
            of_q, of_kv = torch.split(weight, [width, 2 * width], 1)
            bias_q, bias_kv = torch.split(bias, [width, 2 * width], 1)
            (q,) = heads_of(linear(_last(x, length), of_q, bias_q), 1, 1, heads)  # (M B H, 1, D)
            k, v = heads_of(linear(x, of_kv, bias_kv), length, 2, heads)  # (M B H, T, D) each
        else:
            q, k, v = heads_of(linear(x, weight, bias), length, 3, heads)
        if self.rotary is not None:
            q, k = self._turned(q, length), self._turned(k, length)
        mask = self._mask(own, q, length)
        mixed = attend(q * q.shape[-1] ** -0.5, k, v, mask)  # (M B H, Q, D)
        return linear(tokens_of(mixed, members, heads), own["attention.out.weight"], own["attention.out.bias"])

    def _turned(self, x: Tensor, length: int) -> Tensor:
        assert self.rotary is not None
        turned: Tensor = self.rotary(x.view(-1, self.num_heads, *x.shape[1:]), length)
        return turned.flatten(0, 1)

    def _mask(self, own: Mapping[str, Tensor], q: Tensor, length: int) -> Tensor | None:
        """What is added to the scores of the Q last tokens: (1, Q, T), or (M B H, Q, T) of relative positions."""
        queries = q.shape[1]
        mask = causal_mask(length, q)[None] if queries > 1 else None
        if self.own.positions != "relative":
            return mask
        table = own["attention.relative.bias"]  # (M, H, distances)
        position = torch.arange(length, device=q.device)
        distance = (position[length - queries :, None] - position).clamp(0, table.shape[2] - 1)  # (Q, T)
        bias = look_up(table.mT, distance.expand(len(table), -1, -1)).permute(0, 3, 1, 2)  # (M, H, Q, T)
        bias = bias if mask is None else bias + mask
        return bias[:, None].expand(-1, len(q) // bias.shape[:2].numel(), -1, -1, -1).reshape(-1, queries, length)


def _last(x: Tensor, length: int) -> Tensor:
    """The last token of each sequence: (M, B T, W) to (M, B, W)."""
    return x.view(len(x), -1, length, x.shape[2])[:, :, -1]
