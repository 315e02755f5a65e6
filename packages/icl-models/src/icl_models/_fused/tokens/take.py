"""Whether tokens and a transformer's layers can be had from fused kernels, and having them so."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from icl_models._fused.tokens.plan import Plan

_WIDTHS = (32, 64, 128)
_MOST_TOKENS = 64


def fused_stack(blocks: nn.ModuleList, norm: nn.Module, x: Tensor, *, query_only: bool) -> Tensor | None:
    """Features of tokens (B, T, W) behind `blocks` and `norm`: (B, T, W), or (B, W) of the last token.

    None for what the kernels do not do, which is everything but training of pre-norm blocks of plain attention in
    float32, of the usual widths and lengths, that nobody looks into.
    """
    if not (torch.is_grad_enabled() and len(blocks) and _is_usual(x, blocks) and all(map(_is_plain, blocks))):
        return None
    if not isinstance(norm, nn.LayerNorm) or any(map(_is_hooked, (norm, blocks))):
        return None
    parameters = all_parameters(blocks, norm)
    if not all(one.dtype == torch.float32 and one.device == x.device and one.is_contiguous() for one in parameters):
        return None
    from icl_models._fused.tokens.stack import run_stack  # needs Triton

    return run_stack(x, plan_for(blocks, query_only=query_only), parameters)


def fused_tokens(examples: Tensor, labels: Tensor, table: nn.Module) -> Tensor | None:
    """Tokens (B, 2S - 1, W) of examples (B, S, W), and the embeddings of labels (B, S) between them.

    None but for training in float32 with a learned table that nobody looks into.
    """
    if not (torch.is_grad_enabled() and type(table) is nn.Embedding and not _is_hooked(table)):
        return None
    weight = table.weight
    plain = all(one.dtype == torch.float32 and one.device == labels.device for one in (examples, weight))
    if not plain or examples.numel() == 0 or examples.shape[-1] not in _WIDTHS or not weight.is_contiguous():
        return None
    if labels.dtype != torch.int64 or torch.is_autocast_enabled(labels.device.type):
        return None
    from icl_models._fused.tokens.interleave import interleave  # needs Triton

    return interleave(examples, labels, weight)


def plan_for(blocks: nn.ModuleList, *, query_only: bool) -> Plan:
    """How `blocks` are computed; tf32 where torch's own products may have it."""
    return Plan(
        num_heads=_heads(blocks),
        has_mlp=tuple(bool(block.has_mlp) for block in blocks),
        query_only=query_only,
        precision="tf32" if torch.backends.cuda.matmul.allow_tf32 else "split",
    )


def all_parameters(blocks: nn.ModuleList, norm: nn.Module) -> tuple[Tensor, ...]:
    """In the order that the kernels' function has them."""
    modules = [module for block in blocks for module in _with_parameters(block)]
    return tuple(parameter for module in (*modules, norm) for parameter in (module.weight, module.bias))


def _heads(blocks: nn.ModuleList) -> int:
    first: Any = blocks[0]
    return int(first.attention.num_heads)


def _is_usual(x: Tensor, blocks: nn.ModuleList) -> bool:
    width = x.shape[-1]
    head = width // _heads(blocks)
    return (
        x.dtype == torch.float32
        and not torch.is_autocast_enabled(x.device.type)
        and x.shape[0] > 0
        and x.shape[1] <= _MOST_TOKENS
        and width in _WIDTHS
        and head & (head - 1) == 0
    )


def _is_plain(block: Any) -> bool:
    attention = block.attention
    return (
        block.pre_norm
        and attention.relative is None
        and attention.rotary is None
        and not (block.training and block.dropout_prob)
        and not any(getattr(module, "stations", None) or _is_hooked(module) for module in block.modules())
    )


def _is_hooked(module: nn.Module) -> bool:
    return bool(
        module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks
    )


def _with_parameters(block: Any) -> list[Any]:
    attention = [block.norm_attention, block.attention.qkv, block.attention.out]
    return attention + ([block.norm_mlp, block.mlp_in, block.mlp_out] if block.has_mlp else [])
