"""Buffers and launches of the stem's kernels, forward and backward."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from icl_models._fused.images.launch_blocks import PRECISION, Layer
from icl_models._fused.images.shapes import StemShape, power_of_two
from icl_models._fused.images.stem_backward import pool_convolution_backward, unfold_normalisation
from icl_models._fused.images.stem_forward import (
    add_moments,
    finish_moments,
    fold_normalisation,
    pool_convolution,
    square_images,
)
from icl_models._fused.images.tiles import TILES, Tile
from icl_models._fused.switch import interprets

_PROGRAMS = 256
_PIXELS = 1024


@dataclass(frozen=True)
class KeptStem:
    """What the backward pass needs: images as squares, whether they have shades, patches' moments, pooling's choice."""

    squares: Tensor
    shades: Tensor
    moments: Tensor
    argument: Tensor


def stem_forward(images: Tensor, shape: StemShape, layer: Layer) -> tuple[Tensor, KeptStem]:
    """Images (N, H, W) to rows (N * H' * W', C), in training."""
    rows, columns = shape.squares
    squares = images.new_empty(shape.images, rows, columns, 2, 2)
    shades = torch.zeros((), dtype=torch.int32, device=images.device)
    size = shape.conv_height, shape.conv_width
    square_images[(-(-squares.numel() // _PIXELS),)](
        images, squares, shades, squares.numel(), shape.height, shape.width, rows, columns, *shape.conv_padding, _PIXELS
    )
    tile = TILES["add_moments"]
    batches, positions = shape.batches, shape.batch_positions
    programs = _programs(positions, tile, batches)
    partial = images.new_empty(batches * programs, 65, 64)
    moments = torch.empty(batches, 65, 64, dtype=torch.float64, device=images.device)
    add_moments[(batches * programs,)](
        squares,
        shades,
        partial,
        positions,
        programs,
        *size,
        rows,
        columns,
        batches,
        tile.rows,
        PRECISION,
        **tile.options,
    )
    finish_moments[(65, batches)](partial, moments, programs, positions, power_of_two(programs))
    channels = shape.channels
    folded = images.new_empty(batches, 64, channels)
    high, low = (torch.empty(batches, 64, channels, dtype=torch.float16, device=images.device) for _ in range(2))
    affine = images.new_empty(batches, 4, channels)
    norm = layer.norm
    fold_normalisation[(channels, batches)](
        layer.weight, norm.scale, norm.offset, moments, folded, high, low, affine, channels
    )
    out = images.new_empty(shape.places, channels)
    argument = torch.empty(shape.places, channels, dtype=torch.int8, device=images.device)
    tile = TILES["pool_convolution"]
    programs = -(-shape.batch_places // tile.rows)
    pool_convolution[(batches * programs,)](
        squares, shades, folded, high, low, affine, out, argument, norm.hidden, norm.average, norm.counter,
        shape.batch_places, programs, *size, rows, columns, shape.pooled_height, shape.pooled_width,
        *shape.pool_padding, batches, power_of_two(batches), channels, tile.rows, PRECISION, **tile.options,
    )  # fmt: skip
    return out, KeptStem(squares, shades, moments, argument)


def stem_backward(gradient: Tensor, shape: StemShape, layer: Layer, kept: KeptStem) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of weight, scale and offset, of that of the rows before their ReLU."""
    batches, channels = shape.batches, shape.channels
    tile = TILES["pool_convolution_backward"]
    programs = _programs(shape.batch_places, tile, batches)
    partial = gradient.new_empty(batches * programs, 65 * channels)
    rows, columns = shape.squares
    pool_convolution_backward[(batches * programs,)](
        gradient, kept.argument, kept.squares, kept.shades, partial, shape.batch_places, programs,
        shape.conv_height, shape.conv_width, rows, columns,
        shape.pooled_height, shape.pooled_width, *shape.pool_padding,
        batches, channels, tile.rows, PRECISION, interprets(), **tile.options,
    )  # fmt: skip
    of_weight = gradient.new_empty(batches, *layer.weight.shape)
    of_scale, of_offset = gradient.new_empty(2, batches, channels)
    unfold_normalisation[(channels, batches)](
        partial, layer.weight, layer.norm.scale, kept.moments, of_weight, of_scale, of_offset, programs, channels,
        power_of_two(programs),
    )  # fmt: skip
    if batches == 1:
        return of_weight[0], of_scale[0], of_offset[0]
    return of_weight.sum(0), of_scale.sum(0), of_offset.sum(0)


def _programs(total: int, tile: Tile, batches: int) -> int:
    """How many programs share a batch's positions."""
    return max(1, min(_PROGRAMS // batches, -(-total // tile.rows)))
