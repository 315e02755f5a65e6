"""The onset of a curve: a logistic step fitted to it, with intervals (abrupt learning, as in Reddy 2023)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Onset", "fit_onset"]

Floats = npt.NDArray[np.float64]

_FEWEST = 6  # points: four numbers are fitted
_NINTH = math.log(9)  # of its scale, from a tenth to a half of a logistic step
_THREE = math.log(3)  # of its scale, from a quarter to a half
_CENTRES, _SCALES = 16, 5  # starts of the fit
_MOST_DOUBT = 600.0  # of a scale's logarithm, so that its interval has an end
_LARGEST_SHARE_LEFT = 0.5  # of the curve's variance, that a step may leave


@dataclass(frozen=True)
class Onset:
    """A step from one level to another, ``before + (after - before) / (1 + exp(-(t - time) / scale))``.

    Attributes:
        time: when half of the change is done, in the unit of the steps; with its 95% interval ``low``, ``high``.
        low, high: its ends; never closer than the two measurements between which the half was passed.
        width: how long it takes from a tenth to nine tenths of the change, ``scale`` times log 81; with ``width_low``
            and ``width_high``. Where that passes between two measurements, their distance is its upper end.
        width_low, width_high: ends of its 95% interval.
        before, after: the two levels.
        plateau: its end, when a tenth of the change is done (its length, as training begins at 0); not before the first
            measurement.
        left: share of the curve's variance that the step leaves.
        n: measurements that were fitted.
    """

    time: float
    low: float
    high: float
    width: float
    width_low: float
    width_high: float
    before: float
    after: float
    plateau: float
    left: float
    n: int

    @property
    def slope(self) -> float:
        """Change for each step at ``time``, where it is fastest: a quarter of the whole by the scale."""
        return (self.after - self.before) * 2 * _NINTH / (4 * self.width)


def fit_onset(steps: npt.ArrayLike, values: npt.ArrayLike) -> Onset | None:
    """Fit a logistic step to a curve, by least squares.

    A curve that comes back, such as transient in-context learning, is fitted up to its extreme: the greatest value of
    one that rises first, the least of one that falls first. What is not finite is left out.

    Intervals are Student's t of the fit's own covariance. Neighbouring residuals of a curve are alike, so the
    covariance is inflated by (1 + r) / (1 - r), with r their correlation at a distance of one where that is positive.
    They say how well one curve tells its time; how much seeds differ takes several runs.

    Args:
        steps: (T,) ascending: updates, or sequences seen.
        values: (T,) a loss, an accuracy, a strength of attention.

    Returns:
        The onset, or None where there is none to be told: fewer than six measurements, a curve that a step explains
        less than half of, or a step of which a quarter was done at the first of them or not three quarters at the last.

    Raises:
        ValueError: steps that do not ascend, or another number of values.
    """
    times, curve = _checked(steps, values)
    times, curve = _until_extreme(times, curve)
    spread = float(((curve - curve.mean()) ** 2).sum()) if len(curve) else 0.0
    if len(times) < _FEWEST or spread == 0:
        return None
    unit = times[-1] - times[0]
    place = (times - times[0]) / unit  # 0..1
    found = _least_squares(place, curve)
    if found is None:
        return None
    time, scale, before, after, residuals, covariance = found
    left = float((residuals**2).sum()) / spread
    if left > _LARGEST_SHARE_LEFT or not _has_two_sides(place, curve, time, scale, before, after):
        return None
    half = _t_quantile(len(place) - 4) * np.sqrt(np.maximum(np.diag(covariance), 0) * _inflation(residuals))
    behind = int(np.searchsorted(place, time, side="right"))
    gap = place[max(behind - 1, 0)], place[min(behind, len(place) - 1)]  # nothing was seen in between
    doubt = min(float(half[1]), _MOST_DOUBT)
    width, ends = scale * 2 * _NINTH, scale * np.exp([-doubt, doubt]) * 2 * _NINTH
    if width < gap[1] - gap[0]:
        ends = np.array([0.0, max(float(ends[1]), gap[1] - gap[0])])
    return Onset(
        time=float(times[0] + unit * time),
        low=float(times[0] + unit * min(time - half[0], gap[0])),
        high=float(times[0] + unit * max(time + half[0], gap[1])),
        width=float(unit * width),
        width_low=float(unit * ends[0]),
        width_high=float(unit * ends[1]),
        before=before,
        after=after,
        plateau=float(times[0] + unit * max(time - scale * _NINTH, 0.0)),
        left=left,
        n=len(place),
    )


def _checked(steps: npt.ArrayLike, values: npt.ArrayLike) -> tuple[Floats, Floats]:
    times, curve = np.asarray(steps, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if times.ndim != 1 or times.shape != curve.shape:
        raise ValueError(f"steps and values must be as many, in one row, got shapes {times.shape} and {curve.shape}")
    if not np.isfinite(times).all() or (np.diff(times) <= 0).any():
        raise ValueError("steps must be finite and ascend, got others")
    known = np.isfinite(curve)
    return times[known], curve[known]


def _until_extreme(times: Floats, curve: Floats) -> tuple[Floats, Floats]:
    """Up to the extreme that the larger of its two moves, away from where it begins, leads to."""
    if len(curve) < _FEWEST:
        return times, curve
    smooth: Floats = np.convolve(
        np.pad(curve, 1, mode="edge"), np.ones(3) / 3, mode="valid"
    )  # a single value is no extreme
    top, bottom = int(smooth.argmax()), int(smooth.argmin())
    rise, drop = smooth[top] - smooth[: top + 1].min(), smooth[: bottom + 1].max() - smooth[bottom]
    end = max(top if rise >= drop else bottom, _FEWEST - 1) + 1
    noise = 4 * np.std(np.diff(curve)) / math.sqrt(2)
    came_back = abs(smooth[end - 1] - smooth[-1]) > max(noise, 0.1 * max(rise, drop))
    return (times[:end], curve[:end]) if came_back else (times, curve)


def _least_squares(place: Floats, curve: Floats) -> tuple[float, float, float, float, Floats, Floats] | None:
    """Time and scale in 0..1, the two levels, residuals, and the covariance of time and log scale (and the levels)."""
    from scipy.optimize import least_squares
    from scipy.special import expit

    def step(time: float, log_scale: float) -> Floats:
        done: Floats = expit((place - time) / np.exp(log_scale))
        return done

    # Of a given time and scale the levels follow; the best of a grid is where the search begins.
    finest = float(np.diff(place).min()) / 8
    scales = np.geomspace(max(finest, 1e-4), 0.2, _SCALES)
    centres = np.quantile(place, np.linspace(0.02, 0.98, _CENTRES))
    starts = [
        (left, time, scale, *levels)
        for time in centres
        for scale in scales
        for levels, left in [_levels(step(time, math.log(scale)), curve)]
    ]
    _, time, scale, before, after = min(starts)

    def residuals(numbers: Floats) -> Floats:
        missed: Floats = numbers[2] + (numbers[3] - numbers[2]) * step(numbers[0], numbers[1]) - curve
        return missed

    bounds = ([-0.5, math.log(finest), -np.inf, -np.inf], [1.5, 1.0, np.inf, np.inf])
    start = [time, min(max(math.log(scale), bounds[0][1] + 1e-9), 1.0), before, after]
    fit = least_squares(residuals, start, bounds=bounds, x_scale=[0.1, 1.0, np.ptp(curve), np.ptp(curve)])
    if not fit.success:
        return None
    covariance = np.linalg.pinv(fit.jac.T @ fit.jac) * float((fit.fun**2).sum()) / max(len(place) - 4, 1)
    time, log_scale, before, after = map(float, fit.x)
    return time, math.exp(log_scale), before, after, fit.fun, covariance


def _levels(done: Floats, curve: Floats) -> tuple[tuple[float, float], float]:
    """Before and after by linear least squares, and the sum of squares that is left."""
    centred = done - done.mean()
    room = float((centred**2).sum())
    slope = float((centred * curve).sum()) / room if room > 0 else 0.0
    before = float(curve.mean() - slope * done.mean())
    left = float(((before + slope * done - curve) ** 2).sum())
    return (before, before + slope), left


def _has_two_sides(place: Floats, curve: Floats, time: float, scale: float, before: float, after: float) -> bool:
    """Whether both levels were seen: those that were only extrapolated are no finding."""
    if before == after or -time / scale > -_THREE or (1 - time) / scale < _THREE:
        return False
    share = (curve - before) / (after - before)
    some = max(len(curve) // 20, 1)
    return bool(np.median(share[:some]) < 0.5 < np.median(share[-some:]))


def _inflation(residuals: Floats) -> float:
    centred = residuals - residuals.mean()
    power = float((centred**2).sum())
    alike = float((centred[1:] * centred[:-1]).sum()) / power if power > 0 else 0.0
    alike = min(max(alike, 0.0), 0.98)
    return (1 + alike) / (1 - alike)


def _t_quantile(freedom: int) -> float:
    from scipy.special import stdtrit

    return float(stdtrit(max(freedom, 1), 0.975))
