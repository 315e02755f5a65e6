"""Read the released code's `checkpoint.dill` without running what is in it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from icl_data.foundation.machine_memory import machine_memory, readable_bytes
from icl_data.foundation.paths import errors_about, user_path
from icl_data.foundation.printable import printable
from icl_data.foundation.regular_file import read_file, require_file
from icl_models._haiku.opcodes import build
from icl_models._haiku.pickled_array import BFloat16, CheckpointError
from icl_models._haiku.stand_ins import FIELDS, ONLY, StandIn, plain, stand_ins


def load_checkpoint(path: str | os.PathLike[str]) -> Any:
    """The contents of a pickle (as dill writes it, too): dicts, lists, tuples, numbers, strings and numpy arrays.

    JAX arrays become numpy arrays, arrays of bfloat16 become float32, which has all of their numbers, ordered dicts
    and Haiku's immutable ones become dicts, and the named tuples of optax become tuples. What is made of a file is a
    few times as large as the file at most.

    Args:
        path: the file; `~` is the home folder.

    Raises:
        CheckpointError: when the file names anything else, nothing of which is run, has what no checkpoint needs, such
            as containers a hundred deep, or is no pickle at all.
        OSError: when the file cannot be read.
    """
    path = user_path(path)
    with errors_about(path):
        _refuse_beyond_memory(path, require_file(path).st_size)
        content = read_file(path)
    named = stand_ins(len(content))

    def find(module: str, name: str) -> StandIn | BFloat16:
        if module.split(".")[0] == "optax":
            return FIELDS
        if (module, name) not in named:
            raise CheckpointError(f"{ONLY}{printable(f'{module}.{name}')}")
        return named[module, name]

    try:
        return plain(build(content, find), {})
    except CheckpointError:
        raise
    except Exception as error:
        # A damaged pickle can fail in any way; none of them is a bug of the reader.
        raise CheckpointError(
            f"{path} must be a pickle, got {len(content):,} bytes that are none or damaged"
        ) from error


def _refuse_beyond_memory(path: Path, size: int) -> None:
    memory = machine_memory()
    if memory is not None and size > memory:
        there = readable_bytes(memory)
        raise CheckpointError(f"a checkpoint must fit into memory, {there}, got {readable_bytes(size)} in {path}")
