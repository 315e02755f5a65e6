"""classes.json of a run that goes on: written again if it is damaged, since it hangs on the settings alone."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from typing import Any

from icl_train._intact.classes import CLASSES, classes_damage
from icl_train._intact.errors import RunDamaged
from icl_train._intact.objects import OLDER_FORMAT
from icl_train._runs.folder import RunFolder

__all__ = ["keep_classes"]


def keep_classes(run: RunFolder, classes: Callable[[], dict[str, Any]]) -> None:
    """Make sure that classes.json is there and sealed; a warning says that it was not.

    Args:
        run: the run.
        classes: what it should hold.
    """
    try:
        damage = classes_damage(run.path)
    except OSError as error:
        damage = f"{CLASSES}: {error.strerror}"
    if damage is None:
        return
    expected = classes()
    if run.run_format == OLDER_FORMAT and _plain(run) == json.loads(json.dumps(expected)):
        damage = None
    run.write_classes(expected)
    if damage is not None:
        warnings.warn(f"{run.path}: written anew, {damage}", RunDamaged, stacklevel=2)


def _plain(run: RunFolder) -> Any:
    """What the file of format 1 holds, which has no seal."""
    try:
        return json.loads((run.path / CLASSES).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
