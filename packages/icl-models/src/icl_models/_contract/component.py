"""What a component is: its name, its own settings and how to build it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import MISSING, dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

from icl_models._contract.facts import ModelFacts

if TYPE_CHECKING:
    from torch import nn

Positions = Literal["all", "query"]
EXAMPLE_KINDS = ("id", "vector", "image")
ARCHITECTURE_SETTINGS = ("num_heads", "hidden_size")


@dataclass(frozen=True, kw_only=True)
class ComponentConfig:
    """Base of a component's own settings; subclass it as a frozen, keyword-only dataclass.

    Every field needs a default: a bool, int, float, str, None, or a tuple of these, so that it survives JSON. The
    docstring below a field (or its line under "Args:") is its help on the command line. A rule of its own goes to
    `__post_init__`, which raises ValueError.
    """

    @property
    def replaces_positions(self) -> bool:
        """Whether a sequence model with these settings encodes positions in its own way, so that no sinusoidal ones
        are added to its tokens."""
        return False


def _accept_any(model: ModelFacts, own: Any) -> None:
    """The default `check`: no rule of its own."""


@dataclass(frozen=True, kw_only=True)
class EmbedderSpec:
    """An embedder, as `icl_register_embedders` returns it.

    Args:
        name: how `ModelConfig.embedder` asks for it.
        build: `build(model_config, own_config)` returns a module whose forward takes examples (B, S, *example_shape),
            int64 for kind "id" and floating point otherwise, and returns (B, S, emb_dim).
        config: the class of its own settings.
        example_kinds: the kinds of example it can read.
        check: raises ValueError for settings it cannot work with; called when a `ModelConfig` is made.
    """

    name: str
    build: Callable[[ModelFacts, Any], nn.Module]
    config: type[ComponentConfig] = ComponentConfig
    example_kinds: Iterable[str] = EXAMPLE_KINDS
    check: Callable[[ModelFacts, Any], None] = _accept_any

    def __post_init__(self) -> None:
        check_spec(self.name, self.config)
        object.__setattr__(self, "example_kinds", tuple(self.example_kinds))  # a generator can be read but once
        unknown = [kind for kind in self.example_kinds if kind not in EXAMPLE_KINDS]
        if unknown:
            raise ValueError(f"example_kinds must be among {', '.join(EXAMPLE_KINDS)}, got {unknown[0]!r}")


@dataclass(frozen=True, kw_only=True)
class SequenceModelSpec:
    """A sequence model, as `icl_register_sequence_models` returns it.

    Args:
        name: how `ModelConfig.sequence_model` asks for it.
        build: `build(model_config, own_config)` returns a module with an attribute `out_features` (F) whose
            `forward(tokens, positions="all")` takes tokens (B, T, model_config.token_width) and returns features
            (B, T, F), or the last token's (B, F) for positions="query". It must be causal: output t may depend on
            tokens up to t only. The linear readout to the classes is added behind it, without a bias if the module
            has an attribute `readout_bias` that is False.
        config: the class of its own settings.
        accepts: the settings of `ModelConfig` among "num_heads" and "hidden_size" that mean something to it; the
            others are refused when set.
        check: raises ValueError for settings it cannot work with; called when a `ModelConfig` is made.
    """

    name: str
    build: Callable[[ModelFacts, Any], nn.Module]
    config: type[ComponentConfig] = ComponentConfig
    accepts: Iterable[str] = ()
    check: Callable[[ModelFacts, Any], None] = _accept_any

    def __post_init__(self) -> None:
        check_spec(self.name, self.config)
        object.__setattr__(self, "accepts", tuple(self.accepts))
        unknown = [setting for setting in self.accepts if setting not in ARCHITECTURE_SETTINGS]
        if unknown:
            raise ValueError(f"accepts must be among {', '.join(ARCHITECTURE_SETTINGS)}, got {unknown[0]!r}")


def check_spec(name: str, config: type[ComponentConfig]) -> None:
    """ValueError unless a component has a name and its settings keep the contract."""
    if not isinstance(name, str) or not name:
        raise ValueError(f"a component's name must be a non-empty string, got {name!r}")
    if not (isinstance(config, type) and issubclass(config, ComponentConfig)):
        raise ValueError(f"the config of component {name!r} must be a subclass of ComponentConfig, got {config!r}")
    # A subclass that forgets the decorator would silently have no settings at all.
    if "__dataclass_fields__" not in vars(config):
        raise ValueError(f"{config.__name__} must be a frozen dataclass: @dataclass(frozen=True, kw_only=True)")
    required = [f.name for f in fields(config) if f.default is MISSING and f.default_factory is MISSING]
    if required:
        raise ValueError(f"every field of {config.__name__} must have a default, got {required[0]!r} without")
    default = config()
    for setting in fields(config):
        value = getattr(default, setting.name)
        if not survives_json(value):
            raise ValueError(
                f"fields of {config.__name__} must be bool, int, float, str, None or tuples of these, "
                f"got {setting.name}={value!r}"
            )


def survives_json(value: Any) -> bool:
    """Whether a value may be that of a setting."""
    return all(item is None or type(item) in (bool, int, float, str) for item in _as_tuple(value))


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)
