"""Sinusoidal positions, as released: a base of 30, all sines before all cosines."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_BASE = 30.0  # close to the length of a sequence, where language models use 10,000


def sinusoidal_table(length: int, width: int) -> Tensor:
    """(length, width) float64: sin then cos of position / 30^(i / width), i = 0, 2, 4, ..."""
    frequency = _BASE ** (-torch.arange(0, width, 2, dtype=torch.float64) / width)
    angle = torch.arange(length, dtype=torch.float64)[:, None] * frequency
    return torch.cat((angle.sin(), angle.cos()), 1)


class SinusoidalPositions(nn.Module):
    """Add its position to every token (B, T, W), with dropout on the positions in training, one for the whole batch."""

    table: Tensor

    def __init__(self, width: int, dropout_prob: float) -> None:
        super().__init__()
        self.dropout_prob = dropout_prob
        self.register_buffer("table", sinusoidal_table(64, width).float(), persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        _, length, width = tokens.shape
        if length > self.table.shape[0]:
            self.table = sinusoidal_table(2 * length, width).to(self.table)
        encodings = self.table[:length]  # (T, W)
        if self.training and self.dropout_prob:
            encodings = F.dropout(encodings, self.dropout_prob)  # alike for the whole batch, as released
        return tokens + encodings
