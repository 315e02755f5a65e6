"""A checkpoint that JAX, Haiku, optax and dill themselves wrote is read without them, and gives back the model."""

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("optax", reason="needs JAX, dm-haiku, optax and dill: `nox -s parity` installs them")
pytest.importorskip("dill", reason="needs JAX, dm-haiku, optax and dill: `nox -s parity` installs them")

import dill
import haiku as hk
import jax
import torch
from live_cases import CASES, batch, haiku_trainer

from icl_models import InContextModel
from icl_models.haiku import import_variables, load_checkpoint

CASE = next(case for case in CASES if case.name == "resnet 28x28")


@pytest.fixture(scope="module")
def saved():
    """What a trainer keeps after a step, of the libraries' own types, and the logits that this model gives."""
    trainer, given = haiku_trainer(CASE), batch(CASE, 0)
    params, state = trainer.init(1, *given)
    _, _, _, params, state, opt_state = trainer.update(params, state, trainer.init_optimizer(params), *given)
    content = {
        "params": params,
        "state": state,
        "opt_state": opt_state,
        "global_step": np.int64(1),
        "rng": jax.random.PRNGKey(3),
    }
    return content, np.asarray(trainer.evaluate(params, state, *given))


def immutable(nested):
    """As Haiku gave params and state until 2022."""
    return hk.data_structures.to_immutable_dict(nested)


def columns_first(content):
    """NumPy's arrays in the order of Fortran, as a transposition leaves them."""
    return jax.tree.map(lambda array: np.asarray(array, order="F"), jax.device_get(content))


@pytest.mark.parametrize("arrays", [lambda content: content, jax.device_get, columns_first], ids=["JAX", "NumPy", "F"])
@pytest.mark.parametrize("nested", [dict, immutable], ids=["dicts", "immutable dicts"])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_the_model_in_a_checkpoint_gives_haikus_logits(tmp_path, saved, arrays, nested, protocol):
    content, logits = saved
    path = tmp_path / "checkpoint.dill"
    frozen = {name: nested(arrays(content[name])) for name in ("params", "state")}
    path.write_bytes(dill.dumps(arrays(content) | frozen, protocol=protocol))
    read = load_checkpoint(path)
    model = InContextModel(CASE.config)
    model.load_state_dict(import_variables(CASE.config, read["params"], read["state"]))
    with torch.no_grad():
        ours = model.eval()(*map(torch.from_numpy, batch(CASE, 0)))
    assert np.abs(ours.numpy() - logits).max() <= 5e-5


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("get", [jax.device_get, lambda tree: tree], ids=["NumPy", "JAX"])
def test_params_of_half_the_precision_are_read_exactly(tmp_path, saved, get, dtype):
    content, _ = saved
    params = jax.tree.map(lambda array: array.astype(dtype), content["params"])
    path = tmp_path / "checkpoint.dill"
    path.write_bytes(dill.dumps(content | {"params": get(params)}))
    read = load_checkpoint(path)
    imported = import_variables(CASE.config, read["params"], read["state"])
    expected = import_variables(CASE.config, jax.tree.map(lambda a: np.asarray(a, np.float32), params), read["state"])
    assert all(torch.equal(imported[name], tensor) for name, tensor in expected.items())


def test_the_optimisers_state_is_read_as_plain_tuples_of_the_same_numbers(tmp_path, saved):
    content, _ = saved
    path = tmp_path / "checkpoint.dill"
    path.write_bytes(dill.dumps(content))
    read = load_checkpoint(path)
    assert read["global_step"] == 1
    theirs, ours = jax.tree.leaves(content["opt_state"]), jax.tree.leaves(read["opt_state"])
    assert len(theirs) == len(ours) > 0
    for a, b in zip(theirs, ours, strict=True):
        assert type(b) is np.ndarray
        np.testing.assert_array_equal(b, a)


def test_reading_a_checkpoint_imports_nothing_of_jax(tmp_path, saved):
    path = tmp_path / "checkpoint.dill"
    path.write_bytes(dill.dumps(saved[0]))
    program = f"""
import sys
from icl_models.haiku import load_checkpoint
load_checkpoint({str(path)!r})
found = {{"jax", "haiku", "optax"}} & set(sys.modules)
assert not found, found
"""
    subprocess.run([sys.executable, "-c", program], check=True)
