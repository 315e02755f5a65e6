"""Examples and labels as the tokens of a sequence, one function with its gradient."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from icl_models._fused.tokens.interleaving import lay_out, take_apart

_ROWS, _LABELS = 64, 16


def interleave(examples: Tensor, labels: Tensor, table: Tensor) -> Tensor:
    """x1 y1 x2 y2 ... xq: (B, 2S - 1, W) of examples (B, S, W), labels (B, S) and their table (C, W)."""
    tokens: Tensor = _Interleave.apply(examples, labels, table)  # type: ignore[no-untyped-call]
    return tokens


class _Interleave(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, examples: Tensor, labels: Tensor, table: Tensor) -> Tensor:
        batch, num_examples, width = examples.shape
        length = 2 * num_examples - 1
        labels = labels.contiguous()
        tokens = examples.new_empty(batch, length, width)
        lay_out[math.ceil(batch * length / _ROWS),](
            examples.contiguous(), labels, table, tokens, batch * length, length, num_examples, len(table),
            WIDTH=width, ROWS=_ROWS,
        )  # fmt: skip
        ctx.save_for_backward(labels)
        ctx.num_labels = len(table)
        return tokens

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, d_tokens: Tensor) -> tuple[Tensor, None, Tensor]:
        (labels,) = ctx.saved_tensors
        batch, num_examples = labels.shape
        _, length, width = d_tokens.shape
        d_examples = d_tokens.new_empty(batch, num_examples, width)
        d_table = d_tokens.new_empty(ctx.num_labels, width)
        steps, of_table = math.ceil(labels.numel() / _ROWS), math.ceil(ctx.num_labels / _LABELS)
        take_apart[of_table + steps,](
            d_tokens.contiguous(), labels, d_examples, d_table, labels.numel(), length, num_examples, ctx.num_labels,
            of_table, WIDTH=width, ROWS=_ROWS, LABELS=_LABELS, STEPS=steps, PRECISION="split",
        )  # fmt: skip
        return d_examples, None, d_table
