"""Moments of the patches of drawings, counted without the patches: how often two places of one are both marked."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from icl_models._embedders.same_padding import same_padding

_IMAGES = 16
_ROWS = 4  # of patches, counted side by side


def marks(x: Tensor) -> tuple[Tensor, Tensor] | None:
    """Images of 0 and one other value as images of 0 and 1, and that value; None for any others."""
    value, bits = x.max(), (x != 0).to(x.dtype)
    return (bits, value) if torch.equal(bits * value, x) else None


def mark_moments(bits: Tensor, kernel: int, stride: int) -> tuple[Tensor, Tensor]:
    """Mean and biased covariance of the patches that a SAME convolution sees, exact to float64's precision.

    Two places of a patch, d apart, are both marked as often as pixels u and u + d are, over all u with one remainder by
    the stride; but for the patches beyond the first and last ones, whose corners have pixels. That is a tenth of the
    products of all places with each other.

    Args:
        bits: (N, H, W) float32 of 0 and 1, fewer than 2^24 pixels in 16 images.

    Returns:
        (kernel^2,) and (kernel^2, kernel^2) in float64.
    """
    (top, _), (left, _) = (same_padding(size, kernel, stride) for size in bits.shape[1:])
    height, width = (math.ceil(size / stride) for size in bits.shape[1:])
    both = _counts(bits, kernel, stride).flatten()[_places(kernel, stride, top, left)].sum(0)
    for strip in _patches_beyond(bits, kernel, stride):
        both -= (strip.T @ strip).double()
    share = both / (len(bits) * height * width)
    mean = share.diagonal()
    return mean, share - torch.outer(mean, mean)


def _patches_beyond(bits: Tensor, kernel: int, stride: int) -> list[Tensor]:
    """(n, kernel^2) patches that a convolution would see outside, as long as they had pixels in them: four strips."""
    around, ring = [], 0
    for size in reversed(bits.shape[1:]):
        before, _ = same_padding(size, kernel, stride)
        positions = math.ceil(size / stride)
        ring = max(ring, (kernel - 1 - before) // stride, (size - 1 + before) // stride - positions + 1)
        around.append((before, positions, size))
    edges = [
        edge
        for before, positions, size in around
        for edge in (before + ring * stride, (positions + ring - 1) * stride + kernel - before - size)
    ]
    windows = F.pad(bits, edges).unfold(1, kernel, stride).unfold(2, kernel, stride)
    last_row, last_column = windows.shape[1] - ring, windows.shape[2] - ring
    middle = windows[:, ring:last_row]
    strips = [windows[:, :ring], windows[:, last_row:], middle[:, :, :ring], middle[:, :, last_column:]]
    return [strip.reshape(-1, kernel * kernel) for strip in strips]


def _counts(bits: Tensor, kernel: int, stride: int) -> Tensor:
    """How often pixels are marked together: the weights' gradient of a convolution.

    (rows * stride, rows + kernel - 1, 2 * kernel - 2 + stride): a pixel by the remainders of its row and column, and
    rows and columns of the other one.
    """
    rows = _ROWS * stride
    blocks, columns = (math.ceil(size / of) for size, of in zip(bits.shape[1:], (rows, stride), strict=True))
    height, width = (blocks - 1) * rows + rows + kernel - 1, (columns - 1) * stride + 2 * kernel - 2 + stride
    wide = F.pad(bits, (kernel - 1, width - bits.shape[2] - kernel + 1, 0, height - bits.shape[1]))
    like = bits.new_empty(rows * stride, 1, rows + kernel - 1, 2 * kernel - 2 + stride)
    total = torch.zeros(like.shape, dtype=torch.float64)
    for part in torch.split(wide, _IMAGES):
        pixels = part[:, : blocks * rows, kernel - 1 : kernel - 1 + columns * stride]
        pixels = pixels.reshape(len(part), blocks, rows, columns, stride)
        pixels = pixels.permute(0, 2, 4, 1, 3).flatten(1, 2)  # (n, rows * stride, blocks, columns)
        total += torch.ops.aten.convolution_backward(
            pixels, part[:, None], like, None, [rows, stride], [0, 0], [1, 1], False, [0, 0], 1, [False, True, False]
        )[1]
    return total[:, 0]


def _places(kernel: int, stride: int, top: int, left: int) -> Tensor:
    """(_ROWS, kernel^2, kernel^2): where in the counts those of each pair of places are."""
    row, column = (axis.flatten() for axis in torch.meshgrid(torch.arange(kernel), torch.arange(kernel), indexing="ij"))
    first, second = torch.meshgrid(torch.arange(kernel**2), torch.arange(kernel**2), indexing="ij")
    first, second = torch.minimum(first, second), torch.maximum(first, second)  # the upper one first
    of_row = torch.arange(_ROWS)[:, None, None] * stride + (row[first] - top) % stride
    of_column = (column[first] - left) % stride
    second_row = of_row + row[second] - row[first]
    second_column = of_column + column[second] - column[first] + kernel - 1
    return ((of_row * stride + of_column) * (_ROWS * stride + kernel - 1) + second_row) * (
        2 * kernel - 2 + stride
    ) + second_column
