"""A few steps of training, in Haiku and optax and in torch with icl-train, and how far apart they are."""

import math
from dataclasses import dataclass

import haiku_model
import jax
import numpy as np
import optax
import torch
from torch import nn

from icl_models import build_model
from icl_models.haiku import export_variables, import_variables
from icl_train.metrics import sequence_loss
from icl_train.optim import build_optimizer, learning_rate, set_learning_rate

# The key's bias moves every score of a query alike, so softmax ignores it and its gradient is rounding noise, which
# Adam blows up to full steps.
_NO_GRADIENT = "causal_self_attention/linear_1|b"


@dataclass(frozen=True, kw_only=True)
class Optim:
    """How a model is trained; the warm-up is short, so that twenty steps see both sides of its peak."""

    optimizer: str = "adam"
    weight_decay: float = 0.0
    max_lr: float = 3e-4
    warmup_steps: int = 10
    clip_norm: float | None = None
    w_interim: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Trained:
    """What some steps of training gave; nested dicts have Haiku's names."""

    logits_training: np.ndarray  # of the first step, (B, T, C)
    logits_evaluation: np.ndarray  # with the first step's weights and the batch-norm averages after it
    gradients: dict  # of the first step
    state_after_1: dict
    losses: np.ndarray
    params: dict


class HaikuTrainer:
    """The Haiku model of a configuration and its optimiser, compiled."""

    def __init__(self, config, optim):
        init, apply = haiku_model.transformed(config)
        optimizer = haiku_model.optimizer(
            optim.optimizer,
            max_lr=optim.max_lr,
            warmup_steps=optim.warmup_steps,
            weight_decay=optim.weight_decay,
            clip_norm=optim.clip_norm,
        )

        def loss(params, state, examples, labels):
            logits, state = apply(params, state, examples, labels, True)
            at_examples = haiku_model.example_logits(config, logits)
            return haiku_model.sequence_loss(at_examples, labels, optim.w_interim), (logits, state)

        def update(params, state, opt_state, examples, labels):
            (value, (logits, state)), grads = jax.value_and_grad(loss, has_aux=True)(params, state, examples, labels)
            updates, opt_state = optimizer.update(grads, opt_state, params)
            return value, logits, grads, optax.apply_updates(params, updates), state, opt_state

        self.init = jax.jit(lambda seed, examples, labels: init(jax.random.PRNGKey(seed), examples, labels, True))
        self.init_optimizer = optimizer.init
        self.update = jax.jit(update)
        self.evaluate = jax.jit(lambda *given: apply(*given, False)[0])

    def __call__(self, params, state, batches):
        """Train from these variables, one step for each batch."""
        initial, opt_state, losses, first = params, self.init_optimizer(params), [], {}
        for examples, labels in batches:
            loss, logits, grads, params, state, opt_state = self.update(params, state, opt_state, examples, labels)
            losses.append(float(loss))
            first = first or {
                "logits_training": np.asarray(logits),
                "logits_evaluation": np.asarray(self.evaluate(initial, state, examples, labels)),
                "gradients": grads,
                "state_after_1": state,
            }
        return Trained(**first, losses=np.array(losses), params=params)


def train_torch(config, optim, params, state, batches):
    """The same in torch, with icl-train's loss, optimiser and schedule."""
    model = build_model(config, seed=0)
    model.load_state_dict(import_variables(model, params, state))
    first = _first_step(model, optim, batches[0])
    model.load_state_dict(import_variables(model, params, state))
    optimizer = build_optimizer(model, optimizer=optim.optimizer, weight_decay=optim.weight_decay)
    losses = []
    for step, (examples, labels) in enumerate(batches, start=1):
        loss = _loss(model(torch.from_numpy(examples), torch.from_numpy(labels)), labels, config, optim)
        optimizer.zero_grad()
        loss.backward()
        if optim.clip_norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), optim.clip_norm)
        set_learning_rate(optimizer, learning_rate(step, max_lr=optim.max_lr, warmup_steps=optim.warmup_steps))
        optimizer.step()
        losses.append(loss.item())
    return Trained(**first, losses=np.array(losses), params=export_variables(model)[0])


def _loss(logits, labels, config, optim):
    at_examples = haiku_model.example_logits(config, logits)
    return sequence_loss(at_examples, torch.from_numpy(labels), w_interim=optim.w_interim)[0]


def _first_step(model, optim, batch):
    examples, labels = map(torch.from_numpy, batch)
    logits = model(examples, labels)
    _loss(logits, batch[1], model.config, optim).backward()
    holder = build_model(model.config, seed=0)  # the gradients get Haiku's names by the map of the parameters
    with torch.no_grad():
        for ours, theirs in zip(holder.parameters(), model.parameters(), strict=True):
            ours.copy_(torch.zeros_like(theirs) if theirs.grad is None else theirs.grad)
        state_after_1 = export_variables(model)[1]
        logits_evaluation = model.eval()(examples, labels)
    model.train()
    return {
        "logits_training": logits.detach().numpy(),
        "logits_evaluation": logits_evaluation.numpy(),
        "gradients": export_variables(holder)[0],
        "state_after_1": state_after_1,
    }


@dataclass(frozen=True, kw_only=True)
class Differences:
    """The largest differences of two trainings."""

    logits_training: float
    logits_evaluation: float
    loss: float  # of the first step
    gradients: float  # in parts of the largest gradient
    cosine: float  # between all gradients: how much below 1
    ten_steps: float  # of the losses, relative
    all_steps: float
    params: float  # after all steps, in parts of the largest rate, which is about one step of Adam
    batch_norm: float  # of the averages after one step: |a - b| / (1 + |a|)

    @classmethod
    def of(cls, theirs: Trained, ours: Trained, optim: Optim) -> "Differences":
        a, b = (np.concatenate([*_named(trained.gradients).values()]).astype(float) for trained in (theirs, ours))
        losses = np.abs(ours.losses / theirs.losses - 1)
        params = {n: _largest(x, y) for n, x, y in _pairs(theirs.params, ours.params) if not n.endswith(_NO_GRADIENT)}
        averages = [_largest(x, y, 1 + np.abs(x)) for _, x, y in _pairs(theirs.state_after_1, ours.state_after_1)]
        return cls(
            logits_training=_largest(theirs.logits_training, ours.logits_training),
            logits_evaluation=_largest(theirs.logits_evaluation, ours.logits_evaluation),
            loss=float(abs(theirs.losses[0] - ours.losses[0])),
            gradients=_largest(a, b, np.abs(a).max()),
            cosine=float(1 - a @ b / math.sqrt((a @ a) * (b @ b))),
            ten_steps=float(losses[:10].max()),
            all_steps=float(losses.max()),
            params=max(params.values()) / optim.max_lr,
            batch_norm=max(averages, default=0.0),
        )


def _largest(a, b, scale=1.0):
    return float((np.abs(np.asarray(a) - b) / scale).max())


def _named(variables):
    return {
        f"{module}|{name}": np.ravel(variables[module][name])
        for module in sorted(variables)
        for name in sorted(variables[module])
    }


def _pairs(theirs, ours):
    a, b = _named(theirs), _named(ours)
    assert a.keys() == b.keys()
    return [(name, a[name], b[name]) for name in a]
