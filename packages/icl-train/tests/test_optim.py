"""The schedule and the optimiser."""

import math

import pytest
import torch

from icl_train.optim import build_optimizer, learning_rate


@pytest.mark.parametrize(
    ("step", "rate"),
    [(1, 3e-4 / 4000), (2000, 1.5e-4), (4000, 3e-4), (16000, 1.5e-4), (500_000, 3e-4 * math.sqrt(0.008))],
)
def test_rate_warms_up_linearly_then_falls_with_the_square_root(step, rate):
    assert learning_rate(step) == pytest.approx(rate, rel=1e-12)


def test_rate_of_step_zero_is_refused():
    with pytest.raises(ValueError, match=r"step must be at least 1 and warmup_steps at least 1, got step=0"):
        learning_rate(0)


def test_first_adam_step_moves_each_weight_by_the_rate():
    layer = torch.nn.Linear(3, 2)
    before = [p.detach().clone() for p in layer.parameters()]
    optimizer = build_optimizer(layer)
    optimizer.param_groups[0]["lr"] = 0.01
    layer(torch.ones(4, 3)).sum().backward()
    optimizer.step()
    for old, new in zip(before, layer.parameters(), strict=True):
        torch.testing.assert_close(new, old - 0.01)


def test_adamw_decays_every_parameter_by_rate_times_decay():
    layer = torch.nn.Linear(3, 2)
    before = [p.detach().clone() for p in layer.parameters()]
    optimizer = build_optimizer(layer, optimizer="adamw", weight_decay=0.5)
    optimizer.param_groups[0]["lr"] = 0.01
    for parameter in layer.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for old, new in zip(before, layer.parameters(), strict=True):
        torch.testing.assert_close(new, old * (1 - 0.005))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"optimizer": "lion"}, "optimizer must be one of adam, adamw, sgd, got 'lion'"),
        ({"weight_decay": 0.1}, "weight_decay needs optimizer adamw, got weight_decay=0.1 with adam"),
    ],
)
def test_an_optimizer_that_would_not_do_as_told_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        build_optimizer(torch.nn.Linear(1, 1), **arguments)
