"""The transformer (Chan et al. 2022, section 2.2): blocks of causal attention and a wide layer, and their variants."""

import typing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import torch.nn.functional as F
from torch import Tensor, nn

from icl_models._initialize import scaled_linear
from icl_models._plugins.component import ComponentConfig, Positions
from icl_models._sequence_models.attention import CausalSelfAttention
from icl_models._sequence_models.positions import LearnedPositions, RelativePositions, RotaryPositions
from icl_models._sequence_models.tap import Tapped, untapped

if TYPE_CHECKING:
    from icl_models._config import ModelConfig

_MLP_WIDENING = 4
_DEFAULT_NUM_POSITIONS = 64
_COUNTED = ("learned", "relative")

Norm = Literal["pre", "post"]
PositionEncoding = Literal["sinusoidal", "learned", "relative", "rotary"]


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
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {', '.join(known)}, got {getattr(self, name)!r}")
        if self.mlp_layers is not None:
            object.__setattr__(self, "mlp_layers", _checked_layers(self.mlp_layers))
        count = self.num_positions
        if count is None:
            return
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise ValueError(f"num_positions must be a positive integer, got {count!r}")
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
        raise ValueError(f"mlp_layers must be None or layers counted from 0, got {layers!r}")
    if len(set(layers)) < len(layers):
        raise ValueError(f"mlp_layers must name each layer once, got {layers!r}")
    return tuple(sorted(layers))


def check_transformer(model: "ModelConfig", own: TransformerConfig) -> None:
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


class TransformerBlock(Tapped):
    """x + Attention(LayerNorm(x)), then x + MLP(LayerNorm(x)), with dropout on both branches in training.

    Post-norm it is LayerNorm(x + Attention(x)), then LayerNorm(x + MLP(x)), as in Vaswani et al. 2017, section 3.1
    (Xiong et al. 2020 compare the two). The second step may be left out (Elhage et al. 2021).
    """

    def __init__(self, model: "ModelConfig", own: TransformerConfig, *, has_mlp: bool) -> None:
        super().__init__()
        width, num_heads = model.token_width, model.resolved_num_heads
        self.dropout_prob = model.dropout_prob
        self.pre_norm = own.norm == "pre"
        self.has_mlp = has_mlp
        self.sites = ("residual_pre", "attention", *(("residual_mid", "mlp") if has_mlp else ()), "residual_post")
        self.norm_attention = nn.LayerNorm(width)
        self.attention = CausalSelfAttention(
            width,
            num_heads,
            relative=RelativePositions(num_heads, own.resolved_num_positions) if own.positions == "relative" else None,
            rotary=RotaryPositions(width // num_heads) if own.positions == "rotary" else None,
        )
        if has_mlp:
            self.norm_mlp = nn.LayerNorm(width)
            self.mlp_in = scaled_linear(width, _MLP_WIDENING * width)
            self.mlp_out = scaled_linear(_MLP_WIDENING * width, width)

    def forward(self, x: Tensor, query_only: bool = False) -> Tensor:
        tap = self.tap if self.stations else untapped
        x = tap("residual_pre", x)
        h = self.attention(self.norm_attention(x) if self.pre_norm else x, query_only)  # (B, T, W), or (B, 1, W)
        x = (x[:, -1:] if query_only else x) + self._drop(tap("attention", h))
        if not self.pre_norm:
            x = self.norm_attention(x)
        if self.has_mlp:
            x = tap("residual_mid", x)
            h = self.mlp_out(F.gelu(self.mlp_in(self.norm_mlp(x) if self.pre_norm else x), approximate="tanh"))
            x = x + self._drop(tap("mlp", h))
            if not self.pre_norm:
                x = self.norm_mlp(x)
        return tap("residual_post", x)

    def _drop(self, h: Tensor) -> Tensor:
        return F.dropout(h, self.dropout_prob) if self.training and self.dropout_prob else h


class Transformer(nn.Module):
    """Tokens (B, T, W) to normalised features (B, T, W), or the last token's (B, W) for positions="query"."""

    def __init__(self, model: "ModelConfig", own: TransformerConfig) -> None:
        super().__init__()
        width = self.out_features = model.token_width
        self.learned_positions = (
            LearnedPositions(width, own.resolved_num_positions, model.positional_dropout_prob)
            if own.positions == "learned"
            else None
        )
        with_mlp = range(model.num_layers) if own.mlp_layers is None else own.mlp_layers
        self.blocks = nn.ModuleList(
            TransformerBlock(model, own, has_mlp=layer in with_mlp) for layer in range(model.num_layers)
        )
        self.norm = nn.LayerNorm(width) if own.norm == "pre" else nn.Identity()  # a post-norm block ends with its own

    def forward(self, x: Tensor, positions: Positions = "all") -> Tensor:
        if self.learned_positions is not None:
            x = self.learned_positions(x)
        last = len(self.blocks) - 1
        for i, block in enumerate(self.blocks):
            # Only the last block may drop tokens: the ones before feed its keys and values.
            x = block(x, query_only=positions == "query" and i == last)
        features: Tensor = self.norm(x)
        return features[:, -1] if positions == "query" else features
