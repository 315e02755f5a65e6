"""Images of 28x28 pixels, as the released code's `downsample` option makes them: bilinear, half-pixel centres."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from icl_data._omniglot.source import OmniglotSource
from icl_data.foundation.aligned import aligned_empty

DOWNSAMPLED = 28
UNIT = 64  # downsampled zeros and ones are counted in parts of this size


def bilinear_taps(size: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Which two of `size` pixels each of the 28 lies between, (28,) each, and its share of the second of them."""
    centres = np.clip((np.arange(DOWNSAMPLED) + 0.5) * size / DOWNSAMPLED - 0.5, 0, size - 1)
    low = np.floor(centres).astype(np.int64)
    return low, np.minimum(low + 1, size - 1), centres - low


def downsample_binary(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Images of zeros and ones made small, exactly, in 64ths.

    Between 105 and 28 pixels every bilinear weight is a multiple of 1/8, so that values are multiples of 1/64 and a
    bank of them fits into bytes.

    Args:
        images: (n, 105, 105) of 0 and 1.

    Returns:
        (n, 28, 28) in 0..64.
    """
    size = images.shape[-1]
    assert size == 105
    low, high, share = bilinear_taps(size)
    eighths = (share * 8).astype(np.uint8)
    rows = (8 - eighths)[:, None] * images[:, low] + eighths[:, None] * images[:, high]
    return np.asarray((8 - eighths) * rows[:, :, low] + eighths * rows[:, :, high])


def small_omniglot(source: OmniglotSource) -> npt.NDArray[np.uint8]:
    """(n_classes, n_exemplars, 28, 28, 1) of all its images, white paper 64 and ink 0.

    Made of some classes at a time, so that a packed source is never unpacked as a whole.
    """
    small = aligned_empty((source.n_classes, source.n_exemplars, DOWNSAMPLED, DOWNSAMPLED), np.uint8)
    step = 1024 // source.n_exemplars + 1
    for first in range(0, source.n_classes, step):
        some = small[first : first + step]
        pixels = source.pixels(np.arange(first, first + len(some))[:, None], np.arange(source.n_exemplars))
        some[:] = downsample_binary(pixels.reshape(-1, *pixels.shape[2:])).reshape(some.shape)
    return small[..., None]
