"""Causal attention of an ensemble, written out: sequences are short, and the products are over members, sequences and
heads at once."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def heads_of(projected: Tensor, length: int, parts: int, num_heads: int) -> tuple[Tensor, ...]:
    """(M, B T, parts W) to `parts` tensors (M B H, T, D), from one copy."""
    apart = projected.view(-1, length, parts, num_heads, projected.shape[-1] // parts // num_heads)
    together = apart.permute(2, 0, 3, 1, 4).reshape(parts, -1, length, apart.shape[-1])
    return together.unbind(0)


def tokens_of(mixed: Tensor, members: int, num_heads: int) -> Tensor:
    """(M B H, Q, D) to (M, B Q, H D), the inverse of `heads_of`."""
    _, queries, width = mixed.shape
    return mixed.view(-1, num_heads, queries, width).transpose(1, 2).reshape(members, -1, num_heads * width)


def causal_mask(length: int, like: Tensor) -> Tensor:
    """(T, T), -inf above the diagonal."""
    return torch.full((length, length), -math.inf, dtype=like.dtype, device=like.device).triu_(1)


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> Tensor:
    """softmax(q k + mask) v: queries (N, Q, D), scaled already, keys (N, T, D), values (N, T, D') to (N, Q, D').

    Args:
        q, k, v: of all members, sequences and heads.
        mask: (1, Q, T) or (N, Q, T), to add to the scores.
    """
    scores = torch.bmm(q, k.mT) if mask is None else torch.baddbmm(mask.to(q.dtype), q, k.mT)
    return torch.bmm(scores.softmax(-1).to(v.dtype), v)
