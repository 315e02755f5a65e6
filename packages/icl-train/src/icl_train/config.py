"""What a run is: nested frozen dataclasses, checked once, at construction.

Every field is an option of the command line under its dotted name (``--data.p-bursty``); the docstring below a field is
its help. A few keep the short names of the earlier port as well (``--batch-size``).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import tyro

from icl_data import Bursty, Fewshot, Mixed, NoSupport
from icl_models import ComponentConfig, ModelConfig, find_embedder, find_sequence_model

__all__ = [
    "SEQUENCE_TYPES",
    "DataConfig",
    "EvalConfig",
    "ModelSettings",
    "OptimConfig",
    "RunConfig",
    "SeedConfig",
    "TrainConfig",
]

SequenceKind = Bursty | NoSupport | Fewshot | Mixed
Protocol = Literal["paper", "released"]

SEQUENCE_TYPES = (
    "bursty",
    *(f"no_support_{classes}" for classes in ("common", "rare", "zipfian")),
    *(f"fewshot_{classes}" for classes in ("rare", "common", "zipfian", "holdout")),
    "mixed",
)


def _alias(name: str) -> Any:
    return tyro.conf.arg(aliases=(name,))


def _require(condition: bool, rule: str, value: object) -> None:
    if not condition:
        raise ValueError(f"{rule}, got {value}")


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """The source of examples, the class split and the statistics of the training sequences (section 2.1)."""

    source: Annotated[str, _alias("--example-type")] = "gaussian"
    """symbolic, gaussian, omniglot, or package.module:factory for a source of your own."""
    omniglot: Path | None = None
    """Folder with images_background.zip and images_evaluation.zip, or with these unpacked (source omniglot)."""
    exemplars: Literal["all", "single", "separated"] = "all"
    """Omniglot: all 20 drawings of a character, the first alone, or every drawing as a class of its own."""
    augment: bool = False
    """Eight classes from each image class: flips and quarter turns."""
    downsample: bool = False
    """Images bilinearly downsampled to 28 x 28."""
    dim: int | None = None
    """Dimensions of the Gaussian class vectors (source gaussian; default 63)."""
    noise_scale: float | None = None
    """Noise of an example: eps of the Gaussian source (default 0.1), or added to each pixel of an image (default 0)."""

    n_rare_classes: int = 1590
    """Trained classes besides the common ones."""
    n_common_classes: int = 10
    """Trained classes that are called common."""
    n_holdout_classes: int = 10
    """Classes never seen in training, from which in-context learning is measured."""
    zipf_exponent: float = 0.0
    """Skew of the class frequencies; 0 is uniform."""
    use_zipf_for_common_rare: bool = False
    """Draw rare and common classes by their slices of the Zipf law as well, instead of uniformly."""
    n_labels: int | None = None
    """Labels shared by all trained classes (Reddy 2023); default: a label of its own for each class."""

    sequence: Literal[
        "bursty",
        "no_support_common",
        "no_support_rare",
        "no_support_zipfian",
        "fewshot_rare",
        "fewshot_common",
        "fewshot_zipfian",
        "fewshot_holdout",
        "mixed",
    ] = "bursty"
    """Type of the training sequences."""
    seq_len: int = 9
    """Examples in a sequence, the query included (bursty and no-support)."""
    shots: int = 3
    """Appearances of each burst class in the context of a bursty sequence."""
    ways: int = 2
    """Burst classes in a bursty sequence, and classes in a few-shot sequence."""
    fs_shots: int = 4
    """Appearances of each class in the context of a few-shot sequence."""
    p_bursty: float = 0.9
    """Share of bursty sequences among the training sequences."""
    p_bursty_common: float = 0.0
    """Share of the bursty sequences whose burst classes are common ones."""
    p_bursty_zipfian: float = 1.0
    """Share of the bursty sequences whose burst classes are any trained ones, by the Zipf law."""
    non_bursty_type: Literal["zipfian", "common_uniform", "common_no_support"] = "zipfian"
    """What the other sequences are."""
    p_fewshot: float | None = None
    """Share of few-shot sequences (sequence mixed only; default 0.5)."""
    labeling_common: str = "ordered"
    """Labels of common classes: ordered, original or orderedK."""
    labeling_rare: str = "ordered"
    """Labels of rare classes: ordered, original, unfixed or ordered_polysemyX (X labels a class)."""
    protocol: Protocol = "paper"
    """Training sequences as the paper says (burst classes distinct) or as the released code draws them."""

    def __post_init__(self) -> None:
        known = ("symbolic", "gaussian", "omniglot")
        _require(
            self.source in known or ":" in self.source,
            f"data.source must be one of {', '.join(known)} or package.module:factory",
            repr(self.source),
        )
        _require(
            self.source == "omniglot" or self.omniglot is None, "data.omniglot needs data.source omniglot", self.source
        )
        _require(
            self.source == "omniglot" or self.exemplars == "all",
            "data.exemplars needs data.source omniglot",
            self.source,
        )
        _require(self.dim is None or self.source == "gaussian", "data.dim needs data.source gaussian", self.source)
        _require(self.dim is None or self.dim >= 1, "data.dim must be at least 1", self.dim)
        _require(
            self.noise_scale is None or self.noise_scale >= 0, "data.noise_scale must be at least 0", self.noise_scale
        )
        _require(
            not self.noise_scale or self.source != "symbolic",
            "data.noise_scale must be 0 with data.source symbolic, whose examples are ids",
            self.noise_scale,
        )
        for name in ("n_rare_classes", "n_common_classes", "n_holdout_classes"):
            _require(getattr(self, name) >= 0, f"data.{name} must be at least 0", getattr(self, name))
        _require(
            self.n_holdout_classes >= self.ways,
            f"data.n_holdout_classes must be at least data.ways ({self.ways}) to measure in-context learning",
            self.n_holdout_classes,
        )
        _require(
            self.p_fewshot is None or self.sequence == "mixed",
            "data.p_fewshot needs data.sequence mixed",
            repr(self.sequence),
        )
        _require(
            self.n_labels is None or self.n_labels >= self.ways,
            f"data.n_labels must be at least data.ways ({self.ways})",
            self.n_labels,
        )
        _require(
            self.n_labels is None or (self.labeling_rare == self.labeling_common == "ordered"),
            "data.n_labels needs data.labeling_rare and data.labeling_common ordered",
            f"{self.labeling_rare} and {self.labeling_common}",
        )
        self.sequence_kind(self.sequence)

    @property
    def n_trained_classes(self) -> int:
        """Rare and common classes together: the class count of Figure 3."""
        return self.n_rare_classes + self.n_common_classes

    @property
    def multiplicity(self) -> int:
        """Labels of each trained class (figure 4); 1 without polysemy."""
        _, polysemy, labels = self.labeling_rare.rpartition("polysemy")
        return int(labels) if polysemy else 1

    def sequence_kind(self, name: str) -> SequenceKind:
        """The kind of sequence behind one of ``SEQUENCE_TYPES``, with this run's lengths and labelings.

        Raises:
            ValueError: for an unknown name, or settings that the kind refuses.
        """
        _require(name in SEQUENCE_TYPES, f"sequence type must be one of {', '.join(SEQUENCE_TYPES)}", repr(name))
        if name == "bursty":
            return Bursty(
                seq_len=self.seq_len,
                shots=self.shots,
                ways=self.ways,
                p_bursty=self.p_bursty,
                p_bursty_common=self.p_bursty_common,
                p_bursty_zipfian=self.p_bursty_zipfian,
                non_bursty_type=self.non_bursty_type,
                labeling_common=self.labeling_common,
                labeling_rare=self.labeling_rare,
            )
        if name == "mixed":
            p_fewshot = 0.5 if self.p_fewshot is None else self.p_fewshot
            return Mixed(shots=self.fs_shots, ways=self.ways, p_fewshot=p_fewshot)
        kind, _, class_type = name.rpartition("_")
        if kind == "fewshot":
            return Fewshot(class_type=class_type, shots=self.fs_shots, ways=self.ways)
        labeling = self.labeling_common if self.multiplicity == 1 else f"ordered_polysemy{self.multiplicity}"
        return NoSupport(class_type=class_type, seq_len=self.seq_len, labeling=labeling)


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """The model, but for what the data decide (labels and example shape); see ``icl_models.ModelConfig``."""

    embedder: str = "vector"
    """Embedder of the examples: resnet, linear, embedding, vector, or one that a plugin registers."""
    embedder_config: Annotated[ComponentConfig | None, tyro.conf.AvoidSubcommands] = None
    """Settings of that embedder alone."""
    sequence_model: str = "transformer"
    """Sequence model: transformer, lstm, vanilla_rnn, or one that a plugin registers."""
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
    """Add sinusoidal position encodings."""
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
        """The complete configuration, for the labels and examples of a task."""
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

    optimizer: Annotated[Literal["adam", "adamw"], _alias("--optimizer")] = "adam"
    """adam, or adamw with decoupled weight decay."""
    weight_decay: Annotated[float, _alias("--weight-decay")] = 0.0
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
        _require(self.weight_decay >= 0, "optim.weight_decay must be at least 0", self.weight_decay)
        _require(
            self.optimizer == "adamw" or self.weight_decay == 0,
            "optim.weight_decay needs optim.optimizer adamw",
            f"{self.weight_decay} with adam",
        )
        _require(self.max_lr > 0, "optim.max_lr must be positive", self.max_lr)
        _require(self.warmup_steps >= 1, "optim.warmup_steps must be at least 1", self.warmup_steps)
        for name in ("b1", "b2"):
            _require(0 <= getattr(self, name) < 1, f"optim.{name} must be in [0, 1)", getattr(self, name))
        _require(self.eps > 0, "optim.eps must be positive", self.eps)
        _require(self.clip_norm is None or self.clip_norm > 0, "optim.clip_norm must be positive", self.clip_norm)
        _require(
            0 <= self.w_interim_predictions <= 1,
            "optim.w_interim_predictions must be in [0, 1]",
            self.w_interim_predictions,
        )


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """The loop."""

    max_steps: Annotated[int, _alias("--max-steps")] = 500_000
    """Updates in all."""
    batch_size: Annotated[int, _alias("--batch-size")] = 32
    """Sequences per update."""
    device: Annotated[str, _alias("--device")] = "auto"
    """cpu, cuda, cuda:1, …, or auto: cuda where there is one."""
    threads: int | None = None
    """CPU threads; default: all cores for one run, the cores shared out in a sweep."""
    log_interval: int = 100
    """Updates between lines of training metrics, which are means over the interval."""
    checkpoint_interval: int = 10_000
    """Updates between checkpoints; the last update always has one."""

    def __post_init__(self) -> None:
        for name in ("max_steps", "batch_size", "log_interval", "checkpoint_interval"):
            _require(getattr(self, name) >= 1, f"train.{name} must be at least 1", getattr(self, name))
        _require(self.threads is None or self.threads >= 1, "train.threads must be at least 1", self.threads)
        _require(
            self.device in ("auto", "cpu", "cuda", "mps") or self.device.startswith("cuda:"),
            "train.device must be one of auto, cpu, cuda, cuda:N, mps",
            repr(self.device),
        )


@dataclass(frozen=True, kw_only=True)
class EvalConfig:
    """Evaluations inside training, on the run's own class split."""

    interval: Annotated[int, _alias("--eval-interval")] = 1000
    """Updates between evaluations; there is one before the first and one after the last update as well."""
    batches: Annotated[int, _alias("--eval-batches")] = 64
    """Batches (of train.batch-size) in each split of an evaluation."""
    protocol: Protocol = "paper"
    """Few-shot classes distinct and no-support contexts without repeats (paper), or as the released code draws."""

    def __post_init__(self) -> None:
        for name in ("interval", "batches"):
            _require(getattr(self, name) >= 1, f"eval.{name} must be at least 1", getattr(self, name))


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
            _require(0 <= getattr(self, name) < 2**63, f"seeds.{name} must be in [0, 2**63)", getattr(self, name))


