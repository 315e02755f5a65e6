"""Whose a component is, in what is said of its failures."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from icl_models._plugins.registry import Kind, PluginError, component_owner

__all__ = ["errors_of", "whose"]


def whose(kind: Kind, name: str) -> str:
    """A component and where it is from: `embedder 'x' (plugin 'y' of z 1.0)`."""
    return f"{kind.replace('_', ' ')} {name!r} ({component_owner(kind, name)})"


@contextmanager
def errors_of(kind: Kind, name: str, failed: str) -> Iterator[None]:
    """What a plugin's component raises in here, other than ValueError for settings that it refuses, comes out as
    PluginError that names it. The errors of built-in ones are ours to trace.

    Args:
        kind, name: the component.
        failed: what it could not do: "cannot be built".
    """
    if component_owner(kind, name).built_in:
        yield
        return
    try:
        yield
    except ValueError:
        raise
    except Exception as error:
        raise PluginError(f"{whose(kind, name)} {failed}: {type(error).__name__}: {error}") from error
