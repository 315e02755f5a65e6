"""What a run is: nested frozen dataclasses, checked once, at construction.

Every field is an option of the command line under its dotted name (``--data.p-bursty``); the docstring below a field is
its help. A few keep the short names of the earlier port as well (``--batch-size``).
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any

import tyro

from icl_models import ComponentConfig, ModelConfig, find_embedder, find_sequence_model
from icl_train._evaluations.text import read_evaluation, read_evaluations
from icl_train._evaluations.value import Evaluation
from icl_train._interventions.text import intervention_text, read_intervention, read_interventions
from icl_train._interventions.value import Intervention
from icl_train._settings.components import COMPONENTS, stored_settings
from icl_train._settings.data import SEQUENCE_TYPES, DataConfig, Protocol, SequenceKind
from icl_train._settings.evaluation import EvalConfig
from icl_train._settings.identity import ADDED_LATER, NEUTRAL_SETTINGS, digest_of, flattened, telling
from icl_train._settings.optim import OptimConfig
from icl_train._settings.option import default_of, require, require_numbers
from icl_train._settings.plain_value import value_of_type
from icl_train._settings.steps import Timetable, check_last_step
from icl_train._settings.training import EngineName, Precision, TrainConfig
from icl_train._settings.values import UnusableConfig, from_plain, to_plain

__all__ = [
    "ADDED_LATER",
    "NEUTRAL_SETTINGS",
    "SEQUENCE_TYPES",
    "DataConfig",
    "EngineName",
    "EvalConfig",
    "Evaluation",
    "Intervention",
    "ModelSettings",
    "OptimConfig",
    "Precision",
    "Protocol",
    "RunConfig",
    "SeedConfig",
    "SequenceKind",
    "TrainConfig",
    "read_evaluation",
    "read_evaluations",
    "read_intervention",
]


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """The model, but for what the data decide (labels and example shape); see ``icl_models.ModelConfig``."""

    embedder: str = "vector"
    """Embedder of the examples: resnet, linear, embedding, vector, raw, or a plugin's."""
    embedder_config: Annotated[ComponentConfig | None, tyro.conf.AvoidSubcommands] = None
    """Settings of that embedder alone."""
    sequence_model: str = "transformer"
    """Sequence model: transformer, lstm, vanilla_rnn, gru, mamba, reddy, or a plugin's."""
    sequence_model_config: Annotated[ComponentConfig | None, tyro.conf.AvoidSubcommands] = None
    """Settings of that sequence model alone."""
    emb_dim: int = 64
    """Width of the token embeddings."""
    num_layers: int = 12
    """Layers of the sequence model."""
    num_heads: int | None = None
    """Attention heads (transformer only; default 8)."""
    hidden_size: int | None = None
    """Units of each layer (recurrent models only; default as wide as the tokens)."""
    dropout_prob: float = 0.0
    """Dropout in the sequence model, in training."""
    example_dropout_prob: float = 0.0
    """Dropout on the example embeddings, in training and evaluation: noise on examples."""
    positional_dropout_prob: float = 0.0
    """Dropout on the tokens after the positional encodings, in training."""
    use_positional_encodings: bool = True
    """Encode positions: by sinusoids added to the tokens, unless the sequence model's own settings name another way."""
    concatenate_labels: bool = False
    """Put an example and its label side by side in one token instead of in two tokens."""
    fixed_labels: bool = False
    """Label vectors as they are drawn at first, from N(0, I / emb_dim), and never trained (Reddy 2023)."""
    interventions: tuple[str, ...] | None = None
    """What is done to its parts while it trains, each NAME:ACTION[=TO][,setting=value…]: actions ablate, mean, value,
    run, pattern, copy and fix; settings but, start and stop; default: nothing."""

    def __post_init__(self) -> None:
        require_numbers(self, "model")
        self._check_interventions()
        for name in ("emb_dim", "num_layers", "num_heads", "hidden_size"):
            value = getattr(self, name)
            require(value is None or value >= 1, f"model.{name} must be at least 1", value)
        for name in ("dropout_prob", "example_dropout_prob", "positional_dropout_prob"):
            require(0 <= getattr(self, name) < 1, f"model.{name} must be in [0, 1)", getattr(self, name))
        # Components are stored resolved, so that a configuration shows (and the command line offers) all settings.
        if self.embedder_config is None:
            object.__setattr__(self, "embedder_config", find_embedder(self.embedder).config())
        if self.sequence_model_config is None:
            object.__setattr__(self, "sequence_model_config", find_sequence_model(self.sequence_model).config())

    @property
    def intervened(self) -> tuple[Intervention, ...]:
        """What is done to its parts while it trains, in order."""
        return read_interventions(self.interventions or ())

    def _check_interventions(self) -> None:
        if self.interventions is None:
            return
        is_list = isinstance(self.interventions, tuple | list)
        require(is_list, "model.interventions must be a list of texts", repr(self.interventions))
        try:
            texts = tuple(map(intervention_text, read_interventions(self.interventions)))
        except ValueError as error:
            raise ValueError(f"model.interventions: {error}") from None
        object.__setattr__(self, "interventions", texts or None)

    def model_config(
        self, *, num_classes: int, example_kind: str, example_shape: tuple[int, ...], num_ids: int | None
    ) -> ModelConfig:
        """The complete configuration, for the labels and examples of a task.

        Args:
            num_classes: labels of the task.
            example_kind, example_shape, num_ids: the examples of the task, as in `icl_models.ModelConfig`.

        Raises:
            ValueError: if a component cannot be used here, or a setting does not fit.
        """
        for own in (self.embedder_config, self.sequence_model_config):
            if isinstance(own, UnusableConfig):
                raise ValueError(own.reason)
        settings = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "interventions"}
        return ModelConfig(
            num_classes=num_classes,
            example_kind=typing.cast(Any, example_kind),
            example_shape=example_shape,
            num_ids=num_ids,
            **settings,
        )


