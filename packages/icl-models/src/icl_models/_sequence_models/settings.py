"""The settings of the built-in sequence models, and what each refuses: so that mistakes show without PyTorch."""

from __future__ import annotations

import typing
from dataclasses import dataclass
from typing import Any, Literal

from icl_data.foundation.extras import require_extra
from icl_data.foundation.shown import shown
from icl_models._contract.component import ComponentConfig
from icl_models._contract.facts import ModelFacts

_DEFAULT_NUM_POSITIONS = 64
_COUNTED = ("learned", "relative")

Norm = Literal["pre", "post"]
PositionEncoding = Literal["sinusoidal", "learned", "relative", "rotary"]

MAMBA_LIBRARY = ("transformers", "icl-models[ssm]", "sequence_model 'mamba'")
"""Module, extra and who needs it."""


@dataclass(frozen=True, kw_only=True)
class TransformerConfig(ComponentConfig):
    """Settings of sequence model "transformer". The defaults are the released model.

    Raises:
        ValueError: an unknown name, or layers or positions that cannot be.
    """

    norm: Norm = "pre"
    """Layer norm before each branch, x + f(LN(x)), and at the end, or after each sum, LN(x + f(x)); see Xiong 2020."""
    mlp_layers: tuple[int, ...] | None = None
    """Layers, from 0, with an MLP behind attention; default: all. An empty list is attention only (Elhage 2021)."""
    positions: PositionEncoding = "sinusoidal"
    """How tokens know their place: by sinusoids or learned vectors added to them (Vaswani 2017), a learned bias on the
    scores for each distance (Shaw 2018, Raffel 2020), or queries and keys turned by their position (Su 2021)."""
    num_positions: int | None = None
    """Size of a learned table of positions: the tokens of the longest sequence (learned), or the distances told apart
    (relative). Default 64; only for these two."""

    def __post_init__(self) -> None:
        for name, choices in (("norm", Norm), ("positions", PositionEncoding)):
            known = typing.get_args(choices)
            if not isinstance(getattr(self, name), str) or getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, got {shown(getattr(self, name))}")
        if self.mlp_layers is not None:
            object.__setattr__(self, "mlp_layers", _checked_layers(self.mlp_layers))
        count = self.num_positions
        if count is None:
            return
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise ValueError(f"num_positions must be a positive integer, got {shown(count)}")
        if self.positions not in _COUNTED:
            raise ValueError(f"num_positions must be None with {self.positions} positions, got {count}")

    @property
    def replaces_positions(self) -> bool:
        """Whether positions are encoded otherwise than by sinusoids added to the tokens."""
        return self.positions != "sinusoidal"

    @property
    def resolved_num_positions(self) -> int:
        """`num_positions`, or 64."""
        return _DEFAULT_NUM_POSITIONS if self.num_positions is None else self.num_positions


def _checked_layers(layers: Any) -> tuple[int, ...]:
    """In order, as a tuple, whatever sequence the caller had."""
    if not isinstance(layers, tuple | list) or any(type(layer) is not int or layer < 0 for layer in layers):
        raise ValueError(f"mlp_layers must be None or layers counted from 0, got {shown(layers)}")
    if len(set(layers)) < len(layers):
        raise ValueError(f"mlp_layers must name each layer once, got {shown(layers)}")
    return tuple(sorted(layers))


def check_transformer(model: ModelFacts, own: TransformerConfig) -> None:
    """The width must divide into heads, of even width for rotary positions, and layers be there."""
    heads = model.resolved_num_heads
    if model.token_width % heads:
        width = "twice emb_dim" if model.concatenate_labels else "emb_dim"
        raise ValueError(f"num_heads must divide {width}, {model.token_width}, got {heads}")
    if own.positions == "rotary" and model.token_width // heads % 2:
        width = f"{heads}, each {model.token_width // heads} wide"
        raise ValueError(f"num_heads must make heads of even width with rotary positions, got {width}")
    if own.mlp_layers and own.mlp_layers[-1] >= model.num_layers:
        raise ValueError(f"mlp_layers must be below num_layers, {model.num_layers}, got {own.mlp_layers[-1]}")
    if own.replaces_positions and not model.use_positional_encodings:
        raise ValueError(f"positions must be 'sinusoidal' without use_positional_encodings, got {own.positions!r}")
    if model.positional_dropout_prob and own.positions in ("relative", "rotary"):
        raise ValueError(
            f"positional_dropout_prob must be 0 with {own.positions} positions, got {model.positional_dropout_prob}"
        )


