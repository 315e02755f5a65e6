"""Counts of classes against the law that they should follow."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
# Below this expected count a bin's deviation is not near normal (the usual rule for Pearson's test).
_LEAST_EXPECTED = 5.0


@dataclass(frozen=True, kw_only=True, eq=False)
class LawFit:
    """How well counts of n independent draws fit the probabilities of their classes.

    Attributes:
        classes: (R,) positions of the classes that the law allows, the most probable first: entry r has rank r + 1.
        expected: (R,) their probabilities.
        measured: (R,) their counts.
        n_outside: draws of classes that the law does not allow.
        total_variation: half the sum over all classes of |share measured - probability|, in [0, 1].
        sampling_variation: what that is on average for n draws from the law itself.
        chi_square: Pearson's sum of (measured - expected count)**2 / expected count over bins; each bin holds
            consecutive ranks, as few as make its expected count at least 5. None if that leaves one bin, or if there
            are draws outside the law.
        degrees: bins - 1.
        p_value: chance that draws from the law give such a chi_square or a larger one (the chi-square distribution's
            upper tail); 0 if there are draws outside the law, None if there is one bin.
    """

    classes: Ints = field(repr=False)
    expected: Floats = field(repr=False)
    measured: Ints = field(repr=False)
    n_outside: int
    total_variation: float
    sampling_variation: float
    chi_square: float | None
    degrees: int
    p_value: float | None


def fit_law(counts: Ints, law: Floats) -> LawFit:
    """Compare counts (n_classes,) with probabilities (n_classes,) that add up to 1."""
    n = int(counts.sum())
    # Of equally probable classes the one with the higher position comes first, as the last common class does.
    classes = np.argsort(law, kind="stable")[::-1]
    classes = classes[law[classes] > 0]
    expected, measured = law[classes], counts[classes]
    n_outside = n - int(measured.sum())
    observed, wanted = _bins(measured, expected * n)
    degrees = len(wanted) - 1
    chi_square = float(((observed - wanted) ** 2 / wanted).sum()) if degrees and not n_outside else None
    p_value = None if chi_square is None else chi_square_tail(chi_square, degrees)
    return LawFit(
        classes=classes,
        expected=expected,
        measured=measured,
        n_outside=n_outside,
        total_variation=float(np.abs(counts / n - law).sum() / 2),
        sampling_variation=_sampling_variation(expected, n),
        chi_square=chi_square,
        degrees=degrees,
        p_value=0.0 if n_outside else p_value,
    )


def chi_square_tail(value: float, degrees: int) -> float:
    """Chance that a chi-square variable with so many degrees of freedom is at least `value`.

    It is the sum of (value/2)**j exp(-value/2) / Gamma(j + 1) over j = degrees/2 - 1 down in steps of 1 to 0, or to 1/2
    and then erfc(sqrt(value/2)).
    """
    half = value / 2
    if half == 0:
        return 1.0
    powers = np.arange(degrees / 2 - 1, -0.25, -1)
    logs = [power * math.log(half) - half - math.lgamma(power + 1) for power in powers.tolist()]
    rest = math.erfc(math.sqrt(half)) if degrees % 2 else 0.0
    return min(rest + math.fsum(map(math.exp, logs)), 1.0)


def _bins(measured: Ints, expected: Floats) -> tuple[Floats, Floats]:
    """Counts of bins of consecutive ranks; what is left at the end joins the last bin."""
    starts, filled = [0], 0.0
    for rank, count in enumerate(expected.tolist()):
        if filled >= _LEAST_EXPECTED:
            starts.append(rank)
            filled = 0.0
        filled += count
    if filled < _LEAST_EXPECTED and len(starts) > 1:
        starts.pop()
    return np.add.reduceat(measured, starts).astype(float), np.add.reduceat(expected, starts)


def _sampling_variation(law: Floats, n: int) -> float:
    """Half the sum of the mean absolute deviations of binomial shares, by de Moivre's formula."""
    values, times = np.unique(law[law < 1], return_counts=True)
    total = 0.0
    for p, repeated in zip(values.tolist(), times.tolist(), strict=True):
        above = min(math.floor(n * p) + 1, n)
        log = math.lgamma(n + 1) - math.lgamma(above) - math.lgamma(n - above + 1)
        total += repeated * 2 * math.exp(log + above * math.log(p) + (n - above + 1) * math.log1p(-p))
    return total / n / 2
