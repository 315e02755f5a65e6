"""Places that do not overlap: labels beside each other's lines, and ticks that have room."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["apart", "with_room"]


def apart(wanted: Sequence[float], heights: Sequence[float], low: float, high: float) -> list[float]:
    """Middles of labels as near as can be (least squares) to where they are wanted, none over another.

    They stay between ``low`` and ``high``, unless they need more room together than there is: then they start at
    ``low``. Labels keep the order of ``wanted``; of equal ones the first is the lower.

    Args:
        wanted: middle of each label.
        heights: of each.
        low, high: what all of them should lie between.
    """
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    offsets: list[float] = []
    for before, here in zip([None, *order], order, strict=False):
        step = 0.0 if before is None else (heights[before] + heights[here]) / 2
        offsets.append((offsets[-1] if offsets else 0.0) + step)
    # Without their offsets the middles must not fall: pools of neighbours that would are at their mean.
    pools: list[tuple[float, int]] = []
    for i, offset in zip(order, offsets, strict=True):
        total, count = wanted[i] - offset, 1
        while pools and pools[-1][0] / pools[-1][1] > total / count:
            above, number = pools.pop()
            total, count = total + above, count + number
        pools.append((total, count))
    free = [total / count for total, count in pools for _ in range(count)]
    if not order:
        return []
    least, most = low + heights[order[0]] / 2, high - offsets[-1] - heights[order[-1]] / 2
    placed = [0.0] * len(order)
    for i, offset, place in zip(order, offsets, free, strict=True):
        placed[i] = max(least, min(place, most)) + offset
    return placed


def with_room(middles: Sequence[float], widths: Sequence[float], gap: float) -> list[int]:
    """Which of some labels along an axis to keep so that none touches another: the first, the last, and what fits.

    Args:
        middles: of each label, ascending.
        widths: of each.
        gap: least distance between two.
    """

    def free(left: int, right: int) -> bool:
        return middles[right] - widths[right] / 2 - gap >= middles[left] + widths[left] / 2

    kept: list[int] = []
    for i in range(len(middles)):
        if not kept or free(kept[-1], i):
            kept.append(i)
    last = len(middles) - 1
    if kept and kept[-1] != last:
        while len(kept) > 1 and not free(kept[-1], last):
            kept.pop()
        if free(kept[-1], last):
            kept.append(last)
    return kept
