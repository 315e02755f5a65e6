"""Buffers and launches of the blocks' kernels, forward and backward."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from icl_models._fused.images.block_backward import (
    add_weights,
    cross_backward,
    enter_backward,
    leave_backward,
    widen_backward,
)
from icl_models._fused.images.block_forward import cross_block, enter_block, leave_block, widen_block
from icl_models._fused.images.shapes import BlockShape, power_of_two
from icl_models._fused.images.tiles import TILES

PRECISION = "tf32x3"
_APART = 4  # counters begin where 16 bytes do, so that kernels are not made twice
_COLUMNS = 128  # of weights that a program adds up


@dataclass(frozen=True)
class Norm:
    """A batch normalisation: parameters and running averages."""

    scale: Tensor
    offset: Tensor
    hidden: Tensor
    average: Tensor
    counter: Tensor

    @property
    def all(self) -> tuple[Tensor, ...]:
        return self.scale, self.offset, self.hidden, self.average, self.counter


@dataclass(frozen=True)
class Layer:
    """A convolution's weights and the normalisation after it."""

    weight: Tensor
    norm: Norm


@dataclass(frozen=True)
class Kept:
    """What a block's backward pass needs: its input, its convolutions' outputs and their statistics (N, 4, width)."""

    x: Tensor
    raw: list[Tensor]
    statistics: list[Tensor]


