"""Causal attention, and how to look at its weights."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from icl_models._initialize import scaled_linear


def attend(q: Tensor, k: Tensor, v: Tensor, captured: list[Tensor] | None = None) -> Tensor:
    """Scaled dot-product attention under a causal mask.

    Args:
        q: queries (B, H, T, D), or those of the last token only, (B, H, 1, D).
        k, v: keys and values (B, H, T, D).
        captured: where to append the weights (B, H, Q, T); they are only computed explicitly when asked for.
    """
    causal = q.shape[2] > 1  # the last token may look at everything
    if captured is None:
        return F.scaled_dot_product_attention(q, k, v, is_causal=causal)
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])  # (B, H, Q, T)
    if causal:
        future = torch.ones(scores.shape[-2:], dtype=torch.bool, device=q.device).triu(1)
        scores = scores.masked_fill(future, -math.inf)
    weights = scores.softmax(-1)
    captured.append(weights)
    return weights @ v


class CausalSelfAttention(nn.Module):
    """Multi-head self-attention; query, key and value come from one matrix product."""

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.qkv = scaled_linear(width, 3 * width)
        self.out = scaled_linear(width, width)
        self.captured: list[Tensor] | None = None

    def forward(self, x: Tensor, query_only: bool = False) -> Tensor:
        heads = (self.num_heads, x.shape[-1] // self.num_heads)
        if query_only:
            width = x.shape[-1]
            q = F.linear(x[:, -1:], self.qkv.weight[:width], self.qkv.bias[:width])  # (B, 1, W)
            k, v = F.linear(x, self.qkv.weight[width:], self.qkv.bias[width:]).chunk(2, -1)  # (B, T, W) each
        else:
            q, k, v = self.qkv(x).chunk(3, -1)  # (B, T, W) each
        q, k, v = (part.view(*part.shape[:2], *heads).transpose(1, 2) for part in (q, k, v))  # (B, H, T, D) each
        mixed = attend(q, k, v, self.captured).transpose(1, 2).flatten(2)  # (B, Q, W)
        projected: Tensor = self.out(mixed)
        return projected


@contextmanager
def capture_attention(model: nn.Module) -> Iterator[list[Tensor]]:
    """Collect the attention weights of every forward pass inside the `with` block.

    Yields a list to which each layer, from the first up, appends its weights (B, H, T, T), with their graph;
    with positions="query" the last layer's are (B, H, 1, T).

    Args:
        model: a module with attention layers of this package inside.
    """
    captured: list[Tensor] = []
    layers = [module for module in model.modules() if isinstance(module, CausalSelfAttention)]
    for layer in layers:
        layer.captured = captured
    try:
        yield captured
    finally:
        for layer in layers:
            layer.captured = None
