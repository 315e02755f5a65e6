"""Batch normalisation by groups of sequences, beside the Haiku description on two devices (`jax.pmap`), live.

Tolerances are those of the residual net in test_live_jax.
"""

import numpy as np
import pytest
import torch

pytest.importorskip("optax", reason="needs JAX, dm-haiku and optax: `nox -s parity` installs them")

import dill
import jax
import live_devices
from live_devices import CONFIG, train_on_devices
from live_training import Optim, train_torch

from icl_models import ModelConfig, ResNetConfig, build_model, load_model
from icl_models._commands.main import main
from icl_models.haiku import import_variables

DEVICES = 2
OPTIM = Optim(max_lr=3e-3)


@pytest.fixture(scope="module", params=[(4, 2), (6, 3), (2, 1)], ids=lambda pair: f"{pair[0]} sequences by {pair[1]}")
def trained(request, add_row):
    """The devices' training and ours, of ten steps."""
    sequences, size = request.param
    params, state = live_devices.first_variables(CONFIG)
    batches = list(live_devices.batches(CONFIG, sequences, 2)) * 5
    theirs = train_on_devices(
        CONFIG, params, state, batches, devices=DEVICES, max_lr=OPTIM.max_lr, warmup_steps=OPTIM.warmup_steps
    )
    own = ResNetConfig(sequences_per_statistics=size)
    ours = train_torch(
        ModelConfig.from_dict(CONFIG.to_dict() | {"embedder_config": own}), OPTIM, params, state, batches
    )
    found = differences(theirs, ours)
    add_row(
        "torch by groups beside Haiku on two devices: largest differences",
        {"sequences by group": f"{sequences} by {size}"} | {name: f"{value:.1e}" for name, value in found.items()},
    )
    return found


def differences(theirs, ours):
    a, b = live_devices.flat(theirs.gradients).astype(float), live_devices.flat(ours.gradients).astype(float)
    states = live_devices.flat(live_devices.mean_of(theirs.states_after_1))
    return {
        "logits_training": np.abs(theirs.logits_training - ours.logits_training).max(),
        "logits_evaluation": np.abs(theirs.logits_evaluation["mean"] - ours.logits_evaluation).max(),
        "gradients": np.abs(a - b).max() / np.abs(a).max(),
        "cosine": 1 - a @ b / np.sqrt((a @ a) * (b @ b)),
        "averages": (np.abs(states - live_devices.flat(ours.state_after_1)) / (1 + np.abs(states))).max(),
        "ten_steps": np.abs(ours.losses / theirs.losses - 1).max(),
    }


def test_logits_agree_to_5e_5(trained):
    assert trained["logits_training"] <= 5e-5
    assert trained["logits_evaluation"] <= 5e-5


def test_gradients_agree_to_5e_2_of_the_largest(trained):
    assert trained["gradients"] <= 5e-2
    assert trained["cosine"] < 1e-3


def test_averages_are_the_devices_mean_to_1e_4(trained):
    assert trained["averages"] <= 1e-4


def test_ten_losses_agree_to_1e_2(trained):
    assert trained["ten_steps"] <= 1e-2


@pytest.mark.parametrize("get", [jax.device_get, lambda nest: nest], ids=["on the host", "on devices"])
def test_the_nest_that_jaxline_keeps_is_imported(tmp_path, get):
    """Params and state after a step on two devices, each array with a first axis of them."""
    params, state = live_devices.first_variables(CONFIG)
    given = list(live_devices.batches(CONFIG, 4, 1))
    states = train_on_devices(CONFIG, params, state, given, devices=DEVICES, max_lr=1e-3, warmup_steps=1).states_after_1
    everywhere = jax.pmap(lambda _: params)(np.arange(DEVICES))
    spread = jax.pmap(lambda state: state)(states)
    nest = {"experiment_module": {"params": everywhere, "state": spread}, "global_step": 1, "train_step_rng": None}
    path, out = tmp_path / "checkpoint.dill", tmp_path / "model.safetensors"
    path.write_bytes(dill.dumps(get(nest)))
    shape = "example_shape=[28, 28, 1]"
    assert main(["import-haiku", str(path), str(out), "--num-heads", "2", "--set", shape]) == 0
    expected = import_variables(build_model(CONFIG, seed=0), params, live_devices.first_of(states))
    assert all(torch.equal(tensor, expected[name]) for name, tensor in load_model(out).state_dict().items())
