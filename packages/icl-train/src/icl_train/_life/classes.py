"""classes.json of a run that goes on: written again if it is damaged, since it hangs on settings and data alone; and
whether the data are still those that it speaks of."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from icl_data.foundation.sealed import Damaged
from icl_train._intact.checkpoints import CheckpointState, checkpoint_folder, read_state, write_state
from icl_train._intact.classes import CLASSES, classes_damage, other_data
from icl_train._intact.errors import RunDamaged
from icl_train._intact.objects import OLDER_FORMAT
from icl_train._runs.folder import RunError, RunFolder

__all__ = ["keep_classes", "require_same_data"]


def require_same_data(run: RunFolder, described: Mapping[str, Any]) -> None:
    """Before anything of a run is measured, or it is trained further: its data are those that it has learned from.

    Args:
        run: the run; one without a checkpoint has learned nothing.
        described: its data as they are now, as `RunData.described` has them.

    Raises:
        RunError: if they are others, with what tells them apart.
    """
    other = other_data(run.path, described) if run.checkpoint_steps() else None
    if other is not None:
        raise RunError(
            f"the data of {run.path}, data.source {run.config.data.source}, must be those that it was trained on, got "
            f"{other}"
        )


def keep_classes(run: RunFolder, state: CheckpointState, classes: Callable[[], dict[str, Any]]) -> None:
    """Make sure that classes.json is there, sealed and the run's own; a warning says that it was not.

    Args:
        run: the run.
        state: of the checkpoint that it goes on from.
        classes: what it should hold.
    """
    try:
        damage = classes_damage(run.path)
        if damage is None and state.ties is not None:
            state.ties.require_classes(run.path)
    except Damaged as other:
        damage = str(other)
    except OSError as error:
        damage = f"{CLASSES}: {error.strerror}"
    if damage is None:
        return
    expected = classes()
    if run.run_format == OLDER_FORMAT and _plain(run) == json.loads(json.dumps(_before_sources(expected))):
        damage = None
    run.write_classes(expected)
    if state.ties is not None and state.ties != run.ties():  # another version, which writes it in another way
        written = replace(read_state(run.checkpoints, state.step), ties=run.ties())
        write_state(checkpoint_folder(run.checkpoints, state.step), written)
    if damage is not None:
        warnings.warn(f"{run.path}: written anew, {damage}", RunDamaged, stacklevel=2)


def _before_sources(classes: dict[str, Any]) -> dict[str, Any]:
    """As earlier versions wrote them."""
    return {name: value for name, value in classes.items() if name != "source"}


def _plain(run: RunFolder) -> Any:
    """What the file of format 1 holds, which has no seal."""
    try:
        return json.loads((run.path / CLASSES).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
