"""Everything in a run's folder, held against its hashes. Nothing is changed.

Not looked at are progress.txt and log.txt, which no command reads.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

from icl_data.foundation.printable import one_line
from icl_data.foundation.regular_file import NotAFile, read_file
from icl_data.foundation.sealed import Damaged, unseal_object
from icl_train._intact.checkpoints import (
    CHECKPOINTS,
    MODEL,
    OPTIMIZER,
    STATE,
    CheckpointState,
    checkpoint_folder,
    checkpoint_steps,
    hashed_content,
)
from icl_train._intact.classes import CLASSES, classes_damage
from icl_train._intact.errors import RunError
from icl_train._intact.markers import DONE, FAILED, Done, read_failed
from icl_train._intact.metrics import METRICS, read_metrics
from icl_train._intact.objects import OLDER_FORMAT
from icl_train._intact.places import strange_places
from icl_train._intact.promised import set_aside
from icl_train._intact.records import records_in
from icl_train._intact.ties import Ties
from icl_train._intact.whole_run import intact_lines, newest_state, own_state, read_own_done
from icl_train._making.initial import INITIAL, copied_weights
from icl_train._making.others import check_other, copied_name, others_of
from icl_train._runs.folder import RunFolder
from icl_train._runs.held import is_held
from icl_train._runs.stored import CONFIG
from icl_train._watching.heartbeat import HEARTBEAT
from icl_train._watching.job import JOB

__all__ = ["Verified", "verified"]

_WITH_OPTIMIZER = 2  # newest checkpoints
_MORE_LOOKS = 2


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
        run: the run. One that is trained is written meanwhile, so that what seems wrong in it is looked at again: what
            is damaged stays so.
    """
    trained = is_held(run.path / ".lock")
    found = _look(run)
    for _ in range(_MORE_LOOKS):
        if not found.damaged or not (trained or is_held(run.path / ".lock")):
            break
        try:
            again = _look(RunFolder.open(run.path))
        except RunError as error:
            found.damaged[CONFIG] = one_line(error)
            break
        again.damaged = {name: why for name, why in again.damaged.items() if name in found.damaged}
        found = again
    return found


def _look(run: RunFolder) -> Verified:
    looking = _Looking(run)
    covered = run.run_format != OLDER_FORMAT
    for name, why in strange_places(run.path):
        looking.found.damaged[name] = why
    looking.at(CONFIG, lambda: None, covered=covered)
    steps = run.checkpoint_steps()
    begun = bool(steps) or os.path.lexists(run.path / DONE)
    looking.at(CLASSES, lambda: _classes(run), covered=covered, required=begun)
    looking.at(METRICS, looking.read_records, covered=covered, required=begun)
    looking.at(DONE, lambda: read_own_done(run.path, run.settled), covered=covered)
    looking.at(FAILED, lambda: read_failed(run.path, run_format=run.run_format, run=run.identity), covered=covered)
    for name in (HEARTBEAT, JOB):
        looking.at_passing(name)
    if (initial := run.config.train.init_from) is not None:
        looking.at(INITIAL, lambda: _finite(copied_weights(run.path, initial), INITIAL), covered=True, required=True)
    for other in others_of(run.config.model.intervened):
        looking.at(copied_name(other), partial(check_other, run.path, other), covered=True, required=True)
    looking.at_places_of_checkpoints()
    for step in steps:
        looking.at_checkpoint(step)
    looking.found.set_aside = [str(Path(CHECKPOINTS) / path.name) for path in set_aside(run.checkpoints)]
    return looking.found


