"""Which runs of a sweep one process trains: each its own, but those of an ensemble together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from icl_train._ensemble.shape import groups_of
from icl_train.config import RunConfig

__all__ = ["teams_of"]

_Run = TypeVar("_Run")


def teams_of(
    runs: Sequence[_Run], config_of: Callable[[_Run], RunConfig], *, members: int | None = None
) -> list[list[_Run]]:
    """The runs by process, in the order of the first of each.

    Args:
        runs: the runs.
        config_of: their settings.
        members: runs of an ensemble at most; None for all that can be one.
    """
    together = [(config_of(run), place) for place, run in enumerate(runs) if _in_ensemble(config_of(run))]
    places = [[place] for place, run in enumerate(runs) if not _in_ensemble(config_of(run))]
    for group in groups_of(together):
        size = members or len(group)
        places += [group[first : first + size] for first in range(0, len(group), size)]
    return [[runs[place] for place in team] for team in sorted(places)]


def _in_ensemble(config: RunConfig) -> bool:
    return config.train.engine == "ensemble"
