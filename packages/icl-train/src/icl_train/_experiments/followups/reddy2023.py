"""Reddy 2023: what makes a network learn in context, or in weights, and how abruptly."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from icl_models import Axis, Claim, ExperimentSpec, Point, Scale

__all__ = ["PHASES", "REDDY2023"]

_PAPER = (
    "Reddy 2023, The mechanistic basis of data dependence and abrupt learning in an in-context classification task "
    "(arXiv 2312.03002)"
)
_PAIRS = 8
_ICL, _ICL2, _IWL = "shared_label", "shifted", "random_zipfian"

# Where both strategies are in reach, so that each factor can tip the balance either way.
_BALANCED: Mapping[str, Any] = {"data.n_rare_classes": 512}

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


_BASE = Point("K 512, B 4", {})


def _noise(value: float, updates: int | None) -> Point:
    longer = {} if updates is None else {"train.max_steps": updates}
    return Point(f"eps {value:g}", {"data.noise_scale": value, **longer})


def _varied(*, noise_updates: int | None = None) -> Axis:
    return Axis(
        name="varied",
        points=(
            _BASE,
            *map(_classes, (128, 256, 1024, 2048)),
            *map(_bursts, (1, 2)),
            *(_noise(value, noise_updates) for value in (0.0, 0.5, 1.0)),
            *map(_exponent, (0.5, 1.0, 1.5, 2.0)),
            *(_one("p_B", "data.p_bursty", value) for value in (0.0, 0.5, 0.8)),
        ),
    )


def _claim(says: str, measure: str, where: Mapping[str, str], **more: Any) -> Claim:
    return Claim(says=says, measure=measure, where=where, scales=("laptop",), **more)


def _at(point: str) -> Mapping[str, str]:
    return {"varied": point}


_PRESET = _at(_BASE.label)


def _phase(classes: str, skew: str) -> Mapping[str, str]:
    return {"classes": classes, "skew": skew}


REDDY2023 = ExperimentSpec(
    name="reddy2023",
    paper=_PAPER,
    section="figures 2 and 3: classes K, bursts B and p_B, noise eps and skew alpha, one at a time",
    tests="What classes, bursts, noise and skew do to learning in context and in weights, and how abruptly.",
    axes=(_varied(),),
    scales={
        "paper": Scale(preset="reddy2023", settings=_BALANCED, seeds=(0, 1)),
        "laptop": Scale(
            preset="reddy2023",
            settings={**_BALANCED, **_LAPTOP},
            axes=(_varied(noise_updates=6000),),
            seeds=(0, 1),
            note=f"{_LAPTOP_NOTE} Of noise twice as many updates: what is noisier takes longer to be looked up.",
        ),
    },
    claims=(
        _claim("Of few classes nothing is learned in context.", _ICL, _at("K 128"), below=0.6),
        _claim("More classes raise in-context learning.", _ICL, _at("K 1,024"), than=_at("K 128"), above=0.3),
        _claim("It exchanges labels as well.", _ICL2, _at("K 1,024"), above=0.85),
        _claim("More classes lower in-weights learning.", _IWL, _at("K 128"), than=_at("K 1,024"), above=0.4),
        _claim("It comes abruptly: there is none for a while,", _ICL, _at("K 1,024"), at=600, below=0.6),
        _claim("and soon after nearly all of it.", _ICL, _at("K 1,024"), at=2000, above=0.85),
        _claim(
            "Bursts raise in-context learning (by more than guessing, which gives .13 more).",
            _ICL,
            _at("B 2"),
            than=_at("B 1"),
            above=0.2,
        ),
        _claim("Bursts lower in-weights learning.", _IWL, _at("B 1"), than=_PRESET, above=0.5),
        _claim("Bursts in more sequences raise in-context learning.", _ICL, _PRESET, than=_at("p_B 0.5"), above=0.1),
        _claim("Bursts in more sequences lower in-weights learning.", _IWL, _at("p_B 0.5"), than=_PRESET, above=0.5),
        _claim("Noise within classes raises in-context learning.", _ICL, _at("eps 1"), than=_at("eps 0"), above=0.05),
        _claim("Noise within classes lowers in-weights learning.", _IWL, _at("eps 0"), than=_at("eps 1"), above=0.03),
        _claim("Skew lowers in-context learning.", _ICL, _PRESET, than=_at("alpha 2"), above=0.1),
        _claim("Skew raises in-weights learning.", _IWL, _at("alpha 2"), than=_PRESET, above=0.5),
    ),
    figures=("reddy2023",),
)

PHASES = ExperimentSpec(
    name="reddy2023-phases",
    paper=_PAPER,
    section="figures 2 and 3: the phase diagram over classes K and skew alpha",
    tests="Whether classes are learned in context, in weights or both ways depends on their number and skew.",
    axes=(
        Axis(name="classes", points=tuple(map(_classes, (128, 256, 512, 1024)))),
        Axis(name="skew", points=tuple(map(_exponent, (0.0, 0.5, 1.0, 1.5, 2.0)))),
    ),
    scales={
        "paper": Scale(preset="reddy2023"),
        "laptop": Scale(preset="reddy2023", settings=_LAPTOP, note=_LAPTOP_NOTE),
    },
    claims=(
        _claim(
            "Many classes, equally frequent, are learned in context,", _ICL, _phase("K 1,024", "alpha 0"), above=0.85
        ),
        _claim("and not in weights.", _IWL, _phase("K 1,024", "alpha 0"), below=0.2),
        _claim("Few are learned in weights,", _IWL, _phase("K 128", "alpha 0"), above=0.4),
        _claim("and not in context.", _ICL, _phase("K 128", "alpha 0"), below=0.6),
        _claim("Under much skew all are learned in weights,", _IWL, _phase("K 1,024", "alpha 2"), above=0.8),
        _claim("and none in context.", _ICL, _phase("K 1,024", "alpha 2"), below=0.6),
        _claim("In between there is some of both: in context,", _ICL, _phase("K 1,024", "alpha 1"), above=0.58),
        _claim("and in weights.", _IWL, _phase("K 1,024", "alpha 1"), above=0.3),
    ),
    figures=("reddy2023-phases",),
)
