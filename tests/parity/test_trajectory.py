"""Forty steps of icl-train's optimiser, schedule and loss follow the released code's, for every golden model."""

import golden_cases
import pytest

from icl_models import build_model
from icl_models.haiku import import_variables
from icl_train.metrics import sequence_loss
from icl_train.optim import build_optimizer, learning_rate, set_learning_rate


@pytest.mark.parametrize(("name", "dtype"), golden_cases.trajectory_cases())
def test_forty_steps_follow_the_released_trajectory(name, dtype):
    case = golden_cases.load_case(name)
    model = build_model(case.config, seed=0)
    model.load_state_dict(import_variables(model, case.variables("params"), case.variables("state")))
    model.to(dtype)
    settings = case.settings
    optimizer = build_optimizer(model, optimizer=settings["optimizer"], weight_decay=settings["weight_decay"])
    losses = []
    for step in range(1, 41):
        examples, labels = case.batch((step - 1) % 4, dtype)
        loss, _, _ = sequence_loss(model(examples, labels, positions="query")[:, None], labels)
        optimizer.zero_grad()
        loss.backward()
        set_learning_rate(optimizer, learning_rate(step, max_lr=settings["max_lr"], warmup_steps=settings["warmup"]))
        optimizer.step()
        losses.append(loss.item())
    error = case.trajectory_error(losses)
    print(
        f"{name}, {dtype}: largest relative difference {error[:10].max():.1e} over 10 steps, {error.max():.1e} over 40"
    )
    within_ten, within_forty = golden_cases.TRAJECTORIES[case.has_images_and_batch_norm, dtype]
    assert error[:10].max() < within_ten
    assert error.max() < within_forty
