"""The settings of the runs in a table: what varies, what stands in one panel, what would be averaged over."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from icl_eval._picture.values import in_order, plain
from icl_eval._runs import OMNIGLOT_CHARACTERS
from icl_train.config import NEUTRAL_SETTINGS

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "DERIVED",
    "RunSettings",
    "as_in_figure_3",
    "follows_a_component",
    "run_settings",
    "values_of",
    "varying",
    "with_derived",
]

RunSettings = dict[str, dict[str, Any]]
"""Run → its settings by dotted name, and what follows from them (see DERIVED)."""

DERIVED = ("classes", "labels_per_class", "variation")
"""Names that figures and plots know beside the settings: trained classes, labels of each, what varies in a class."""

_EVALUATIONS = "eval.evaluations"
_PLACE = re.compile(r'run=[^"]*#')
_NO_EXPERIMENT = {*NEUTRAL_SETTINGS, "eval.interval", "eval.steps", "eval.log_spaced_steps", _EVALUATIONS}
_GROUPS = ("data.", "model.", "optim.", "train.", "eval.", "seeds.")


def run_settings(table: pd.DataFrame, *, also: Sequence[str] = ()) -> RunSettings:
    """The settings of each run that make it another experiment, without its seeds, in the order of the table.

    Args:
        table: tidy table of runs.
        also: further settings that are wanted, such as a seed.
    """
    columns = [name for name in table.columns if _counts(name) or name in also]
    first = table.drop_duplicates("run")
    rows = first[columns].astype(object).to_numpy()
    found: RunSettings = {}
    evaluations = _told_apart(first[_EVALUATIONS]) if _EVALUATIONS in first else [None] * len(first)
    for run, row, own in zip(first["run"], rows, evaluations, strict=True):
        settings = dict(zip(columns, map(plain, row), strict=True)) | {_EVALUATIONS: own}
        if settings.get("train.init_from"):  # weights are what they hold, wherever they lie
            settings["train.init_from"] = str(settings["train.init_from"]).rpartition("#")[2]
        if settings.get("model.interventions"):
            settings["model.interventions"] = _PLACE.sub("run=", str(settings["model.interventions"]))
        found[str(run)] = with_derived(settings)
    return found


def _told_apart(lists: Iterable[Any]) -> list[str | None]:
    """Of each run's list of evaluations, those whose name means another one in other runs, which no mean may mix."""
    own = [[text for text in json.loads(one) if ":" in text] if isinstance(one, str) else [] for one in lists]
    meanings: dict[str, set[str]] = {}
    for text in (text for texts in own for text in texts):
        meanings.setdefault(text.partition(":")[0], set()).add(text)
    mixed = {text for several in meanings.values() if len(several) > 1 for text in several}
    return [" ".join(text for text in texts if text in mixed) or None for texts in own]


def _counts(name: str) -> bool:
    return (
        name.startswith(_GROUPS)
        and name not in _NO_EXPERIMENT
        and not name.startswith(("seeds.", "train.tracker_config"))
    )


def with_derived(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a run, and what follows from them."""
    _, polysemy, labels = str(settings.get("data.labeling_rare")).rpartition("polysemy")
    return {
        **settings,
        "classes": (settings.get("data.n_rare_classes") or 0) + (settings.get("data.n_common_classes") or 0),
        "labels_per_class": int(labels) if polysemy and labels.isdigit() else 1,
        "variation": _variation(settings),
    }


def _variation(settings: Mapping[str, Any]) -> str:
    """How examples of a class differ: by noise, by being other exemplars, or not at all."""
    noise = settings.get("data.noise_scale")
    if noise is None:
        noise = 0.1 if settings.get("data.source") == "gaussian" else 0
    exemplars = settings.get("data.exemplars", "all")
    if settings.get("data.source") == "omniglot" and exemplars == "all":
        return "full exemplars" if not noise else f"full exemplars, noise {noise:g}"
    return f"noise {noise:g}" if noise else "none (one exemplar)" if exemplars == "single" else "none"


def as_in_figure_3(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as they tell figure 3's panels apart: the 12,800 classes, which augmentation alone gives, are beside
    those without it, and with as many common and holdout classes."""
    if settings.get("data.source") != "omniglot" or settings["classes"] <= OMNIGLOT_CHARACTERS:
        return dict(settings)
    return {**settings, "data.augment": False, "data.n_common_classes": 10, "data.n_holdout_classes": 10}


def varying(runs: Iterable[Mapping[str, Any]], *, besides: Iterable[str] = ()) -> list[str]:
    """The settings in which runs differ, in their order.

    Args:
        runs: settings of each.
        besides: those not to look at; a name that follows from settings stands for these.
    """
    known = list(runs)
    left_out = {*DERIVED, *besides}
    for name in besides:
        left_out |= set(_MADE_FROM.get(name, ()))
    names = dict.fromkeys(name for one in known for name in one if name not in left_out)
    return [name for name in names if len({one.get(name) for one in known}) > 1]


_MADE_FROM = {
    "classes": ("data.n_rare_classes",),
    "labels_per_class": ("data.labeling_rare",),
    "variation": ("data.exemplars", "data.noise_scale"),
    "model.sequence_model": ("model.num_heads", "model.hidden_size"),
}


def follows_a_component(name: str) -> bool:
    """Whether a setting is a component's own, and so differs wherever the component does."""
    return "_config." in name


def values_of(runs: RunSettings, name: str, of: Sequence[str] | None = None) -> list[Any]:
    """The values that runs have of a setting, in order.

    Args:
        runs: settings by run.
        name: the setting.
        of: which runs; None for all.
    """
    values = in_order(runs[run].get(name) for run in (runs if of is None else of))
    return sorted(values, key=_variation_order) if name == "variation" else values


def _variation_order(value: str) -> tuple[int, float]:
    """No variation, then noise, then other exemplars."""
    noise = value.rpartition("noise ")[2]
    return ("none", "noise", "full").index(value.split()[0]), float(noise) if "noise" in value else 0.0
