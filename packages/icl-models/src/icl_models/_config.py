"""The configuration of a model: a value, checked once, when it is made."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from icl_data.foundation.close_names import close_names
from icl_data.foundation.shown import shown
from icl_models._contract.component import ARCHITECTURE_SETTINGS, EXAMPLE_KINDS, ComponentConfig, survives_json
from icl_models._plugins.culprit import errors_of
from icl_models._plugins.registry import find_embedder, find_sequence_model, registry

_DEFAULT_NUM_HEADS = 8
_SIZES = ("num_classes", "emb_dim", "num_layers")
_OPTIONAL_SIZES = ("num_heads", "hidden_size", "num_ids")
_PROBABILITIES = ("dropout_prob", "example_dropout_prob", "positional_dropout_prob")
_COMPONENTS: tuple[Literal["embedder", "sequence_model"], ...] = ("embedder", "sequence_model")
BEYOND_ALL = 2**63  # which no size of a tensor can be
_SWITCHES = ("use_positional_encodings", "concatenate_labels", "fixed_labels")


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Everything that determines an `InContextModel`, except its weights (Chan et al. 2022, section 2.2).

    Args:
        num_classes: size of the label table and of the readout.
        example_kind: what an example is: an "id", a "vector" or an "image".
        example_shape: shape of one example: () for an id, (D,) for a vector, (H, W, C) for an image.
        num_ids: size of the id space for embedder "embedding"; None is num_classes. Refused for other kinds.
        embedder, embedder_config: name of the embedder and its own settings; None is that embedder's defaults.
        emb_dim: width E of the embeddings of examples and of labels.
        sequence_model, sequence_model_config: the same for the sequence model.
        num_layers: layers of the sequence model.
        num_heads: attention heads; None is 8. Refused by sequence models without attention.
        hidden_size: width of a recurrent layer; None is emb_dim. Refused by the transformer.
        dropout_prob: dropout inside the sequence model, in training only.
        example_dropout_prob: dropout on the embedded examples, in training and in evaluation: it is noise on examples.
        positional_dropout_prob: dropout on the positional encodings, in training only.
        use_positional_encodings: encode positions: sinusoidal ones, added to the tokens, unless the sequence model's
            own settings name others.
        concatenate_labels: one token of width 2E per example and label, in place of two tokens of width E.
        fixed_labels: label vectors are drawn from N(0, I / E) with the weights and never trained (Reddy 2023).

    Raises:
        ValueError: for an unknown name or a setting that breaks a rule, in one line.
    """

    num_classes: int
    example_kind: Literal["id", "vector", "image"] = "image"
    example_shape: tuple[int, ...] = (105, 105, 1)
    num_ids: int | None = None
    embedder: str = "resnet"
    embedder_config: ComponentConfig | None = None
    emb_dim: int = 64
    sequence_model: str = "transformer"
    sequence_model_config: ComponentConfig | None = None
    num_layers: int = 12
    num_heads: int | None = None
    hidden_size: int | None = None
    dropout_prob: float = 0.0
    example_dropout_prob: float = 0.0
    positional_dropout_prob: float = 0.0
    use_positional_encodings: bool = True
    concatenate_labels: bool = False
    fixed_labels: bool = False

    def __post_init__(self) -> None:
        for name in (*_SIZES, *_OPTIONAL_SIZES):
            value = getattr(self, name)
            if value is None and name in _OPTIONAL_SIZES:
                continue
            if not _is_positive_integer(value):
                raise ValueError(f"{name} must be a positive integer, got {shown(value)}")
            if value >= BEYOND_ALL:
                raise ValueError(f"{name} must be below 2**63, got {shown(value)}")
        for name in _PROBABILITIES:
            value = getattr(self, name)
            if not isinstance(value, int | float) or isinstance(value, bool) or not 0.0 <= value < 1.0:
                raise ValueError(f"{name} must be in [0, 1), got {shown(value)}")
        for name in _SWITCHES:
            if not isinstance(getattr(self, name), bool):
                raise ValueError(f"{name} must be True or False, got {shown(getattr(self, name))}")
        for kind in _COMPONENTS:
            _require_name(kind, getattr(self, kind))
        self._check_example()
        self._check_components()
        if self.adds_sinusoidal_positions and self.token_width % 2:
            raise ValueError(f"emb_dim must be even with sinusoidal positions, got {self.emb_dim}")
        if self.positional_dropout_prob and not self.use_positional_encodings:
            raise ValueError(
                f"positional_dropout_prob must be 0 without positional encodings, got {self.positional_dropout_prob}"
            )

    @property
    def token_width(self) -> int:
        """Width W of a token: E interleaved, 2E with `concatenate_labels`."""
        return 2 * self.emb_dim if self.concatenate_labels else self.emb_dim

    @property
    def adds_sinusoidal_positions(self) -> bool:
        """Whether the tokens get sinusoidal positions before the sequence model sees them."""
        own = self.sequence_model_config or find_sequence_model(self.sequence_model).config()
        return self.use_positional_encodings and not own.replaces_positions

    @property
    def resolved_num_heads(self) -> int:
        """`num_heads`, or the paper's 8."""
        return _DEFAULT_NUM_HEADS if self.num_heads is None else self.num_heads

    @property
    def resolved_hidden_size(self) -> int:
        """`hidden_size`, or `emb_dim`."""
        return self.emb_dim if self.hidden_size is None else self.hidden_size

    @property
    def resolved_num_ids(self) -> int:
        """`num_ids`, or `num_classes`, as released."""
        return self.num_classes if self.num_ids is None else self.num_ids

    def to_dict(self) -> dict[str, Any]:
        """The settings as plain values, ready for JSON."""
        settings = asdict(self)
        settings["example_shape"] = list(self.example_shape)
        return settings

    @classmethod
    def from_dict(cls, settings: Mapping[str, Any]) -> ModelConfig:
        """The inverse of `to_dict`, also after JSON.

        Args:
            settings: setting by name, plain values as JSON has them.

        Raises:
            ValueError: for an unknown setting, without num_classes, or as the constructor.
        """
        if not isinstance(settings, Mapping):
            raise ValueError(f"ModelConfig must be made from settings by name, got {shown(settings)}")
        values = dict(settings)
        known = [field.name for field in fields(cls)]
        _refuse_unknown("ModelConfig", values, known)
        if "num_classes" not in values:
            raise ValueError(f"ModelConfig needs num_classes, got {', '.join(map(str, values)) or 'nothing'}")
        defaults = {field.name: field.default for field in fields(cls)}
        for kind in _COMPONENTS:
            name, own = values.get(kind, defaults[kind]), values.get(f"{kind}_config")
            if own is not None:
                _require_name(kind, name)
                values[f"{kind}_config"] = _own_config(kind, name, own)
        return cls(**values)

    def _check_example(self) -> None:
        if not isinstance(self.example_kind, str) or self.example_kind not in EXAMPLE_KINDS:
            raise ValueError(f"example_kind must be one of {', '.join(EXAMPLE_KINDS)}, got {shown(self.example_kind)}")
        rank = {"id": 0, "vector": 1, "image": 3}[self.example_kind]
        if isinstance(self.example_shape, Sequence):  # hashable and comparable, whatever sequence the caller had
            object.__setattr__(self, "example_shape", tuple(self.example_shape))
        sizes = self.example_shape
        if not (isinstance(sizes, tuple) and len(sizes) == rank and all(map(_is_positive_integer, sizes))):
            shape = {"id": "()", "vector": "(D,)", "image": "(H, W, C)"}[self.example_kind]
            raise ValueError(
                f"example_shape must be {shape} for example_kind {self.example_kind!r}, got {shown(sizes)}"
            )
        if max(sizes, default=0) >= BEYOND_ALL:
            raise ValueError(f"example_shape must be of sizes below 2**63, got {shown(sizes)}")
        if self.num_ids is not None and self.example_kind != "id":
            raise ValueError(f"num_ids must be None for example_kind {self.example_kind!r}, got {self.num_ids}")

    def _check_components(self) -> None:
        embedder = find_embedder(self.embedder)
        kinds = tuple(embedder.example_kinds)
        if self.example_kind not in kinds:
            raise ValueError(
                f"example_kind must be one of {', '.join(kinds)} for embedder {self.embedder!r}, "
                f"got {self.example_kind!r}"
            )
        sequence_model = find_sequence_model(self.sequence_model)
        for setting in ARCHITECTURE_SETTINGS:
            value = getattr(self, setting)
            if value is not None and setting not in sequence_model.accepts:
                raise ValueError(
                    f"{setting} must be None for sequence_model {self.sequence_model!r}, got {shown(value)}"
                )
        for field, own, config in (
            ("embedder_config", self.embedder_config, embedder.config),
            ("sequence_model_config", self.sequence_model_config, sequence_model.config),
        ):
            if own is not None and not isinstance(own, config):
                name = getattr(self, field.removesuffix("_config"))
                raise ValueError(f"{field} must be {config.__name__} for {name!r}, got {shown(own)}")
        with errors_of("embedder", self.embedder, "cannot check its settings"):
            embedder.check(self, self.embedder_config or embedder.config())
        with errors_of("sequence_model", self.sequence_model, "cannot check its settings"):
            sequence_model.check(self, self.sequence_model_config or sequence_model.config())


