"""A pre-norm block of the transformer, forward and backward, written out on rows of tokens without autograd."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from icl_models._sequence_models.written import few_tokens, short_attention
from icl_models._sequence_models.written.gelu import gelu_with_slope
from icl_models._sequence_models.written.products import affine, weight_gradient
from icl_models._sequence_models.written.query_attention import KeptQuery, attend_from_last, attend_from_last_backward

_layer_norm = torch.ops.aten.native_layer_norm.default
_layer_norm_backward = torch.ops.aten.native_layer_norm_backward.default
Weights = Sequence[Tensor]
"""Of a norm (gain, shift) and two affine maps (weight, bias, weight, bias): one branch of a block."""


class Normed(NamedTuple):
    """What the backward pass of a layer norm needs."""

    x: Tensor
    mean: Tensor
    rstd: Tensor


def norm(x: Tensor, weights: Weights, eps: float) -> tuple[Tensor, Normed]:
    """Layer norm of rows (N, W)."""
    y, mean, rstd = _layer_norm(x, x.shape[1:], weights[0], weights[1], eps)
    return y, Normed(x, mean, rstd)


def norm_backward(gradient: Tensor, kept: Normed, weights: Weights) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of the rows, the gain and the shift."""
    x, mean, rstd = kept
    all_three = [True, True, True]
    of_x, of_gain, of_shift = _layer_norm_backward(
        gradient, x, x.shape[1:], mean, rstd, weights[0], weights[1], all_three
    )
    return of_x, of_gain, of_shift


class KeptMlp(NamedTuple):
    """What the backward pass of the wide layer needs."""

    norm: Normed
    normed: Tensor
    slope: Tensor
    hidden: Tensor


def mlp(x: Tensor, weights: Weights, eps: float) -> tuple[Tensor, KeptMlp]:
    """x + MLP(LayerNorm(x)) of rows (N, W)."""
    normed, kept = norm(x, weights, eps)
    hidden, slope = gelu_with_slope(affine(normed, weights[2], weights[3]))
    return affine(hidden, weights[4], weights[5]).add_(x), KeptMlp(kept, normed, slope, hidden)


def mlp_backward(gradient: Tensor, kept: KeptMlp, weights: Weights) -> tuple[Tensor, list[Tensor]]:
    """Gradients of the rows and of the weights."""
    of_hidden = affine(gradient, weights[4].t()).mul_(kept.slope)
    of_x, of_gain, of_shift = norm_backward(affine(of_hidden, weights[2].t()), kept.norm, weights)
    of_in = [weight_gradient(kept.normed, of_hidden), of_hidden.sum(0)]
    of_out = [weight_gradient(kept.hidden, gradient), gradient.sum(0)]
    return of_x.add_(gradient), [of_gain, of_shift, *of_in, *of_out]


class KeptAttention(NamedTuple):
    """What the backward pass of attention needs."""

    norm: Normed
    normed: Tensor
    heads: Tensor
    weights: Tensor
    mixed: Tensor


def attention(x: Tensor, weights: Weights, eps: float, length: int, num_heads: int) -> tuple[Tensor, KeptAttention]:
    """x + Attention(LayerNorm(x)) of rows (B T, W)."""
    normed, kept = norm(x, weights, eps)
    way = few_tokens if length <= few_tokens.MOST_TOKENS else short_attention
    heads = way.split_heads(affine(normed, weights[2], weights[3]), 3, length, num_heads)
    mixed, pattern = way.attend_causally(heads)
    mixed = way.join_heads(mixed[None], num_heads)
    return affine(mixed, weights[4], weights[5]).add_(x), KeptAttention(kept, normed, heads, pattern, mixed)


def attention_backward(
    gradient: Tensor, kept: KeptAttention, weights: Weights, length: int, num_heads: int
) -> tuple[Tensor, list[Tensor]]:
    """Gradients of the rows and of the weights."""
    way = few_tokens if length <= few_tokens.MOST_TOKENS else short_attention
    of_mixed = way.split_heads(affine(gradient, weights[4].t()), 1, length, num_heads)[0]
    of_heads = way.attend_causally_backward(of_mixed, kept.heads, kept.weights)
    of_qkv = way.join_heads(of_heads, num_heads)
    of_x, of_gain, of_shift = norm_backward(affine(of_qkv, weights[2].t()), kept.norm, weights)
    of_in = [weight_gradient(kept.normed, of_qkv), of_qkv.sum(0)]
    of_out = [weight_gradient(kept.mixed, gradient), gradient.sum(0)]
    return of_x.add_(gradient), [of_gain, of_shift, *of_in, *of_out]


class KeptQueryAttention(NamedTuple):
    """What the backward pass of the last token's attention needs."""

    norm: Normed
    query: KeptQuery


def query_attention(
    x: Tensor, weights: Weights, eps: float, length: int, num_heads: int
) -> tuple[Tensor, KeptQueryAttention]:
    """Of rows (B T, W), x + Attention(LayerNorm(x)) at the last token of each sequence, (B, W)."""
    normed, kept = norm(x, weights, eps)
    query = attend_from_last(normed.view(-1, length, x.shape[1]), weights[2], weights[3], num_heads)
    last = x.view(-1, length, x.shape[1])[:, -1]
    return affine(query.mixed, weights[4], weights[5]).add_(last), KeptQueryAttention(kept, query)


def query_attention_backward(
    gradient: Tensor, kept: KeptQueryAttention, weights: Weights, length: int, num_heads: int
) -> tuple[Tensor, list[Tensor]]:
    """Gradients of all rows (B T, W), from that of the last tokens (B, W), and of the weights."""
    of_mixed = affine(gradient, weights[4].t())
    of_tokens, of_weight, of_bias = attend_from_last_backward(of_mixed, kept.query, weights[2], num_heads)
    of_x, of_gain, of_shift = norm_backward(of_tokens.view(-1, gradient.shape[1]), kept.norm, weights)
    of_x.view(-1, length, gradient.shape[1])[:, -1].add_(gradient)
    of_out = [weight_gradient(kept.query.mixed, gradient), gradient.sum(0)]
    return of_x, [of_gain, of_shift, of_weight, of_bias, *of_out]