def blocks_forward(
    x: Tensor, shapes: Sequence[BlockShape], layers: Sequence[Sequence[Layer]]
) -> tuple[Tensor, list[Kept]]:
    """Rows (N * H * W, C) through the blocks, each of three layers or four with the shortcut's, in training."""
    scratch, second = _scratch(x, shapes, 3), _scratch(x, shapes, 3)
    arrived = _counters(x, 3 * len(shapes), shapes)
    kept: list[Kept] = []
    for number, (shape, block) in enumerate(zip(shapes, layers, strict=True)):
        before = kept[-1] if kept else None
        kept.append(_block_forward(x, before, shape, block, scratch, second, arrived[3 * number :]))
    shape = shapes[-1]
    out = x.new_empty(shape.out_rows, shape.out_channels)
    tile = TILES["leave_block"]
    programs = -(-shape.batch_out_rows // tile.rows)
    leave_block[(shape.batches * programs,)](
        *_sum_of(kept[-1]),
        out,
        shape.batch_out_rows,
        programs,
        shape.project,
        shape.out_channels,
        _wide(shape.out_channels),
        shape.batches,
        tile.rows,
        **tile.options,
    )
    return out, kept


def _block_forward(
    x: Tensor,
    before: Kept | None,
    shape: BlockShape,
    layers: Sequence[Layer],
    scratch: Tensor,
    second: Tensor,
    arrived: Tensor,
) -> Kept:
    narrow, out, n, co = shape.narrow, shape.out_channels, _wide(shape.narrow), _wide(shape.out_channels)
    if before is not None:
        x = x.new_empty(shape.rows, shape.channels)
    raw = [x.new_empty(shape.rows, narrow), x.new_empty(shape.out_rows, narrow), x.new_empty(shape.out_rows, out)]
    many = shape.batches
    statistics = [x.new_empty(many, 4, n), x.new_empty(many, 4, n), x.new_empty(many, 4, co)]
    if shape.project:
        raw.append(x.new_empty(shape.out_rows, out))
        statistics.append(x.new_empty(many, 4, co))
    size = shape.height, shape.width, shape.out_height, shape.out_width
    counts = _counts(shape)
    grid = (shape.all_programs,)
    enter_tile, cross_tile, widen_tile = TILES["enter_block"], TILES["cross_block"], TILES["widen_block"]
    first, cross, widen = layers[:3]
    last = layers[-1]  # the shortcut's, where there is one
    enter_block[grid](
        x, *((x, x, x, x) if before is None else _sum_of(before)),
        first.weight, raw[0], scratch, *first.norm.all, statistics[0],
        last.weight, raw[-1], second, *last.norm.all, statistics[-1],
        arrived, shape.batch_rows, shape.programs, *size,
        before is None, before is not None and len(before.raw) == 4, shape.project, shape.stride,
        shape.channels, narrow, out, _wide(shape.channels), n, co,
        enter_tile.rows, *counts, PRECISION, **enter_tile.options,
    )  # fmt: skip
    cross_block[grid](
        raw[0], statistics[0], cross.weight, raw[1], scratch, *cross.norm.all, statistics[1],
        arrived[1:], shape.batch_out_rows, shape.programs, *size, shape.top, shape.left,
        shape.stride, narrow, power_of_two(narrow, 4), n, cross_tile.rows, *counts, PRECISION, **cross_tile.options,
    )  # fmt: skip
    widen_block[grid](
        raw[1], statistics[1], widen.weight, raw[2], scratch, *widen.norm.all, statistics[2],
        arrived[2:], shape.batch_out_rows, shape.programs, narrow, out, n, co,
        widen_tile.rows, *counts, PRECISION, **widen_tile.options,
    )  # fmt: skip
    return Kept(x, raw, statistics)


def blocks_backward(
    gradient: Tensor, y: Tensor, shapes: Sequence[BlockShape], layers: Sequence[Sequence[Layer]], kept: Sequence[Kept]
) -> tuple[Tensor, list[list[tuple[Tensor, Tensor, Tensor]]]]:
    """The gradient of the input, through the ReLU that gave it, and of each layer's weight, scale and offset."""
    groups = _groups(shapes)
    scratch, second = _scratch(y, shapes, 2), _scratch(y, shapes, 2)
    arrived = _counters(y, 1 + 3 * len(shapes), shapes)
    partial = y.new_empty(sum(group.width * group.programs for group in groups))
    total = y.new_empty(sum(group.width for group in groups))
    shape, last = shapes[-1], kept[-1]
    norms = [[_NormGradient(layer.norm.scale, shape.batches) for layer in block] for block in layers]
    of = norms[-1]
    out = torch.empty_like(y)
    tile = TILES["leave_backward"]
    leave_backward[(shape.all_programs,)](
        gradient, y, out, last.raw[2], last.statistics[2], scratch, *of[2].all,
        last.raw[-1], last.statistics[-1], second, *of[-1].all, arrived, shape.batch_out_rows, shape.programs,
        shape.project, shape.out_channels, _wide(shape.out_channels), tile.rows, *_counts(shape), **tile.options,
    )  # fmt: skip
    weights: list[list[Tensor]] = [[] for _ in shapes]
    for group in groups:
        start = group.start
        for number in group.blocks:
            for layer, size in zip(layers[number], shapes[number].weights, strict=True):
                weights[number].append(total[start : start + size].view_as(layer.weight))
                start += size
    for group in reversed(groups):
        for number in reversed(group.blocks):
            before = number - 1 if number else None
            inside = sum(sum(shapes[other].weights) for other in group.blocks if other < number)
            out = _block_backward(
                out, shapes[number], layers[number], kept[number], norms[number],
                None if before is None else (kept[before], norms[before]),
                partial[group.base + inside :], group.width, scratch, second, arrived[1 + 3 * number :],
            )  # fmt: skip
    _add_weights(partial, total, groups)
    gradients = [
        [(weight, norm.scale, norm.offset) for weight, norm in zip(some, of, strict=True)]
        for some, of in zip(weights, norms, strict=True)
    ]
    return out, gradients


def _block_backward(
    after: Tensor, shape: BlockShape, layers: Sequence[Layer], kept: Kept, of: Sequence[_NormGradient],
    before: tuple[Kept, Sequence[_NormGradient]] | None, of_weights: Tensor, width: int,
    scratch: Tensor, second: Tensor, arrived: Tensor,
) -> Tensor:  # fmt: skip
    narrow, out, n, co = shape.narrow, shape.out_channels, _wide(shape.narrow), _wide(shape.out_channels)
    size = shape.height, shape.width, shape.out_height, shape.out_width
    counts = _counts(shape)
    grid = (shape.all_programs,)
    widen_tile, cross_tile, enter_tile = (TILES[f"{name}_backward"] for name in ("widen", "cross", "enter"))
    raw, statistics = kept.raw, kept.statistics
    starts = [sum(shape.weights[:layer]) for layer in range(len(layers))]
    of_cross, of_first, of_x = torch.empty_like(raw[1]), torch.empty_like(raw[0]), torch.empty_like(kept.x)
    widen_backward[grid](
        after, raw[2], statistics[2], of[2].sums, layers[2].weight, of_weights[starts[2] :], width,
        raw[1], statistics[1], of_cross, scratch, *of[1].all, arrived, shape.batch_out_rows, shape.programs,
        narrow, out, n, co, widen_tile.rows, *counts, PRECISION, **widen_tile.options,
    )  # fmt: skip
    cross_backward[(shape.all_programs, 4)](
        of_cross, raw[1], statistics[1], of[1].sums, layers[1].weight, of_weights[starts[1] :], width,
        raw[0], statistics[0], of_first, scratch, *of[0].all, arrived[1:], shape.batch_rows, shape.programs,
        *size, shape.top, shape.left,
        shape.stride, narrow, power_of_two(narrow, 4), n, cross_tile.rows, *counts, PRECISION, **cross_tile.options,
    )  # fmt: skip
    source, of_source = (kept, of) if before is None else before
    enter_backward[grid](
        of_first, raw[0], statistics[0], of[0].sums, layers[0].weight, of_weights, width,
        after, raw[-1], statistics[-1], of[-1].sums, layers[-1].weight, of_weights[starts[-1] :],
        kept.x, of_x, source.raw[2], source.statistics[2], scratch, *of_source[2].all,
        source.raw[-1], source.statistics[-1], second, *of_source[-1].all, arrived[2:],
        shape.batch_rows, shape.programs, *size, before is None, len(source.raw) == 4, shape.project, shape.stride,
        shape.channels, narrow, out, _wide(shape.channels), n, co,
        enter_tile.rows, *counts, PRECISION, **enter_tile.options,
    )  # fmt: skip
    return of_x


class _NormGradient:
    """Gradients of scale and offset, and the sums (N, 2, width) that the gradient of the input depends on."""

    def __init__(self, scale: Tensor, batches: int) -> None:
        both = scale.new_empty(2, len(scale))
        self.scale, self.offset = both.unbind()
        self.sums = scale.new_empty(batches, 2, _wide(len(scale)))

    @property
    def all(self) -> tuple[Tensor, Tensor, Tensor]:
        return self.scale, self.offset, self.sums


@dataclass(frozen=True)
class _Group:
    """Blocks that as many programs share: where their gradients are among the programs', and in the total."""

    blocks: tuple[int, ...]
    programs: int
    width: int  # numbers in their weights, filled up to what a program adds up
    base: int
    start: int


def _groups(shapes: Sequence[BlockShape]) -> list[_Group]:
    half = len(shapes) // 4
    groups: list[_Group] = []
    base = start = 0
    for first in range(0, len(shapes), half):
        blocks = tuple(range(first, first + half))
        size = sum(sum(shapes[block].weights) for block in blocks)
        width = -(-size // _COLUMNS) * _COLUMNS
        programs = shapes[first].all_programs
        groups.append(_Group(blocks, programs, width, base, start))
        base, start = base + width * programs, start + width
    return groups


def _add_weights(partial: Tensor, total: Tensor, groups: Sequence[_Group]) -> None:
    ends = [group.start // _COLUMNS for group in groups[1:]]
    programs = [group.programs for group in groups]
    add_weights[(len(total) // _COLUMNS,)](
        partial, total, *ends, *(group.base for group in groups[1:]), *(group.width for group in groups), *programs,
        power_of_two(max(programs)), _COLUMNS,
    )  # fmt: skip


def _sum_of(kept: Kept) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """What the sum at a block's end is of: its last convolution's output and its shortcut, with their statistics."""
    if len(kept.raw) == 4:
        return kept.raw[2], kept.statistics[2], kept.raw[3], kept.statistics[3]
    return kept.raw[2], kept.statistics[2], kept.x, kept.statistics[2]


def _wide(channels: int) -> int:
    """Channels filled up to what a product of tiles takes."""
    return power_of_two(channels, 16)


def _scratch(like: Tensor, shapes: Sequence[BlockShape], sums: int) -> Tensor:
    widest = [max(shape.narrow, shape.out_channels, shape.channels) for shape in shapes]
    return like.new_empty(
        max(shape.all_programs * sums * _wide(wide) for shape, wide in zip(shapes, widest, strict=True))
    )


def _counters(like: Tensor, kernels: int, shapes: Sequence[BlockShape]) -> Tensor:
    """Zeros for each kernel: one for its batches, and one for each batch's programs."""
    room = -(-(1 + shapes[0].batches) // _APART) * _APART
    return torch.zeros(kernels, room, dtype=torch.int32, device=like.device)


def _counts(shape: BlockShape) -> tuple[int, int, int]:
    """What kernels are made for: powers of two that hold a batch's programs and, last, the batches; and the batches."""
    return power_of_two(shape.programs), shape.batches, power_of_two(shape.batches)
