"""How a token knows its place: encodings added to the tokens, a bias on the scores, or turned queries and keys."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from icl_models._initialize import truncated_normal_

_RELEASED_BASE = 30.0  # close to the length of a sequence, where language models use 10,000
_ROTARY_BASE = 10_000.0  # Su et al. 2021, section 3.2.2
_LEARNED_STDDEV = 0.02


def sinusoidal_table(length: int, width: int, base: float = _RELEASED_BASE) -> Tensor:
    """(length, width) float64: sin then cos of position / base^(i / width), i = 0, 2, 4, ..."""
    frequency = base ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    angle = torch.arange(length, dtype=torch.float64)[:, None] * frequency
    return torch.cat((angle.sin(), angle.cos()), 1)


def _add(encodings: Tensor, tokens: Tensor, dropout_prob: float) -> Tensor:
    """`tokens` (B, T, W) with their positions (T, W), some dropped alike for the whole batch, as released."""
    return tokens + (F.dropout(encodings, dropout_prob) if dropout_prob else encodings)


class SinusoidalPositions(nn.Module):
    """Add sines and cosines (Vaswani et al. 2017, section 3.5) to the tokens (B, T, W), with dropout in training.

    As released: a base of 30, all sines before all cosines.
    """

    table: Tensor

    def __init__(self, width: int, dropout_prob: float) -> None:
        super().__init__()
        self.dropout_prob = dropout_prob
        self.register_buffer("table", sinusoidal_table(64, width).float(), persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        _, length, width = tokens.shape
        if length > self.table.shape[0]:
            self.table = sinusoidal_table(2 * length, width).to(self.table)
        return _add(self.table[:length], tokens, self.dropout_prob if self.training else 0.0)


class LearnedPositions(nn.Module):
    """Add a learned vector per position (Vaswani et al. 2017, table 3, row E) to the tokens (B, T, W), with dropout in
    training. ValueError for more tokens than `num_positions`."""

    def __init__(self, width: int, num_positions: int, dropout_prob: float) -> None:
        super().__init__()
        self.dropout_prob = dropout_prob
        self.table = nn.Parameter(torch.empty(num_positions, width))
        truncated_normal_(self.table, _LEARNED_STDDEV)

    def forward(self, tokens: Tensor) -> Tensor:
        length = tokens.shape[1]
        if length > len(self.table):
            raise ValueError(f"sequences must have at most num_positions, {len(self.table)}, tokens, got {length}")
        return _add(self.table[:length], tokens, self.dropout_prob if self.training else 0.0)


class RelativePositions(nn.Module):
    """A learned number per head and distance from query back to key, to add to the scores.

    A scalar on the score as in Raffel et al. 2020, section 2.1, of its own in every layer; distances from
    `num_positions` - 1 on share the last number, as Shaw et al. 2018, section 3.2, clip theirs.
    """

    def __init__(self, num_heads: int, num_positions: int) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.empty(num_heads, num_positions))
        truncated_normal_(self.bias, _LEARNED_STDDEV)

    def forward(self, num_queries: int, num_keys: int) -> Tensor:
        """(H, Q, T) for the last Q tokens of T; of no meaning above the diagonal."""
        position = torch.arange(num_keys, device=self.bias.device)
        distance = position[num_keys - num_queries :, None] - position  # (Q, T)
        return self.bias[:, distance.clamp(0, self.bias.shape[1] - 1)]


class RotaryPositions(nn.Module):
    """Turn pairs of features by an angle that grows with the position (Su et al. 2021, section 3.2.2), so that the
    product of a query and a key depends on their distance alone. Feature i is paired with i + D/2."""

    table: Tensor

    def __init__(self, head_width: int) -> None:
        super().__init__()
        self.register_buffer("table", sinusoidal_table(64, head_width, _ROTARY_BASE).float(), persistent=False)

    def forward(self, x: Tensor, num_tokens: int) -> Tensor:
        """Turn (B, H, Q, D), which belong to the last Q of `num_tokens` tokens."""
        if num_tokens > self.table.shape[0]:
            self.table = sinusoidal_table(2 * num_tokens, x.shape[-1], _ROTARY_BASE).to(self.table)
        sine, cosine = self.table[num_tokens - x.shape[2] : num_tokens].chunk(2, -1)  # (Q, D/2) each
        one, other = x.chunk(2, -1)
        return torch.cat((one * cosine - other * sine, one * sine + other * cosine), -1)
