"""Libraries that only some installations have."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from typing import Any


class MissingExtra(ImportError, ValueError):
    """A library is not installed; the message says in one line how to install it."""


def import_extra(module: str, extra: str, needed_by: str) -> Any:
    """Import a module of an extra.

    Args:
        module: what to import, such as "matplotlib.figure".
        extra: what installs it, such as "icl-data[plot]".
        needed_by: what needs it, as the subject of a sentence.

    Raises:
        MissingExtra: its package, or one that it needs itself, is not installed.
    """
    require_extra(module, extra, needed_by)
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = (error.name or module).partition(".")[0]
        raise MissingExtra(_message(missing, extra, needed_by)) from error


def require_extra(module: str, extra: str, needed_by: str) -> None:
    """Raise as `import_extra` where the module's package is missing, without importing it.

    A folder that happens to have its name is not it: such a package without code has no origin.

    Args:
        module, extra, needed_by: see `import_extra`.

    Raises:
        MissingExtra: its package is not installed.
    """
    package = module.partition(".")[0]
    try:
        found = find_spec(package)
    except ValueError:  # an entry of sys.modules without a spec: somebody has put it there
        return
    if found is None or found.origin is None:
        raise MissingExtra(_message(package, extra, needed_by))


def _message(missing: str, extra: str, needed_by: str) -> str:
    return f'{needed_by} needs {missing}, which is not installed: pip install "{extra}"'
