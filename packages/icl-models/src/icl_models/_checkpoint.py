"""Read the released code's `checkpoint.dill` without running what is in it."""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np


class CheckpointError(ValueError):
    """The file is not a checkpoint of numpy arrays in plain containers."""


class _Unpickler(pickle.Unpickler):
    """Builds numpy arrays and plain containers; every other name in the file is refused before it is looked up."""

    def find_class(self, module: str, name: str) -> Any:
        allowed = _ALLOWED.get((module, name))
        if allowed is None:
            raise CheckpointError(f"a checkpoint must hold numpy arrays and plain containers only, got {module}.{name}")
        return allowed


def _array_constructors() -> dict[tuple[str, str], Any]:
    # What numpy's own pickles name, taken from a pickle of each kind, so that no private module is imported here.
    reconstruct = np.empty(0).__reduce__()[0]
    from_buffer = np.empty(0).__reduce_ex__(5)[0]
    scalar = np.float32(0).__reduce__()[0]
    constructors: dict[tuple[str, str], Any] = {
        ("numpy", "ndarray"): np.ndarray,
        ("numpy", "dtype"): np.dtype,
        ("collections", "OrderedDict"): OrderedDict,
        # Old protocols write bytes as encoded text; str.encode knows text encodings only.
        ("_codecs", "encode"): str.encode,
    }
    for package in ("numpy.core", "numpy._core"):  # before and since numpy 2
        constructors[f"{package}.multiarray", "_reconstruct"] = reconstruct
        constructors[f"{package}.multiarray", "scalar"] = scalar
        constructors[f"{package}.numeric", "_frombuffer"] = from_buffer
    return constructors


_ALLOWED = _array_constructors()


def load_checkpoint(path: str | os.PathLike[str]) -> Any:
    """The contents of a pickle (as dill writes it, too): dicts, lists, tuples, numbers, strings and numpy arrays.

    Raises:
        CheckpointError: when the file names anything else, nothing of which is run, or is no pickle at all.
        OSError: when the file cannot be read.
    """
    with Path(path).open("rb") as file:
        try:
            return _Unpickler(file).load()
        except CheckpointError:
            raise
        except Exception as error:
            # A damaged pickle can fail in any way; none of them is a bug of the reader.
            raise CheckpointError(f"{path} must be a pickle, got {type(error).__name__}: {error}") from error
