"""Write a checkpoint that the released code's side can read, with NumPy from before or since version 2."""

from __future__ import annotations

import os
import pickle
import pickletools
from collections.abc import Mapping
from typing import Any

from icl_data.foundation.paths import user_path
from icl_data.foundation.whole_file import whole_file

_PROTOCOL = 3  # the last one that writes the names of functions as plain lines


def save_checkpoint(
    path: str | os.PathLike[str],
    params: Mapping[str, Mapping[str, Any]],
    state: Mapping[str, Mapping[str, Any]],
    *,
    overwrite: bool = False,
) -> None:
    """Write {"params": params, "state": state}, as `export_variables` gives them, to a pickle of NumPy arrays.

    `pickle.load` reads it where NumPy is installed, with no other package; so does `load_checkpoint`. The file is whole
    or not there.

    Args:
        path: the file; `~` is the home folder.
        params, state: variables by module and name.
        overwrite: replace the file if there is one.

    Raises:
        OSError: when the file is there already and `overwrite` is False, or cannot be written.
    """
    content = {
        name: {module: dict(arrays) for module, arrays in variables.items()}
        for name, variables in (("params", params), ("state", state))
    }
    with whole_file(user_path(path), overwrite=overwrite) as beside:
        beside.write_bytes(_for_any_numpy(pickle.dumps(content, protocol=_PROTOCOL)))


def _for_any_numpy(pickled: bytes) -> bytes:
    """NumPy 2 names its functions in numpy._core, which NumPy 1 does not have; both know them in numpy.core."""
    pieces: list[bytes] = []
    done = 0
    for opcode, name, position in pickletools.genops(pickled):
        if opcode.name == "GLOBAL" and str(name).startswith("numpy._core."):
            module, function = str(name).split(" ")
            pieces += [pickled[done:position], f"c{module.replace('_core', 'core')}\n{function}\n".encode()]
            done = (position or 0) + len(f"c{module}\n{function}\n")
    return b"".join([*pieces, pickled[done:]])
