"""Binary images at one bit a pixel on a device."""

from __future__ import annotations

import numpy as np
import torch


class PackedRows:
    """Rows of eight pixels a byte, unpacked to bytes of 0 and 1 when they are picked.

    Args:
        bits: (n, ceil(pixels / 8)) uint8, the first pixel in the highest bit.
        shape: shape of an image.
    """

    def __init__(self, bits: torch.Tensor, shape: tuple[int, ...]) -> None:
        self._bits, self._shape = bits, shape
        self._n_pixels = torch.Size(shape).numel()
        # The eight pixels of each value of a byte as one number, so that unpacking is a look-up: quicker than shifts.
        eight = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1).view(np.int64)[:, 0]
        self._eight = torch.from_numpy(eight).to(bits.device)

    def __call__(self, rows: torch.Tensor) -> torch.Tensor:
        """(N, *shape) uint8 of the N rows with these numbers."""
        found = self._bits.index_select(0, rows)
        pixels = self._eight.index_select(0, found.flatten().int()).view(torch.uint8).reshape(len(rows), -1)
        return pixels[:, : self._n_pixels].reshape(-1, *self._shape)
