"""What an experiment is: axes, scales and claims, as values that need no PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from icl_models._contract.axis import Axis, Range, require, twice
from icl_models._contract.claim import Claim

__all__ = ["ExperimentSpec", "Scale"]


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

    Raises:
        ValueError: without seeds, or for draws without ranges or ranges without draws.
    """

    preset: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    axes: tuple[Axis, ...] = ()
    seeds: tuple[int, ...] = (0,)
    draws: int = 0
    ranges: tuple[Range, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        require(bool(self.seeds), "a scale must have a seed at least", "none")
        require(
            self.draws >= 0 and bool(self.draws) == bool(self.ranges),
            "a scale's draws and ranges must come together",
            f"{self.draws} draws from {len(self.ranges)} ranges",
        )


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

    Raises:
        ValueError: for a name that no command line takes, axes of one name, scales with an axis that the experiment
            does not have, and claims about axes, points or scales that are not there.
    """

    name: str
    paper: str
    section: str
    tests: str
    axes: tuple[Axis, ...]
    scales: Mapping[str, Scale]
    claims: tuple[Claim, ...] = ()
    figures: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        named = isinstance(self.name, str) and bool(self.name) and not self.name.startswith("-")
        require(
            named and not any(letter.isspace() for letter in self.name),
            "an experiment's name must be one word that is no option",
            repr(self.name),
        )
        names = [axis.name for axis in self.axes]
        of = f"of experiment {self.name!r}"
        repeated = twice(names)
        require(not repeated, f"axes {of} must have names of their own", f"{repeated!r} twice")
        require(bool(self.scales), f"experiment {self.name!r} must have a scale at least", "none")
        for name, scale in self.scales.items():
            strange = [axis.name for axis in scale.axes if axis.name not in names]
            require(not strange, f"axes of scale {name!r} {of} must be among {', '.join(names)}", ", ".join(strange))
        for claim in self.claims:
            self._check(claim)

    def axes_at(self, scale: str) -> tuple[Axis, ...]:
        """The axes with the points that they have at a scale.

        Args:
            scale: name of one of its scales.
        """
        own = {axis.name: axis for axis in self.scales[scale].axes}
        return tuple(own.get(axis.name, axis) for axis in self.axes)

    def _check(self, claim: Claim) -> None:
        what = f"claim {claim.says!r} of experiment {self.name!r}"
        strange = [scale for scale in (*claim.scales, *claim.tried) if scale not in self.scales]
        require(not strange, f"scales of {what} must be among {', '.join(self.scales)}", ", ".join(strange))
        for scale in claim.scales:
            points = {axis.name: [point.label for point in axis.points] for axis in self.axes_at(scale)}
            for axis, label in [*claim.where.items(), *(claim.than or {}).items()]:
                require(axis in points, f"axes of {what} must be among {', '.join(points)}", axis)
                known = points[axis]
                require(label in known, f"points of {what} on {axis} at {scale} must be in {', '.join(known)}", label)
