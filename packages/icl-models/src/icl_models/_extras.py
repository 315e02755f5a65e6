"""Libraries that only some installations have."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import Any

_EXTRAS = {"transformers": "ssm"}


def require_extra(library: str, needed_by: str) -> None:
    """Raise ValueError, in one line that says how to install it, where `library` is missing; does not import it."""
    if find_spec(library) is None:
        raise ValueError(
            f'{needed_by} needs {library}, which is not installed: pip install "icl-models[{_EXTRAS[library]}]"'
        )


def import_extra(library: str, needed_by: str) -> Any:
    """Import `library`, or raise as `require_extra`."""
    require_extra(library, needed_by)
    return importlib.import_module(library)
