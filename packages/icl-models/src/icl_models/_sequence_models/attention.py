"""Causal attention."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from icl_models._initialize import scaled_linear
from icl_models._sequence_models.positions import RelativePositions, RotaryPositions
from icl_models._sequence_models.tap import Tapped


def attend(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    bias: Tensor | None = None,
    tap_weights: Callable[[Tensor], Tensor] | None = None,
    scale: float | None = None,
) -> Tensor:
    """Scaled dot-product attention under a causal mask.

    Args:
        q: queries (B, H, T, D), or those of the last token only, (B, H, 1, D).
        k, v: keys and values (B, H, T, D); values may be of another width, which is then the result's.
        bias: to add to the scores, (H, Q, T).
        tap_weights: what to put the weights (B, H, Q, T) through; they are only computed explicitly when it is given.
        scale: factor of the scores; None is 1 / sqrt(D).
    """
    causal = q.shape[2] > 1  # the last token may look at everything
    if bias is None and tap_weights is None:
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal, scale=scale)
    mask = q.new_zeros(q.shape[2], k.shape[2]) if bias is None else bias
    if causal:
        mask = mask.masked_fill(torch.ones_like(mask, dtype=torch.bool).triu(1), -math.inf)
    if tap_weights is None:
        return F.scaled_dot_product_attention(q, k, v, attn_mask=mask[None], scale=scale)
    scores = q @ k.transpose(-1, -2)  # (B, H, Q, T)
    scores = (scores / math.sqrt(q.shape[-1]) if scale is None else scores * scale) + mask
    return tap_weights(scores.softmax(-1)) @ v


class CausalSelfAttention(Tapped):
    """Multi-head self-attention; query, key and value come from one matrix product.

    Args:
        width: of a token, W.
        num_heads: H, of width D = W / H.
        relative, rotary: how the scores depend on the distance of two tokens; by default they do not.
    """

    sites = ("queries", "keys", "values", "weights", "heads")  # with heads on axis 1

    def __init__(
        self,
        width: int,
        num_heads: int,
        relative: RelativePositions | None = None,
        rotary: RotaryPositions | None = None,
    ) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = scaled_linear(width, 3 * width)
        self.out = scaled_linear(width, width)
        self.relative = relative
        self.rotary = rotary

    def forward(self, x: Tensor, query_only: bool = False) -> Tensor:
        stations = self.stations
        heads = (self.num_heads, x.shape[-1] // self.num_heads)
        if query_only:
            width = x.shape[-1]
            q = F.linear(x[:, -1:], self.qkv.weight[:width], self.qkv.bias[:width])  # (B, 1, W)
            k, v = F.linear(x, self.qkv.weight[width:], self.qkv.bias[width:]).chunk(2, -1)  # (B, T, W) each
        else:
            q, k, v = self.qkv(x).chunk(3, -1)  # (B, T, W) each
        q, k, v = (part.view(*part.shape[:2], *heads).transpose(1, 2) for part in (q, k, v))  # (B, H, T, D) each
        if self.rotary is not None:
            q, k = self.rotary(q, x.shape[1]), self.rotary(k, x.shape[1])
        if stations:
            q, k, v = self.tap("queries", q), self.tap("keys", k), self.tap("values", v)
        bias = None if self.relative is None else self.relative(q.shape[2], k.shape[2])  # (H, Q, T)
        mixed = attend(q, k, v, bias, stations.get("weights"))  # (B, H, Q, D)
        projected: Tensor
        if "heads" in stations:
            apart = torch.einsum("bhqd,whd->bhqw", mixed, self.out.weight.view(-1, *heads))
            projected = (self.tap("heads", apart).sum(1) + self.out.bias).to(mixed.dtype)  # (B, Q, W)
        else:
            projected = self.out(mixed.transpose(1, 2).flatten(2))  # (B, Q, W)
        return projected
