"""The layers of a pre-norm transformer and the norm behind them, as one function with its gradient."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from icl_models._fused.tokens import backward as into
from icl_models._fused.tokens import forward as onto
from icl_models._fused.tokens.gradients import parameter_gradients
from icl_models._fused.tokens.parts import GIVEN, PROJECTED, QUERY, SUMMED
from icl_models._fused.tokens.plan import Plan, layers_of


def run_stack(x: Tensor, plan: Plan, parameters: tuple[Tensor, ...]) -> Tensor:
    """Normalised features (B, T, W) of tokens (B, T, W), or those of the last token, (B, W), as the plan has it."""
    features: Tensor = _Stack.apply(x, plan.for_width(x.shape[-1]), *parameters)  # type: ignore[no-untyped-call]
    return features


class _Stack(torch.autograd.Function):
    """Activations and the gradients that flow lie in stacks, a layer behind the other, so that the gradients of all
    parameters are one kernel at the end."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, plan: Plan, *parameters: Tensor) -> Tensor:
        batch, length, width = x.shape
        rows, depth, mlps = batch * length, plan.num_layers, plan.num_mlps
        x = x.contiguous()
        streams, between = x.new_empty(depth + 1, rows, width), x.new_empty(mlps, rows, width)
        normed_attention, normed_mlp = x.new_empty(depth, rows, width), torch.empty_like(between)
        qkv, mixed = x.new_empty(depth, rows, 3 * width), torch.empty_like(normed_attention)
        slope, hidden = (x.new_empty(mlps, rows, 4 * width) for _ in range(2))
        num_slices, size = 4 * width // plan.slice_width, rows * width
        parts = x.new_empty(num_slices, rows, width)
        features = x.new_empty(batch, width) if plan.query_only else torch.empty_like(x)
        layers, scale, offset = layers_of(plan, parameters)
        options = _options(plan, width)
        attends = options | _attends(plan, length, width)
        blocks = math.ceil(rows / plan.rows)

        residual, branch, weight, bias, source = x, x, x, x, GIVEN
        mlp = 0
        for i, layer in enumerate(layers):
            norm_scale, norm_offset, qkv_weight, qkv_bias, out_weight, out_bias = layer.attention
            onto.attend[batch, width // plan.group(width)](
                residual, branch, weight, bias, norm_scale, norm_offset, qkv_weight, qkv_bias,
                streams[i], normed_attention[i], qkv[i], mixed[i], length, size, _softmax_scale(plan, width),
                PARTS=num_slices, SOURCE=source, **(attends | _overlap(plan, i > 0)),
            )  # fmt: skip
            residual, branch, weight, bias, source = streams[i], mixed[i], out_weight, out_bias, PROJECTED
            if layer.mlp:
                norm_scale, norm_offset, in_weight, in_bias, out_weight, out_bias = layer.mlp
                onto.widen[blocks, num_slices](
                    residual, branch, weight, bias, norm_scale, norm_offset, in_weight, in_bias, out_weight,
                    between[mlp], normed_mlp[mlp], slope[mlp], hidden[mlp], parts, rows,
                    SLICE=plan.slice_width, ROWS=plan.rows, SOURCE=source, num_warps=plan.widen_warps,
                    **(options | _overlap(plan)),
                )  # fmt: skip
                residual, branch, weight, bias, source = between[mlp], parts, x, out_bias, SUMMED
                mlp += 1
        onto.finish[blocks,](
            residual, branch, weight, bias, scale, offset, streams[depth], features, length, rows,
            ROWS=plan.rows, PARTS=num_slices, SOURCE=source, QUERY_ONLY=plan.query_only, num_warps=plan.widen_warps,
            **(options | _overlap(plan)),
        )  # fmt: skip
        ctx.plan, ctx.shape = plan, (batch, length, width)
        ctx.save_for_backward(
            streams, between, normed_attention, normed_mlp, qkv, mixed, slope, hidden, *parameters
        )  # fmt: skip
        return features

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        plan: Plan = ctx.plan
        batch, length, width = ctx.shape
        rows, depth, mlps = batch * length, plan.num_layers, plan.num_mlps
        streams, between, normed_attention, normed_mlp, qkv, mixed, slope, hidden, *parameters = ctx.saved_tensors
        layers, scale, _ = layers_of(plan, tuple(parameters))
        gradient = gradient.contiguous()
        d_qkv, d_attended = torch.empty_like(qkv), torch.empty_like(mixed)
        d_hidden, d_widened = torch.empty_like(hidden), torch.empty_like(between)
        num_slices, num_groups, size = 4 * width // plan.slice_width, width // plan.group(width), rows * width
        slice_parts = gradient.new_empty(num_slices, size)
        group_parts = gradient.new_empty(2, num_groups, size)  # by turns: without MLPs one is read while one is written
        blocks = math.ceil(rows / plan.rows)
        slots = max(blocks, batch)
        sums = gradient.new_empty(depth + 1 + mlps, slots, 2, width)  # attention's norms, the last one, the MLPs'
        d_x = gradient.new_empty(batch, length, width)
        options = _options(plan, width)
        attends = options | _attends(plan, length, width) | {"SHARES": math.ceil(slots / batch)}
        attends["num_warps"] = plan.attend_backward_warps
        widens = {"ROWS": plan.rows, "num_warps": plan.widen_warps, "SHARES": math.ceil(slots / blocks)}

        above, x, residual, share = gradient, streams[depth], gradient, sums[depth]
        how: dict[str, Any] = {"PARTS": 1, "SOURCE": QUERY if plan.query_only else SUMMED, "HAS_RESIDUAL": False}
        mlp, is_first = mlps, True
        for i in reversed(range(depth)):
            layer = layers[i]
            if layer.mlp:
                mlp -= 1
                norm_scale, _, in_weight, _, out_weight, _ = layer.mlp
                into.widen_backward[blocks, num_slices](
                    above, x, scale, residual, share, out_weight, in_weight, slope[mlp],
                    d_widened[mlp], d_hidden[mlp], slice_parts, length, rows, slots,
                    SLICE=plan.slice_width, **(options | widens | how | _overlap(plan, not is_first)),
                )  # fmt: skip
                above, x, scale, residual, share = (
                    slice_parts,
                    between[mlp],
                    norm_scale,
                    d_widened[mlp],
                    sums[depth + 1 + mlp],
                )
                how, is_first = {"PARTS": num_slices, "SOURCE": SUMMED, "HAS_RESIDUAL": True}, False
            norm_scale, _, qkv_weight, _, out_weight, _ = layer.attention
            into.attend_backward[batch, num_groups](
                above, x, scale, residual, share, out_weight, qkv_weight, qkv[i],
                d_attended[i], d_qkv[i], group_parts[i % 2], length, size, slots, _softmax_scale(plan, width),
                **(attends | how | _overlap(plan, not is_first)),
            )  # fmt: skip
            above, x, scale, residual, share = group_parts[i % 2], streams[i], norm_scale, d_attended[i], sums[i]
            how, is_first = {"PARTS": num_groups, "SOURCE": SUMMED, "HAS_RESIDUAL": True}, False
        into.begin_backward[blocks,](
            above, x, scale, residual, share, d_x, length, rows, slots,
            WIDTH=width, **(widens | how | _overlap(plan)),
        )  # fmt: skip
        return d_x, None, *_of_parameters(
            plan, (d_qkv, d_attended, d_hidden, d_widened), (normed_attention, mixed, normed_mlp, hidden), sums
        )  # fmt: skip


