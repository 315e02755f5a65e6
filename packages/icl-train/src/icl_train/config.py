"""What a run is: nested frozen dataclasses, checked once, at construction.

Every field is an option of the command line under its dotted name (``--data.p-bursty``); the docstring below a field is
its help. A few keep the short names of the earlier port as well (``--batch-size``).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import tyro

from icl_models import ComponentConfig, ModelConfig, find_embedder, find_sequence_model, find_tracker
from icl_train._settings.components import COMPONENTS, stored_settings
from icl_train._settings.data import SEQUENCE_TYPES, DataConfig, Protocol, SequenceKind
from icl_train._settings.option import require, require_choices, short_name
from icl_train._settings.steps import Timetable
from icl_train._settings.values import UnusableConfig, from_plain, to_plain

__all__ = [
    "NEUTRAL_SETTINGS",
    "SEQUENCE_TYPES",
    "DataConfig",
    "EvalConfig",
    "ModelSettings",
    "OptimConfig",
    "Protocol",
    "RunConfig",
    "SeedConfig",
    "SequenceKind",
    "TrainConfig",
]


NEUTRAL_SETTINGS = frozenset(
    {
        "preset",
        "data.omniglot",
        "train.device",
        "train.threads",
        "train.log_interval",
        "train.checkpoint_interval",
        "train.tracker",
        "train.tracker_config",
    }
)
"""Where a run is computed, and how often and where it is written down: runs that differ in these alone are the same
experiment. The settings of a tracker are among them, whatever their names."""


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """The model, but for what the data decide (labels and example shape); see ``icl_models.ModelConfig``."""

    embedder: str = "vector"
    """Embedder of the examples: resnet, linear, embedding, vector, or one that a plugin registers."""
    embedder_config: Annotated[ComponentConfig | None, tyro.conf.AvoidSubcommands] = None
    """Settings of that embedder alone."""
    sequence_model: str = "transformer"
    """Sequence model: transformer, lstm, vanilla_rnn, gru, mamba, or one that a plugin registers."""
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

    def __post_init__(self) -> None:
        # Components are stored resolved, so that a configuration shows (and the command line offers) all settings.
        if self.embedder_config is None:
            object.__setattr__(self, "embedder_config", find_embedder(self.embedder).config())
        if self.sequence_model_config is None:
            object.__setattr__(self, "sequence_model_config", find_sequence_model(self.sequence_model).config())

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
        settings = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return ModelConfig(
            num_classes=num_classes,
            example_kind=typing.cast(Any, example_kind),
            example_shape=example_shape,
            num_ids=num_ids,
            **settings,
        )


@dataclass(frozen=True, kw_only=True)
class OptimConfig:
    """Optimiser and schedule: linear warmup, then inverse square root."""

    optimizer: Annotated[Literal["adam", "adamw"], short_name("--optimizer")] = "adam"
    """adam, or adamw with decoupled weight decay."""
    weight_decay: Annotated[float, short_name("--weight-decay")] = 0.0
    """Decay per step, times the step's rate (adamw only)."""
    max_lr: float = 3e-4
    """Rate at the end of the warmup."""
    warmup_steps: int = 4000
    """Steps of linear warmup."""
    b1: float = 0.9
    """Decay of the first moment."""
    b2: float = 0.999
    """Decay of the second moment."""
    eps: float = 1e-8
    """Added to the root of the second moment."""
    clip_norm: float | None = None
    """Largest norm of the gradient; default: no clipping, as the released code trains."""
    w_interim_predictions: float = 0.0
    """Weight of the context examples' losses together; the query weighs the rest."""

    def __post_init__(self) -> None:
        require_choices(self, "optim")
        require(self.weight_decay >= 0, "optim.weight_decay must be at least 0", self.weight_decay)
        require(
            self.optimizer == "adamw" or self.weight_decay == 0,
            "optim.weight_decay needs optim.optimizer adamw",
            f"{self.weight_decay} with adam",
        )
        require(self.max_lr > 0, "optim.max_lr must be positive", self.max_lr)
        require(self.warmup_steps >= 1, "optim.warmup_steps must be at least 1", self.warmup_steps)
        for name in ("b1", "b2"):
            require(0 <= getattr(self, name) < 1, f"optim.{name} must be in [0, 1)", getattr(self, name))
        require(self.eps > 0, "optim.eps must be positive", self.eps)
        require(self.clip_norm is None or self.clip_norm > 0, "optim.clip_norm must be positive", self.clip_norm)
        require(
            0 <= self.w_interim_predictions <= 1,
            "optim.w_interim_predictions must be in [0, 1]",
            self.w_interim_predictions,
        )


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """The loop."""

    max_steps: Annotated[int, short_name("--max-steps")] = 500_000
    """Updates in all."""
    batch_size: Annotated[int, short_name("--batch-size")] = 32
    """Sequences per update."""
    device: Annotated[str, short_name("--device")] = "auto"
    """cpu, cuda, cuda:1, …, or auto: cuda where there is one."""
    threads: int | None = None
    """CPU threads; default: all cores for one run, the cores shared out in a sweep."""
    log_interval: int = 100
    """Updates between lines of training metrics, which are means over the interval."""
    checkpoint_interval: int = 10_000
    """Updates between checkpoints; the last update always has one."""
    init_from: Annotated[str | None, short_name("--init-from")] = None
    """Weights to start from: RUN (its last checkpoint), RUN@STEP, or a saved model; default: fresh ones."""
    tracker: str | None = None
    """What else is told of the run's records: tensorboard, or a tracker that a plugin registers; default: nothing."""
    tracker_config: Annotated[ComponentConfig | None, tyro.conf.AvoidSubcommands] = None
    """Settings of that tracker alone."""

    def __post_init__(self) -> None:
        for name in ("max_steps", "batch_size", "log_interval", "checkpoint_interval"):
            require(getattr(self, name) >= 1, f"train.{name} must be at least 1", getattr(self, name))
        require(self.threads is None or self.threads >= 1, "train.threads must be at least 1", self.threads)
        require(
            self.device in ("auto", "cpu", "cuda") or self.device.startswith("cuda:"),
            "train.device must be one of auto, cpu, cuda, cuda:N",
            repr(self.device),
        )
        self._resolve_tracker()

    @property
    def checkpoints(self) -> Timetable:
        """Steps after which there is a checkpoint."""
        return Timetable(interval=self.checkpoint_interval, last=self.max_steps)

    def _resolve_tracker(self) -> None:
        own = self.tracker_config
        if self.tracker is None:
            require(own is None, "train.tracker_config needs train.tracker", own)
        elif not isinstance(own, UnusableConfig):
            config = find_tracker(self.tracker).config
            require(
                own is None or isinstance(own, config),
                f"train.tracker_config must be {config.__name__} for {self.tracker!r}",
                own,
            )
            object.__setattr__(self, "tracker_config", own or config())


