"""Causal attention of the last token alone, forward and backward, without keys and values of the other tokens.

With one query per head, q . (K x) is (K^T q) . x, and the mixed values are V (x mixed by the weights): two products of
the size of a batch in place of one with all of its tokens. The key's bias shifts all scores of a query alike, so that
it has no part in the weights and its gradient is zero.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from icl_models._sequence_models.written.products import affine


class KeptQuery(NamedTuple):
    """What the backward pass needs, of B sequences, H heads, T tokens and width W = H D."""

    tokens: Tensor  # (B, T, W)
    last: Tensor  # (B, W)
    query: Tensor  # (H, B, D)
    reading: Tensor  # (B, H, W): what a head looks for in a token
    pattern: Tensor  # (B, H, T)
    read: Tensor  # (H, B, W): the tokens as a head mixes them
    mixed: Tensor  # (B, W)


def _by_head(rows: Tensor, num_heads: int) -> Tensor:
    """(B, H D) as (H, B, D)."""
    return rows.view(len(rows), num_heads, -1).transpose(0, 1)


def _tokens_first(scores: Tensor) -> Tensor:
    """(B, H, T) as (T, B, H): a softmax over the first axis takes all heads at once, over the last one by one."""
    return scores.permute(2, 0, 1).contiguous()


def attend_from_last(tokens: Tensor, weight: Tensor, bias: Tensor, num_heads: int) -> KeptQuery:
    """Mixed values of the last of the tokens (B, T, W), with the weight (3 W, W) of queries, keys and values."""
    width = tokens.shape[2]
    of_query, of_keys, of_values = weight.chunk(3)
    last = tokens[:, -1].contiguous()
    query = _by_head(affine(last, of_query, bias[:width]), num_heads)
    reading = query.bmm(of_keys.view(num_heads, -1, width)).transpose(0, 1)
    scores = reading.bmm(tokens.transpose(1, 2)).mul_((width // num_heads) ** -0.5)
    pattern = _tokens_first(scores).softmax(0).permute(1, 2, 0)
    read = pattern.bmm(tokens).transpose(0, 1)
    mixed = read.bmm(of_values.view(num_heads, -1, width).transpose(1, 2))  # (H, B, D)
    rows = mixed.transpose(0, 1).reshape(len(tokens), width).add_(bias[2 * width :])
    return KeptQuery(tokens, last, query, reading, pattern, read, rows)


def attend_from_last_backward(
    gradient: Tensor, kept: KeptQuery, weight: Tensor, num_heads: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of tokens, weight and bias, from that of the mixed values (B, W)."""
    width = weight.shape[1]
    scale = (width // num_heads) ** -0.5
    of_query, of_keys, of_values = weight.chunk(3)
    of_weight, of_bias = torch.empty_like(weight), weight.new_zeros(3 * width)
    by_head = _by_head(gradient, num_heads)
    torch.sum(gradient, 0, out=of_bias[2 * width :])
    torch.bmm(by_head.transpose(1, 2), kept.read, out=of_weight[2 * width :].view(num_heads, -1, width))
    of_read = by_head.bmm(of_values.view(num_heads, -1, width)).transpose(0, 1)  # (B, H, W)
    of_pattern = of_read.bmm(kept.tokens.transpose(1, 2))
    of_scores = torch.ops.aten._softmax_backward_data.default(
        _tokens_first(of_pattern), kept.pattern.permute(2, 0, 1), 0, gradient.dtype
    )
    of_scores = of_scores.mul_(scale).permute(1, 2, 0)
    of_tokens = kept.pattern.transpose(1, 2).bmm(of_read)
    torch.baddbmm(of_tokens, of_scores.transpose(1, 2), kept.reading, out=of_tokens)
    of_reading = of_scores.bmm(kept.tokens).transpose(0, 1)  # (H, B, W)
    torch.bmm(kept.query.transpose(1, 2), of_reading, out=of_weight[width : 2 * width].view(num_heads, -1, width))
    of_q = of_reading.bmm(of_keys.view(num_heads, -1, width).transpose(1, 2)).transpose(0, 1)
    of_q = of_q.reshape(len(gradient), width)
    torch.mm(of_q.t(), kept.last, out=of_weight[:width])
    torch.sum(of_q, 0, out=of_bias[:width])
    of_tokens[:, -1].add_(of_q.mm(of_query))
    return of_tokens, of_weight, of_bias
