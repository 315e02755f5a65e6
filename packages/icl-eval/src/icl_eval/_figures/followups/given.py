"""Interventions of runs: what they are called, in which order they are shown, and what each is compared with."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from icl_models import ExperimentSpec, find_experiment

__all__ = ["SETTING", "WHOLE", "Interventions", "Order", "labels_of", "labels_of_experiment", "read_interventions"]

Interventions = tuple[str, ...]
"""What is done to a model, each as it is spelled; empty for nothing."""

SETTING = "model.interventions"
WHOLE: Interventions = ()
"""Nothing is done to the model."""

_ALONE = re.compile(r"blocks\.(\d+)\.attention\.heads:ablate,but=(\d+)")


def read_interventions(value: object) -> Interventions:
    """Those of a run, of the text that its settings have."""
    return tuple(json.loads(value)) if isinstance(value, str) else ()


def labels_of(spec: ExperimentSpec) -> dict[Interventions, str]:
    """Interventions → label, of the points of an experiment's axes that have some and nothing else."""
    points = [point for axis in spec.axes for point in axis.known if list(point.settings) == [SETTING]]
    return {_as_texts(point.settings[SETTING]): point.label for point in points}


def _as_texts(value: Any) -> Interventions:
    return tuple(map(str, value)) if value else ()


def labels_of_experiment(name: str) -> Mapping[Interventions, str]:
    """:func:`labels_of` the experiment of that name; empty where it is not there."""
    try:
        return labels_of(find_experiment(name))
    except ValueError:
        return {}


class Order:
    """The interventions of some runs in the order in which they are shown: none, heads alone, parts that are given.

    Attributes:
        heads: the whole model, and one head of a layer alone, by layer and number.
        given: all else, in the order of its labels, then by text.
        reference: the head that stands alone where parts are given, to which they are compared; without one, the whole
            model.
    """

    def __init__(self, there: Iterable[Interventions], labels: Mapping[Interventions, str]) -> None:
        known, places = set(there), list(labels)
        alone = sorted((given for given in known if _head_alone(given)), key=_head_alone)
        self._labels = labels
        self.heads = [*([WHOLE] if WHOLE in known else []), *alone]
        self.given = sorted(
            known - {WHOLE, *alone},
            key=lambda given: (places.index(given) if given in labels else len(places), given),
        )
        used = {one: sum(set(one) < set(given) for given in self.given) for one in alone}
        self.reference = max(alone, key=lambda one: used[one], default=WHOLE)

    @property
    def all(self) -> list[Interventions]:
        """All of them."""
        return [*self.heads, *self.given]

    @property
    def layer(self) -> int | None:
        """The layer whose heads are alone, from 1; None where they are of several or there are none."""
        layers = {found[0] for given in self.heads if (found := _head_alone(given))}
        return layers.pop() + 1 if len(layers) == 1 else None

    def label(self, given: Interventions) -> str:
        """What they are called: their label, else their text."""
        return "whole model" if given == WHOLE else self._labels.get(given, ", ".join(given))

    def compared_with(self, given: Interventions) -> Interventions:
        """What they are compared with: heads alone with the whole model, all else with the head that stands alone."""
        return WHOLE if given in self.heads else self.reference


def _head_alone(given: Interventions) -> tuple[int, int] | tuple[()]:
    """Layer and number of the one head that is left to its layer, if nothing else is done."""
    found = _ALONE.fullmatch(given[0]) if len(given) == 1 else None
    return (int(found[1]), int(found[2])) if found else ()
