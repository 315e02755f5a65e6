"""The settings of the update: optimiser, schedule of its rate, penalties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from icl_train._settings.option import default_of, require, require_choices, require_numbers, short_name

__all__ = ["OptimConfig"]

_ADAPTIVE = ("adam", "adamw")
_DECAYING = ("cosine", "linear")


@dataclass(frozen=True, kw_only=True)
class OptimConfig:
    """Optimiser, and schedule of its rate: linear warm-up, then inverse square root, as released, or another one."""

    optimizer: Annotated[Literal["adam", "adamw", "sgd"], short_name("--optimizer")] = "adam"
    """adam, adamw with decoupled weight decay, or sgd, with or without it."""
    weight_decay: Annotated[float, short_name("--weight-decay")] = 0.0
    """Decay per step, times the step's rate (adamw, sgd)."""
    l2: float = 0.0
    """Penalty in the loss (Singh 2023): l2 / 2 times the sum of squares of the weights, without biases, norms and
    embedding tables (weight_l2 squared). The loss that is written down is without it."""
    max_lr: float = 3e-4
    """Rate at the end of the warm-up."""
    schedule: Literal["inverse_sqrt", "constant", "cosine", "linear"] = "inverse_sqrt"
    """Rate after the warm-up: falling with the square root of the step, constant, or falling to final_lr by half a
    cosine or along a line."""
    warmup_steps: int = 4000
    """Steps of linear warm-up; 0 for none (not with inverse_sqrt, which starts from there)."""
    schedule_steps: int | None = None
    """Step at which cosine and linear are at final_lr, where they stay; default: train.max_steps."""
    final_lr: float = 0.0
    """Rate at the end of cosine and linear."""
    momentum: float = 0.0
    """Share of the last step's direction that is kept (sgd only)."""
    nesterov: bool = False
    """Nesterov's momentum (sgd with momentum only)."""
    b1: float = 0.9
    """Decay of the first moment (adam, adamw)."""
    b2: float = 0.999
    """Decay of the second moment (adam, adamw)."""
    eps: float = 1e-8
    """Added to the root of the second moment (adam, adamw)."""
    clip_norm: float | None = None
    """Largest norm of the gradient; default: no clipping, as the released code trains."""
    w_interim_predictions: float = 0.0
    """Weight of the context examples' losses together; the query weighs the rest."""

    def __post_init__(self) -> None:
        require_choices(self, "optim")
        require_numbers(self, "optim")
        self._check_optimizer()
        self._check_schedule()
        for name in ("weight_decay", "l2"):
            require(getattr(self, name) >= 0, f"optim.{name} must be at least 0", getattr(self, name))
        for name in ("b1", "b2", "momentum"):
            require(0 <= getattr(self, name) < 1, f"optim.{name} must be in [0, 1)", getattr(self, name))
        require(self.eps > 0, "optim.eps must be positive", self.eps)
        require(self.clip_norm is None or self.clip_norm > 0, "optim.clip_norm must be positive", self.clip_norm)
        require(
            0 <= self.w_interim_predictions <= 1,
            "optim.w_interim_predictions must be in [0, 1]",
            self.w_interim_predictions,
        )

    def last_scheduled_step(self, max_steps: int) -> int:
        """Step at which cosine and linear are at their end, in a run of ``max_steps``.

        Raises:
            ValueError: if the warm-up leaves no step for them.
        """
        last = max_steps if self.schedule_steps is None else self.schedule_steps
        name = "train.max_steps" if self.schedule_steps is None else "optim.schedule_steps"
        require(
            self.schedule not in _DECAYING or self.warmup_steps < last,
            f"optim.warmup_steps must be below {name} ({last}) with optim.schedule {self.schedule}",
            self.warmup_steps,
        )
        return last

    def _check_optimizer(self) -> None:
        require(
            self.optimizer != "adam" or self.weight_decay == 0,
            "optim.weight_decay needs optim.optimizer adamw or sgd",
            f"{self.weight_decay} with {self.optimizer}",
        )
        for name in ("momentum", "nesterov"):
            value = getattr(self, name)
            require(
                self.optimizer == "sgd" or not value,
                f"optim.{name} needs optim.optimizer sgd",
                f"{value} with {self.optimizer}",
            )
        require(self.momentum > 0 or not self.nesterov, "optim.nesterov needs an optim.momentum above 0", self.momentum)
        for name in ("b1", "b2", "eps"):
            value = getattr(self, name)
            require(
                self.optimizer in _ADAPTIVE or value == default_of(self, name),
                f"optim.{name} needs optim.optimizer {' or '.join(_ADAPTIVE)}",
                f"{value} with {self.optimizer}",
            )

    def _check_schedule(self) -> None:
        require(self.max_lr > 0, "optim.max_lr must be positive", self.max_lr)
        least = 1 if self.schedule == "inverse_sqrt" else 0
        require(
            self.warmup_steps >= least,
            f"optim.warmup_steps must be at least {least} with optim.schedule {self.schedule}",
            self.warmup_steps,
        )
        for name in ("schedule_steps", "final_lr"):
            value = getattr(self, name)
            require(
                self.schedule in _DECAYING or value == default_of(self, name),
                f"optim.{name} needs optim.schedule {' or '.join(_DECAYING)}",
                f"{value} with {self.schedule}",
            )
        require(
            self.schedule_steps is None or self.schedule_steps >= 1,
            "optim.schedule_steps must be at least 1",
            self.schedule_steps,
        )
        require(
            0 <= self.final_lr <= self.max_lr,
            f"optim.final_lr must be from 0 to optim.max_lr ({self.max_lr})",
            self.final_lr,
        )
