"""Linear attention with a gate: the softmax's exponential becomes a product of positive features.

Katharopoulos et al. 2020, "Transformers are RNNs" (arXiv 2006.16236), equations 5 to 9, computed in parallel over the
positions. The gate on the output is our addition.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from icl_models import ComponentConfig, ModelFacts, SequenceModelSpec, hookimpl


@dataclass(frozen=True, kw_only=True)
class LinearAttentionConfig(ComponentConfig):
    """Settings of sequence model "linear-attention"."""

    gated: bool = True
    """Multiply each attention layer's output by a gate, a sigmoid of its input."""
    expansion: int = 4
    """Width of the hidden layer after each attention layer, in widths of a token."""

    def __post_init__(self) -> None:
        if self.expansion < 1:
            raise ValueError(f"expansion must be at least 1, got {self.expansion}")


class LinearAttention(nn.Module):
    """Causal attention with weights phi(q) . phi(k), normalised, phi(x) = elu(x) + 1: (B, T, W) to (B, T, W)."""

    def __init__(self, width: int, num_heads: int, *, gated: bool) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.query_key_value = nn.Linear(width, 3 * width)
        self.gate = nn.Linear(width, width) if gated else None
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        heads = self.query_key_value(x).unflatten(-1, (3, self.num_heads, -1)).movedim((2, 3), (0, 2))
        q, k, v = heads.unbind(0)  # each (B, H, T, W/H)
        weights = ((F.elu(q) + 1) @ (F.elu(k) + 1).mT).tril()  # (B, H, T, T); elu + 1 is positive, so sums are, too
        attended = (weights @ v / weights.sum(-1, keepdim=True)).movedim(1, 2).flatten(2)
        return self.out(attended if self.gate is None else attended * torch.sigmoid(self.gate(x)))


class LinearAttentionModel(nn.Module):
    """Tokens (B, T, W) to features (B, T, W), or the last token's (B, W) for positions="query"."""

    def __init__(self, model: ModelFacts, own: LinearAttentionConfig) -> None:
        super().__init__()
        width = self.out_features = model.token_width  # the readout to the classes looks for out_features
        self.attentions, self.perceptrons = nn.ModuleList(), nn.ModuleList()
        for _ in range(model.num_layers):
            attention = LinearAttention(width, model.resolved_num_heads, gated=own.gated)
            hidden = own.expansion * width
            self.attentions.append(nn.Sequential(nn.LayerNorm(width), attention))
            self.perceptrons.append(
                nn.Sequential(nn.LayerNorm(width), nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))
            )
        self.norm = nn.LayerNorm(width)
        self.dropout = nn.Dropout(model.dropout_prob)

    def forward(self, tokens: Tensor, positions: str = "all") -> Tensor:
        h = tokens
        for attention, perceptron in zip(self.attentions, self.perceptrons, strict=True):
            h = h + self.dropout(attention(h))
            h = h + self.dropout(perceptron(h))
        return self.norm(h[:, -1] if positions == "query" else h)


def check(model: ModelFacts, own: LinearAttentionConfig) -> None:
    """Raise ValueError for settings of the whole model that do not fit: called when a configuration is made."""
    if model.token_width % model.resolved_num_heads:
        raise ValueError(
            f"num_heads must divide the tokens' width, {model.token_width}, got {model.resolved_num_heads}"
        )


@hookimpl
def icl_register_sequence_models():
    return [
        SequenceModelSpec(
            name="linear-attention",
            build=LinearAttentionModel,
            config=LinearAttentionConfig,
            accepts=["num_heads"],
            check=check,
        )
    ]
