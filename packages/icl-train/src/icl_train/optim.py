"""Optimisers, schedules of the learning rate, and the penalty on the weights."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

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
    return _AdamW(model.parameters(), lr=0.0, betas=(b1, b2), eps=eps, weight_decay=weight_decay, fused=True)


class _AdamW(torch.optim.AdamW):
    """torch's fused AdamW, which keeps the lists of tensors that its kernel is called with from one step to the next.

    Going through 150 small parameters took longer than the kernel. Numbers, state and its names are torch's: what the
    kernel gets is what `torch.optim.AdamW` would hand it.
    """

    _in_order: _InOrder | None = None  # until a step has been made with torch's, and when the state changes hands

    def zero_grad(self, set_to_none: bool = True) -> None:
        """See `torch.optim.Optimizer.zero_grad`."""
        if not set_to_none:
            super().zero_grad(set_to_none=False)
            return
        for group in self.param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    def load_state_dict(self, state_dict: Any) -> None:
        """See `torch.optim.Optimizer.load_state_dict`."""
        self._in_order = None
        super().load_state_dict(state_dict)

    def add_param_group(self, param_group: dict[str, Any]) -> None:
        """See `torch.optim.Optimizer.add_param_group`."""
        self._in_order = None
        super().add_param_group(param_group)

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        """See `torch.optim.AdamW.step`."""
        (group, *others), kept = self.param_groups, self._in_order
        gradients = [parameter.grad for parameter in group["params"]]
        if closure is not None or others or not all(_is_plain(gradient) for gradient in gradients):
            return super().step(closure)
        if kept is None or not kept.is_of(group["params"], self.state):
            loss = super().step()
            self._in_order = _InOrder.of(group["params"], self.state)
            return loss
        kept.steps.add_(1.0)
        torch._fused_adamw_(
            kept.parameters,
            gradients,
            kept.first,
            kept.second,
            [],
            kept.each_steps,
            lr=group["lr"],
            beta1=group["betas"][0],
            beta2=group["betas"][1],
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            amsgrad=False,
            maximize=False,
        )
        return None


@dataclass(frozen=True, eq=False)
class _InOrder:
    """Parameters of a CPU, both moments, and how many steps each has made: numbers side by side in `steps`."""

    parameters: list[Tensor]
    first: list[Tensor]
    second: list[Tensor]
    steps: Tensor
    each_steps: list[Tensor]

    @classmethod
    def of(cls, parameters: list[Tensor], state: Any) -> _InOrder | None:
        """From the state that a step has left; None on other devices."""
        if any(not parameter.is_cpu for parameter in parameters):
            return None
        states = [state[parameter] for parameter in parameters]
        steps = torch.stack([one["step"] for one in states])
        each_steps = list(steps.unbind())
        for one, own in zip(states, each_steps, strict=True):
            one["step"] = own
        return cls(
            list(parameters),
            [one["exp_avg"] for one in states],
            [one["exp_avg_sq"] for one in states],
            steps,
            each_steps,
        )

    def is_of(self, parameters: list[Tensor], state: Any) -> bool:
        """Whether nobody has put other tensors in their place."""
        if len(parameters) != len(self.parameters):
            return False
        together = zip(parameters, self.parameters, self.first, self.second, self.each_steps, strict=True)
        return all(
            parameter is known
            and (one := state[parameter])["exp_avg"] is first
            and one["exp_avg_sq"] is second
            and one["step"] is steps
            for parameter, known, first, second, steps in together
        )


def _is_plain(gradient: Tensor | None) -> bool:
    return gradient is not None and gradient.is_cpu and not gradient.is_sparse


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
