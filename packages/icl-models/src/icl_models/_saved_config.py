"""The configuration in a saved model's file, read without its weights and without PyTorch."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import SafetensorError, safe_open

from icl_models._config import ModelConfig

CONFIG_KEY = "icl_models.config"
FILE_NAME = "model.safetensors"


def saved_config(path: Path) -> ModelConfig:
    """The configuration in a file of `save_model`; arguments and errors as `load_model`."""
    path = saved_file(path)
    path.open("rb").close()  # for the system's own error: that of safetensors names no file
    try:
        with safe_open(path, "np") as file:
            metadata = file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(f"a saved model must be a safetensors file, got {path}: {error}") from error
    if CONFIG_KEY not in metadata:
        raise ValueError(f"a saved model must have {CONFIG_KEY!r} in its metadata, got none in {path}")
    try:
        settings = json.loads(metadata[CONFIG_KEY])
    except (ValueError, RecursionError) as error:
        raise ValueError(f"a saved model must have a config in JSON, got {path}: {error}") from error
    return ModelConfig.from_dict(settings)


def saved_file(path: Path) -> Path:
    """The file of a saved model, given it or its folder."""
    file = path / FILE_NAME if path.is_dir() else path
    if not file.is_file():
        raise FileNotFoundError(f"a saved model must be a file, or a folder with a {FILE_NAME}, got {path}")
    return file
