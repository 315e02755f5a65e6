"""What an experiment is: axes, scales and claims, as values that need no PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Moment = Literal["last", "peak"]


@dataclass(frozen=True)
class Point:
    """One place on an axis.

    Args:
        label: how it is called in tables, on axes and on the command line: "0.9", "noise .1".
        settings: settings by dotted name, as ``RunConfig.flat`` has them: ``{"data.p_bursty": 0.9}``.
    """

    label: str
    settings: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Axis:
    """What an experiment varies.

    Args:
        name: the setting, if it is one alone ("data.p_bursty"), else what its points have in common ("classes").
        points: its places, in order.
    """

    name: str
    points: tuple[Point, ...]

    @classmethod
    def of(cls, setting: str, *values: Any) -> Axis:
        """An axis of one setting, a point for each value.

        Args:
            setting: dotted name.
            values: of the setting, in order.
        """
        return cls(name=setting, points=tuple(Point(str(value), {setting: value}) for value in values))

    @property
    def settings(self) -> tuple[str, ...]:
        """The settings that its points set, each once."""
        return tuple(dict.fromkeys(name for point in self.points for name in point.settings))


@dataclass(frozen=True, kw_only=True)
class Range:
    """Values from which a hyper-parameter is drawn.

    Args:
        setting: dotted name.
        low, high: ends of an interval, both included; without them ``choices``.
        log: draw evenly in the logarithm.
        choices: values, each as likely.
    """

    setting: str
    low: float | None = None
    high: float | None = None
    log: bool = False
    choices: tuple[Any, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Scale:
    """One size at which an experiment can be run.

    Args:
        preset: preset that the runs start from.
        settings: what they share beside it, by dotted name.
        axes: axes that have other points here than in the paper, whole, by the name of the experiment's axis.
        seeds: seeds of weights and data; a run for each point of the product and seed.
        draws: hyper-parameters are drawn so many times from ``ranges`` at each point; 0 is not at all.
        ranges: what is drawn.
        note: what the reader should know: what differs from the paper, and why.
    """

    preset: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    axes: tuple[Axis, ...] = ()
    seeds: tuple[int, ...] = (0,)
    draws: int = 0
    ranges: tuple[Range, ...] = ()
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What an experiment's runs should show: a bound on a mean over runs, or on the difference of two.

    Args:
        says: the claim, in one sentence.
        measure: evaluation whose headline accuracy is meant ("fewshot_holdout"), or a training metric ("weight_l2").
        where: axis → label of the point whose runs are meant; an axis that is left out is averaged over.
        than: the same for the runs that are subtracted; None for the value itself.
        at: the last evaluation of a run, or its greatest value.
        above, below: bounds.
        scales: scales at which it holds.
        tried: scale → why it is not asserted there, and what was tried.
    """

    says: str
    measure: str
    where: Mapping[str, str]
    than: Mapping[str, str] | None = None
    at: Moment = "last"
    above: float | None = None
    below: float | None = None
    scales: tuple[str, ...] = ()
    tried: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ExperimentSpec:
    """An experiment, as `icl_register_experiments` returns it.

    Args:
        name: how ``icl-train sweep NAME`` asks for it.
        paper: authors, year, arXiv number.
        section: of the paper, with its figure.
        tests: what it tests, in one sentence.
        axes: what is varied, with the paper's points.
        scales: name (paper, omniglot28, laptop, or others) → size.
        claims: what its runs should show.
        figures: names of the figures that draw it (``icl-eval NAME RUNS``).
    """

    name: str
    paper: str
    section: str
    tests: str
    axes: tuple[Axis, ...]
    scales: Mapping[str, Scale]
    claims: tuple[Claim, ...] = ()
    figures: tuple[str, ...] = ()
