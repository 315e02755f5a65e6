"""Weights in a file's bytes, held against the model that they are for: names, shapes, types, and finite numbers."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor, nn

from icl_data.foundation.shown import shown
from icl_models._saved.header import Stored
from icl_models._saved_config import checked_header

_FLOATS = ("F64", "F32", "F16", "BF16")
_MOST_PROBLEMS = 4
_OTHERS = {
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


def read_weights(content: bytes, model: nn.Module, *, name: str) -> dict[str, Tensor]:
    """The state dict, for `model.load_state_dict`, in a file of `save_model` that has been read.

    Args:
        content: all bytes of the file.
        model: what the weights are for; it is not changed, and may be on the meta device.
        name: what the file is called in a complaint.

    Returns:
        Tensor by name, on the CPU.

    Raises:
        ValueError: in one line, where the file is not as it was written, is no safetensors file, or has weights of
            other names, shapes or kinds than the model's, or any that are not finite.
    """
    require_fit(checked_header(content, name).tensors, model, f"the weights in {name} must fit its model")
    return finite_weights(content, name)


def require_fit(stored: Mapping[str, Stored], model: nn.Module, rule: str) -> None:
    """Raise ValueError, which starts with `rule`, unless each tensor of the model is there, and nothing else.

    Numbers with a fraction may be of any width, as `model.half()` makes them; others must be as the model has them.
    """
    ours = model.state_dict()
    problems = [problem for name in ours if (problem := _problem(name, ours[name], stored.get(name)))]
    problems += [f"the model has no {shown(name)}" for name in stored if name not in ours]
    if problems:
        more = f"; and {len(problems) - _MOST_PROBLEMS} more" if len(problems) > _MOST_PROBLEMS else ""
        raise ValueError(f"{rule}: {'; '.join(problems[:_MOST_PROBLEMS])}{more}")


def _problem(name: str, ours: Tensor, stored: Stored | None) -> str | None:
    dtypes = _FLOATS if ours.dtype.is_floating_point else (_OTHERS.get(ours.dtype, "none"),)
    shape = tuple(ours.shape)
    if stored is not None and stored.shape == shape and stored.dtype in dtypes:
        return None
    got = "none" if stored is None else f"{stored.dtype} {shown(stored.shape)}"
    return f"{name} must be {' or '.join(dtypes)} {shape}, got {got}"


def finite_weights(content: bytes, name: str) -> dict[str, Tensor]:
    """All tensors of a safetensors file; ValueError, which calls it `name`, where a number is NaN or infinite."""
    try:
        tensors = load(content)
    except (SafetensorError, RuntimeError, ValueError, TypeError) as error:
        raise ValueError(f"a saved model must be a safetensors file, got {name}, which is damaged") from error
    require_finite(tensors, f"the weights in {name} must be finite")
    return tensors


def require_finite(tensors: Mapping[str, Tensor], rule: str) -> None:
    """Raise ValueError, which starts with `rule` and names the tensor, where a number is NaN or infinite."""
    for name, tensor in tensors.items():
        if tensor.is_floating_point() and not torch.isfinite(tensor).all():
            number = tensor[~torch.isfinite(tensor)].flatten()[0].item()
            raise ValueError(f"{rule}, got {number} in {name}")
