"""Read the released code's `checkpoint.dill` without running what is in it."""

from __future__ import annotations

import io
import os
import pickle
import pickletools
from typing import Any

from icl_data.foundation.paths import errors_about, user_path
from icl_data.foundation.printable import one_line, printable
from icl_models._haiku.pickled_array import CheckpointError
from icl_models._haiku.stand_ins import ONLY, STAND_INS, Fields, plain


class _Unpickler(pickle.Unpickler):
    """Builds NumPy arrays and plain containers; every other name in the file is refused before it is looked up."""

    def find_class(self, module: str, name: str) -> Any:
        if module.split(".")[0] == "optax":
            return Fields
        if (module, name) not in STAND_INS:
            raise CheckpointError(f"{ONLY}{printable(f'{module}.{name}')}")
        return STAND_INS[module, name]


def load_checkpoint(path: str | os.PathLike[str]) -> Any:
    """The contents of a pickle (as dill writes it, too): dicts, lists, tuples, numbers, strings and numpy arrays.

    JAX arrays become numpy arrays, arrays of bfloat16 become float32, which has all of their numbers, ordered dicts
    and Haiku's immutable ones become dicts, and the named tuples of optax become tuples.

    Args:
        path: the file; `~` is the home folder.

    Raises:
        CheckpointError: when the file names anything else, nothing of which is run, or is no pickle at all.
        OSError: when the file cannot be read.
    """
    path = user_path(path)
    with errors_about(path):
        content = path.read_bytes()
    try:
        _check_places(content)
        return plain(_Unpickler(io.BytesIO(content)).load(), {})
    except CheckpointError:
        raise
    except Exception as error:
        # A damaged pickle can fail in any way; none of them is a bug of the reader.
        raise CheckpointError(f"{path} must be a pickle, got {one_line(f'{type(error).__name__}: {error}')}") from error


def _check_places(content: bytes) -> None:
    """A pickle numbers the values that it needs again, and the reader makes a table as long as the largest number."""
    for opcode, place, _ in pickletools.genops(content):
        if opcode.name.endswith("PUT") and isinstance(place, int) and place >= len(content):
            raise CheckpointError(
                f"a checkpoint's values must be numbered within its {len(content)} bytes, got {place}"
            )
