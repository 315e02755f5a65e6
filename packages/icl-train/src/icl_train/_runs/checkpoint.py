"""Checkpoints that are whole or not there: written beside, synced, then renamed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save
from torch import nn

from icl_data.foundation.paths import errors_about
from icl_data.foundation.printable import one_line
from icl_data.foundation.whole_file import sync
from icl_models import InContextModel, save_model
from icl_train._runs.folder import checkpoint_steps

__all__ = [
    "CHECKPOINT_FORMAT",
    "check_weights_fit",
    "load_model_weights",
    "load_training_state",
    "load_weights",
    "save_checkpoint",
]

CHECKPOINT_FORMAT = 1
_MODEL, _OPTIMIZER, _STATE = "model.safetensors", "optimizer.safetensors", "state.json"


def save_checkpoint(
    folder: Path, *, step: int, model: InContextModel, optimizer: torch.optim.Optimizer, state: dict[str, Any]
) -> Path:
    """Write ``folder/step_NNNNNNN`` with weights, optimiser state and a small JSON ``state``; returns its path.

    The weights are a saved model: ``icl_models.load_model`` reads them without the run.

    The optimiser state, two thirds of a checkpoint's size, is then dropped from all but the two newest: a run resumes
    from the newest, or, should that be damaged, from the one before when it is removed.
    """
    final = folder / f"step_{step:07d}"
    beside = folder / f".writing_{final.name}"
    with errors_about(final, instead_of=beside):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir()
            save_model(model, beside / _MODEL)
            (beside / _OPTIMIZER).write_bytes(save(_optimizer_tensors(model, optimizer)))
            record = {"format": CHECKPOINT_FORMAT, "step": step, **state}
            (beside / _STATE).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
            for path in (*beside.iterdir(), beside):
                sync(path)
            if final.exists():  # an earlier run of the same step: the same bytes, unless its files were damaged
                shutil.rmtree(final)
            beside.rename(final)
            sync(folder)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)  # a full disk has room again, for the reason
            raise
    for older in checkpoint_steps(folder)[:-2]:
        (folder / f"step_{older:07d}" / _OPTIMIZER).unlink(missing_ok=True)
    return final


def load_model_weights(folder: Path, step: int, model: nn.Module) -> None:
    """Load the weights of one checkpoint into ``model``.

    Args:
        folder: the run's folder of checkpoints.
        step: number of the checkpoint.
        model: what takes the weights.

    Raises:
        ValueError: if there is no such checkpoint or its weights do not fit the model.
    """
    path = folder / f"step_{step:07d}" / _MODEL
    if not path.is_file():
        known = ", ".join(map(str, checkpoint_steps(folder))) or "none"
        raise ValueError(f"step must be one of the checkpoints in {folder} ({known}), got {step}")
    load_weights(path, model)


def load_weights(file: Path, model: nn.Module) -> None:
    """Load a safetensors file into ``model``.

    Args:
        file: the file.
        model: what takes the weights.

    Raises:
        ValueError: if it is damaged, or its weights do not fit the model.
    """
    try:
        model.load_state_dict(load_file(file))
    except Exception as error:  # safetensors and torch raise their own types for damaged files and foreign shapes
        raise ValueError(f"cannot load {file}: {one_line(error)}") from error


def check_weights_fit(file: Path, model: nn.Module, what: str) -> None:
    """Whether the weights in a file have the names and shapes of a model's, as its header says.

    Args:
        file: a safetensors file.
        model: the model.
        what: what they are called in a complaint.

    Raises:
        ValueError: naming the first parameter that differs, with both shapes.
    """
    try:
        with safe_open(file, "pt") as stored:
            names = stored.keys()
            shapes = {name: tuple(stored.get_slice(name).get_shape()) for name in names}
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{what} must be a safetensors file, got {file}: {one_line(error)}") from error
    ours = {name: tuple(value.shape) for name, value in model.state_dict().items()}
    for name in [*ours, *shapes]:
        if ours.get(name) != shapes.get(name):
            found, needed = (str(one[name]) if name in one else "none" for one in (shapes, ours))
            raise ValueError(f"{what} must fit the model: {name} is {needed} in the model, got {found} in {file}")


def load_training_state(folder: Path, step: int, model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
    """Load weights and optimiser state of one checkpoint; returns the JSON state that was saved with it.

    Raises:
        ValueError: if the checkpoint is not there, not whole, or of another format.
    """
    path = folder / f"step_{step:07d}"
    load_model_weights(folder, step, model)
    try:
        state = cast(dict[str, Any], json.loads((path / _STATE).read_text(encoding="utf-8")))
        if state["format"] != CHECKPOINT_FORMAT:
            raise ValueError(f"its format must be {CHECKPOINT_FORMAT}, got {state['format']}")
        _load_optimizer(model, optimizer, load_file(path / _OPTIMIZER))
    except Exception as error:
        advice = "without that folder, the one before is taken"
        raise ValueError(f"cannot resume from {path}: {one_line(error)} ({advice})") from error
    return state


def _optimizer_tensors(model: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """Optimiser state by parameter name: ``exp_avg|blocks.0.weight`` → tensor."""
    tensors = {}
    for name, parameter in model.named_parameters():
        for key, value in optimizer.state[parameter].items():
            tensors[f"{key}|{name}"] = torch.as_tensor(value).contiguous()
    return tensors


def _load_optimizer(model: nn.Module, optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    parameters = dict(model.named_parameters())
    # load_state_dict moves the values to where the optimiser keeps them (fused Adam counts steps on the device).
    order = {parameter: index for index, parameter in enumerate(_in_order(optimizer))}
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        kind, _, name = key.partition("|")
        state.setdefault(order[parameters[name]], {})[kind] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _in_order(optimizer: torch.optim.Optimizer) -> Iterable[torch.Tensor]:
    for group in optimizer.param_groups:
        yield from group["params"]
