"""Smaller images, as the released code's `downsample` option makes them."""

from __future__ import annotations

import torch

from icl_data._banks.small_images import DOWNSAMPLED


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
