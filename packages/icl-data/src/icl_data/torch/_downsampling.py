"""Smaller images, as the released code's `downsample` option makes them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch

DOWNSAMPLED = 28
UNIT = 64  # downsampled zeros and ones are counted in parts of this size


def downsample(images: torch.Tensor) -> torch.Tensor:
    """Bilinear to 28x28, half-pixel centres, no antialiasing.

    Args:
        images: (..., H, W, C) floating.

    Returns:
        (..., 28, 28, C).
    """
    flat = images.reshape(-1, *images.shape[-3:]).permute(0, 3, 1, 2)
    small = torch.nn.functional.interpolate(
        flat, size=(DOWNSAMPLED, DOWNSAMPLED), mode="bilinear", align_corners=False, antialias=False
    )
    return small.permute(0, 2, 3, 1).reshape(*images.shape[:-3], DOWNSAMPLED, DOWNSAMPLED, images.shape[-1])


def downsample_binary(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The same for images of zeros and ones, exactly, in 64ths.

    Between 105 and 28 pixels every bilinear weight is a multiple of 1/8, so that values are multiples of 1/64 and a
    bank of them fits into bytes.

    Args:
        images: (n, 105, 105) of 0 and 1.

    Returns:
        (n, 28, 28) in 0..64.
    """
    size = images.shape[-1]
    centres = (np.arange(DOWNSAMPLED) + 0.5) * size / DOWNSAMPLED - 0.5
    low = np.floor(centres).astype(np.int64)
    eighths = ((centres - low) * 8).astype(np.uint8)
    assert size == 105
    rows = (8 - eighths)[:, None] * images[:, low] + eighths[:, None] * images[:, low + 1]
    return np.asarray((8 - eighths) * rows[:, :, low] + eighths * rows[:, :, low + 1])
