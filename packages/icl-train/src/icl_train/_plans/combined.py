"""The configurations of combinations of points, with the defaults that come with another source or component."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from icl_models import Axis, Point
from icl_train._by_name.components import DECISIVE, with_components
from icl_train._by_name.settings import put, settings_of
from icl_train._making.others import others_of, with_other_weights
from icl_train._options.table import Option
from icl_train._plans.called import Words, value_words
from icl_train.config import RunConfig

__all__ = ["SEEDS", "Combination", "Started", "seed_words", "words_of"]

SEEDS = ("seeds.init", "seeds.data")
_OWN = ("model.embedder_config.", "model.sequence_model_config.", "train.tracker_config.")

Combination = tuple[tuple[str, Point], ...]
"""The name of each axis, and the point on it."""


_OtherWeights = tuple[str | None, tuple[str, ...] | None]  # train.init_from and model.interventions


class Started:
    """A configuration, with each source and component that was asked for; every source is opened once.

    Args:
        base: the configuration.
        fixed: those of its settings that were asked for, and stay with every source and component.
    """

    def __init__(self, base: RunConfig, fixed: Mapping[str, Any]) -> None:
        self._base, self._fixed = base, fixed
        self._started: dict[tuple[tuple[str, str], ...], tuple[RunConfig, dict[str, Option]]] = {}
        self._written: dict[_OtherWeights, _OtherWeights] = {}

    def known_settings(self, axes: Sequence[Axis]) -> dict[str, Option]:
        """All settings that a run of such points can have, by dotted name."""
        known = dict(settings_of(self._base))
        for point in (point for axis in axes for point in axis.points if set(point.settings) & set(DECISIVE)):
            known |= self._start(point.settings)[1]
        return known

    def configs(self, combinations: Sequence[Combination]) -> list[RunConfig]:
        """The configuration of each combination.

        Raises:
            ValueError: for the first that cannot be, and how many cannot.
        """
        found: list[RunConfig] = []
        wrong: list[tuple[ValueError, Combination]] = []
        for combination in combinations:
            try:
                found.append(
                    self._config({name: one for _, point in combination for name, one in point.settings.items()})
                )
            except ValueError as error:
                wrong.append((error, combination))
        if not wrong:
            return found
        first, where = wrong[0]
        if len(wrong) == len(combinations) and len({str(error) for error, _ in wrong}) == 1:
            raise first
        told = ", ".join(f"{name} {point.label}" for name, point in where)
        raise ValueError(f"{first} (in {len(wrong)} of {len(combinations)} combinations, the first: {told})") from first

    def _config(self, settings: Mapping[str, Any]) -> RunConfig:
        config, table = self._start(settings)
        fixed = {name: one for name, one in self._fixed.items() if name in table or not name.startswith(_OWN)}
        varied = {name: one for name, one in settings.items() if name in table or not _is_of_another(name, one, config)}
        config = put(config, {**fixed, **varied})
        model, train = config.model, config.train
        if train.init_from is None and not others_of(model.intervened):
            return config
        key = (train.init_from, model.interventions)
        if key not in self._written:
            written = with_other_weights(config)
            self._written[key] = (written.train.init_from, written.model.interventions)
        weights, interventions = self._written[key]
        return replace(
            config, train=replace(train, init_from=weights), model=replace(model, interventions=interventions)
        )

    def _start(self, settings: Mapping[str, Any]) -> tuple[RunConfig, dict[str, Option]]:
        chosen = {name: one for name, one in {**self._fixed, **settings}.items() if name in DECISIVE}
        key = tuple(sorted((name, str(one)) for name, one in chosen.items()))
        if key not in self._started:
            config = with_components(self._base, chosen)
            self._started[key] = (config, settings_of(config))
        return self._started[key]


def words_of(config: RunConfig, combination: Combination) -> Words:
    """What a combination's points are called, with values as the configuration has them."""
    flat = config.flat()
    words: dict[str, tuple[str, bool]] = {}
    for axis, point in combination:
        if list(point.settings) == [axis] and point.label == str(point.settings[axis]):
            words[axis] = value_words(axis, flat.get(axis))
        else:
            words[axis] = (point.label, not _is_a_value(point.label))
    return words


def seed_words(config: RunConfig) -> str:
    """``s0``, or both seeds where weights and data have different ones."""
    init, data = config.seeds.init, config.seeds.data
    return f"s{data}" if init == data else f"init{init}-data{data}"


def _is_of_another(name: str, value: Any, config: RunConfig) -> bool:
    """Whether it is nothing, for a component that has no such setting; ValueError where it is something."""
    if not name.startswith(_OWN):
        return False
    if value in (None, "None"):
        return True
    group, kind = name.partition("_config.")[0].split(".")
    raise ValueError(f"{name} must be None for {kind} {getattr(getattr(config, group), kind)!r}, got {value}")


def _is_a_value(label: str) -> bool:
    try:
        float(label)
    except ValueError:
        return label in ("None", "True", "False")
    return True
