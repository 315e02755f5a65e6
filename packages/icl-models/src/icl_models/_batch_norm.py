"""Batch normalisation with Haiku's running averages: biased variance, zero-debiased exponential averages."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_DECAY = 0.9
_EPS = 1e-5


class BatchNorm(nn.Module):
    """Normalise each channel of (N, C, H, W), by the batch in training and by the running averages in evaluation.

    Buffers: `hidden` (2, C), the raw exponential averages of mean and biased variance; `average` (2, C), the same
    divided by 1 - 0.9^t, which evaluation uses; `counter`, the number t of training batches seen. Before the first
    one, evaluation leaves its input as it is (mean 0, variance 1).

    Args:
        num_channels: C.
        initial_scale: what the learned scale starts with.
    """

    hidden: Tensor
    average: Tensor
    counter: Tensor

    def __init__(self, num_channels: int, initial_scale: float = 1.0) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((num_channels,), initial_scale))
        self.offset = nn.Parameter(torch.zeros(num_channels))
        self.register_buffer("hidden", torch.zeros(2, num_channels))
        self.register_buffer("average", torch.stack([torch.zeros(num_channels), torch.ones(num_channels)]))
        self.register_buffer("counter", torch.zeros((), dtype=torch.int32))

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            mean, variance = self.average
            return F.batch_norm(x, mean, variance, self.scale, self.offset, eps=_EPS)
        # With momentum 1 torch leaves the statistics of this very batch, so nothing is computed twice.
        batch = torch.zeros_like(self.hidden)
        y = F.batch_norm(x, batch[0], batch[1], self.scale, self.offset, training=True, momentum=1.0, eps=_EPS)
        self._update(batch, x.numel() // x.shape[1])
        return y

    @torch.no_grad()
    def _update(self, batch: Tensor, count: int) -> None:
        self.counter += 1
        self.hidden.mul_(_DECAY)
        self.hidden[0].add_(batch[0], alpha=1.0 - _DECAY)
        # torch hands back the unbiased variance, and its backward pass still needs it: do not scale it in place.
        self.hidden[1].add_(batch[1], alpha=(1.0 - _DECAY) * (count - 1) / count)
        self.average.copy_(self.hidden / (1.0 - torch.pow(_DECAY, self.counter)))
