"""The disentangled transformer of Reddy 2023 (arXiv 2312.03002, section 2): one-hot positions beside the content."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from icl_models._contract.component import Positions
from icl_models._contract.facts import ModelFacts
from icl_models._sequence_models.attention import attend
from icl_models._sequence_models.settings import ReddyConfig
from icl_models._sequence_models.tap import Tapped, untapped


class ShiftedPositions(nn.Module):
    """Put a one-hot position before each token: (B, T, E) to (B, T, num_positions + E).

    Each sequence starts at a place of its own: a random one in training, and in evaluation one after the other by row,
    so that the same sequences have the same positions again.
    """

    def __init__(self, num_positions: int) -> None:
        super().__init__()
        self.num_positions = num_positions

    def forward(self, tokens: Tensor) -> Tensor:
        size, length, _ = tokens.shape
        if length > self.num_positions:
            raise ValueError(
                f"sequences must have at most 2 * max_pairs + 1, {self.num_positions}, tokens, got {length}"
            )
        starts = self.num_positions - length + 1
        if self.training:
            start = torch.randint(starts, (size,), device=tokens.device)
        else:
            start = torch.arange(size, device=tokens.device) % starts
        place = start[:, None] + torch.arange(length, device=tokens.device)  # (B, T)
        one_hot = place[..., None] == torch.arange(self.num_positions, device=tokens.device)
        return torch.cat((one_hot.to(tokens.dtype), tokens), -1)


class ReddyAttention(Tapped):
    """softmax(q k) v under a causal mask: one head, not scaled, without a matrix behind it: v is as wide as a token."""

    sites = ("queries", "keys", "values", "weights", "heads")  # with the head on axis 1, as in CausalSelfAttention
    num_heads = 1

    def __init__(self, width: int, key_width: int, stddev: float) -> None:
        super().__init__()
        self.query = nn.Linear(width, key_width, bias=False)
        self.key = nn.Linear(width, key_width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        for projection in (self.query, self.key, self.value):
            nn.init.normal_(projection.weight, std=stddev)

    def forward(self, x: Tensor, query_only: bool = False) -> Tensor:
        stations = self.stations
        q = self.query(x[:, -1:] if query_only else x)[:, None]  # (B, 1, Q, K)
        k, v = self.key(x)[:, None], self.value(x)[:, None]  # (B, 1, T, K), (B, 1, T, W)
        if stations:
            q, k, v = self.tap("queries", q), self.tap("keys", k), self.tap("values", v)
        mixed = attend(q, k, v, tap_weights=stations.get("weights"), scale=1.0)  # (B, 1, Q, W)
        return self.tap("heads", mixed).sum(1) if stations else mixed[:, 0]


class ReddyBlock(Tapped):
    """x + Attention(x), and nothing else."""

    sites = ("residual_pre", "attention", "residual_post")

    def __init__(self, width: int, key_width: int, stddev: float) -> None:
        super().__init__()
        self.attention = ReddyAttention(width, key_width, stddev)

    def forward(self, x: Tensor, query_only: bool = False) -> Tensor:
        tap = self.tap if self.stations else untapped
        x = tap("residual_pre", x)
        h = tap("attention", self.attention(x, query_only))
        return tap("residual_post", (x[:, -1:] if query_only else x) + h)


class ReddyLayer(nn.Module):
    """ReLU(W x + b) with one number b for all units."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(out_features, in_features) * (2 / in_features) ** 0.5)
        self.bias = nn.Parameter(torch.randn(1) * in_features**-0.5)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(F.linear(x, self.weight) + self.bias)


class Reddy(nn.Module):
    """Tokens (B, T, W) to features (B, T, mlp_width), or the last token's for positions="query"."""

    readout_bias = False

    def __init__(self, model: ModelFacts, own: ReddyConfig) -> None:
        super().__init__()
        self.shifted_positions = ShiftedPositions(own.num_positions) if own.positions == "shifted" else None
        width = model.token_width + (own.num_positions if own.positions == "shifted" else 0)
        stddev = (width - own.num_positions) ** -0.5  # of the content, which is the items' width
        self.blocks = nn.ModuleList(ReddyBlock(width, own.key_width, stddev) for _ in range(model.num_layers))
        self.out_features = own.mlp_width
        self.mlp = nn.ModuleList(
            ReddyLayer(own.mlp_width if layer else width, own.mlp_width) for layer in range(own.mlp_layers)
        )

    def forward(self, x: Tensor, positions: Positions = "all") -> Tensor:
        if self.shifted_positions is not None:
            x = self.shifted_positions(x)
        last = len(self.blocks) - 1
        for i, block in enumerate(self.blocks):
            x = block(x, query_only=positions == "query" and i == last)
        for layer in self.mlp:
            x = layer(x)
        return x[:, -1] if positions == "query" else x