def _of_parameters(plan: Plan, flowed: tuple[Tensor, ...], seen: tuple[Tensor, ...], sums: Tensor) -> list[Tensor]:
    """In the order of the parameters, views of stacks that hold one kind of all layers each."""
    depth, mlps = plan.num_layers, plan.num_mlps
    num_norms, slots, _, width = sums.shape
    wide = ((depth, 3 * width, width), (depth, width, width), (mlps, 4 * width, width), (mlps, width, 4 * width))
    weights = [sums.new_empty(shape) for shape in wide]
    biases = [sums.new_empty(shape[:2]) for shape in wide]
    norms = sums.new_empty(num_norms, 2, width)
    tiles = (4 * depth + 8 * mlps) * (width // plan.tile) ** 2
    rows = flowed[0].shape[1]
    parameter_gradients[tiles + num_norms,](
        *flowed, *seen, sums, *weights, *biases, norms, depth, mlps, rows, slots,
        TILE=plan.tile, ROWS=plan.tile_rows, STEPS=math.ceil(rows / plan.tile_rows),
        SLOT_STEPS=math.ceil(slots / plan.tile_rows), num_warps=plan.gradient_warps,
        **(_options(plan, width) | _overlap(plan)),
    )  # fmt: skip
    found: list[Tensor] = []
    mlp = 0
    for i, has_mlp in enumerate(plan.has_mlp):
        found += [*norms[i], weights[0][i], biases[0][i], weights[1][i], biases[1][i]]
        if has_mlp:
            found += [*norms[depth + 1 + mlp], weights[2][mlp], biases[2][mlp], weights[3][mlp], biases[3][mlp]]
            mlp += 1
    return [*found, *norms[depth]]


def _options(plan: Plan, width: int) -> dict[str, Any]:
    return {"WIDTH": width, "PRECISION": plan.precision}


def _attends(plan: Plan, length: int, width: int) -> dict[str, Any]:
    tokens = max(16, 1 << (length - 1).bit_length())
    head = width // plan.num_heads
    return {"HEAD": head, "GROUP": plan.group(width), "TOKENS": tokens, "num_warps": plan.attend_warps}


def _softmax_scale(plan: Plan, width: int) -> float:
    return 1.0 / math.sqrt(width // plan.num_heads)


def _overlap(plan: Plan, follows: bool = True) -> dict[str, Any]:
    """Only behind kernels of this stack: what wrote the weights must have ended before they are read."""
    return {"PDL": True, "launch_pdl": True} if plan.overlap and follows else {"PDL": False}
