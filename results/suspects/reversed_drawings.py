"""Omniglot at 28 x 28 with the drawings of every character in the opposite order: another order of the exemplars.

From this folder it is the source `--data.source reversed_drawings:omniglot28 --data.downsample False`.
"""

from __future__ import annotations

import numpy as np

from icl_data import ArraySource, OmniglotSource
from icl_data.torch import ExampleBank

__all__ = ["omniglot28"]


def omniglot28() -> ArraySource:
    """What `--data.source omniglot --data.downsample` shows, drawing i in the place of drawing 19 - i."""
    omniglot = OmniglotSource()
    classes, drawings = np.arange(omniglot.n_classes)[:, None], np.arange(omniglot.n_exemplars)
    images = ExampleBank(omniglot, downsample=True).gather(classes, drawings[::-1]).numpy()
    return ArraySource(images)
