"""The optimiser and the learning-rate schedule of Chan et al. 2022 (appendix; released code)."""

from __future__ import annotations

import math

import torch
from torch import nn

__all__ = ["build_optimizer", "learning_rate", "set_learning_rate"]


def learning_rate(step: int, *, max_lr: float = 3e-4, warmup_steps: int = 4000) -> float:
    """Rate of update number ``step`` (the first is 1): linear warmup to ``max_lr``, then inverse square root.

    Raises:
        ValueError: if ``step`` or ``warmup_steps`` is below 1.
    """
    if step < 1 or warmup_steps < 1:
        raise ValueError(f"step and warmup_steps must be at least 1, got step={step}, warmup_steps={warmup_steps}")
    return max_lr * min(step / warmup_steps, math.sqrt(warmup_steps / step))


def build_optimizer(
    model: nn.Module,
    *,
    optimizer: str = "adam",
    weight_decay: float = 0.0,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
) -> torch.optim.Optimizer:
    """Adam, or AdamW with decoupled decay (``weight_decay`` times the step's rate, on every parameter as optax does).

    Args:
        model: whose parameters are updated.
        optimizer: ``adam`` or ``adamw``.
        weight_decay: decay per step, times the step's rate (adamw only).
        b1, b2: decays of the first and of the second moment.
        eps: added to the root of the second moment.

    Raises:
        ValueError: for an unknown optimizer, or a decay without AdamW, which would have no effect as meant.
    """
    if optimizer not in ("adam", "adamw"):
        raise ValueError(f"optimizer must be one of adam, adamw, got {optimizer!r}")
    if optimizer == "adam" and weight_decay != 0.0:
        raise ValueError(f"weight_decay needs optimizer adamw, got weight_decay={weight_decay} with adam")
    # Adam is AdamW without decay. One fused kernel call per step: a small model's step is mostly call overhead.
    return torch.optim.AdamW(model.parameters(), lr=0.0, betas=(b1, b2), eps=eps, weight_decay=weight_decay, fused=True)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the rate of every parameter group.

    Args:
        optimizer: the optimiser.
        rate: the new rate.
    """
    for group in optimizer.param_groups:
        group["lr"] = rate
