"""Attention weights that are given, and answers that are copied along them (Singh et al. 2024, arXiv 2404.07129).

Tokens are x1 y1 x2 y2 … xq, or (x1, y1) (x2, y2) … xq where labels are concatenated to their examples: which of the
two, the number of tokens says. A label's token is then y, or that of the pair.
"""

from __future__ import annotations

import torch
from torch import Tensor

__all__ = [
    "attention_to_labels",
    "copied_logits",
    "induction_pattern",
    "label_tokens",
    "previous_pattern",
    "uniform_pattern",
]

_LEAST = 1e-9


def previous_pattern(weights: Tensor) -> Tensor:
    """Each token looks at the one before it, the first at itself: "perfect previous-token attention" in Singh 2024.

    Args:
        weights: (B, H, Q, T) or (B, Q, T) in whose place it is; the Q rows are those of the last tokens.

    Returns:
        (Q, T).
    """
    rows, tokens = weights.shape[-2:]
    before = (torch.arange(tokens - rows, tokens, device=weights.device) - 1).clamp(min=0)
    return torch.nn.functional.one_hot(before, tokens).to(weights)


def uniform_pattern(weights: Tensor) -> Tensor:
    """Each token looks at all tokens up to itself alike.

    Args:
        weights: as for :func:`previous_pattern`.

    Returns:
        (Q, T).
    """
    rows, tokens = weights.shape[-2:]
    causal = torch.ones(tokens, tokens, device=weights.device, dtype=weights.dtype).tril()
    return (causal / causal.sum(1, keepdim=True))[-rows:]


def induction_pattern(weights: Tensor, labels: Tensor) -> Tensor:
    """The query looks at the context's tokens of its right label, at each alike: "perfect match" in Singh 2024.

    Other rows stay as they are, and the query's where no token of the context has its label.

    Args:
        weights: (B, H, Q, T) or (B, Q, T).
        labels: (B, S), the last being the right answer.

    Returns:
        Weights of that shape.

    Raises:
        ValueError: if there are other tokens than examples and labels.
    """
    at = label_tokens(labels.shape[1], weights.shape[-1])
    right = torch.zeros(len(labels), weights.shape[-1], device=weights.device, dtype=weights.dtype)
    right[:, at] = (labels[:, :-1] == labels[:, -1:]).to(weights.dtype)
    count = right.sum(1, keepdim=True)
    if weights.ndim == 4:
        right, count = right[:, None], count[:, None]
    query = torch.where(count > 0, right / count.clamp(min=1), weights[..., -1, :])
    return torch.cat((weights[..., :-1, :], query[..., None, :]), -2)


def attention_to_labels(weights: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    """The query's attention to the context's tokens of each label, summed over tokens and heads.

    Args:
        weights: (B, H, Q, T) or (B, Q, T).
        labels: (B, S).
        num_classes: C.

    Returns:
        (B, C); 0 for a label that no token has.

    Raises:
        ValueError: if there are other tokens than examples and labels.
    """
    at = label_tokens(labels.shape[1], weights.shape[-1])
    query = weights[..., -1, :] if weights.ndim == 3 else weights[..., -1, :].sum(1)  # (B, T)
    return query.new_zeros(len(labels), num_classes).scatter_add(1, labels[:, :-1], query[:, at])


def copied_logits(attention: Tensor) -> Tensor:
    """What the query answers if attention to a label is all that speaks for it: "perfect copy" in Singh 2024.

    The logit of a label is the logarithm of the attention to it, so that the answer's distribution is attention to the
    context's labels over its sum: of one head and different labels the softmax of its scores there, as in the paper,
    whose loss starts near log 2 for two pairs. A label that no token has, or that gets less, has that of 1e-9.

    Args:
        attention: (B, C).

    Returns:
        (B, C).
    """
    return attention.clamp(min=_LEAST).log()


def label_tokens(n_examples: int, n_tokens: int) -> slice:
    """Where the labels of the context stand among the tokens.

    Args:
        n_examples: S, with the query.
        n_tokens: T.

    Raises:
        ValueError: if T is neither 2 S - 1 nor S.
    """
    if n_tokens == 2 * n_examples - 1:
        return slice(1, None, 2)
    if n_tokens == n_examples:
        return slice(0, n_examples - 1)
    raise ValueError(
        f"tokens must be {2 * n_examples - 1}, or {n_examples} with labels concatenated, for {n_examples} examples, "
        f"got {n_tokens}"
    )
