"""Finding a source by name: "package.module:factory"."""

from __future__ import annotations

import importlib
from typing import cast

from icl_data._sources.source import KINDS, Source

_MEMBERS = ("n_classes", "n_exemplars", "example_shape", "kind", "class_keys", "noise_scale", "gather")


def load_source(name: str) -> Source:
    """Import a factory, call it without arguments and check that what it returns is a `Source`.

    Args:
        name: "package.module:factory", where factory is a function or class.

    Raises:
        ValueError: the name has another form, cannot be imported, or does not give a source. What the module or the
            factory raised itself is the cause.
    """
    module_name, colon, factory_name = name.partition(":")
    if not (module_name and colon and factory_name) or module_name.startswith("."):
        raise ValueError(f"a source's name must have the form package.module:factory, got {name!r}")
    try:
        module = importlib.import_module(module_name)
    except (Exception, SystemExit) as error:  # whatever somebody's module does when it is run
        raise ValueError(
            f"source {name!r}: module {module_name!r} could not be imported: {_one_line(error)}"
        ) from error
    factory = getattr(module, factory_name, None)
    if not callable(factory):
        raise ValueError(f"source {name!r}: module {module_name!r} has no callable {factory_name!r}")
    try:
        source = factory()
    except (Exception, SystemExit) as error:
        raise ValueError(f"source {name!r}: {factory_name}() failed: {_one_line(error)}") from error
    missing = [member for member in _MEMBERS if not hasattr(source, member)]
    if missing:
        raise ValueError(
            f"source {name!r}: {factory_name}() returned a {type(source).__name__} without {', '.join(missing)}"
        )
    if source.kind not in KINDS:
        raise ValueError(f"source {name!r}: kind must be one of {', '.join(KINDS)}, got {source.kind!r}")
    return cast(Source, source)


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
