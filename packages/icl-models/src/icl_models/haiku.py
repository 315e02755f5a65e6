"""Variables of the released JAX/Haiku model, exchanged exactly with the state dict of `InContextModel`.

Params and state are nested dicts {module: {name: array}}, as `haiku.transform_with_state` gives them. Only what the
released model has can be exchanged: its embedders resnet, linear and embedding, and its three sequence models.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from icl_data.foundation.shown import kind_in_words
from icl_models._config import ModelConfig
from icl_models._haiku.checkpoint import load_checkpoint
from icl_models._haiku.checkpoint_writing import save_checkpoint
from icl_models._haiku.config import infer_settings
from icl_models._haiku.names import Link, links
from icl_models._haiku.nest import CheckpointVariables, as_array, checkpoint_variables
from icl_models._haiku.pickled_array import CheckpointError
from icl_models._model import InContextModel

__all__ = [
    "CheckpointError",
    "CheckpointVariables",
    "Variables",
    "checkpoint_variables",
    "export_variables",
    "import_variables",
    "infer_config",
    "load_checkpoint",
    "save_checkpoint",
]

Variables = Mapping[str, Mapping[str, Any]]
"""Arrays of the released model, {module: {name: array}}."""
_MOST_PROBLEMS = 100
Exported = dict[str, dict[str, NDArray[Any]]]


def import_variables(
    model: ModelConfig | InContextModel, params: Variables, state: Variables | None = None
) -> dict[str, Tensor]:
    """The state dict, for `model.load_state_dict`, that holds the released variables.

    Args:
        model: the model, or its configuration, that the variables are meant for. It is not changed.
        params, state: the released variables; `state` may be left out where the model has no batch normalisation.

    Raises:
        ValueError: naming, in one line, every variable (a hundred at most) that is missing, left over, or of another
            shape or dtype (one whose numbers the model's has all, such as float16 or bfloat16, is as good); or for
            variables that are not nested dicts, or a model that has no released counterpart.
    """
    model = _skeleton(model) if isinstance(model, ModelConfig) else model
    ours = model.state_dict()
    given = {"params": _flatten(params), "state": _flatten(state or {})}
    problems: list[str] = []
    imported: dict[str, Tensor] = {}
    for link in links(model):
        source = given["state" if link.is_state else "params"]
        expected = link.to_released([ours[key] for key in link.ours])
        arrays = [_take(source, name, like, problems) for name, like in zip(link.released, expected, strict=True)]
        if all(array is not None for array in arrays):
            tensors = link.to_ours([array for array in arrays if array is not None])
            imported.update(zip(link.ours, (tensor.contiguous() for tensor in tensors), strict=True))
            problems += _disagreement(link, arrays)
    problems += [f"{collection} has no place for {name}" for collection in given for name in given[collection]]
    if problems:
        more = f"; and {len(problems) - _MOST_PROBLEMS} more" if len(problems) > _MOST_PROBLEMS else ""
        raise ValueError(f"variables must fit the model: {'; '.join(problems[:_MOST_PROBLEMS])}{more}")
    return imported


def infer_config(params: Variables, /, **settings: Any) -> ModelConfig:
    """The configuration that released params belong to, from their names and shapes.

    Args:
        params: as for `import_variables`.
        settings: settings of `ModelConfig`, which go before what the shapes tell. Heads, dropout and positions leave no
            trace in the variables, nor does the size of a residual net's images (105x105 is taken) or the sequences
            that it takes statistics over (all of the batch), nor whether the inputs of a linear embedder are square
            images of one channel (taken, where their number is a square). An `embedder_config` that is a dict leaves
            what it does not name as the shapes tell it.

    Raises:
        ValueError: naming the variable that should tell a setting and does not, or as `ModelConfig`.
    """
    shapes = {name: array.shape for name, array in _flatten(params).items()}
    return ModelConfig.from_dict(infer_settings(shapes, settings))


def export_variables(model: InContextModel) -> tuple[Exported, Exported]:
    """The released model's (params, state) with this model's values, as numpy arrays: `import_variables` undone.

    Returns:
        Two nested dicts {module: {name: array}}, in Haiku's shapes; the state is empty without batch normalisation.

    Raises:
        ValueError: for a model that has no released counterpart.
    """
    ours = {key: tensor.detach().cpu() for key, tensor in model.state_dict().items()}
    params: Exported = {}
    state: Exported = {}
    for link in links(model):
        for name, tensor in zip(link.released, link.to_released([ours[key] for key in link.ours]), strict=True):
            module, _, variable = name.rpartition("|")
            collection = state if link.is_state else params
            collection.setdefault(module, {})[variable] = np.array(tensor.numpy(), order="C")
    return params, state


def _skeleton(config: ModelConfig) -> InContextModel:
    with torch.device("meta"):  # shapes only
        return InContextModel(config)


def _flatten(variables: Variables) -> dict[str, NDArray[Any]]:
    if not (isinstance(variables, Mapping) and all(isinstance(names, Mapping) for names in variables.values())):
        raise ValueError(f"variables must be nested dicts {{module: {{name: array}}}}, got {kind_in_words(variables)}")
    return {
        f"{module}|{name}": as_array(f"{module}|{name}", array)
        for module, names in variables.items()
        for name, array in names.items()
    }


def _take(source: dict[str, NDArray[Any]], name: str, like: Tensor, problems: list[str]) -> Tensor | None:
    """Move one variable out of `source`, or say in `problems` why not."""
    if name not in source:
        problems.append(f"{name} is missing")
        return None
    array = source.pop(name)
    dtype = np.dtype(str(like.dtype).removeprefix("torch."))
    if array.shape != tuple(like.shape) or not _widens(array.dtype, dtype):
        problems.append(f"{name} must be {dtype} {tuple(like.shape)}, got {array.dtype} {array.shape}")
        return None
    return torch.from_numpy(np.array(array, dtype))


def _widens(stored: np.dtype[Any], wanted: np.dtype[Any]) -> bool:
    """Whether `wanted` has all numbers of `stored`, floats for floats: float16 for float32, but no integers."""
    return np.can_cast(stored, wanted, "safe") and (stored.kind in "biu") == (wanted.kind in "biu")


def _disagreement(link: Link, arrays: Iterable[Tensor | None]) -> list[str]:
    """Mean and variance are averaged in step, so the released model's two counters are one for us."""
    values = [array for array in arrays if array is not None]
    if len(link.ours) == 1 and link.ours[0].endswith(".counter") and not torch.equal(values[0], values[1]):
        return [
            f"{link.released[0]} and {link.released[1]} must be equal, got {values[0].item()} and {values[1].item()}"
        ]
    return []
