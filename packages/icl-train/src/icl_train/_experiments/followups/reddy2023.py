"""Reddy 2023: what makes a network learn in context, or in weights, and how abruptly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from icl_models import Axis, ExperimentSpec, Point, Scale

__all__ = ["PHASES", "REDDY2023"]

_PAPER = (
    "Reddy 2023, The mechanistic basis of data dependence and abrupt learning in an in-context classification task "
    "(arXiv 2312.03002)"
)
_PAIRS = 8
_ICL, _ICL2, _IWL = "shared_label", "shifted", "random_zipfian"

# The paper's rate of .01 brings in-context learning after 5,000 to 10,000 updates, ten times that after 1,200. The
# decay takes 1e-6 of the weights in an update, at either.
_LAPTOP: Mapping[str, Any] = {
    "optim.max_lr": 0.1,
    "optim.weight_decay": 1e-5,
    "train.max_steps": 3000,
    "train.checkpoint_interval": 3000,
    "eval.interval": 100,
    "eval.batches": 16,
}
_LAPTOP_NOTE = "Ten times the paper's rate, a fiftieth of its updates."


def _classes(count: int) -> Point:
    return Point(f"K {count:,}", {"data.n_rare_classes": count})


def _bursts(size: int) -> Point:
    return Point(f"B {size}", {"data.shots": size, "data.ways": _PAIRS // size, "data.fs_shots": size})


def _one(symbol: str, setting: str, value: float) -> Point:
    return Point(f"{symbol} {value:g}", {setting: value})


def _exponent(value: float) -> Point:
    return _one("alpha", "data.zipf_exponent", value)


_BASE = Point("preset", {})
_VARIED = Axis(
    name="varied",
    points=(
        _BASE,
        *map(_classes, (128, 256, 512)),
        *map(_bursts, (1, 2)),
        *(_one("eps", "data.noise_scale", value) for value in (0.0, 0.5, 1.0)),
        *map(_exponent, (0.5, 1.0, 1.5, 2.0)),
        *(_one("p_B", "data.p_bursty", value) for value in (0.0, 0.5, 0.9)),
    ),
)

REDDY2023 = ExperimentSpec(
    name="reddy2023",
    paper=_PAPER,
    section="figures 2 and 3: classes K, bursts B and p_B, noise eps and skew alpha, one at a time",
    tests="More classes, bursts and noise within classes bring in-context learning, abruptly; skew brings both.",
    axes=(_VARIED,),
    scales={
        "paper": Scale(preset="reddy2023"),
        "laptop": Scale(preset="reddy2023", settings=_LAPTOP, note=_LAPTOP_NOTE),
    },
    claims=(),
    figures=("reddy2023",),
)

PHASES = ExperimentSpec(
    name="reddy2023-phases",
    paper=_PAPER,
    section="figures 2 and 3: the phase diagram over classes K and skew alpha",
    tests="In context, in weights or both: which it is hangs on the number of classes and the skew of their law.",
    axes=(
        Axis(name="classes", points=tuple(map(_classes, (128, 256, 512, 1024)))),
        Axis(name="skew", points=tuple(map(_exponent, (0.0, 0.5, 1.0, 1.5, 2.0)))),
    ),
    scales={
        "paper": Scale(preset="reddy2023"),
        "laptop": Scale(preset="reddy2023", settings=_LAPTOP, note=_LAPTOP_NOTE),
    },
    claims=(),
    figures=("reddy2023-phases",),
)
