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
from icl_models._fused.images.tiles import TILES
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
    programs = min(_PROGRAMS, -(-shape.positions // tile.rows))
    partial = images.new_empty(programs, 65, 64)
    moments = torch.empty(65, 64, dtype=torch.float64, device=images.device)
    add_moments[(programs,)](
        squares, shades, partial, shape.positions, programs, *size, rows, columns, tile.rows, PRECISION, **tile.options
    )
    finish_moments[(65,)](partial, moments, programs, shape.positions, power_of_two(programs))
    channels = shape.channels
    folded = images.new_empty(64, channels)
    high, low = (torch.empty(64, channels, dtype=torch.float16, device=images.device) for _ in range(2))
    affine = images.new_empty(4, channels)
    norm = layer.norm
    fold_normalisation[(channels,)](layer.weight, norm.scale, norm.offset, moments, folded, high, low, affine, channels)
    out = images.new_empty(shape.places, channels)
    argument = torch.empty(shape.places, channels, dtype=torch.int8, device=images.device)
    tile = TILES["pool_convolution"]
    pool_convolution[(-(-shape.places // tile.rows),)](
        squares, shades, folded, high, low, affine, out, argument, norm.hidden, norm.average, norm.counter,
        shape.places, *size, rows, columns, shape.pooled_height, shape.pooled_width, *shape.pool_padding, channels,
        tile.rows, PRECISION, **tile.options,
    )  # fmt: skip
    return out, KeptStem(squares, shades, moments, argument)


def stem_backward(gradient: Tensor, shape: StemShape, layer: Layer, kept: KeptStem) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of weight, scale and offset, of that of the rows before their ReLU."""
    channels = shape.channels
    tile = TILES["pool_convolution_backward"]
    programs = min(_PROGRAMS, -(-shape.places // tile.rows))
    partial = gradient.new_empty(programs, 65 * channels)
    rows, columns = shape.squares
    pool_convolution_backward[(programs,)](
        gradient, kept.argument, kept.squares, kept.shades, partial, shape.places, programs,
        shape.conv_height, shape.conv_width, rows, columns,
        shape.pooled_height, shape.pooled_width, *shape.pool_padding,
        channels, tile.rows, PRECISION, interprets(), **tile.options,
    )  # fmt: skip
    of_weight = torch.empty_like(layer.weight)
    of_scale, of_offset = torch.empty_like(layer.norm.scale), torch.empty_like(layer.norm.offset)
    unfold_normalisation[(channels,)](
        partial, layer.weight, layer.norm.scale, kept.moments, of_weight, of_scale, of_offset, programs, channels,
        power_of_two(programs),
    )  # fmt: skip
    return of_weight, of_scale, of_offset
