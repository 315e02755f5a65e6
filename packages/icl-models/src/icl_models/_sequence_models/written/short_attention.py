"""Causal attention written out, forward and backward, for sequences too short for fused kernels to pay.

Heads are laid out with features before tokens, (B, H, D, T), and scores with keys before queries, (B H, S, T): so both
operands of every batched product have the tokens innermost, and the softmax runs over an axis that is not the last.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor


@lru_cache(maxsize=16)
def _mask(length: int, dtype: torch.dtype) -> Tensor:
    """(S, T): minus infinity where a query would see a later key."""
    return torch.full((length, length), -math.inf, dtype=dtype).tril(-1)


def split_heads(rows: Tensor, parts: int, length: int, num_heads: int) -> Tensor:
    """Rows (B T, parts H D) to (parts, B H, D, T)."""
    sequences, width = len(rows) // length, rows.shape[1] // (parts * num_heads)
    apart = rows.view(sequences, length, parts, num_heads, width).permute(2, 0, 3, 4, 1)
    return apart.contiguous().view(parts, sequences * num_heads, width, length)


def join_heads(heads: Tensor, num_heads: int) -> Tensor:
    """(parts, B H, D, T) back to rows (B T, parts H D)."""
    parts, both, width, length = heads.shape
    apart = heads.view(parts, both // num_heads, num_heads, width, length).permute(1, 4, 0, 2, 3)
    return apart.reshape(both // num_heads * length, parts * num_heads * width)


def attend_causally(heads: Tensor) -> tuple[Tensor, Tensor]:
    """Mixed values (N, D, T) and the weights (N, S, T), of queries, keys and values (3, N, D, T) of N = B H heads; no
    gradients are recorded."""
    q, k, v = heads.unbind()
    mask = _mask(q.shape[2], q.dtype)
    scores = torch.baddbmm(mask, k.transpose(1, 2), q, alpha=q.shape[1] ** -0.5)
    weights = scores.softmax(1)
    return v.bmm(weights), weights


def attend_causally_backward(gradient: Tensor, heads: Tensor, weights: Tensor) -> Tensor:
    """(3, N, D, T): the gradients of queries, keys and values, from that of the mixed values (N, D, T)."""
    q, k, v = heads.unbind()
    of_q, of_k, of_v = (of_heads := torch.empty_like(heads)).unbind()
    scale, kind = q.shape[1] ** -0.5, q.dtype
    of_scores = torch.ops.aten._softmax_backward_data.default(v.transpose(1, 2).bmm(gradient), weights, 1, kind)
    torch.baddbmm(of_q, k, of_scores, beta=0, alpha=scale, out=of_q)
    torch.baddbmm(of_k, q, of_scores.transpose(1, 2), beta=0, alpha=scale, out=of_k)
    torch.bmm(gradient, weights.transpose(1, 2), out=of_v)
    return of_heads
