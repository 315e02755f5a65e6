"""Checkpoints are whole or not there, and give back exactly what was saved."""

import json

import pytest
import torch

from icl_data.foundation.sealed import Damaged, GrowingSeal, unseal_object
from icl_models import ModelConfig, build_model, load_model
from icl_train._intact.ties import Ties
from icl_train._runs.checkpoint import checkpoint_steps, load_model_weights, load_training_state, save_checkpoint
from icl_train.optim import build_optimizer, set_learning_rate

OF_A_RUN = {"metrics": GrowingSeal(), "ties": Ties("0" * 64, None)}


def trained(seed, steps=3):
    # The residual net has running averages besides its weights.
    model = build_model(ModelConfig(num_classes=3, example_shape=(8, 8, 1), emb_dim=8, num_layers=1), seed=seed)
    optimizer = build_optimizer(model, optimizer="adamw", weight_decay=0.1)
    for _ in range(steps):
        step(model, optimizer)
    return model, optimizer


def step(model, optimizer):
    set_learning_rate(optimizer, 0.01)
    optimizer.zero_grad()
    images = torch.linspace(-1.0, 1.0, 2 * 3 * 8 * 8).view(2, 3, 8, 8, 1)
    model(images, torch.zeros(2, 3, dtype=torch.int64)).square().sum().backward()
    optimizer.step()


def test_training_goes_on_bit_for_bit_from_a_checkpoint(tmp_path):
    model, optimizer = trained(0)
    save_checkpoint(tmp_path, step=3, model=model, optimizer=optimizer, sums=(0.5,), summed=1, **OF_A_RUN)
    fresh_model, fresh_optimizer = trained(1, steps=0)
    state = load_training_state(tmp_path, 3, fresh_model, fresh_optimizer)
    assert (state.sums, state.summed) == ((0.5,), 1)
    step(model, optimizer)
    step(fresh_model, fresh_optimizer)
    for name, value in model.state_dict().items():
        assert torch.equal(value, fresh_model.state_dict()[name]), name


def test_a_checkpoint_is_a_saved_model(tmp_path):
    model, optimizer = trained(0)
    path = save_checkpoint(tmp_path, step=3, model=model, optimizer=optimizer, sums=(), summed=0, **OF_A_RUN)
    loaded = load_model(path)
    assert loaded.config == model.config
    for name, value in model.state_dict().items():
        assert torch.equal(value, loaded.state_dict()[name]), name


def test_only_the_two_newest_checkpoints_keep_the_optimizer_state(tmp_path):
    model, optimizer = trained(0)
    for at in (1, 2, 3):
        save_checkpoint(tmp_path, step=at, model=model, optimizer=optimizer, sums=(), summed=0, **OF_A_RUN)
    assert checkpoint_steps(tmp_path) == [1, 2, 3]
    for at in (2, 3):
        load_training_state(tmp_path, at, model, optimizer)
    assert not (tmp_path / "step_0000001" / "optimizer.safetensors").exists()
    load_model_weights(tmp_path, 1, model)
    with pytest.raises(ValueError, match=r"optimizer\.safetensors is missing"):
        load_training_state(tmp_path, 1, model, optimizer)


def test_a_folder_left_by_a_killed_writer_is_no_checkpoint_and_in_nobodys_way(tmp_path):
    left = tmp_path / ".writing_step_0000005"
    left.mkdir()
    (left / "model.safetensors").write_bytes(b"half")
    assert checkpoint_steps(tmp_path) == []
    model, optimizer = trained(0)
    save_checkpoint(tmp_path, step=5, model=model, optimizer=optimizer, sums=(), summed=0, **OF_A_RUN)
    assert checkpoint_steps(tmp_path) == [5]
    assert not left.exists()


def test_other_folders_beside_the_checkpoints_are_none(tmp_path):
    for name in ("step_0000020_backup", "steps", "step_"):
        (tmp_path / name).mkdir()
    assert checkpoint_steps(tmp_path) == []


def test_a_missing_step_names_the_known_ones(tmp_path):
    model, optimizer = trained(0)
    save_checkpoint(tmp_path, step=7, model=model, optimizer=optimizer, sums=(), summed=0, **OF_A_RUN)
    with pytest.raises(ValueError, match=r"must be one of the checkpoints in .*\(7\), got 8"):
        load_model_weights(tmp_path, 8, model)


def test_damaged_weights_and_other_formats_are_one_line(tmp_path):
    model, optimizer = trained(0)
    path = save_checkpoint(tmp_path, step=1, model=model, optimizer=optimizer, sums=(), summed=0, **OF_A_RUN)
    record = unseal_object((path / "state.json").read_bytes())
    (path / "model.safetensors").write_bytes(b"nonsense")
    with pytest.raises(
        ValueError, match=r"cannot load .*step_0000001: model.safetensors must have the sha256"
    ) as caught:
        load_model_weights(tmp_path, 1, model)
    assert "\n" not in str(caught.value)
    (path / "state.json").write_text(json.dumps(record | {"format": 99}))
    with pytest.raises(Damaged, match=r"state\.json: its format must be 1 or 2, got 99"):
        load_training_state(tmp_path, 1, model, optimizer)