@dataclass(frozen=True, kw_only=True)
class LSTMConfig(ComponentConfig):
    """Settings of sequence model "lstm" (Chan et al. 2022, section 3.4): none of its own."""


@dataclass(frozen=True, kw_only=True)
class VanillaRNNConfig(ComponentConfig):
    """Settings of sequence model "vanilla_rnn" (Chan et al. 2022, section 3.4): none of its own."""


@dataclass(frozen=True, kw_only=True)
class GRUConfig(ComponentConfig):
    """Settings of sequence model "gru" (Cho et al. 2014, as `torch.nn.GRU` has it): none of its own."""


@dataclass(frozen=True, kw_only=True)
class ReddyConfig(ComponentConfig):
    """Settings of sequence model "reddy", the disentangled transformer of Reddy 2023 (arXiv:2312.03002, section 2):
    `num_layers` attention layers (2 there) of one head each, x + softmax(q k) v without scaling, norm or output matrix,
    then layers ReLU(W x + b) with one number b each. The defaults are the paper's.

    Raises:
        ValueError: for an unknown name, or a number that is no positive integer.
    """

    positions: Literal["shifted", "given"] = "shifted"
    """One-hot positions that the model puts before each token, from a place that is random in training and goes through
    all that there are, row by row, in evaluation (shifted); or tokens that hold them already, as
    `icl_data.ReddySequences` makes them (given; for `InContextModel.from_tokens`)."""
    max_pairs: int = 32
    """Pairs of the longest context: there are 2 max_pairs + 1 positions."""
    key_width: int = 128
    """Width of queries and keys."""
    mlp_layers: int = 3
    """Layers behind attention."""
    mlp_width: int = 128
    """Units of each of these layers."""

    def __post_init__(self) -> None:
        if self.positions not in ("shifted", "given"):
            raise ValueError(f"positions must be one of shifted, given, got {shown(self.positions)}")
        for name in ("max_pairs", "key_width", "mlp_layers", "mlp_width"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < 1:
                raise ValueError(f"{name} must be a positive integer, got {shown(value)}")

    @property
    def num_positions(self) -> int:
        """Tokens of the longest sequence."""
        return 2 * self.max_pairs + 1

    @property
    def replaces_positions(self) -> bool:
        """Positions are one-hot, not added."""
        return True


def check_reddy(model: ModelFacts, own: ReddyConfig) -> None:
    """It has no dropout, always positions, and, where they are given, room for them and for content."""
    for name in ("dropout_prob", "positional_dropout_prob"):
        if getattr(model, name):
            raise ValueError(f"{name} must be 0 for sequence_model 'reddy', got {getattr(model, name)}")
    if not model.use_positional_encodings:
        raise ValueError("use_positional_encodings must be True for sequence_model 'reddy', got False")
    if own.positions == "given" and model.token_width <= own.num_positions:
        raise ValueError(
            f"emb_dim must be above 2 * max_pairs + 1, {own.num_positions}, with given positions, "
            f"got {model.token_width}"
        )


@dataclass(frozen=True, kw_only=True)
class MambaConfig(ComponentConfig):
    """Settings of sequence model "mamba" (Gu and Dao 2023, arXiv:2312.00752, section 3), which the extra
    `icl-models[ssm]` installs.

    Args:
        state_size: numbers N of the state of each channel.
        conv_width: tokens that the causal convolution before the state spans.
        expand: channels of a layer, in multiples of the token's width.
        time_step_rank: rank of the projection to the step sizes; None is the token's width over 16, rounded up.

    Raises:
        ValueError: for a setting that is no positive integer.
    """

    state_size: int = 16
    conv_width: int = 4
    expand: int = 2
    time_step_rank: int | None = None

    def __post_init__(self) -> None:
        for name in ("state_size", "conv_width", "expand", "time_step_rank"):
            value = getattr(self, name)
            optional = name == "time_step_rank" and value is None
            if not optional and (not isinstance(value, int) or isinstance(value, bool) or value < 1):
                raise ValueError(f"{name} must be a positive integer, got {shown(value)}")


def check_mamba(model: ModelFacts, own: MambaConfig) -> None:
    """The library must be there; it is not imported yet."""
    require_extra(*MAMBA_LIBRARY)
