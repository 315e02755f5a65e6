"""The schedule and the optimiser."""

import copy
import math

import pytest
import torch

from icl_train import OptimConfig, RunConfig, TrainConfig
from icl_train.optim import add_l2_gradient, build_optimizer, learning_rate, set_learning_rate, weight_matrices


@pytest.mark.parametrize(
    ("step", "rate"),
    [(1, 3e-4 / 4000), (2000, 1.5e-4), (4000, 3e-4), (16000, 1.5e-4), (500_000, 3e-4 * math.sqrt(0.008))],
)
def test_rate_warms_up_linearly_then_falls_with_the_square_root(step, rate):
    assert learning_rate(step) == pytest.approx(rate, rel=1e-12)


def test_rate_of_step_zero_is_refused():
    with pytest.raises(ValueError, match=r"step must be at least 1 and warmup_steps at least 1, got step=0"):
        learning_rate(0)


def scheduled(step, schedule, *, warmup, final=0.0):
    """The rate of a run whose schedule ends at step 110, by hand."""
    return learning_rate(step, max_lr=0.8, warmup_steps=warmup, schedule=schedule, final_lr=final, last_step=110)


@pytest.mark.parametrize("schedule", ["inverse_sqrt", "constant", "cosine", "linear"])
def test_every_schedule_warms_up_linearly(schedule):
    assert [scheduled(step, schedule, warmup=10) for step in (1, 5, 10)] == pytest.approx([0.08, 0.4, 0.8], rel=1e-12)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "linear"])
def test_without_warm_up_the_first_rate_is_the_schedules(schedule):
    after_one = {
        "constant": 0.8,
        "cosine": 0.4 * (1 + math.cos(math.pi / 110)),
        "linear": 0.8 * 109 / 110,
    }
    assert scheduled(1, schedule, warmup=0) == pytest.approx(after_one[schedule], rel=1e-12)


@pytest.mark.parametrize(
    ("schedule", "rates"),
    [
        ("constant", (0.8, 0.8, 0.8)),
        ("linear", (0.65, 0.5, 0.2)),
        ("cosine", (0.2 + 0.3 * (1 + math.sqrt(0.5)), 0.5, 0.2)),
    ],
)
def test_rates_after_the_warm_up_fall_to_the_final_one_and_stay_there(schedule, rates):
    found = [scheduled(step, schedule, warmup=10, final=0.2) for step in (35, 60, 110)]
    assert found == pytest.approx(rates, rel=1e-12)
    assert scheduled(1000, schedule, warmup=10, final=0.2) == found[-1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"schedule": "step"}, "schedule must be one of inverse_sqrt, constant, cosine, linear, got 'step'"),
        ({"warmup_steps": 0}, "step must be at least 1 and warmup_steps at least 1, got step=3, warmup_steps=0"),
        ({"schedule": "constant", "warmup_steps": -1}, "warmup_steps at least 0, got step=3, warmup_steps=-1"),
        (
            {"schedule": "cosine", "warmup_steps": 2},
            r"last_step must be above warmup_steps \(2\) with cosine, got None",
        ),
        ({"schedule": "linear", "warmup_steps": 2, "last_step": 2}, r"above warmup_steps \(2\) with linear, got 2"),
    ],
)
def test_a_schedule_that_cannot_be_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        learning_rate(3, **arguments)


def descend(weights, gradients, rates, *, momentum=0.0, nesterov=False):
    """SGD by hand, in float64: d = momentum * d + g; w -= rate * d, or rate * (g + momentum * d)."""
    weights, direction = weights.double().clone(), torch.zeros_like(weights, dtype=torch.float64)
    for gradient, rate in zip(gradients, rates, strict=True):
        direction = momentum * direction + gradient.double()
        weights -= rate * (gradient.double() + momentum * direction if nesterov else direction)
    return weights


@pytest.mark.parametrize(("momentum", "nesterov"), [(0.0, False), (0.9, False), (0.9, True)])
def test_sgd_steps_along_the_gradient_and_what_is_kept_of_earlier_ones(momentum, nesterov):
    generator = torch.Generator().manual_seed(0)
    layer = torch.nn.Linear(5, 4)
    before = layer.weight.detach().clone()
    optimizer = build_optimizer(layer, optimizer="sgd", momentum=momentum, nesterov=nesterov)
    gradients = [torch.randn(4, 5, generator=generator) for _ in range(6)]
    rates = [0.1, 0.2, 0.3, 0.2, 0.1, 0.05]
    for gradient, rate in zip(gradients, rates, strict=True):
        layer.weight.grad, layer.bias.grad = gradient.clone(), torch.zeros(4)
        set_learning_rate(optimizer, rate)
        optimizer.step()
    expected = descend(before, gradients, rates, momentum=momentum, nesterov=nesterov)
    torch.testing.assert_close(layer.weight.double(), expected, rtol=1e-5, atol=1e-6)


