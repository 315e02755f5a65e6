"""Random numbers inside an ensemble: of each member's own generator, as its solo model draws them, or of torch's."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

Generators = Sequence[torch.Generator] | None


def dropout(x: Tensor, probability: float, generators: Generators) -> Tensor:
    """Drop numbers of (M, ...) and scale the others.

    Args:
        x: values, a member on the first axis.
        probability: of being dropped.
        generators: one a member; None is one draw for all, from torch's current generator.
    """
    if not probability:
        return x
    if generators is None:
        return F.dropout(x, probability)
    kept = torch.stack([torch.empty_like(x[0]).bernoulli_(1 - probability, generator=one) for one in generators])
    return x * kept.div_(1 - probability)


def starts(below: int, members: int, size: int, device: torch.device, generators: Generators) -> Tensor:
    """Random numbers (members, size), each from 0 to below - 1."""
    if generators is None:
        return torch.randint(below, (members, size), device=device)
    return torch.stack([torch.randint(below, (size,), device=device, generator=one) for one in generators])
