"""Optimisers of an ensemble: torch's own on the rows of one matrix, with each member's settings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from icl_models import EnsembleModel
from icl_train.config import OptimConfig

__all__ = ["EnsembleOptimizer"]

_MOMENTS = {"adam": ("exp_avg", "exp_avg_sq"), "adamw": ("exp_avg", "exp_avg_sq"), "sgd": ("momentum_buffer",)}
_STEP = "step"


class EnsembleOptimizer:
    """Adam, AdamW or SGD of every member, each with its own rate, decay, penalty and clipping.

    A member's parameters are one row, so that the fused kernel of torch's optimiser takes all members of equal settings
    in one call; it computes what it computes for a solo run. On a CUDA device rates are tensors there: `step` can be
    captured in a graph, once `set_rates` has put them where they stay.

    Args:
        model: the ensemble, on its device.
        settings: of each member; the optimiser must be the same for all.

    Raises:
        ValueError: if it is not.
    """

    def __init__(self, model: EnsembleModel, settings: Sequence[OptimConfig]) -> None:
        kinds = list(dict.fromkeys(one.optimizer for one in settings))
        if len(kinds) > 1:
            raise ValueError(f"optim.optimizer must be the same for all members of an ensemble, got {', '.join(kinds)}")
        self._model, self._settings = model, tuple(settings)
        rows = model.rows.detach()
        self._on_cuda = rows.device.type == "cuda"
        self._members = list(rows.unbind(0))  # share the matrix's memory
        self._groups = _equal(settings)
        self.rates = rows.new_zeros(len(settings))
        self._newest_rates: list[float] = []
        self._moments = _MOMENTS[kinds[0]] if kinds[0] != "sgd" or any(one.momentum for one in settings) else ()
        self._optimizer = self._build(kinds[0])
        for row, one in zip(self._members, settings, strict=True):
            self._reset(row, one)
        self._l2 = _column([one.l2 for one in settings], rows) if any(one.l2 for one in settings) else None
        clips = [math.inf if one.clip_norm is None else one.clip_norm for one in settings]
        self._clip = _column(clips, rows) if min(clips) < math.inf else None
        decays = [one.weight_decay for one in settings]
        self._decay = rows.new_tensor(decays) if kinds[0] == "sgd" and any(decays) else None
        self.gradient_norms = rows.new_zeros(len(settings))

    def set_rates(self, rates: Sequence[float]) -> None:
        """The learning rate of each member's next step.

        Args:
            rates: by member.
        """
        rates = list(rates)
        if rates == self._newest_rates:
            return
        self._newest_rates = rates
        told = torch.tensor(rates, dtype=self.rates.dtype)
        if self._on_cuda:  # from memory that torch keeps until the copy is over: nothing waits for it
            self.rates.copy_(told.pin_memory(), non_blocking=True)
            return
        self.rates.copy_(told)
        for group, members in zip(self._optimizer.param_groups, self._groups, strict=True):
            group["lr"] = rates[members[0]]

    @torch.no_grad()
    def step(self) -> None:
        """Penalty, clipping and update, from the gradient that is there."""
        rows, grad = self._model.rows, self._model.rows.grad
        assert grad is not None
        if self._l2 is not None:
            matrices = slice(self._model.num_matrix_numbers)
            grad[:, matrices].addcmul_(rows[:, matrices], self._l2)
        if self._clip is not None:
            norms = torch.linalg.vector_norm(grad, dim=1)
            self.gradient_norms.copy_(norms)
            grad.mul_((self._clip / (norms[:, None] + 1e-6)).clamp_(max=1.0))  # as torch's clip_grad_norm_
        if self._decay is not None:
            rows.mul_((1.0 - self.rates * self._decay)[:, None])
        for row, of_row in zip(self._members, grad.unbind(0), strict=True):
            row.grad = of_row
        self._optimizer.step()

    def zero_grad(self) -> None:
        """Let go of the gradient."""
        self._model.rows.grad = None
        for row in self._members:
            row.grad = None

    def norms(self) -> Tensor:
        """(M,) norms of the last gradient, before any clipping."""
        if self._clip is not None:
            return self.gradient_norms
        assert self._model.rows.grad is not None
        norms: Tensor = torch.linalg.vector_norm(self._model.rows.grad, dim=1)
        return norms

    def member_state(self, member: int) -> dict[str, dict[str, Tensor]]:
        """The state of a member's optimiser, as a solo one has it: by parameter, then by what it is. Copied.

        Args:
            member: from 0.
        """
        state = self._optimizer.state[self._members[member]]
        moments = {kind: self._model.layout.take(state[kind], member) for kind in self._own_moments(member)}
        return {
            name: ({_STEP: state[_STEP].clone()} if _STEP in state else {})
            | {kind: values[name] for kind, values in moments.items()}
            for name in self._model.layout.members[member]
        }

    @torch.no_grad()
    def load_member(self, member: int, state: Mapping[str, Mapping[str, Tensor]]) -> None:
        """The inverse of `member_state`; nothing, {} or what a solo optimiser has before its first step, is a start.

        Args:
            member: from 0.
            state: what it returned, or a solo optimiser's.
        """
        row = self._members[member]
        self._reset(row, self._settings[member])
        if not any(state.values()):
            return
        own = self._optimizer.state[row]
        if _STEP in own:
            own[_STEP].copy_(next(iter(state.values()))[_STEP])
        for kind in self._own_moments(member):
            self._model.layout.put(own[kind], member, {name: values[kind] for name, values in state.items()})

    def state_tensors(self) -> list[Tensor]:
        """Everything that a step changes beside the weights."""
        return [value for state in self._optimizer.state.values() for value in state.values()]

    def _build(self, kind: str) -> torch.optim.Optimizer:
        groups = []
        for members in self._groups:
            one = self._settings[members[0]]
            own: dict[str, Any] = {"momentum": one.momentum, "nesterov": one.nesterov}
            if kind != "sgd":
                own = {"betas": (float(one.b1), float(one.b2)), "eps": one.eps, "weight_decay": one.weight_decay}
            rate = self.rates[members[0]] if self._on_cuda else 0.0
            groups.append({"params": [self._members[i] for i in members], "lr": rate, **own})
        if kind == "sgd":
            return torch.optim.SGD(groups, lr=0.0, fused=True)
        return torch.optim.AdamW(groups, lr=0.0, fused=True, capturable=self._on_cuda)

    def _own_moments(self, member: int) -> tuple[str, ...]:
        one = self._settings[member]
        return self._moments if one.optimizer != "sgd" or one.momentum else ()

    def _reset(self, row: Tensor, settings: OptimConfig) -> None:
        """State as before the first step, made beforehand, so that the first step is like any other."""
        state = self._optimizer.state[row]
        if settings.optimizer != "sgd":
            state[_STEP] = row.new_zeros((), dtype=torch.float32)
        if settings.optimizer != "sgd" or settings.momentum:
            for kind in _MOMENTS[settings.optimizer]:
                state[kind] = torch.zeros_like(row)


def _equal(settings: Sequence[OptimConfig]) -> list[list[int]]:
    """Members by what their optimiser's step hangs on."""
    groups: dict[OptimConfig, list[int]] = {}
    for member, one in enumerate(settings):
        groups.setdefault(one, []).append(member)
    return list(groups.values())


def _column(values: Sequence[float], like: Tensor) -> Tensor:
    return like.new_tensor(values)[:, None]
