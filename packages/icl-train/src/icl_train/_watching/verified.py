"""Everything in a run's folder, held against its hashes. Nothing is changed.

Not looked at are progress.txt and log.txt, which no command reads.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from icl_data.foundation.printable import one_line
from icl_data.foundation.regular_file import NotAFile, read_file
from icl_data.foundation.sealed import Damaged, unseal_object
from icl_train._intact.checkpoints import (
    MODEL,
    OPTIMIZER,
    STATE,
    CheckpointState,
    checkpoint_folder,
    hashed_content,
    read_state,
)
from icl_train._intact.classes import CLASSES, classes_damage
from icl_train._intact.markers import DONE, FAILED, read_done, read_failed
from icl_train._intact.metrics import METRICS, read_metrics
from icl_train._intact.objects import OLDER_FORMAT
from icl_train._intact.records import records_in
from icl_train._intact.whole_run import CHECKPOINTS, intact_lines
from icl_train._making.initial import INITIAL, copied_weights
from icl_train._runs.folder import RunFolder
from icl_train._runs.held import is_held
from icl_train._runs.stored import CONFIG
from icl_train._watching.heartbeat import HEARTBEAT

__all__ = ["Verified", "verified"]

_WITH_OPTIMIZER = 2  # newest checkpoints


@dataclass
class Verified:
    """What was found.

    Attributes:
        path: the run's folder.
        files: those that were looked at.
        damaged: file → what is wrong with it.
        not_covered: files that are readable and have no hash, since an earlier version wrote them.
        set_aside: folders of damaged checkpoints that a resumed run has left behind.
    """

    path: Path
    files: list[str] = field(default_factory=list)
    damaged: dict[str, str] = field(default_factory=dict)
    not_covered: list[str] = field(default_factory=list)
    set_aside: list[str] = field(default_factory=list)

    @property
    def state(self) -> Literal["intact", "not covered", "damaged"]:
        """In a word or two."""
        return "damaged" if self.damaged else "not covered" if self.not_covered else "intact"

    def as_json(self) -> dict[str, Any]:
        """Plain containers."""
        return {**asdict(self), "path": str(self.path), "state": self.state}


def verified(run: RunFolder) -> Verified:
    """Look at every file of a run that commands read.

    Args:
        run: the run. One that is trained is looked at once more if something seems wrong: it may have been written
            meanwhile.
    """
    found = _look(run)
    return _look(RunFolder.open(run.path)) if found.damaged and is_held(run.path / ".lock") else found


def _look(run: RunFolder) -> Verified:
    looking = _Looking(run)
    older = run.run_format == OLDER_FORMAT
    looking.at(CONFIG, lambda: None, covered=not older)
    steps = run.checkpoint_steps()
    begun = bool(steps) or (run.path / DONE).exists()
    looking.at(CLASSES, lambda: _classes(run), covered=not older, required=begun)
    looking.at(
        METRICS,
        lambda: records_in(intact_lines(run.path, run_format=run.run_format)),
        covered=not older,
        required=begun,
    )
    for name, read in ((DONE, read_done), (FAILED, read_failed)):
        looking.at(name, lambda read=read: read(run.path, run_format=run.run_format), covered=not older)  # type: ignore[misc]
    looking.at(HEARTBEAT, lambda: unseal_object(read_file(run.path / HEARTBEAT)), covered=True)
    if (initial := run.config.train.init_from) is not None:
        looking.at(INITIAL, lambda: _finite(copied_weights(run.path, initial), INITIAL), covered=True, required=True)
    for step in steps:
        looking.at_checkpoint(step, with_optimizer=step in steps[-_WITH_OPTIMIZER:])
    looking.found.set_aside = sorted(str(Path(CHECKPOINTS) / path.name) for path in run.checkpoints.glob("*.damaged*"))
    return looking.found


class _Looking:
    def __init__(self, run: RunFolder) -> None:
        self.run, self.found = run, Verified(run.path)

    def at(
        self,
        name: str,
        look: Callable[[], object],
        *,
        covered: bool,
        required: bool = False,
    ) -> bool:
        """Look at one file; whether it is there and as it was written."""
        there = (self.run.path / name).is_symlink() or (self.run.path / name).exists()
        if not there and not required:
            return False
        if name not in self.found.files:
            self.found.files.append(name)
        try:
            look()
        except NotAFile as error:
            self.found.damaged[name] = f"it {error.strerror}"
        except OSError as error:
            self.found.damaged[name] = f"it cannot be read: {error.strerror}"
        except (Damaged, ValueError) as damage:
            self.found.damaged[name] = _of_file(name, one_line(damage))
        else:
            if not covered:
                self.found.not_covered.append(name)
            return True
        return False

    def at_checkpoint(self, step: int, *, with_optimizer: bool) -> None:
        """Look at the files of a checkpoint: those that should be there, and an optimiser's state that is."""
        checkpoints = self.run.checkpoints
        folder = Path(CHECKPOINTS) / checkpoint_folder(Path(), step)
        state = None

        def look_at_state() -> None:
            nonlocal state
            state = read_state(checkpoints, step)

        covered = self.at(str(folder / STATE), look_at_state, covered=True, required=True)
        if state is None or not covered:
            return
        if METRICS not in self.found.damaged:
            self.at(METRICS, lambda: _reaches(self.run, state), covered=True, required=True)
        if not state.is_covered:
            self.found.not_covered.append(str(folder / STATE))
        for name in (MODEL, OPTIMIZER):
            self.at(
                str(folder / name),
                lambda name=name, state=state: _finite(hashed_content(checkpoints, name, state), name),  # type: ignore[misc]
                covered=state.is_covered,
                required=name == MODEL or with_optimizer,
            )


def _of_file(name: str, damage: str) -> str:
    """What is wrong with a file, in words that stand behind its name."""
    for known in (name, Path(name).name):
        if damage.startswith(f"{known} "):
            return f"it {damage.removeprefix(f'{known} ')}"
        damage = damage.removeprefix(f"{known}: ")
    return damage


def _finite(content: bytes, name: str) -> None:
    from icl_train._intact.weights import tensors_in

    tensors_in(content, name)


def _classes(run: RunFolder) -> None:
    damage = classes_damage(run.path)
    if damage is None:
        return
    if run.run_format != OLDER_FORMAT:
        raise Damaged(damage)
    json.loads(read_file(run.path / CLASSES))


def _records(run: RunFolder) -> None:
    records_in(intact_lines(run.path, run_format=run.run_format))


def _reaches(run: RunFolder, state: CheckpointState) -> None:
    """That the records are still there which were when a checkpoint was written."""
    try:
        state.require_metrics(read_metrics(run.path))
    except Damaged as damage:
        raise Damaged(f"{damage} at step {state.step}") from None
