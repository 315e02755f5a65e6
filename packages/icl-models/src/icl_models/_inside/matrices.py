"""The matrices of attention heads, and the norms between them and the residual stream (Elhage et al. 2021)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from icl_models._model import InContextModel
from icl_models._sequence_models.attention import CausalSelfAttention
from icl_models._sequence_models.transformer import Transformer, TransformerBlock


@dataclass(frozen=True, eq=False)
class HeadMatrices:
    """The weights of one layer's heads, detached; H heads of width D on a stream of width W.

    Args:
        queries, keys, values: (H, D, W); before positions turn queries and keys, where these are rotary.
        out: (H, W, D), from a head's mixed values to what it adds to the stream.
        values_bias: (H, D).
        out_bias: (W,), which all heads share.
        norm: the layer norm whose output the heads read; None where they read the stream itself (post-norm).
    """

    queries: Tensor
    keys: Tensor
    values: Tensor
    out: Tensor
    values_bias: Tensor
    out_bias: Tensor
    norm: nn.LayerNorm | None

    @property
    def gain(self) -> Tensor:
        """(W, W): what the norm does to the stream but for its scale: its mean taken away, times the norm's gain."""
        width = self.out.shape[1]
        identity = torch.eye(width, dtype=self.out.dtype, device=self.out.device)
        if self.norm is None:
            return identity
        return self.norm.weight.detach()[:, None] * (identity - 1 / width)


def head_matrices(model: nn.Module) -> dict[str, HeadMatrices]:
    """The matrices of each attention layer of this package, by the name that `capture` has for it.

    Args:
        model: an `InContextModel` or a sequence model. Of layers of another kind, as plugins have them, nothing is
            known: they are left out.

    Returns:
        `blocks.0.attention` and so on, to matrices; empty for a model without such layers.
    """
    found = {}
    for path, block in model.named_modules():
        if isinstance(block, TransformerBlock):
            name = f"{path}.attention".removeprefix("sequence_model.").removeprefix(".")
            found[name] = _of(block.attention, block.norm_attention if block.pre_norm else None)
    return found


def _of(attention: CausalSelfAttention, norm: nn.LayerNorm | None) -> HeadMatrices:
    heads, width = attention.num_heads, attention.out.in_features
    queries, keys, values = attention.qkv.weight.detach().view(3, heads, -1, width).unbind()
    out = attention.out.weight.detach().view(width, heads, -1).transpose(0, 1)
    biases = attention.qkv.bias.detach().view(3, heads, -1)
    return HeadMatrices(queries, keys, values, out, biases[2], attention.out.bias.detach(), norm)


def final_norm(model: InContextModel) -> nn.LayerNorm | None:
    """The layer norm between the residual stream's last value and the readout.

    Args:
        model: the model.

    Returns:
        The norm; None where what is read out is not the stream behind one norm: post-norm, where each block ends with
        its own, and sequence models of another kind.
    """
    sequence_model = model.sequence_model
    if isinstance(sequence_model, Transformer) and isinstance(sequence_model.norm, nn.LayerNorm):
        return sequence_model.norm
    return None
