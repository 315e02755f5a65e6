"""Checkpoints that are whole or not there: written beside, synced, then renamed; and read back as they were written."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from safetensors.torch import save
from torch import nn

from icl_data.foundation.paths import errors_about
from icl_data.foundation.sealed import Damaged, GrowingSeal
from icl_data.foundation.whole_file import sync
from icl_models import InContextModel, save_model
from icl_train._intact.checkpoints import (
    MODEL,
    OPTIMIZER,
    CheckpointState,
    checkpoint_folder,
    checkpoint_steps,
    hashed_content,
    newest_before,
    read_state,
    write_state,
)
from icl_train._intact.ties import Ties
from icl_train._intact.weights import load_checked, tensors_in

__all__ = ["load_model_weights", "load_training_state", "save_checkpoint"]


def save_checkpoint(
    folder: Path,
    *,
    step: int,
    model: InContextModel,
    optimizer: torch.optim.Optimizer,
    sums: Sequence[float],
    summed: int,
    metrics: GrowingSeal,
    ties: Ties,
) -> Path:
    """Write ``folder/step_NNNNNNN`` with weights, optimiser state and a small state.json; returns its path.

    The weights are a saved model: ``icl_models.load_model`` reads them without the run.

    The optimiser state, two thirds of a checkpoint's size, is then dropped from all but the two newest: a run resumes
    from the newest, or, should that be damaged, from the one before. What was set aside of an earlier try at this step
    goes, too.

    Args:
        folder: the run's folder of checkpoints.
        step: updates done.
        model, optimizer: what is trained.
        sums, summed: of the means that the next line of training metrics begins with, and over how many updates.
        metrics: how far metrics.jsonl goes.
        ties: of which run it is.
    """
    final = checkpoint_folder(folder, step)
    beside = folder / f".writing_{final.name}"
    with errors_about(final, instead_of=beside):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            shutil.rmtree(beside, ignore_errors=True)
            beside.mkdir()
            hashes = {MODEL: save_model(model, beside / MODEL)}
            content = save(_optimizer_tensors(model, optimizer))
            (beside / OPTIMIZER).write_bytes(content)
            hashes[OPTIMIZER] = hashlib.sha256(content).hexdigest()
            before = newest_before(folder, step)
            write_state(beside, CheckpointState(step, tuple(sums), summed, hashes, (metrics,), before, ties))
            for path in (*beside.iterdir(), beside):
                sync(path)
            if final.exists():  # an earlier run of the same step: the same bytes, unless its files were damaged
                shutil.rmtree(final)
            beside.rename(final)
            sync(folder)
        except BaseException:
            shutil.rmtree(beside, ignore_errors=True)  # a full disk has room again, for the reason
            raise
    for older in [one for one in checkpoint_steps(folder) if one <= step][:-2]:
        (checkpoint_folder(folder, older) / OPTIMIZER).unlink(missing_ok=True)
    for replaced in folder.glob(f"{final.name}.damaged*"):
        shutil.rmtree(replaced, ignore_errors=True)
    return final


def load_model_weights(folder: Path, step: int, model: nn.Module) -> None:
    """Load the weights of one checkpoint into ``model``.

    Args:
        folder: the run's folder of checkpoints.
        step: number of the checkpoint.
        model: what takes the weights.

    Raises:
        ValueError: if there is no such checkpoint, it is damaged, its weights are no numbers or do not fit the model.
    """
    if not checkpoint_folder(folder, step).is_dir():  # of a thousand, the others are not looked at
        there = ", ".join(map(str, checkpoint_steps(folder))) or "none"
        raise ValueError(f"step must be one of the checkpoints in {folder} ({there}), got {step}")
    try:
        _load_model(folder, read_state(folder, step), model)
    except Damaged as damage:
        raise ValueError(f"cannot load {checkpoint_folder(folder, step)}: {damage}") from damage


def load_training_state(folder: Path, step: int, model: nn.Module, optimizer: torch.optim.Optimizer) -> CheckpointState:
    """Load weights and optimiser state of one checkpoint; returns what was saved with them.

    Raises:
        Damaged: if the checkpoint is not whole, not as it was written, or of another format.
        OSError: what the system says.
    """
    state = read_state(folder, step)
    tensors = tensors_in(hashed_content(folder, OPTIMIZER, state), OPTIMIZER)
    _load_model(folder, state, model)
    try:
        _load_optimizer(model, optimizer, tensors)
    except Exception as error:  # torch raises whatever it comes upon
        raise Damaged(f"{OPTIMIZER} must be the optimiser's state of this model, got another") from error
    return state


def _load_model(folder: Path, state: CheckpointState, model: nn.Module) -> None:
    load_checked(model, hashed_content(folder, MODEL, state), MODEL)


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
