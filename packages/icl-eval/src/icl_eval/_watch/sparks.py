"""A curve as a line of characters."""

from __future__ import annotations

from icl_eval._watch.curves import Curve

__all__ = ["ASCII", "BLOCKS", "spark"]

BLOCKS = "▁▂▃▄▅▆▇█"
ASCII = "_.,:-=+#"
"""For terminals whose encoding has no blocks; as high as it looks dark."""


def spark(curve: Curve, last: int, width: int, levels: str = BLOCKS) -> str:
    """The curve over all of training: its lowest character is chance or below, the highest 1; what is to come is empty.

    Args:
        curve: the curve.
        last: updates of the run in all.
        width: characters.
        levels: the characters, from low to high.
    """
    chance = min(max(curve.chance or 0.0, 0.0), 0.999)
    sums, counts = [0.0] * width, [0] * width
    for step, value in zip(curve.steps, curve.values, strict=True):
        place = min(width - 1, step * width // max(last, 1))
        sums[place] += value
        counts[place] += 1
    shown, before = [], None
    for place in range(min(width - 1, curve.steps[-1] * width // max(last, 1)) + 1):
        if counts[place]:
            before = sums[place] / counts[place]
        shown.append(" " if before is None else _level((before - chance) / (1 - chance), levels))
    return "".join(shown).ljust(width)


def _level(share: float, levels: str) -> str:
    return levels[min(len(levels) - 1, max(0, int(share * len(levels))))]
