"""The parameters that a name means: of one, of all in a module, or of all that a pattern fits."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from torch import nn

from icl_data.foundation.command_line import nearest

__all__ = ["parameters_named"]

_SEQUENCE_MODEL = "sequence_model."


def parameters_named(model: nn.Module, name: str) -> dict[str, nn.Parameter]:
    """Parameters by their full names.

    Args:
        model: where they are.
        name: ``blocks.0.attention.qkv.weight``, ``blocks.0.attention`` for all in that module, ``blocks.0.mlp_*``;
            those of the sequence model with ``sequence_model.`` in front, or without.

    Raises:
        ValueError: if there is none.
    """
    found = {full: one for full, one in model.named_parameters() if any(_means(name, other) for other in _names(full))}
    if not found:
        known = list(dict.fromkeys(part for full, _ in model.named_parameters() for part in _modules(full)))
        parts = [name for name, _ in model.named_children()]
        rule = f"a name must be of a parameter, or of a module with some, in {', '.join(parts)}"
        raise ValueError(f"{rule}, got {name!r}{nearest(name, known)}")
    return found


def _names(full: str) -> list[str]:
    short = full.removeprefix(_SEQUENCE_MODEL)
    return [full] if short == full else [full, short]


def _means(name: str, parameter: str) -> bool:
    return fnmatchcase(parameter, name) or fnmatchcase(parameter, f"{name}.*")


def _modules(full: str) -> Iterator[str]:
    """A parameter's names, and those of what it is in."""
    for name in _names(full):
        parts = name.split(".")
        yield from (".".join(parts[: end + 1]) for end in range(len(parts)))
