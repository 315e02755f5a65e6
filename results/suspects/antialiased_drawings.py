"""Omniglot at 28 x 28 with antialiasing: each small pixel is of all the strokes that it covers.

From this folder it is the source `--data.source antialiased_drawings:omniglot28 --data.downsample False`.
"""

from __future__ import annotations

import numpy as np
from torch.nn.functional import interpolate

from icl_data import ArraySource, OmniglotSource
from icl_data.torch import ExampleBank

__all__ = ["omniglot28"]

SIZE = (28, 28)


def omniglot28() -> ArraySource:
    """What `--data.source omniglot --data.downsample` shows, but that takes four pixels for one of about fourteen."""
    omniglot = OmniglotSource()
    bank, drawings = ExampleBank(omniglot), np.arange(omniglot.n_exemplars)
    images = []
    for number in range(omniglot.n_classes):  # all at once they are gigabytes
        large = bank.gather(np.full_like(drawings, number), drawings).permute(0, 3, 1, 2)
        images.append(interpolate(large, SIZE, mode="bilinear", antialias=True).permute(0, 2, 3, 1).numpy())
    return ArraySource(np.stack(images))
