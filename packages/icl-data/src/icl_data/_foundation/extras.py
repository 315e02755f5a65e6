"""Libraries that only some installations have."""

from __future__ import annotations

import importlib
from typing import Any, Literal

Extra = Literal["tfds", "h5", "images", "plot"]
_MODULES: dict[Extra, tuple[str, ...]] = {
    "tfds": ("tensorflow", "tensorflow_datasets", "importlib_resources"),
    "h5": ("h5py",),
    "images": ("PIL",),
    "plot": ("matplotlib",),
}


def import_extra(module: str, extra: Extra, needed_by: str) -> Any:
    """Import a module of an extra.

    Raises:
        ImportError: it is not installed; one line says how to install it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if missing not in _MODULES[extra]:
            raise
        raise ImportError(f'{needed_by} needs {missing}, install it with: pip install "icl-data[{extra}]"') from error