@dataclass(frozen=True, kw_only=True)
class RunConfig:
    """Everything that decides the numbers of a run."""

    preset: tyro.conf.Suppress[str] = "custom"
    data: DataConfig = field(default_factory=DataConfig)
    model: ModelSettings = field(default_factory=ModelSettings)
    optim: OptimConfig = field(default_factory=OptimConfig)
    train: TrainConfig = field(default_factory=TrainConfig)
    eval: EvalConfig = field(default_factory=EvalConfig)
    seeds: SeedConfig = field(default_factory=SeedConfig)

    def to_dict(self) -> dict[str, Any]:
        """Plain containers, as config.json stores them."""
        return typing.cast(dict[str, Any], _plain(self))

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> RunConfig:
        """The configuration that :meth:`to_dict` wrote.

        Raises:
            ValueError: if a setting is unknown or not valid.
        """
        values = dict(values)
        model = dict(values.get("model", {}))
        for part, component in (("embedder", find_embedder), ("sequence_model", find_sequence_model)):
            own = model.get(f"{part}_config")
            if isinstance(own, dict):
                model[f"{part}_config"] = _typed(component(model[part]).config, own, f"model.{part}_config.")
        values["model"] = model
        return _typed(cls, values, "")

    def digest(self) -> str:
        """Eight hexadecimal digits of all settings: equal for equal configurations."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()[:8]


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


T = TypeVar("T")


def _typed(config_type: type[T], values: dict[str, Any], prefix: str) -> T:
    """A dataclass of plain values, with nested ones, paths and tuples given back their types."""
    hints = typing.get_type_hints(config_type)
    unknown = sorted(values.keys() - hints.keys())
    _require(not unknown, "settings must be ones that this version knows", ", ".join(prefix + name for name in unknown))
    typed = {}
    for name, value in values.items():
        choices = typing.get_args(hints[name]) if isinstance(hints[name], types.UnionType) else (hints[name],)
        if isinstance(value, dict) and dataclasses.is_dataclass(hints[name]):
            value = _typed(typing.cast(type, hints[name]), value, f"{prefix}{name}.")
        elif isinstance(value, str) and Path in choices:
            value = Path(value)
        elif isinstance(value, list):
            value = tuple(value)
        typed[name] = value
    return config_type(**typed)
