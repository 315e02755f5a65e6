"""Which checkpoints must be there, as DONE and the checkpoints themselves say: once written, one stays."""

from __future__ import annotations

from pathlib import Path

from icl_data.foundation.sealed import Damaged
from icl_train._intact.checkpoints import CHECKPOINTS, checkpoint_steps, read_state
from icl_train._intact.markers import Done, OlderDone
from icl_train._intact.whole_run import Settled, read_own_done

__all__ = ["named_steps", "promised_steps", "set_aside"]


def promised_steps(folder: Path, settled: Settled) -> list[int]:
    """Steps whose checkpoints must be there, ascending. A damaged DONE promises nothing.

    Args:
        folder: the run's.
        settled: what its config.json says.

    Raises:
        OSError: what the system says.
    """
    try:
        done = read_own_done(folder, settled)
    except Damaged:
        done = None
    if isinstance(done, Done):
        return list(done.checkpoints)
    named = named_steps(folder / CHECKPOINTS, settled.last)
    return sorted({*named, settled.last}) if isinstance(done, OlderDone) else named


def named_steps(checkpoints: Path, last: int) -> list[int]:
    """Steps of the checkpoints that are there or that a later one names, ascending.

    Args:
        checkpoints: the run's folder of checkpoints.
        last: the run's last step.

    Raises:
        OSError: what the system says.
    """
    found = {step for step in checkpoint_steps(checkpoints) if step <= last}
    for step in list(found):
        try:
            before = read_state(checkpoints, step).before
        except Damaged:
            continue
        found |= set() if before is None else {before}
    return sorted(found)


def set_aside(checkpoints: Path) -> list[Path]:
    """Folders of damaged checkpoints that a resumed run has left behind, until training has written them anew."""
    return sorted(checkpoints.glob("step_*.damaged*"))
