"""The torch models and a Haiku description of them, trained side by side.

Tolerances are those of the golden values, but for the logits: 5e-5, for twelve layers where those have two. With the
residual net gradients and trajectories have wider ones: equal values in a max-pool window, frequent with one-bit
images, are routed differently by the two frameworks.
"""

import golden_cases
import numpy as np
import pytest
import torch

pytest.importorskip("optax", reason="needs JAX, dm-haiku and optax: `nox -s parity` installs them")

from live_cases import CASES, WEIGHTS, differences
from live_training import HaikuTrainer, Optim


@pytest.fixture(
    scope="module",
    params=[(case, weights) for case in CASES for weights in WEIGHTS],
    ids=lambda pair: f"{pair[0].name}, {pair[1]}",
)
def measured(request, add_row):
    """A case and its largest differences, which also go into the table."""
    case, weights = request.param
    largest = differences(case, weights)
    numbers = {column: f"{value:.1e}" for column, value in vars(largest).items()}
    add_row("torch beside Haiku: largest differences", {"model": case.name, "weights": weights} | numbers)
    return case, largest


def test_logits_in_training_agree_to_5e_5(measured):
    _, largest = measured
    assert largest.logits_training <= 5e-5


def test_logits_in_evaluation_after_one_training_pass_agree_to_5e_5(measured):
    _, largest = measured
    assert largest.logits_evaluation <= 5e-5


def test_the_loss_agrees_to_2e_5(measured):
    _, largest = measured
    assert largest.loss <= 2e-5


def test_gradients_agree(measured):
    """To 1e-5 of the largest; 5e-2 and a cosine above .999 with the residual net."""
    case, largest = measured
    assert largest.gradients <= (5e-2 if case.has_max_pooling else 1e-5)
    assert largest.cosine < 1e-3


def test_batch_norm_averages_after_one_step_agree_to_1e_4(measured):
    _, largest = measured
    assert largest.batch_norm <= 1e-4


def test_losses_of_all_steps_agree(measured):
    case, largest = measured
    within_ten, within_all = golden_cases.TRAJECTORIES[case.has_max_pooling, torch.float32]
    assert largest.ten_steps <= within_ten
    assert largest.all_steps <= within_all


def test_parameters_after_all_steps_agree_to_a_third_of_a_step(measured):
    """With the residual net to one step for each: Adam blows up what max pooling routes differently."""
    case, largest = measured
    assert largest.params <= (case.steps if case.has_max_pooling else 1 / 3)


@pytest.mark.parametrize("name", golden_cases.CASES)
def test_the_haiku_description_gives_the_golden_values(name, add_row):
    """So it is the released model."""
    golden = golden_cases.load_case(name)
    settings = golden.settings
    optim = Optim(
        optimizer=settings["optimizer"],
        weight_decay=settings["weight_decay"],
        max_lr=settings["max_lr"],
        warmup_steps=settings["warmup"],
    )
    batches = [tuple(tensor.numpy() for tensor in golden.batch(step % 4)) for step in range(40)]
    trained = HaikuTrainer(golden.config, optim)(golden.variables("params"), golden.variables("state"), batches)
    training = float(np.abs(trained.logits_training - golden.arrays["logits_train"]).max())
    evaluation = float(np.abs(trained.logits_evaluation - golden.arrays["logits_eval_after_1"]).max())
    losses = golden.trajectory_error(trained.losses)
    found = {
        "logits_training": training,
        "logits_evaluation": evaluation,
        "ten_steps": float(losses[:10].max()),
        "forty_steps": float(losses.max()),
    }
    numbers = {column: f"{value:.1e}" for column, value in found.items()}
    add_row("the Haiku description beside the golden values: largest differences", {"case": name} | numbers)
    within_ten, within_forty = golden_cases.TRAJECTORIES[golden.has_images_and_batch_norm, torch.float32]
    assert max(training, evaluation) < 2e-5
    assert losses[0] < 2e-5
    assert losses[:10].max() < within_ten
    assert losses.max() < within_forty
