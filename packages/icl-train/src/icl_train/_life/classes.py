"""classes.json of a run that goes on: written again if it is damaged, since it hangs on the settings alone."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from icl_data.foundation.sealed import Damaged
from icl_train._intact.checkpoints import CheckpointState, checkpoint_folder, read_state, write_state
from icl_train._intact.classes import CLASSES, classes_damage
from icl_train._intact.errors import RunDamaged
from icl_train._intact.objects import OLDER_FORMAT
from icl_train._runs.folder import RunFolder

__all__ = ["keep_classes"]


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
    if run.run_format == OLDER_FORMAT and _plain(run) == json.loads(json.dumps(expected)):
        damage = None
    run.write_classes(expected)
    if state.ties is not None and state.ties != run.ties():  # another version, which writes it in another way
        written = replace(read_state(run.checkpoints, state.step), ties=run.ties())
        write_state(checkpoint_folder(run.checkpoints, state.step), written)
    if damage is not None:
        warnings.warn(f"{run.path}: written anew, {damage}", RunDamaged, stacklevel=2)


def _plain(run: RunFolder) -> Any:
    """What the file of format 1 holds, which has no seal."""
    try:
        return json.loads((run.path / CLASSES).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
