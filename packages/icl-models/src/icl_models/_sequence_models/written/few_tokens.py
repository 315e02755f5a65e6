"""Causal attention of a handful of tokens, forward and backward, over all heads at once, as sums of products.

A matrix product of five tokens by five costs its call; with heads innermost, (D, T, B H), each step is one pass over
D T T B H numbers, which is less until the square of T tells.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor

MOST_TOKENS = 9


@lru_cache(maxsize=16)
def _mask(length: int, dtype: torch.dtype) -> Tensor:
    """(S, T, 1): minus infinity where a query would see a later key."""
    return torch.full((length, length), -math.inf, dtype=dtype).tril(-1)[:, :, None]


def split_heads(rows: Tensor, parts: int, length: int, num_heads: int) -> Tensor:
    """Rows (B T, parts H D) to (parts, D, T, B H)."""
    sequences, width = len(rows) // length, rows.shape[1] // (parts * num_heads)
    apart = rows.view(sequences, length, parts, num_heads, width).permute(2, 4, 1, 0, 3)
    return apart.contiguous().view(parts, width, length, sequences * num_heads)


def join_heads(heads: Tensor, num_heads: int) -> Tensor:
    """(parts, D, T, B H) back to rows (B T, parts H D)."""
    parts, width, length, both = heads.shape
    apart = heads.view(parts, width, length, both // num_heads, num_heads).permute(3, 2, 0, 4, 1)
    return apart.reshape(both // num_heads * length, parts * num_heads * width)


def attend_causally(heads: Tensor) -> tuple[Tensor, Tensor]:
    """Mixed values (D, T, N) and the weights (S, T, N), of queries, keys and values (3, D, T, N) of N = B H heads; no
    gradients are recorded."""
    q, k, v = heads.unbind()
    scores = (k[:, :, None] * q[:, None]).sum(0).mul_(len(q) ** -0.5)
    weights = scores.add_(_mask(q.shape[1], q.dtype)).softmax(0)
    return (v[:, :, None] * weights).sum(1), weights


def attend_causally_backward(gradient: Tensor, heads: Tensor, weights: Tensor) -> Tensor:
    """(3, D, T, N): the gradients of queries, keys and values, from that of the mixed values (D, T, N)."""
    q, k, v = heads.unbind()
    of_q, of_k, of_v = (of_heads := torch.empty_like(heads)).unbind()
    of_weights = (v[:, :, None] * gradient[:, None]).sum(0)
    of_scores = torch.ops.aten._softmax_backward_data.default(of_weights, weights, 0, q.dtype).mul_(len(q) ** -0.5)
    torch.sum(k[:, :, None] * of_scores, 1, out=of_q)
    torch.sum(q[:, None] * of_scores, 2, out=of_k)
    torch.sum(gradient[:, None] * weights, 2, out=of_v)
    return of_heads
