"""A model in one file: its weights as safetensors; its configuration, as JSON, and a hash in the file's metadata."""

from __future__ import annotations

import hashlib
import json
import math
import os
from pathlib import Path

import torch
from safetensors.torch import save

from icl_data.foundation.paths import user_path
from icl_data.foundation.whole_file import whole_file
from icl_models._config import ModelConfig
from icl_models._least_size import least_layer_numbers
from icl_models._model import InContextModel, build_model
from icl_models._plugins.registry import component_owner
from icl_models._saved.header import Header, write_header
from icl_models._saved.seal import seal, unsealed_metadata
from icl_models._saved_config import CONFIG_KEY, config_in, read_whole, saved_file
from icl_models._weights import finite_weights, require_finite, require_fit

_LABELS = "label_table.weight"
_MOST_LAYERS_OF_PLUGINS = 10_000  # whose layers may share their weights


def save_model(model: InContextModel, path: str | os.PathLike[str], *, overwrite: bool = False) -> str:
    """Write `model` to one safetensors file that `load_model` reads; the same model gives the same bytes.

    The file's metadata hold `ModelConfig.to_dict()` as JSON under "icl_models.config", the format's number, 2, under
    "icl_models.format", and under "icl_models.sha256" the SHA-256 of the whole file with 64 zeros in that place. It is
    written beside and then renamed, so that it is whole or not there.

    Args:
        model: on any device, in training or evaluation.
        path: the file, by custom with the ending `.safetensors`; `~` is the home folder.
        overwrite: take the place of a file that is there.

    Returns:
        The SHA-256 of the file, as `sha256sum` prints it.

    Raises:
        ValueError: for weights that are not finite, which no model could be read with, naming the first.
        OSError: when the file is there already and `overwrite` is False, or cannot be written.
    """
    tensors = {name: tensor.detach().contiguous() for name, tensor in model.state_dict().items()}
    require_finite(tensors, "the weights of a model to be saved must be finite")
    metadata = {CONFIG_KEY: json.dumps(model.config.to_dict()), **unsealed_metadata()}
    head, numbers = write_header(save(tensors), metadata)
    head = seal(head, numbers)
    with whole_file(user_path(path), overwrite=overwrite) as beside, beside.open("wb") as file:
        # `save_file` would keep the file from everybody else
        file.write(head)
        file.write(numbers)
    digest = hashlib.sha256(head)
    digest.update(numbers)
    return digest.hexdigest()


def load_model(path: str | os.PathLike[str]) -> InContextModel:
    """The model in a file of `save_model`, on the CPU and, as one just built, in training: call `eval()` to evaluate.

    Nothing is built before the file has been held against its own hash, if it has one (those before format 2 have
    none), and its configuration against the names, shapes and types of the tensors that are there.

    Args:
        path: the file, or a folder with one called "model.safetensors", such as each checkpoint of icl-train; `~` is
            the home folder.

    Raises:
        ValueError: in one line, for a file that is not of this kind or not as it was written
            (`icl_data.foundation.sealed.Damaged`), or whose weights do not fit its configuration or are not finite.
        OSError: when the file cannot be read, or is none.
    """
    file = saved_file(user_path(path))
    content, header = read_whole(file)
    config = config_in(header, file)
    _require_fit(config, header, file)
    weights = finite_weights(content, str(file))
    model = build_model(config, seed=0)
    require_fit(header.tensors, model, f"the weights in {file} must fit its config")
    model.load_state_dict(weights)
    return model


def _require_fit(config: ModelConfig, header: Header, file: Path) -> None:
    """Raise ValueError where a model of this configuration would have other tensors than the file; none is made."""
    rule = f"the weights in {file} must fit its config"
    owners = component_owner("embedder", config.embedder), component_owner("sequence_model", config.sequence_model)
    own = all(owner.built_in for owner in owners)
    most = len(header.tensors) if own else max(len(header.tensors), _MOST_LAYERS_OF_PLUGINS)
    if config.num_layers > most:
        raise ValueError(f"{rule}: num_layers must be at most {most:,}, got {config.num_layers:,}")
    _require_sizes(config, header, rule)
    try:
        with torch.device("meta"):
            model = InContextModel(config)
    except Exception as error:
        if own:
            raise ValueError(f"{rule}, which makes no model: {' '.join(str(error).split())}") from error
        return  # a plugin's component may need real memory, or be refused when it is built
    require_fit(header.tensors, model, rule)


def _require_sizes(config: ModelConfig, header: Header, rule: str) -> None:
    """As `_require_fit`, by arithmetic alone: sizes that no tensor can have are named as settings."""
    labels = (config.num_classes + config.concatenate_labels, config.emb_dim)
    stored = header.tensors.get(_LABELS)
    if stored is None or stored.shape != labels:
        got = "none" if stored is None else str(stored.shape)
        raise ValueError(f"{rule}: num_classes and emb_dim make {_LABELS} {labels}, got {got}")
    needed, there = least_layer_numbers(config), sum(math.prod(stored.shape) for stored in header.tensors.values())
    if needed > there:
        sizes = f"num_layers {config.num_layers:,}, emb_dim {config.emb_dim:,} and hidden_size {config.hidden_size}"
        raise ValueError(f"{rule}: {sizes} need at least {needed:,} numbers, got {there:,}")