@dataclass(frozen=True, kw_only=True)
class EvalConfig:
    """Evaluations inside training, on the run's own class split."""

    interval: Annotated[int, short_name("--eval-interval")] = 1000
    """Updates between evaluations; there is one before the first and one after the last update as well."""
    batches: Annotated[int, short_name("--eval-batches")] = 64
    """Batches (of train.batch-size) in each split of an evaluation."""
    protocol: Protocol = "paper"
    """Few-shot classes distinct and no-support contexts without repeats (paper), or as the released code draws."""

    def __post_init__(self) -> None:
        require_choices(self, "eval")
        for name in ("interval", "batches"):
            require(getattr(self, name) >= 1, f"eval.{name} must be at least 1", getattr(self, name))


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

    @property
    def evaluations(self) -> Timetable:
        """Steps after which there is an evaluation."""
        return Timetable(interval=self.eval.interval, last=self.train.max_steps, from_zero=True)

    def to_dict(self) -> dict[str, Any]:
        """Plain containers, as config.json stores them."""
        return typing.cast(dict[str, Any], to_plain(self))

    @classmethod
    def from_dict(cls, values: dict[str, Any], *, owners: Mapping[str, Mapping[str, str]] | None = None) -> RunConfig:
        """The configuration that :meth:`to_dict` wrote.

        Args:
            values: plain containers.
            owners: kind of component → ``distribution`` and ``version`` of the plugin that it was of. A component that
                is named here and cannot be used keeps its settings as they are, and the reason.

        Raises:
            ValueError: if a setting is unknown or not valid.
        """
        values = dict(values)
        for group, kind in COMPONENTS:
            settings = values.get(group, {})
            require(isinstance(settings, dict), f"{group} must be a group of settings", repr(settings))
            own, name = settings.get(f"{kind}_config"), settings.get(kind)
            if isinstance(own, dict):
                owner = (owners or {}).get(kind)
                own = stored_settings(kind, name, own, prefix=f"{group}.{kind}_config.", owner=owner)
                values[group] = settings | {f"{kind}_config": own}
        return from_plain(cls, values, "")

    def flat(self) -> dict[str, Any]:
        """All settings under their dotted names: ``{"data.p_bursty": 0.9, …}``."""
        return _flat(self.to_dict(), "")

    def telling(self) -> dict[str, Any]:
        """:meth:`flat` without ``NEUTRAL_SETTINGS``: what makes a run another experiment.

        Of the weights that it starts from, if they are not fresh, the digest.
        """
        telling = {
            name: value
            for name, value in self.flat().items()
            if name not in NEUTRAL_SETTINGS and not name.startswith("train.tracker_config.")
        }
        initial = telling.pop("train.init_from")
        return telling if initial is None else telling | {"train.init_from": initial.rpartition("#")[2]}

    def digest(self) -> str:
        """Eight hexadecimal digits: equal for configurations that differ in ``NEUTRAL_SETTINGS`` at most."""
        return hashlib.sha256(json.dumps(self.telling(), sort_keys=True).encode()).hexdigest()[:8]


def _flat(settings: dict[str, Any], prefix: str) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat
