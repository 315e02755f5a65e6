"""Which token is what: items, labels, the right one and the wrong ones, and what attention to all alike would give."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Tokens"]


@dataclass(frozen=True, eq=False)
class Tokens:
    """The tokens of sequences with these labels; the last is the query.

    Args:
        labels: (N, L); the query's is the right answer.
        concatenated: an example and its label are one token, in place of two.
    """

    labels: Tensor
    concatenated: bool

    @property
    def names(self) -> tuple[str, ...]:
        """x1 y1 x2 y2 ... q, or 1 2 ... q for pairs."""
        pairs = range(1, self.labels.shape[1])
        if self.concatenated:
            return (*map(str, pairs), "q")
        return (*(name for pair in pairs for name in (f"x{pair}", f"y{pair}")), "q")

    @property
    def places(self) -> Tensor:
        """(L - 1,) of the tokens that carry a label of the context."""
        pairs = torch.arange(self.labels.shape[1] - 1, device=self.labels.device)
        return pairs if self.concatenated else 2 * pairs + 1

    @property
    def right(self) -> Tensor:
        """(N, L - 1): whether the label there is the right answer."""
        return self.labels[:, :-1] == self.labels[:, -1:]

    @property
    def signs(self) -> Tensor:
        """(N, L - 1): 1 for the right label, -1 for others; NaN for sequences whose context lacks the right one."""
        signs = torch.where(self.right, 1.0, -1.0)
        return signs.masked_fill(~self.right.any(1, keepdim=True), math.nan)

    def induction(self, weights: Tensor) -> Tensor:
        """(N, H): attention from the query to the right labels, summed, less that to the wrong ones.

        Args:
            weights: (N, H, T, T), or (N, H, 1, T) of the query alone.
        """
        return (weights[:, :, -1, self.places] * self.signs[:, None]).sum(-1)

    def previous(self, weights: Tensor) -> Tensor:
        """(N, H): attention from a label to the item before it, mean over the labels of the context.

        Args:
            weights: (N, H, T, T).
        """
        return weights[:, :, self.places, self.places - 1].mean(-1)

    def uniform(self) -> dict[str, float]:
        """What a head that attends to all tokens that it sees alike would have."""
        length = len(self.names)
        values = {"induction": float((self.signs.sum(1) / length).nanmean()), "entropy": math.log(length)}
        if not self.concatenated:
            values["previous_token"] = float((1 / (self.places + 1)).mean())
        return values