def _is_positive_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _require_name(kind: Literal["embedder", "sequence_model"], name: Any) -> None:
    if not isinstance(name, str):
        raise ValueError(f"{kind} must be one of {', '.join(registry().names(kind))}, got {shown(name)}")


def _own_config(kind: Literal["embedder", "sequence_model"], name: str, settings: Any) -> ComponentConfig:
    """A component's own settings from plain values, as JSON has them."""
    if isinstance(settings, ComponentConfig):
        return settings
    spec = find_embedder(name) if kind == "embedder" else find_sequence_model(name)
    owner = spec.config.__name__
    if not isinstance(settings, Mapping):
        raise ValueError(f"{kind}_config: {owner} must be made from settings by name, got {shown(settings)}")
    _refuse_unknown(owner, settings, [field.name for field in fields(spec.config)])
    # JSON has no tuples, and settings have no lists.
    values = {setting: tuple(value) if isinstance(value, list) else value for setting, value in settings.items()}
    for setting, value in values.items():
        if not survives_json(value):
            raise ValueError(
                f"{kind}_config.{setting} must be a bool, int, float, str, None or a list of these, got {shown(value)}"
            )
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, int) and abs(number) >= BEYOND_ALL:
                raise ValueError(f"{kind}_config.{setting} must be below 2**63, got {shown(value)}")
            if isinstance(number, float) and not math.isfinite(number):
                raise ValueError(f"{kind}_config.{setting} must be finite, got {shown(value)}")
    with errors_of(kind, name, "cannot take its settings"):
        return spec.config(**values)


def _refuse_unknown(owner: str, settings: Mapping[str, Any], known: list[str]) -> None:
    for name in settings:
        if name not in known:
            near = close_names(str(name), known)
            hint = f" (did you mean {near[0]!r}?)" if near else ""
            raise ValueError(f"{owner} has no setting {shown(name)}{hint}; it has {', '.join(known) or 'none'}")
