"""A saved model comes back exactly, or is not there."""

import dataclasses
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from icl_models import MambaConfig, ModelConfig, ReddyConfig, ResNetConfig, build_model, load_model, save_model

IDS: dict[str, Any] = {"num_classes": 5, "example_kind": "id", "example_shape": (), "embedder": "embedding"}
SMALL = ModelConfig(**IDS, emb_dim=8, num_layers=1)


@pytest.mark.parametrize(
    "config",
    [
        SMALL,
        dataclasses.replace(SMALL, sequence_model="gru", hidden_size=6, num_ids=9),
        dataclasses.replace(
            SMALL, sequence_model="reddy", sequence_model_config=ReddyConfig(max_pairs=6), fixed_labels=True
        ),
        ModelConfig(
            num_classes=5,
            example_shape=(28, 20, 2),
            num_layers=1,
            concatenate_labels=True,
            embedder_config=ResNetConfig(flatten_superpixels=True),
        ),
    ],
    ids=["transformer", "gru", "reddy", "resnet"],
)
def test_a_model_comes_back_with_its_config_and_every_number(tmp_path: Path, config: ModelConfig) -> None:
    model = build_model(config, seed=3)
    if config.example_kind == "image":  # so that running averages have moved
        model(torch.rand(2, 3, *config.example_shape), torch.zeros(2, 3, dtype=torch.int64))
    save_model(model, tmp_path / "model.safetensors")
    for path in (tmp_path / "model.safetensors", tmp_path):
        loaded = load_model(path)
        assert loaded.config == config
        assert loaded.state_dict().keys() == model.state_dict().keys()
        assert all(torch.equal(loaded.state_dict()[name], tensor) for name, tensor in model.state_dict().items())


def test_one_model_gives_one_file(tmp_path: Path) -> None:
    for name in ("one", "two"):
        save_model(build_model(SMALL, seed=3), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_the_file_may_be_read_by_whom_the_mask_lets(tmp_path: Path) -> None:
    save_model(build_model(SMALL, seed=0), tmp_path / "model")
    (tmp_path / "other").touch()
    assert (tmp_path / "model").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_file_that_is_there_is_overwritten_only_on_request(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    path.write_text("precious")
    with pytest.raises(FileExistsError, match="must not exist without overwrite=True"):
        save_model(build_model(SMALL, seed=0), path)
    assert path.read_text() == "precious"
    save_model(build_model(SMALL, seed=0), path, overwrite=True)
    assert load_model(path).config == SMALL
    assert os.listdir(tmp_path) == ["model.safetensors"]


def test_a_failed_write_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "model.safetensors"
    path.write_text("precious")
    monkeypatch.setattr(os, "fsync", lambda _: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        save_model(build_model(SMALL, seed=0), path, overwrite=True)
    assert path.read_text() == "precious"
    assert os.listdir(tmp_path) == ["model.safetensors"]


@pytest.mark.parametrize(
    ("target", "message"), [("", "must be a file, got the folder"), ("no/model", "the output's folder must exist")]
)
def test_a_place_that_cannot_be_written_is_refused(tmp_path: Path, target: str, message: str) -> None:
    with pytest.raises(OSError, match=message):
        save_model(build_model(SMALL, seed=0), tmp_path / target)


def test_what_is_no_saved_model_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    with pytest.raises(FileNotFoundError, match=r"must be a file, or a folder with a model\.safetensors, got"):
        load_model(path)
    path.write_text("nonsense that is long enough")
    with pytest.raises(ValueError, match="a saved model must be a safetensors file, got"):
        load_model(path)
    save_file({"w": torch.zeros(2)}, path)
    with pytest.raises(ValueError, match=r"must have 'icl_models\.config' in its metadata, got none"):
        load_model(path)
    model = build_model(SMALL, seed=0)
    model.config = dataclasses.replace(SMALL, num_classes=6)
    save_model(model, path, overwrite=True)
    with pytest.raises(ValueError, match=r"must fit its config: .*label_table\.weight") as error:
        load_model(path)
    assert "\n" not in str(error.value)


def test_mambas_own_settings_come_back(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    own = MambaConfig(state_size=3, conv_width=2, expand=1, time_step_rank=2)
    config = dataclasses.replace(SMALL, sequence_model="mamba", sequence_model_config=own)
    save_model(build_model(config, seed=0), tmp_path / "model")
    assert load_model(tmp_path / "model").config == config