def test_the_penalty_adds_its_gradient_to_the_weights_alone():
    model = torch.nn.Sequential(torch.nn.Embedding(3, 4), torch.nn.LayerNorm(4), torch.nn.Linear(4, 2))
    table, norm, linear = model
    model(torch.tensor([0, 2])).square().sum().backward()
    before = {name: parameter.grad.clone() for name, parameter in model.named_parameters()}
    (0.3 / 2 * linear.weight.square().sum()).backward()
    by_loss = linear.weight.grad.clone()
    linear.weight.grad = before["2.weight"].clone()
    add_l2_gradient(weight_matrices(model), 0.3)
    torch.testing.assert_close(linear.weight.grad, by_loss)
    for name, parameter in model.named_parameters():
        if name != "2.weight":
            assert parameter.grad.equal(before[name]), name
    assert table.weight.ndim == 2
    assert norm.weight.ndim == 1


def test_the_penalty_reaches_weights_that_no_loss_has_reached():
    layer = torch.nn.Linear(3, 2)
    add_l2_gradient(weight_matrices(layer), 0.5)
    torch.testing.assert_close(layer.weight.grad, 0.5 * layer.weight.detach())


RULES = [
    ({"optimizer": "sgd", "b1": 0.5}, r"optim\.b1 needs optim\.optimizer adam or adamw, got 0\.5 with sgd"),
    ({"optimizer": "sgd", "b2": 0.5}, r"optim\.b2 needs optim\.optimizer adam or adamw, got 0\.5 with sgd"),
    ({"optimizer": "sgd", "eps": 0.5}, r"optim\.eps needs optim\.optimizer adam or adamw, got 0\.5 with sgd"),
    ({"weight_decay": 0.1}, r"optim\.weight_decay needs optim\.optimizer adamw or sgd, got 0\.1 with adam"),
    ({"momentum": 0.9}, r"optim\.momentum needs optim\.optimizer sgd, got 0\.9 with adam"),
    ({"optimizer": "sgd", "momentum": 1.0}, r"optim\.momentum must be in \[0, 1\), got 1\.0"),
    ({"nesterov": True}, r"optim\.nesterov needs optim\.optimizer sgd, got True with adam"),
    ({"optimizer": "sgd", "nesterov": True}, r"optim\.nesterov needs an optim\.momentum above 0, got 0\.0"),
    ({"l2": -1e-4}, r"optim\.l2 must be at least 0, got -0\.0001"),
    ({"schedule": "step"}, r"optim\.schedule must be one of inverse_sqrt, constant, cosine, linear, got 'step'"),
    ({"warmup_steps": 0}, r"optim\.warmup_steps must be at least 1 with optim\.schedule inverse_sqrt, got 0"),
    ({"schedule": "cosine", "warmup_steps": -1}, r"optim\.warmup_steps must be at least 0 with optim\.schedule cosine"),
    ({"schedule_steps": 9}, r"optim\.schedule_steps needs optim\.schedule cosine or linear, got 9 with inverse_sqrt"),
    (
        {"schedule": "constant", "final_lr": 1e-5},
        r"optim\.final_lr needs optim\.schedule cosine or linear, got 1e-05 wi",
    ),
    (
        {"schedule": "linear", "final_lr": 1e-3},
        r"optim\.final_lr must be from 0 to optim\.max_lr \(0\.0003\), got 0\.001",
    ),
    ({"schedule": "linear", "schedule_steps": 0}, r"optim\.schedule_steps must be at least 1, got 0"),
    *(
        ({name: value}, rf"optim\.{name} must be a finite number, got {value}")
        for name in ("max_lr", "weight_decay", "l2", "final_lr", "b1", "eps", "clip_norm", "w_interim_predictions")
        for value in (math.inf, math.nan)
    ),
]


@pytest.mark.parametrize(("settings", "message"), RULES)
def test_settings_that_would_not_do_as_told_are_refused_in_one_line(settings, message):
    with pytest.raises(ValueError, match=message) as caught:
        OptimConfig(**settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({}, r"optim\.warmup_steps must be below train\.max_steps \(40\) with optim\.schedule cosine, got 4000"),
        ({"schedule_steps": 400}, r"must be below optim\.schedule_steps \(400\) with optim\.schedule cosine, got 4000"),
    ],
)
def test_a_warm_up_that_leaves_no_step_to_fall_in_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        RunConfig(optim=OptimConfig(schedule="cosine", **settings), train=TrainConfig(max_steps=40))


def test_first_adam_step_moves_each_weight_by_the_rate():
    layer = torch.nn.Linear(3, 2)
    before = [p.detach().clone() for p in layer.parameters()]
    optimizer = build_optimizer(layer)
    optimizer.param_groups[0]["lr"] = 0.01
    layer(torch.ones(4, 3)).sum().backward()
    optimizer.step()
    for old, new in zip(before, layer.parameters(), strict=True):
        torch.testing.assert_close(new, old - 0.01)


