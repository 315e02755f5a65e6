"""The eight flips and quarter turns of images on a device."""

from __future__ import annotations

import torch

from icl_data._sources.augmented import COLUMNS_REVERSED, N_TRANSFORMS, ROWS_REVERSED, SWAPPED

_BYTES_AT_A_TIME = 1 << 20


def turn(images: torch.Tensor, transform: torch.Tensor) -> torch.Tensor:
    """Images (N, H, W, C), which may be changed, each by its own transform (N,), numbered as in `Augmented`."""
    # Which images share a transform is known at once on a CPU, and only after waiting elsewhere.
    return turn_group_by_group(images, transform) if images.is_cpu else turn_together(images, transform)


def turn_group_by_group(images: torch.Tensor, transform: torch.Tensor) -> torch.Tensor:
    """The images of one transform after those of another, in place, as many at a time as a core's cache holds."""
    step = max(_BYTES_AT_A_TIME // (images[:1].nbytes or 1), 1)
    for some, their in zip(torch.split(images, step), torch.split(transform, step), strict=True):
        order = their.argsort()
        sizes: list[int] = torch.bincount(their, minlength=N_TRANSFORMS).tolist()
        groups = torch.split(some.index_select(0, order), sizes)
        turned = [
            torch.rot90(group.flip(2) if number >= 4 else group, number, (1, 2)) for number, group in enumerate(groups)
        ]
        torch.index_select(torch.cat(turned), 0, order.argsort(), out=some)
    return images


def turn_together(images: torch.Tensor, transform: torch.Tensor) -> torch.Tensor:
    """Every step by all images, kept where it belongs to an image's transform; waits for nothing."""

    def chosen(steps: int) -> torch.Tensor:
        return ((steps >> transform) % 2 == 1)[:, None, None, None]

    images = torch.where(chosen(SWAPPED), images.transpose(1, 2), images)
    images = torch.where(chosen(ROWS_REVERSED), images.flip(1), images)
    return torch.where(chosen(COLUMNS_REVERSED), images.flip(2), images)
