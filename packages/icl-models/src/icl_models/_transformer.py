"""The transformer (Chan et al. 2022, section 2.2): pre-norm blocks of causal attention and a wide layer."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch.nn.functional as F
from torch import Tensor, nn

from icl_models._attention import CausalSelfAttention
from icl_models._component import ComponentConfig, Positions
from icl_models._initialize import scaled_linear

if TYPE_CHECKING:
    from icl_models._config import ModelConfig

_MLP_WIDENING = 4


@dataclass(frozen=True, kw_only=True)
class TransformerConfig(ComponentConfig):
    """Settings of sequence model "transformer": none of its own, `ModelConfig` has them all."""


def check_transformer(model: "ModelConfig", own: TransformerConfig) -> None:
    """The width must divide into heads."""
    heads = model.resolved_num_heads
    if model.token_width % heads:
        width = "twice emb_dim" if model.concatenate_labels else "emb_dim"
        raise ValueError(f"num_heads must divide {width}, {model.token_width}, got {heads}")


class TransformerBlock(nn.Module):
    """x + Attention(LayerNorm(x)), then x + MLP(LayerNorm(x)), with dropout on both branches in training."""

    def __init__(self, width: int, num_heads: int, dropout_prob: float) -> None:
        super().__init__()
        self.dropout_prob = dropout_prob
        self.norm_attention = nn.LayerNorm(width)
        self.attention = CausalSelfAttention(width, num_heads)
        self.norm_mlp = nn.LayerNorm(width)
        self.mlp_in = scaled_linear(width, _MLP_WIDENING * width)
        self.mlp_out = scaled_linear(_MLP_WIDENING * width, width)

    def forward(self, x: Tensor, query_only: bool = False) -> Tensor:
        h = self.attention(self.norm_attention(x), query_only)  # (B, T, W), or (B, 1, W)
        x = (x[:, -1:] if query_only else x) + self._drop(h)
        h = self.mlp_out(F.gelu(self.mlp_in(self.norm_mlp(x)), approximate="tanh"))
        return x + self._drop(h)

    def _drop(self, h: Tensor) -> Tensor:
        return F.dropout(h, self.dropout_prob) if self.training and self.dropout_prob else h


class Transformer(nn.Module):
    """Tokens (B, T, W) to normalised features (B, T, W), or the last token's (B, W) for positions="query"."""

    def __init__(self, width: int, num_layers: int, num_heads: int, dropout_prob: float) -> None:
        super().__init__()
        self.out_features = width
        self.blocks = nn.ModuleList(TransformerBlock(width, num_heads, dropout_prob) for _ in range(num_layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor, positions: Positions = "all") -> Tensor:
        last = len(self.blocks) - 1
        for i, block in enumerate(self.blocks):
            # Only the last block may drop tokens: the ones before feed its keys and values.
            x = block(x, query_only=positions == "query" and i == last)
        features: Tensor = self.norm(x)
        return features[:, -1] if positions == "query" else features
