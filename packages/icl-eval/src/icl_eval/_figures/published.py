"""Values of Chan et al. 2022 (arXiv 2205.05055), read off the published plots to about ±0.02.

A run has them where its settings equal the paper's in all but seeds, length and bookkeeping.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from icl_eval._picture.runs import with_derived
from icl_eval._picture.values import plain
from icl_train import RunConfig, chan2022
from icl_train.config import NEUTRAL_SETTINGS

__all__ = ["PUBLISHED_STEPS", "published", "published_values"]

PUBLISHED_STEPS = 500_000
"""Steps of 32 sequences that the paper trains for."""

Points = tuple[tuple[int, float], ...]
Settings = Mapping[str, Any]

_ICL, _IWL = "fewshot_holdout", "no_support_zipfian"
_COMMON, _RARE = "no_support_common/accuracy_query", "no_support_rare/accuracy_query"


def _final(*values: float) -> list[Points]:
    return [((PUBLISHED_STEPS, value),) for value in values]


def _by(keys: tuple[Any, ...], *values: float) -> dict[Any, Points]:
    return dict(zip(keys, _final(*values), strict=True))


_P_BURSTY, _ZIPF = (0, 0.5, 0.9, 1), (0, 0.5, 1, 1.5, 2, 3)

# figure → split → what was varied → (step, accuracy)
_VALUES: dict[str, dict[str, dict[Any, Points]]] = {
    "figure2": {
        _ICL: _by(_P_BURSTY, 0.50, 0.54, 0.68, 0.77),
        _IWL: _by(_P_BURSTY, 0.92, 0.79, 0.25, 0.00),
    },
    "figure3": {
        _ICL: {
            100: ((50_000, 0.50), (500_000, 0.50)),
            1600: ((50_000, 0.75), (70_000, 0.78), (500_000, 0.66)),
            12800: ((50_000, 0.55), (80_000, 0.70), (500_000, 0.93)),
        },
        _IWL: {
            100: ((500_000, 0.99),),
            1600: ((50_000, 0.01), (500_000, 0.26)),
            12800: ((500_000, 0.00),),
        },
    },
    "figure4": {_ICL: _by((1, 2, 5, 10), 0.75, 0.88, 0.88, 0.88)},
    "figure5": {
        _ICL: {
            **_by(tuple(("none (one exemplar)", p) for p in (0.5, 0.9, 1)), 0.50, 0.50, 0.50),
            **_by(tuple(("noise 0.1", p) for p in (0.5, 0.9, 1)), 0.50, 0.50, 0.87),
            **_by(tuple(("noise 0.5", p) for p in (0.5, 0.9, 1)), 0.50, 0.66, 0.94),
            **_by(tuple(("full exemplars", p) for p in (0.5, 0.9, 1)), 0.54, 0.66, 0.77),
        },
        _IWL: {
            **_by(tuple(("none (one exemplar)", p) for p in (0.5, 0.9, 1)), 1.00, 1.00, 0.98),
            **_by(tuple(("noise 0.1", p) for p in (0.5, 0.9, 1)), 1.00, 1.00, 0.05),
            **_by(tuple(("noise 0.5", p) for p in (0.5, 0.9, 1)), 0.99, 0.93, 0.00),
            **_by(tuple(("full exemplars", p) for p in (0.5, 0.9, 1)), 0.78, 0.27, 0.00),
        },
    },
    "figure6": {
        _ICL: _by(_ZIPF, 0.73, 0.84, 0.89, 0.50, 0.50, 0.50),
        _COMMON: _by(_ZIPF, 0.04, 0.13, 0.94, 1.00, 1.00, 0.74),
        _RARE: _by(_ZIPF, 0.00, 0.00, 0.00, 0.00, 0.00, 0.00),
    },
    "figure7": {_ICL: _by(("transformer", "vanilla_rnn", "lstm"), 0.85, 0.50, 0.50)},
}
_VALUES["figure3a"] = {_ICL: _VALUES["figure3"][_ICL]}
_VALUES["figure3b"] = {_IWL: _VALUES["figure3"][_IWL]}

# What a run may have that the preset has not: seeds, length, class counts (which the key below says), bookkeeping.
_FREE = {
    *NEUTRAL_SETTINGS,
    *(f"data.{name}" for name in ("augment", "n_rare_classes", "n_common_classes", "n_holdout_classes", "protocol")),
    "train.max_steps",
    "train.init_from",
    *(f"eval.{name}" for name in ("interval", "batches", "protocol", "evaluations", "steps", "log_spaced_steps")),
    *(f"seeds.{name}" for name in ("split", "init", "data")),
}
# On the paper's 16 devices batch statistics were over 2 sequences; the preset has them over all.
_ALSO_THE_PAPERS = {"model.embedder_config.sequences_per_statistics": 2}
_AUGMENTED = 12_800
# "1,600 classes" of figures 2, 4 and 5 are those, or all that Omniglot has but the holdout ones.
_ALL = (1600, 1613)


def _of_classes(settings: Settings) -> Any:
    # The paper reaches 12,800 classes by augmentation, and the fewer ones without.
    return settings["classes"] if settings["data.augment"] == (settings["classes"] == _AUGMENTED) else None


def _without_augmentation(name: str) -> Callable[[Settings], Any]:
    return lambda settings: settings[name] if settings["classes"] in _ALL and not settings["data.augment"] else None


def _of_variation(settings: Settings) -> Any:
    if settings["classes"] not in _ALL or settings["data.augment"]:
        return None
    return settings["variation"], settings["data.p_bursty"]


def _of_zipf(settings: Settings) -> Any:
    return settings["data.zipf_exponent"] if settings["classes"] == _AUGMENTED and settings["data.augment"] else None


def _of_model(settings: Settings) -> Any:
    known = settings["classes"] in _ALL and not settings["data.augment"] and settings["model.num_layers"] in (2, 12)
    return settings["model.sequence_model"] if known else None


# figure → settings that it varies beside the free ones, and what they come to
_VARIED: dict[str, tuple[set[str], Callable[[Settings], Any]]] = {
    "figure2": ({"data.p_bursty"}, _without_augmentation("data.p_bursty")),
    "figure3": (set(), _of_classes),
    "figure3a": (set(), _of_classes),
    "figure3b": (set(), _of_classes),
    "figure4": ({"data.labeling_rare"}, _without_augmentation("labels_per_class")),
    "figure5": ({"data.p_bursty", "data.exemplars", "data.noise_scale"}, _of_variation),
    "figure6": ({"data.zipf_exponent"}, _of_zipf),
    "figure7": (
        {
            "model.sequence_model",
            "model.num_layers",
            "model.num_heads",
            "model.hidden_size",
            "model.emb_dim",
            "optim.max_lr",
            "optim.warmup_steps",
        },
        _of_model,
    ),
}


def published(figure: str, config: RunConfig, split: str | None = None) -> Points:
    """The paper's (step, accuracy) points for a run; none unless the run is of the paper's experiment.

    Args:
        figure: ``figure2`` to ``figure7``, ``figure3a`` or ``figure3b``.
        config: of the run; it must be the preset chan2022 in all but what the figure varies, seeds, length and
            bookkeeping.
        split: evaluation whose accuracy is meant; None for the figure's first.
    """
    settings = {name: plain(value) for name, value in config.flat().items()}
    return published_values(figure, with_derived(settings), split)


def published_values(figure: str, settings: Settings, split: str | None = None) -> Points:
    """:func:`published`, of settings by dotted name and what follows from them."""
    if figure not in _VALUES:
        return ()
    of_splits = _VALUES[figure]
    varied, key_of = _VARIED[figure]
    paper = _paper()
    free = _FREE | varied
    for name, value in settings.items():
        if name in free or name in ("classes", "labels_per_class", "variation"):
            continue
        if "_config." in name and figure == "figure7":
            continue  # of the recurrent models, which the preset has not
        if value != paper.get(name) and (name not in _ALSO_THE_PAPERS or value != _ALSO_THE_PAPERS[name]):
            return ()
    key = key_of(settings)
    return of_splits.get(split or next(iter(of_splits)), {}).get(key, ())


@cache
def _paper() -> dict[str, Any]:
    return {name: plain(value) for name, value in chan2022().flat().items()}
