"""Optimisers, schedules of the learning rate, and the penalty on the weights."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

__all__ = ["add_l2_gradient", "build_optimizer", "learning_rate", "set_learning_rate", "weight_matrices"]

_OPTIMIZERS = ("adam", "adamw", "sgd")
_SCHEDULES = ("inverse_sqrt", "constant", "cosine", "linear")


def learning_rate(
    step: int,
    *,
    max_lr: float = 3e-4,
    warmup_steps: int = 4000,
    schedule: str = "inverse_sqrt",
    final_lr: float = 0.0,
    last_step: int | None = None,
) -> float:
    """Rate of update number ``step`` (the first is 1): linear warm-up to ``max_lr``, then by ``schedule``.

    Args:
        step: number of the update.
        max_lr: rate at the end of the warm-up.
        warmup_steps: updates of warm-up; 0 for none, which ``inverse_sqrt`` cannot do.
        schedule: ``inverse_sqrt`` (Chan et al. 2022, appendix and released code: falling with the square root of the
            step), ``constant``, ``cosine`` (half a cosine, Loshchilov and Hutter 2017, arXiv 1608.03983) or ``linear``.
        final_lr: rate of ``cosine`` and ``linear`` at ``last_step`` and later.
        last_step: where they end.

    Raises:
        ValueError: for an unknown schedule, a step or warm-up that cannot be, or an end that is not after the warm-up.
    """
    if schedule not in _SCHEDULES:
        raise ValueError(f"schedule must be one of {', '.join(_SCHEDULES)}, got {schedule!r}")
    least = 1 if schedule == "inverse_sqrt" else 0
    if step < 1 or warmup_steps < least:
        raise ValueError(
            f"step must be at least 1 and warmup_steps at least {least}, got step={step}, warmup_steps={warmup_steps}"
        )
    if schedule == "inverse_sqrt":
        return max_lr * min(step / warmup_steps, math.sqrt(warmup_steps / step))
    if step < warmup_steps:
        return max_lr * (step / warmup_steps)
    if schedule == "constant":
        return max_lr
    if last_step is None or last_step <= warmup_steps:
        raise ValueError(f"last_step must be above warmup_steps ({warmup_steps}) with {schedule}, got {last_step}")
    gone = min((step - warmup_steps) / (last_step - warmup_steps), 1.0)
    left = 1.0 - gone if schedule == "linear" else (1.0 + math.cos(math.pi * gone)) / 2
    return final_lr + (max_lr - final_lr) * left


def build_optimizer(
    model: nn.Module,
    *,
    optimizer: str = "adam",
    weight_decay: float = 0.0,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
    momentum: float = 0.0,
    nesterov: bool = False,
) -> torch.optim.Optimizer:
    """Adam, AdamW or SGD, the last two with decoupled decay: ``weight_decay`` times the rate, on every parameter.

    Args:
        model: whose parameters are updated.
        optimizer: ``adam``, ``adamw`` or ``sgd``.
        weight_decay: decay per step, times the step's rate: w -= rate * weight_decay * w, as optax does (adamw), and as
            Reddy 2023, arXiv 2312.03002, trains: 1e-4 at the rate .01 is his factor 1 - 1e-6 (sgd).
        b1, b2: decays of the first and of the second moment (adam, adamw).
        eps: added to the root of the second moment (adam, adamw).
        momentum: share of the last direction that is kept: d = momentum * d + gradient, w -= rate * d (sgd only).
        nesterov: step along gradient + momentum * d instead (sgd with momentum only).

    Raises:
        ValueError: for an unknown optimizer, or a decay or momentum without the optimizer that has it.
    """
    if optimizer not in _OPTIMIZERS:
        raise ValueError(f"optimizer must be one of {', '.join(_OPTIMIZERS)}, got {optimizer!r}")
    if optimizer == "adam" and weight_decay != 0.0:
        raise ValueError(f"weight_decay needs optimizer adamw or sgd, got weight_decay={weight_decay} with {optimizer}")
    if optimizer != "sgd" and (momentum != 0.0 or nesterov):
        raise ValueError(
            f"momentum and nesterov need optimizer sgd, got momentum={momentum}, nesterov={nesterov} with {optimizer}"
        )
    # One fused kernel call per step: a small model's step is mostly call overhead.
    if optimizer == "sgd":
        sgd = torch.optim.SGD(model.parameters(), lr=0.0, momentum=momentum, nesterov=nesterov, fused=True)
        if weight_decay:  # torch's own would go through the momentum
            sgd.register_step_pre_hook(lambda given, *_: _decay(given, weight_decay))
        return sgd
    # Adam is AdamW without decay.
    return LeanAdamW(model.parameters(), lr=0.0, betas=(b1, b2), eps=eps, weight_decay=weight_decay, fused=True)


def _decay(optimizer: torch.optim.Optimizer, weight_decay: float) -> None:
    """w -= rate * weight_decay * w, for the weights that the step updates."""
    for group in optimizer.param_groups:
        weights = [weight.detach() for weight in group["params"] if weight.grad is not None]
        torch._foreach_mul_(weights, 1.0 - group["lr"] * weight_decay)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the rate of every parameter group.

    Args:
        optimizer: the optimiser.
        rate: the new rate.
    """
    for group in optimizer.param_groups:
        group["lr"] = rate


def weight_matrices(model: nn.Module) -> list[nn.Parameter]:
    """The weights without biases, norms and embedding tables: what ``weight_l2`` measures and ``l2`` penalises.

    A norm's scale or a bias pulled to zero shuts off a layer instead of simplifying it, and a table's rows are read so
    rarely that the penalty would all but decide them.

    Args:
        model: whose weights.
    """
    tables = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
    return [p for p in model.parameters() if p.ndim >= 2 and id(p) not in tables]


def add_l2_gradient(weights: list[nn.Parameter], l2: float) -> None:
    """Add the gradient of l2 / 2 times the weights' sum of squares, l2 * w, to theirs (Singh et al. 2023, 1e-4).

    Args:
        weights: those that are penalised, if they take gradients.
        l2: strength of the penalty.
    """
    weights = [weight for weight in weights if weight.requires_grad]
    gradients: list[Tensor] = []
    for weight in weights:
        if weight.grad is None:
            weight.grad = torch.zeros_like(weight)
        gradients.append(weight.grad)
    if weights:
        torch._foreach_add_(gradients, [weight.detach() for weight in weights], alpha=l2)
