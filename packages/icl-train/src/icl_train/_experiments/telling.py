"""Experiments in words and as plain values: what is varied, what it takes, what is claimed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from icl_data.foundation.printable import printable
from icl_models import Axis, Claim, ExperimentSpec, Point
from icl_train._options.page import paragraph, two_columns
from icl_train._runs.pace import duration_text

__all__ = ["Taking", "as_json", "in_full", "in_short"]


@dataclass(frozen=True)
class Taking:
    """What an experiment takes at one scale.

    Attributes:
        folders: of its runs, by name.
        steps: updates of each run, the fewest and the most.
        seconds: that they take here together; None where that was not asked.
        problem: why it cannot be run at all; empty otherwise.
    """

    folders: tuple[str, ...] = ()
    steps: tuple[int, int] = (0, 0)
    seconds: float | None = None
    problem: str = ""

    def __str__(self) -> str:
        if self.problem:
            return f"cannot be run: {self.problem}"
        many = len(self.folders)
        about = "" if self.seconds is None else f", about {duration_text(self.seconds)}"
        return f"{many} run{'s' if many > 1 else ''}{about}"


def in_short(takings: Mapping[str, tuple[ExperimentSpec, Mapping[str, Taking]]]) -> str:
    """All experiments as a list: what each tests, and what it takes.

    Args:
        takings: name → the experiment, and scale → what it takes there.
    """
    rows = []
    for name, (spec, scales) in takings.items():
        told = "; ".join(f"{scale} {taking}" for scale, taking in scales.items())
        rows.append((printable(name), printable(f"{spec.tests} {told}; {_count(len(spec.claims), 'claim')}.")))
    return two_columns(rows)


def in_full(spec: ExperimentSpec, scales: Mapping[str, Taking]) -> str:
    """One experiment: where it is from, what is varied, each scale, each claim, and the commands.

    Args:
        spec: the experiment.
        scales: scale → what it takes there.
    """
    scale = "laptop" if "laptop" in scales else next(iter(scales), "NAME")
    commands = [f"icl-train sweep {spec.name} --scale {scale} --root runs/{spec.name}"]
    commands += [f"icl-eval {figure} runs/{spec.name}" for figure in spec.figures]
    commands += [f"icl-eval claims runs/{spec.name} --experiment {spec.name}"] if spec.claims else []
    blocks = [
        "\n".join(map(paragraph, (f"{spec.name}: {spec.tests}", spec.paper, spec.section))),
        "axes:\n" + two_columns([(axis.name, _points(axis)) for axis in spec.axes]) if spec.axes else "",
        "scales:\n" + two_columns([(name, _scale(spec, name, taking)) for name, taking in scales.items()]),
        "claims:\n" + two_columns([(_asserted(claim), _claim(claim)) for claim in spec.claims]) if spec.claims else "",
        "\n".join(f"  {command}" for command in commands),
    ]
    return "\n\n".join("\n".join(map(printable, block.split("\n"))) for block in blocks if block)


def as_json(spec: ExperimentSpec, scales: Mapping[str, Taking]) -> dict[str, Any]:
    """One experiment as plain values; arguments as of `in_full`."""
    return {
        "name": spec.name,
        "paper": spec.paper,
        "section": spec.section,
        "tests": spec.tests,
        "axes": [_axis_as_json(axis) for axis in spec.axes],
        "scales": {
            name: {
                "preset": spec.scales[name].preset,
                "settings": dict(spec.scales[name].settings),
                "axes": [_axis_as_json(axis) for axis in spec.axes_at(name)],
                "seeds": list(spec.scales[name].seeds),
                "draws": spec.scales[name].draws,
                "ranges": [vars(one) | {"choices": list(one.choices)} for one in spec.scales[name].ranges],
                "note": spec.scales[name].note,
                "runs": list(taking.folders),
                "updates": list(taking.steps),
                "seconds": taking.seconds,
                "problem": taking.problem or None,
            }
            for name, taking in scales.items()
        },
        "claims": [_claim_as_json(claim) for claim in spec.claims],
        "figures": list(spec.figures),
    }


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _points(axis: Axis) -> str:
    others = f" (also {_labels(axis.others)})" if axis.others else ""
    return _labels(axis.points) + others


def _labels(points: tuple[Point, ...]) -> str:
    return ", ".join(point.label for point in points)


def _scale(spec: ExperimentSpec, name: str, taking: Taking) -> str:
    scale, (least, most) = spec.scales[name], taking.steps
    told = str(taking)
    if not taking.problem:
        updates = f"{least:,}" if least == most else f"{least:,} to {most:,}"
        told += f"; {updates} updates each; {_count(len(scale.seeds), 'seed')}"
    if scale.draws:
        told += f"; {_count(scale.draws, 'draw')} of {', '.join(one.setting for one in scale.ranges)} at each point"
    own = "; ".join(f"{axis.name}: {_points(axis)}" for axis in scale.axes)
    return ". ".join(filter(None, (told, own, scale.note.rstrip(".")))) + "."


def _asserted(claim: Claim) -> str:
    return ", ".join(claim.scales) or "nowhere"


def _claim(claim: Claim) -> str:
    tried = "".join(f" Not at {scale}: {why.rstrip('.')}." for scale, why in claim.tried.items())
    return f"{claim.says} {claim.subject} {claim.bound}.{tried}"


def _axis_as_json(axis: Axis) -> dict[str, Any]:
    return {
        "name": axis.name,
        "points": [{"label": point.label, "settings": dict(point.settings)} for point in axis.points],
        "others": [{"label": point.label, "settings": dict(point.settings)} for point in axis.others],
    }


def _claim_as_json(claim: Claim) -> dict[str, Any]:
    mappings = {"where": dict(claim.where), "than": None if claim.than is None else dict(claim.than)}
    heads = None if claim.heads is None else asdict(claim.heads)
    return vars(claim) | mappings | {"heads": heads, "scales": list(claim.scales), "tried": dict(claim.tried)}
