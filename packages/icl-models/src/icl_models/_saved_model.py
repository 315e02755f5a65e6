"""A model in one file: its weights as safetensors, its configuration as JSON in the file's metadata."""

from __future__ import annotations

import json
import os
from pathlib import Path

from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save

from icl_data.foundation.paths import user_path
from icl_data.foundation.whole_file import whole_file
from icl_models._config import ModelConfig
from icl_models._model import InContextModel, build_model

_CONFIG_KEY = "icl_models.config"
_FILE_NAME = "model.safetensors"


def save_model(model: InContextModel, path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Write `model` to one safetensors file that `load_model` reads; the same model gives the same bytes.

    The file's metadata hold `ModelConfig.to_dict()` as JSON under "icl_models.config". It is written beside and then
    renamed, so that it is whole or not there.

    Args:
        model: on any device, in training or evaluation.
        path: the file, by custom with the ending `.safetensors`; `~` is the home folder.
        overwrite: take the place of a file that is there.

    Raises:
        OSError: when the file is there already and `overwrite` is False, or cannot be written.
    """
    metadata = {_CONFIG_KEY: json.dumps(model.config.to_dict())}
    tensors = {name: tensor.detach().contiguous() for name, tensor in model.state_dict().items()}
    with whole_file(user_path(path), overwrite=overwrite) as beside:
        beside.write_bytes(save(tensors, metadata))  # `save_file` would keep the file from everybody else


def load_model(path: str | os.PathLike[str]) -> InContextModel:
    """The model in a file of `save_model`, on the CPU and, as one just built, in training: call `eval()` to evaluate.

    Args:
        path: the file, or a folder with one called "model.safetensors", such as each checkpoint of icl-train; `~` is
            the home folder.

    Raises:
        ValueError: for a file that is not of this kind, or whose weights do not fit its configuration, in one line.
        OSError: when the file cannot be read.
    """
    file = _file(user_path(path))
    config = saved_config(file)
    try:
        model = build_model(config, seed=0)
        model.load_state_dict(load_file(file))
    except (RuntimeError, SafetensorError) as error:
        raise ValueError(f"the weights in {file} must fit its config: {' '.join(str(error).split())}") from error
    return model


def saved_config(path: Path) -> ModelConfig:
    """The configuration in a file of `save_model`; arguments and errors as `load_model`."""
    path = _file(path)
    path.open("rb").close()  # for the system's own error: that of safetensors names no file
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(f"a saved model must be a safetensors file, got {path}: {error}") from error
    if _CONFIG_KEY not in metadata:
        raise ValueError(f"a saved model must have {_CONFIG_KEY!r} in its metadata, got none in {path}")
    try:
        settings = json.loads(metadata[_CONFIG_KEY])
    except (ValueError, RecursionError) as error:
        raise ValueError(f"a saved model must have a config in JSON, got {path}: {error}") from error
    return ModelConfig.from_dict(settings)


def _file(path: Path) -> Path:
    file = path / _FILE_NAME if path.is_dir() else path
    if not file.is_file():
        raise FileNotFoundError(f"a saved model must be a file, or a folder with a {_FILE_NAME}, got {path}")
    return file
