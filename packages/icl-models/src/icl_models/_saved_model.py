"""A model in one file: its weights as safetensors, its configuration as JSON in the file's metadata."""

from __future__ import annotations

import hashlib
import json
import os

from safetensors import SafetensorError
from safetensors.torch import load_file, save

from icl_data.foundation.paths import user_path
from icl_data.foundation.whole_file import whole_file
from icl_models._model import InContextModel, build_model
from icl_models._saved_config import CONFIG_KEY, saved_config, saved_file


def save_model(model: InContextModel, path: str | os.PathLike[str], *, overwrite: bool = False) -> str:
    """Write `model` to one safetensors file that `load_model` reads; the same model gives the same bytes.

    The file's metadata hold `ModelConfig.to_dict()` as JSON under "icl_models.config". It is written beside and then
    renamed, so that it is whole or not there.

    Args:
        model: on any device, in training or evaluation.
        path: the file, by custom with the ending `.safetensors`; `~` is the home folder.
        overwrite: take the place of a file that is there.

    Returns:
        The SHA-256 of the file, as `sha256sum` prints it.

    Raises:
        OSError: when the file is there already and `overwrite` is False, or cannot be written.
    """
    metadata = {CONFIG_KEY: json.dumps(model.config.to_dict())}
    tensors = {name: tensor.detach().contiguous() for name, tensor in model.state_dict().items()}
    content = save(tensors, metadata)
    with whole_file(user_path(path), overwrite=overwrite) as beside:
        beside.write_bytes(content)  # `save_file` would keep the file from everybody else
    return hashlib.sha256(content).hexdigest()


def load_model(path: str | os.PathLike[str]) -> InContextModel:
    """The model in a file of `save_model`, on the CPU and, as one just built, in training: call `eval()` to evaluate.

    Args:
        path: the file, or a folder with one called "model.safetensors", such as each checkpoint of icl-train; `~` is
            the home folder.

    Raises:
        ValueError: for a file that is not of this kind, or whose weights do not fit its configuration, in one line.
        OSError: when the file cannot be read.
    """
    file = saved_file(user_path(path))
    config = saved_config(file)
    try:
        model = build_model(config, seed=0)
        model.load_state_dict(load_file(file))
    except (RuntimeError, SafetensorError) as error:
        raise ValueError(f"the weights in {file} must fit its config: {' '.join(str(error).split())}") from error
    return model