@pytest.mark.parametrize("name", ["adamw", "sgd"])
def test_decay_takes_rate_times_decay_of_every_parameter(name):
    layer = torch.nn.Linear(3, 2)
    before = [p.detach().clone() for p in layer.parameters()]
    optimizer = build_optimizer(layer, optimizer=name, weight_decay=0.5)
    optimizer.param_groups[0]["lr"] = 0.01
    for parameter in layer.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    for old, new in zip(before, layer.parameters(), strict=True):
        torch.testing.assert_close(new, old * (1 - 0.005))


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_sgd_decays_beside_its_steps_and_not_through_the_momentum(momentum):
    """w <- w - rate * (decay * w + d) with d = momentum * d + gradient; Reddy's factor is the one with decay 1e-4."""
    torch.manual_seed(0)
    layer = torch.nn.Linear(3, 2).double()
    optimizer = build_optimizer(layer, optimizer="sgd", weight_decay=0.3, momentum=momentum)
    expected = [p.detach().clone() for p in layer.parameters()]
    directions = [torch.zeros_like(p) for p in expected]
    for rate in (0.1, 0.02, 0.1):
        optimizer.param_groups[0]["lr"] = rate
        for number, parameter in enumerate(layer.parameters()):
            parameter.grad = torch.randn_like(parameter)
            directions[number] = momentum * directions[number] + parameter.grad
            expected[number] = expected[number] - rate * (0.3 * expected[number] + directions[number])
        optimizer.step()
    for wanted, parameter in zip(expected, layer.parameters(), strict=True):
        torch.testing.assert_close(parameter.detach(), wanted, rtol=1e-12, atol=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"optimizer": "lion"}, "optimizer must be one of adam, adamw, sgd, got 'lion'"),
        ({"weight_decay": 0.1}, "weight_decay needs optimizer adamw or sgd, got weight_decay=0.1 with adam"),
    ],
)
def test_an_optimizer_that_would_not_do_as_told_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        build_optimizer(torch.nn.Linear(1, 1), **arguments)


def both_adams():
    """Two parameters with our optimiser, and the same with torch's."""
    ours, theirs = (torch.nn.Linear(3, 2) for _ in range(2))
    theirs.load_state_dict(ours.state_dict())
    own = build_optimizer(ours, optimizer="adamw", weight_decay=0.1)
    return (ours, own), (theirs, torch.optim.AdamW(theirs.parameters(), lr=0.0, weight_decay=0.1, fused=True))


def step_both(both, numbers, *, frozen=()):
    for number in numbers:
        for model, optimizer in both:
            optimizer.zero_grad()
            generator = torch.Generator().manual_seed(number)
            for name, parameter in model.named_parameters():
                gradient = torch.randn(parameter.shape, generator=generator)
                parameter.grad = None if name in frozen else gradient
            set_learning_rate(optimizer, 0.1 / number)
            optimizer.step()


def require_equal(both):
    (ours, own), (theirs, other) = both
    for one, two in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(one, two)
        for key in ("step", "exp_avg", "exp_avg_sq"):
            assert torch.equal(own.state[one][key], other.state[two][key])


def test_adam_steps_are_torchs_to_the_last_bit():
    both = both_adams()
    step_both(both, range(1, 6))
    require_equal(both)


def test_parameters_that_miss_a_step_count_their_own():
    both = both_adams()
    step_both(both, [1, 2])
    step_both(both, [3], frozen=("bias",))
    step_both(both, [4, 5])
    require_equal(both)
    assert {float(state["step"]) for state in both[0][1].state.values()} == {4.0, 5.0}


def test_adam_goes_on_from_a_loaded_state():
    both = both_adams()
    step_both(both, [1, 2, 3])
    kept = [optimizer.state_dict() for _, optimizer in both]
    kept = copy.deepcopy(kept)
    step_both(both, [4, 5])
    for (_, optimizer), state in zip(both, kept, strict=True):
        optimizer.load_state_dict(state)
    step_both(both, [6, 7])
    require_equal(both)


def test_a_state_that_is_put_in_place_is_what_the_next_step_takes():
    both = both_adams()
    step_both(both, [1, 2, 3])
    for model, optimizer in both:
        optimizer.state[model.weight]["exp_avg"] = torch.ones(2, 3)
    step_both(both, [4, 5])
    require_equal(both)


def test_copied_optimizers_have_steps_of_their_own():
    both = both_adams()
    step_both(both, [1, 2])
    copied = copy.deepcopy(both[0])
    step_both([copied], [3, 4])
    step_both(both, [3, 4])
    require_equal(both)
    assert torch.equal(copied[0].weight, both[0][0].weight)
