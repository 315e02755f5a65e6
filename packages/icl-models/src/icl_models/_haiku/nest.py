"""Find params and state in what a checkpoint holds, and take the first of a trainer's replicas."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from icl_data.foundation.command_line import listed
from icl_data.foundation.shown import kind_in_words

Nested = Mapping[str, Mapping[str, Any]]

_EXPERIMENT = "experiment_module"
_LABELS = ("input_embedder", "embs")  # which every released model has, with two axes
_SHOWN = 8
# Some tie a variable to another, and write zeros that many share.
_MOST_SHARED, _LITTLE = 2, 1 << 20  # times, bytes


@dataclass(frozen=True, kw_only=True)
class CheckpointVariables:
    """What `checkpoint_variables` found.

    Attributes:
        params, state: variables by module and name, of one replica.
        unused: names of what else the checkpoint has.
        num_replicas: devices whose values it has; None where its arrays had no axis of devices.
        differing: variables of the state, "module|name", of which the replicas had values of their own.
    """

    params: Nested
    state: Nested
    unused: tuple[str, ...]
    num_replicas: int | None
    differing: tuple[str, ...]


def checkpoint_variables(content: Any) -> CheckpointVariables:
    """Params and state in the contents of a checkpoint.

    They may be where the released code saves them, {"params": ..., "state": ...}, or in the nest that jaxline keeps
    while it trains, {"experiment_module": {"params": ..., "state": ...}, "global_step": ...}, there also as "_params"
    and "_state" or inside jaxline's snapshot. All arrays may have a first axis of devices, as `jax.pmap` gives them.
    The first device's values are then taken, as the released code takes them to save and to evaluate: params must be
    equal on all devices, while each has batch-normalisation averages of its own.

    Args:
        content: as `load_checkpoint` returns it.

    Raises:
        ValueError: where there are no params, or no one number of devices, or params that differ between devices.
    """
    params, state, unused = _find(content)
    _refuse_much_of_little({**_arrays(params), **{f"state {name}": array for name, array in _arrays(state).items()}})
    if not _has_devices(params):
        return CheckpointVariables(params=params, state=state, unused=unused, num_replicas=None, differing=())
    devices = len(params[_LABELS[0]][_LABELS[1]])
    differing = {kind: _differing(variables, devices) for kind, variables in (("params", params), ("state", state))}
    if differing["params"]:
        raise ValueError(f"params must be equal on all {devices} devices, got {_few(differing['params'])} unequal")
    return CheckpointVariables(
        params=_first(params),
        state=_first(state),
        unused=unused,
        num_replicas=devices,
        differing=tuple(differing["state"]),
    )


def _find(content: Any) -> tuple[Nested, Nested, tuple[str, ...]]:
    if isinstance(content, tuple) and len(content) == 2:  # jaxline's snapshot: its number, then the nest
        content = content[1]
    if not isinstance(content, Mapping):
        raise ValueError(f"a checkpoint must be a dict with params, got {kind_in_words(content)}")
    inside = content.get(_EXPERIMENT)
    if "params" in content or not isinstance(inside, Mapping):
        return _take(content, "params", "state", "")
    private = "params" not in inside and "_params" in inside
    params, state, unused = _take(inside, *(("_params", "_state") if private else ("params", "state")), _EXPERIMENT)
    return params, state, (*(str(name) for name in content if name != _EXPERIMENT), *unused)


def _take(content: Mapping[Any, Any], params: str, state: str, inside: str) -> tuple[Nested, Nested, tuple[str, ...]]:
    names = [name for name in content if isinstance(name, str)]
    if params not in content:
        where = f"a checkpoint's {inside}" if inside else "a checkpoint"
        raise ValueError(f"{where} must be a dict with params, got {_few(names) if names else 'an empty one'}")
    found = [content[params], {} if content.get(state) is None else content[state]]
    for variables in found:
        if not (isinstance(variables, Mapping) and all(isinstance(arrays, Mapping) for arrays in variables.values())):
            kind = kind_in_words(variables)
            raise ValueError(f"variables must be nested dicts {{module: {{name: array}}}}, got {kind}")
    unused = (name for name in names if name not in (params, state))
    return found[0], found[1], tuple(f"{inside}.{name}" if inside else name for name in unused)


def _has_devices(params: Nested) -> bool:
    module, name = _LABELS
    labels = params.get(module, {}).get(name)
    return labels is not None and as_array(f"{module}|{name}", labels).ndim == 3


def _differing(variables: Nested, devices: int) -> list[str]:
    """The names of variables that are not equal on all devices; ValueError for one that lacks their axis."""
    found = []
    for module, arrays in variables.items():
        for name, array in arrays.items():
            values = as_array(f"{module}|{name}", array)
            if devices < 1 or values.ndim < 1 or len(values) != devices:
                raise ValueError(
                    f"{module}|{name} must be there for each of {devices} devices, got shape {values.shape}"
                )
            if not np.array_equal(values, np.broadcast_to(values[:1], values.shape), equal_nan=True):
                found.append(f"{module}|{name}")
    return found


def as_array(name: str, value: Any) -> NDArray[Any]:
    """A variable as NumPy's; ValueError for containers, of which NumPy would make arrays of any size."""
    if not (isinstance(value, int | float) or hasattr(value, "__array__")):
        raise ValueError(f"{name} must be an array, got {kind_in_words(value)}")
    return np.asarray(value)


def _arrays(variables: Nested) -> dict[str, NDArray[Any]]:
    return {
        f"{module}|{name}": as_array(f"{module}|{name}", array)
        for module, arrays in variables.items()
        for name, array in arrays.items()
    }


def _refuse_much_of_little(variables: Mapping[str, NDArray[Any]]) -> None:
    """A model has memory for each of its variables, so a checkpoint must have, too: one array must not be thousands."""
    own = {id(array): array.nbytes for array in variables.values()}
    named, there = sum(array.nbytes for array in variables.values()), sum(own.values())
    if named > _MOST_SHARED * there + _LITTLE:
        raise ValueError(
            f"variables must have arrays of their own, got {len(own)} of {there:,} bytes in all "
            f"for {len(variables)} variables of {named:,}"
        )


def _first(variables: Nested) -> Nested:
    return {
        module: {name: np.asarray(array)[0] for name, array in arrays.items()} for module, arrays in variables.items()
    }


def _few(names: list[str]) -> str:
    return listed(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