class _Looking:
    def __init__(self, run: RunFolder) -> None:
        self.run, self.found = run, Verified(run.path)
        self.last_record = 0
        self.known: set[int] = set()  # steps of checkpoints that must be there, or were set aside
        self.first_with_optimizer = 0

    def at(
        self,
        name: str,
        look: Callable[[], object],
        *,
        covered: bool,
        required: bool = False,
    ) -> bool:
        """Look at one file; whether it is there and as it was written."""
        if not required and not os.path.lexists(self.run.path / name):
            return False
        if name not in self.found.files:
            self.found.files.append(name)
        try:
            look()
        except NotAFile as error:
            self.found.damaged[name] = f"it {error.strerror}"
        except FileNotFoundError:
            if required or os.path.lexists(self.run.path / name):  # otherwise it has gone meanwhile
                self.found.damaged[name] = "it is missing"
        except OSError as error:
            self.found.damaged[name] = f"it cannot be read: {error.strerror}"
        except MemoryError:
            self.found.damaged[name] = "it does not fit into memory"
        except (Damaged, ValueError) as damage:
            self.found.damaged[name] = _of_file(name, one_line(damage))
        else:
            if not covered:
                self.found.not_covered.append(name)
            return True
        return False

    def read_records(self) -> None:
        """Each line of metrics.jsonl."""
        records = records_in(intact_lines(self.run.path, self.run.settled))
        self.last_record = max((record["step"] for record in records), default=0)

    def at_passing(self, name: str) -> None:
        """A file that is no part of what the run has made: without a hash, or half-written by a machine that fell, it
        harms nothing."""
        try:
            unseal_object(read_file(self.run.path / name))
        except OSError:
            return
        except Damaged:
            self.found.not_covered.append(name)
        self.found.files.append(name)

    def at_places_of_checkpoints(self) -> None:
        """Which checkpoints are missing, and which cannot be of this run."""
        if CHECKPOINTS in self.found.damaged:
            return
        aside = {int(path.name[5:].partition(".")[0]) for path in set_aside(self.run.checkpoints)}
        expected = self._expected()
        self.known = expected | aside
        self.first_with_optimizer = min(sorted(self.known)[-_WITH_OPTIMIZER:], default=0)
        missing = expected - set(self.run.checkpoint_steps()) - aside
        if missing and not self.run.checkpoints.exists():
            self.found.damaged[CHECKPOINTS] = f"it is missing, and with it {len(missing)} checkpoints"
            return
        for step in sorted(missing):
            name = str(checkpoint_folder(Path(CHECKPOINTS), step))
            self.found.damaged.setdefault(name, "it is missing: once written, a checkpoint's weights stay")
        last = self.run.config.train.max_steps
        for step in checkpoint_steps(self.run.checkpoints):
            if step > last:
                name = str(checkpoint_folder(Path(CHECKPOINTS), step))
                self.found.damaged[name] = f"it must be of a step up to the run's last, {last}"

    def _expected(self) -> set[int]:
        """Steps whose checkpoints must be there: those that others name, and those due before the last record."""
        train, expected = self.run.config.train, set(self.run.promised_checkpoints())
        if train.log_spaced_checkpoint_steps is None and not os.path.lexists(self.run.path / DONE):
            expected |= set(train.checkpoints.before(self.last_record))
        return expected

    def _keeps_optimizer(self, step: int) -> bool:
        """Whether the optimiser's state must be there now: that of the newest two, damaged ones counted."""
        return step in sorted(self.known | set(self.run.checkpoint_steps()))[-_WITH_OPTIMIZER:]

    def at_checkpoint(self, step: int) -> None:
        """Look at the files of a checkpoint: those that should be there, and an optimiser's state that is."""
        checkpoints = self.run.checkpoints
        folder = checkpoint_folder(Path(CHECKPOINTS), step)
        states: list[CheckpointState] = []
        whole = self.at(
            str(folder / STATE),
            lambda: states.append(own_state(checkpoints, step, self.run.identity)),
            covered=True,
            required=True,
        )
        if not whole:
            return
        (state,) = states
        if METRICS not in self.found.damaged:
            self.at(METRICS, lambda: _reaches(self.run, state), covered=True, required=True)
        if not state.is_covered:
            self.found.not_covered.append(str(folder / STATE))
        for name in (MODEL, OPTIMIZER):
            whole = self.at(
                str(folder / name),
                lambda name=name: _finite(hashed_content(checkpoints, name, state), name),  # type: ignore[misc]
                covered=state.is_covered,
                required=name == MODEL or step >= self.first_with_optimizer,
            )
            # Asked once more: while the run is trained, a new checkpoint makes an older one's state superfluous.
            gone = not whole and not os.path.lexists(self.run.path / folder / name)
            if gone and name == OPTIMIZER and not self._keeps_optimizer(step):
                self.found.damaged.pop(str(folder / name), None)


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
        _ties(run).require_classes(run.path)
        return
    if run.run_format != OLDER_FORMAT:
        raise Damaged(damage)
    json.loads(read_file(run.path / CLASSES))


def _ties(run: RunFolder) -> Ties:
    """What DONE or else the newest checkpoint says of its other files; what is there, if neither can be read."""
    try:
        done = read_own_done(run.path, run.settled)
        newest = newest_state(run.path, run.settled) if done is None else None
    except Damaged:
        done = newest = None
    if isinstance(done, Done):
        return done.ties
    return newest.ties if newest is not None and newest.ties is not None else run.ties()


def _reaches(run: RunFolder, state: CheckpointState) -> None:
    """That the records are still there which were when a checkpoint was written."""
    try:
        state.require_metrics(read_metrics(run.path, most_bytes=run.settled.most_metrics))
    except Damaged as damage:
        raise Damaged(f"{damage} at step {state.step}") from None
