"""Where params and state are in a checkpoint, and which of several devices' values are taken."""

import os
import pickle
import sys
from collections import namedtuple
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from icl_models import ModelConfig, build_model, load_model
from icl_models._commands.main import main
from icl_models.haiku import checkpoint_variables, export_variables, load_checkpoint

CONFIG = ModelConfig(num_classes=5, example_shape=(28, 28, 1), emb_dim=16, num_layers=1)
DEVICES = 2


def on_devices(variables: Any, spread: float = 0.0) -> Any:
    """Every array once for each device, its floats `spread` apart."""
    apart = spread * np.arange(DEVICES)
    return {
        module: {
            name: np.stack([array + array.dtype.type(a if array.dtype.kind == "f" else 0) for a in apart])
            for name, array in arrays.items()
        }
        for module, arrays in variables.items()
    }


@pytest.fixture(scope="module")
def exported() -> Any:
    return export_variables(build_model(CONFIG, seed=0))


@pytest.fixture
def nest(exported: Any) -> Any:
    """What jaxline keeps: params alike on all devices, batch normalisation of its own on each."""
    params, state = exported
    inside = {"params": on_devices(params), "state": on_devices(state, 0.5), "opt_state": ()}
    return {"experiment_module": inside, "global_step": 7, "train_step_rng": None}


def same(one: Any, other: Any) -> bool:
    return one.keys() == other.keys() and all(
        one[module].keys() == other[module].keys()
        and all(np.array_equal(one[module][name], other[module][name]) for name in one[module])
        for module in one
    )


def test_of_the_nest_that_jaxline_keeps_the_first_device_is_taken(nest: Any, exported: Any) -> None:
    found = checkpoint_variables(nest)
    assert found.num_replicas == DEVICES
    assert same(found.params, exported[0])
    assert same(found.state, exported[1])
    assert found.unused == ("global_step", "train_step_rng", "experiment_module.opt_state")


def test_the_state_of_the_devices_may_differ_and_what_does_is_named(nest: Any, exported: Any) -> None:
    """The released batch normalisation knows no other device; the released code evaluates with the first one's."""
    floats = [f"{m}|{n}" for m, arrays in exported[1].items() for n, array in arrays.items() if array.dtype.kind == "f"]
    assert checkpoint_variables(nest).differing == tuple(floats)


def test_params_that_differ_between_devices_are_refused(nest: Any) -> None:
    nest["experiment_module"]["params"]["transformer/linear"]["b"][1, 3] += 1
    with pytest.raises(ValueError, match=r"params must be equal on all 2 devices, got transformer/linear\|b unequal"):
        checkpoint_variables(nest)


def test_an_array_that_is_not_there_for_each_device_is_refused(nest: Any) -> None:
    nest["experiment_module"]["params"]["transformer/linear"]["b"] = np.zeros(5, np.float32)
    message = r"transformer/linear\|b must be there for each of 2 devices, got shape \(5,\)"
    with pytest.raises(ValueError, match=message):
        checkpoint_variables(nest)


def test_devices_without_a_nest_are_recognised(nest: Any, exported: Any) -> None:
    found = checkpoint_variables({"params": nest["experiment_module"]["params"], "global_step": 7})
    assert same(found.params, exported[0])
    assert (found.num_replicas, found.state, found.unused) == (DEVICES, {}, ("global_step",))


def test_a_nest_without_devices_is_as_good(exported: Any) -> None:
    found = checkpoint_variables({"experiment_module": {"params": exported[0], "state": exported[1]}})
    assert found.num_replicas is None
    assert same(found.params, exported[0])
    assert same(found.state, exported[1])


def test_the_names_that_the_experiment_itself_has_are_as_good(nest: Any, exported: Any) -> None:
    inside = nest["experiment_module"]
    nest["experiment_module"] = {f"_{name}": value for name, value in inside.items()}
    assert same(checkpoint_variables(nest).state, exported[1])


def test_jaxlines_snapshot_is_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nest: Any, exported: Any) -> None:
    snapshot = namedtuple("SnapshotNT", ["id", "pickle_nest"], module="jaxline.utils")
    for name in ("jaxline", "jaxline.utils"):  # what pickle imports on the way
        monkeypatch.setitem(sys.modules, name, SimpleNamespace(SnapshotNT=snapshot))
    path = tmp_path / "checkpoint.dill"
    path.write_bytes(pickle.dumps(snapshot(0, nest)))
    assert same(checkpoint_variables(load_checkpoint(path)).params, exported[0])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"experiment_module": {"opt_state": ()}}, "experiment_module must be a dict with params, got opt_state"),
        ({"experiment_module": {}, "global_step": 3}, "experiment_module must be a dict with params, got an empty one"),
        ({"experiment_module": 3, "global_step": 3}, "must be a dict with params, got experiment_module, global_step"),
        ({}, "a checkpoint must be a dict with params, got an empty one"),
        ((0, [1]), "a checkpoint must be a dict with params, got a list"),
        ({"params": {"a": 3}}, "variables must be nested dicts"),
        ({"params": {"a": {}}, "state": 3}, "variables must be nested dicts .* got a number"),
    ],
)
def test_where_there_are_no_params_what_there_is_is_named(content: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        checkpoint_variables(content)


def test_the_import_says_which_devices_values_it_took(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], nest: Any, exported: Any
) -> None:
    path, out = tmp_path / "checkpoint.dill", tmp_path / "model.safetensors"
    path.write_bytes(pickle.dumps(nest))
    assert main(["import-haiku", str(path), str(out), "--set", "example_shape=[28, 28, 1]"]) == 0
    assert same(export_variables(load_model(out))[1], exported[1])
    differ = "116 of its arrays differ"  # mean and variance, each twice, of 29 batch normalisations
    said = f"devices: 2, with equal params; the first one's state was taken, as released: {differ}\n"
    assert said in capsys.readouterr().out


def test_an_experiment_that_was_saved_as_an_object_is_refused_by_its_name(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "checkpoint.dill"
    path.write_bytes(b"\x80\x02}X\x11\x00\x00\x00experiment_modulecexperiment.experiment\nExperiment\n)\x81s.")
    assert main(["import-haiku", str(path), str(tmp_path / "model.safetensors")]) == 2
    assert capsys.readouterr().err.endswith("plain containers only, got experiment.experiment.Experiment\n")
    assert os.listdir(tmp_path) == ["checkpoint.dill"]