_GROUPS: dict[str, type] = {"model": ModelSettings, "train": TrainConfig}


@dataclass(frozen=True, kw_only=True)
class SeedConfig:
    """The three seeds."""

    split: int = 1337
    """Which classes are rare, common and holdout."""
    init: int = 0
    """Initial weights, and dropout."""
    data: int = 0
    """Sequences and noise, in training and evaluation (from streams that never overlap)."""

    def __post_init__(self) -> None:
        for name in ("split", "init", "data"):
            require(0 <= getattr(self, name) < 2**63, f"seeds.{name} must be in [0, 2**63)", getattr(self, name))


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Everything that decides the numbers of a run.

    Settings of data, model, optim, train and eval, the three seeds, and the name of the preset they started from.
    """

    preset: tyro.conf.Suppress[str] = "custom"
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelSettings = field(default_factory=ModelSettings)
    optim: OptimConfig = field(default_factory=OptimConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    eval: EvalConfig = field(default_factory=EvalConfig)
    seeds: SeedConfig = field(default_factory=SeedConfig)

    def __post_init__(self) -> None:
        check_last_step("eval.steps", self.eval.steps, self.train.max_steps)
        self.optim.last_scheduled_step(self.train.max_steps)
        for one in self.model.intervened:
            require(
                one.start < self.train.max_steps,
                f"model.interventions: start must be below train.max_steps ({self.train.max_steps})",
                f"{one.start} in {intervention_text(one)}",
            )
        grouped = getattr(self.model.embedder_config, "sequences_per_statistics", None)
        require(
            not isinstance(grouped, int) or self.train.batch_size % grouped == 0,
            f"model.embedder_config.sequences_per_statistics must divide train.batch_size ({self.train.batch_size})",
            grouped,
        )

    @property
    def evaluations(self) -> Timetable:
        """Steps after which there is an evaluation."""
        return self.eval.timetable(self.train.max_steps)

    def to_dict(self) -> dict[str, Any]:
        """Plain containers, as config.json stores them."""
        return typing.cast(dict[str, Any], to_plain(self))

    @classmethod
    def from_dict(
        cls,
        values: dict[str, Any],
        *,
        owners: Mapping[str, Mapping[str, str]] | None = None,
        whole: bool = False,
    ) -> RunConfig:
        """The configuration that :meth:`to_dict` wrote.

        Args:
            values: plain containers; a setting that is left out has its default.
            owners: kind of component → ``distribution`` and ``version`` of the plugin that it was of. A component that
                is named here and cannot be used keeps its settings as they are, and the reason.
            whole: whether only what a run's numbers do not hang on, and what came after the first runs, may be left
                out, as in config.json.

        Raises:
            ValueError: if a setting is unknown, missing, of another type or not valid, with its dotted name.
        """
        groups = {group: values[group] for group, _ in COMPONENTS if isinstance(values, dict) and group in values}
        for group, kind in COMPONENTS:
            settings = groups.get(group)
            if not isinstance(settings, dict):
                continue  # refused below
            own, name = settings.get(f"{kind}_config"), settings.get(kind, default_of(_GROUPS[group], kind))
            if not isinstance(own, dict):
                continue
            value_of_type(str, name, f"{group}.{kind}")
            owner = (owners or {}).get(kind)
            own = stored_settings(kind, name, own, prefix=f"{group}.{kind}_config.", owner=owner)
            groups[group] = settings | {f"{kind}_config": own}
        config = from_plain(cls, values | groups if groups else values, "")
        missing = _in_every_run() - flattened(values).keys() if whole else ()
        require(not missing, "a run's settings must all be there", f"none for {', '.join(sorted(missing)[:5])}")
        return config

    def flat(self) -> dict[str, Any]:
        """All settings under their dotted names: ``{"data.p_bursty": 0.9, …}``."""
        return flattened(self.to_dict())

    def telling(self) -> dict[str, Any]:
        """:meth:`flat` without ``NEUTRAL_SETTINGS``: what makes a run another experiment."""
        return telling(self.flat())

    def digest(self) -> str:
        """Eight hexadecimal digits: equal for configurations that differ in ``NEUTRAL_SETTINGS`` at most."""
        return digest_of(self.flat())


@cache
def _in_every_run() -> frozenset[str]:
    """Settings that every config.json has had."""
    own = tuple(f"{group}.{kind}_config" for group, kind in COMPONENTS)
    later = NEUTRAL_SETTINGS | ADDED_LATER.keys()
    return frozenset(name for name in RunConfig().flat() if name not in later and not name.startswith(own))
