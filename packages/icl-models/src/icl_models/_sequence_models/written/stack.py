"""All blocks of a transformer as one step of autograd: forward and backward written out, without its graph."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from icl_models._sequence_models.attention import attend
from icl_models._sequence_models.written import block

_WEIGHTS = 6  # of a branch: gain and shift of the norm, weights and biases of two maps


@dataclass(frozen=True, eq=False)
class Stack:
    """What the blocks are, but for their weights.

    Attributes:
        num_heads: of each.
        eps: of the norms.
        have_mlp: for each block.
        query_only: whether the last block drops all tokens but the last.
    """

    num_heads: int
    eps: float
    have_mlp: tuple[bool, ...]
    query_only: bool

    def forward(self, x: Tensor, weights: Sequence[Tensor]) -> tuple[Tensor, list[Any]]:
        """Tokens (B, T, W) to (B, T, W), or (B, 1, W); and what the way back needs."""
        length, width = x.shape[1:]
        rows, left, kept = x.reshape(-1, width), _branches(weights), list[Any]()
        for layer, has_mlp in enumerate(self.have_mlp):
            pass_attention: Any = block.query_attention if self._drops(layer) else block.attention
            rows, of_attention = pass_attention(rows, next(left), self.eps, length, self.num_heads)
            kept.append(of_attention)
            if has_mlp:
                rows, of_mlp = block.mlp(rows, next(left), self.eps)
                kept.append(of_mlp)
        return rows.view(len(x), -1, width), kept

    def backward(self, gradient: Tensor, kept: Sequence[Any], weights: Sequence[Tensor]) -> tuple[Tensor, list[Tensor]]:
        """Gradients of the tokens (B, T, W) and of the weights, from that of the result."""
        sequences, width = len(gradient), gradient.shape[2]
        length = len(kept[0].norm.x) // sequences
        rows, of_weights = gradient.reshape(-1, width), list[list[Tensor]]()
        left = zip(reversed(kept), reversed(list(_branches(weights))), strict=True)
        for layer in reversed(range(len(self.have_mlp))):
            if self.have_mlp[layer]:
                rows, of_mlp = block.mlp_backward(rows, *next(left))
                of_weights.append(of_mlp)
            back: Any = block.query_attention_backward if self._drops(layer) else block.attention_backward
            rows, of_attention = back(rows, *next(left), length, self.num_heads)
            of_weights.append(of_attention)
        return rows.view(sequences, length, width), [one for branch in reversed(of_weights) for one in branch]

    def followed(self, x: Tensor, weights: Sequence[Tensor]) -> Tensor:
        """What `forward` gives, by operations that autograd can follow: for gradients of gradients."""
        left = _branches(weights)
        for layer, has_mlp in enumerate(self.have_mlp):
            gain, shift, qkv, qkv_bias, out, out_bias = next(left)
            normed = F.layer_norm(x, x.shape[2:], gain, shift, self.eps)
            parts = F.linear(normed, qkv, qkv_bias)
            q, k, v = (
                parts.view(*x.shape[:2], 3, self.num_heads, -1).permute(2, 0, 3, 1, 4).unbind()
            )  # (B, H, T, D) each
            if self._drops(layer):
                x, q = x[:, -1:], q[:, :, -1:]
            x = x + F.linear(attend(q, k, v, tap_weights=_as_they_are).transpose(1, 2).flatten(2), out, out_bias)
            if has_mlp:
                gain, shift, mlp_in, in_bias, mlp_out, out_bias = next(left)
                normed = F.layer_norm(x, x.shape[2:], gain, shift, self.eps)
                x = x + F.linear(F.gelu(F.linear(normed, mlp_in, in_bias), approximate="tanh"), mlp_out, out_bias)
        return x

    def _drops(self, layer: int) -> bool:
        return self.query_only and layer == len(self.have_mlp) - 1


def _branches(weights: Sequence[Tensor]) -> Iterator[Sequence[Tensor]]:
    return (weights[at : at + _WEIGHTS] for at in range(0, len(weights), _WEIGHTS))


def _as_they_are(weights: Tensor) -> Tensor:
    """With weights of its own, for the fused kernel's gradient has none."""
    return weights


class WrittenStack(torch.autograd.Function):
    """`Stack` to autograd."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, stack: Stack, *weights: Tensor) -> Tensor:
        """Tokens (B, T, W) through the blocks."""
        passed, ctx.kept = stack.forward(x, weights)
        ctx.stack = stack
        ctx.save_for_backward(x, *weights)
        return passed

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        """Gradients of tokens and weights; those that must have gradients themselves come from the plain blocks."""
        x, *weights = ctx.saved_tensors
        if torch.is_grad_enabled():
            return _followed(ctx.stack, gradient, x, weights, ctx.needs_input_grad)
        of_x, of_weights = ctx.stack.backward(gradient, ctx.kept, weights)
        return of_x, None, *of_weights


def _followed(stack: Stack, gradient: Tensor, x: Tensor, weights: Sequence[Tensor], needed: Sequence[bool]) -> Any:
    """The gradients again, with a graph of their own."""
    given = [x, *weights]
    wanted = [one for one, needs in zip(given, (needed[0], *needed[2:]), strict=True) if needs]
    found = iter(
        torch.autograd.grad(stack.followed(x, weights), wanted, gradient, create_graph=True, allow_unused=True)
    )
    of_x, *of_weights = [next(found) if needs else None for needs in (needed[0], *needed[2:])]
    return of_x, None, *of_weights
