"""The run folder: everything a run leaves behind, and the only thing icl-eval reads.

config.json      format, all settings, where and with what versions the run was made
classes.json     class keys: rare, common, holdout, and those in each evaluation split; which data they are of
metrics.jsonl    one line per log or evaluation: split, step (updates), sequences, metric values
progress.txt     the same, readable
checkpoints/     step_NNNNNNN/ with model.safetensors, optimizer.safetensors (the newest), state.json
DONE or FAILED   how it ended; FAILED holds the reason
heartbeat.json   while it is trained, rewritten about once a second: step, speed, and which process trains
job.json         the job of a cluster that it waits for, or is trained in
log.txt          output of the process, for runs of a sweep

Each but progress.txt and log.txt, which nobody reads but people, tells whether it is as it was written: the JSON files
end with their SHA-256, each line of metrics.jsonl with the CRC-32 of everything before, and state.json has the SHA-256
of the weights beside it. What is of one run names it: config.json its identity, which the checkpoints, DONE and FAILED
have as well. Format 1 had none of this.
"""

from __future__ import annotations

import errno
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from icl_data.foundation.sealed import Damaged, GrowingSeal
from icl_models import PluginWarning
from icl_train._intact.checkpoints import CHECKPOINTS, CheckpointState, checkpoint_folder, checkpoint_steps, write_state
from icl_train._intact.classes import write_classes
from icl_train._intact.errors import RunError, RunFailed, RunUnreadable
from icl_train._intact.markers import DONE, FAILED, Done, write_done, write_failed
from icl_train._intact.metrics import METRICS, sealed_lines
from icl_train._intact.objects import RUN_FORMAT
from icl_train._intact.places import require_own_places
from icl_train._intact.promised import named_steps, promised_steps
from icl_train._intact.records import records_in
from icl_train._intact.sizes import most_bytes_of_metrics
from icl_train._intact.ties import Ties
from icl_train._intact.whole_run import Settled, damage_of, intact_lines, own_state, require_own_end
from icl_train._making.environment import available_cores, environment_here
from icl_train._making.initial import INITIAL, find_initial_weights
from icl_train._making.others import copy_others, with_other_weights
from icl_train._making.trusted import is_trusted, why_not_trusted
from icl_train._making.whole import require_new, whole_folder
from icl_train._runs.headlines import Record, progress_line
from icl_train._runs.held import held, is_held
from icl_train._runs.owners import changed_owners, plugin_owners
from icl_train._runs.recording import Recording, is_due, lines_until
from icl_train._runs.stored import Stored, read_stored, write_stored
from icl_train._settings.identity import identity_of
from icl_train._settings.values import UnusableConfig
from icl_train.config import RunConfig

__all__ = [
    "RUN_FORMAT",
    "Record",
    "RunError",
    "RunFailed",
    "RunFolder",
    "Status",
    "available_cores",
    "checkpoint_steps",
    "progress_line",
]

Status = Literal["done", "failed", "running", "interrupted", "queued", "damaged"]


@dataclass(frozen=True)
class RunFolder:
    """One run on disk. Make it with :meth:`create` or :meth:`open`.

    Attributes:
        path: the folder.
        config: the run's configuration.
        environment: versions, git revision, host, device and threads of the first start; ``plugins``, whose components
            it has that are not built in.
        starts: each time that it was started or went on: time, from which step, to which, device, engine, threads,
            host, versions.
        run_format: 2; 1 of a run that an earlier version has made, and none has gone on with.
        identity: by which its files know it.
    """

    path: Path
    config: RunConfig
    environment: dict[str, Any]
    starts: tuple[dict[str, Any], ...] = field(default=(), compare=False)
    run_format: int = field(default=RUN_FORMAT, compare=False)
    identity: str = field(default="", compare=False)
    _recording: Recording = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_recording", Recording(self.path))
        object.__setattr__(self, "identity", self.identity or identity_of(self.config.flat()))

    @classmethod
    def create(cls, path: Path, config: RunConfig, *, device: str, threads: int | None) -> RunFolder:
        """Make a new run folder; it appears whole or not at all.

        Args:
            path: the folder.
            config: all settings of the run.
            device: where it is to be trained.
            threads: CPU threads it is to be trained with; None for all cores of whichever machine trains it.

        Raises:
            RunError: if ``path`` exists.
            ValueError: if there are no such weights as it is to start from, or to be held to.
            OSError: what the system says, about ``path`` or a folder above it.
        """
        require_new(path)
        config = with_other_weights(config)
        environment = {**environment_here(), "plugins": plugin_owners(config), "device": device, "threads": threads}
        run = cls(path=path, config=config, environment=environment)
        try:
            with whole_folder(path) as beside:
                if config.train.init_from is not None:
                    (beside / INITIAL).write_bytes(find_initial_weights(config.train.init_from).content)
                copy_others(config, beside)
                write_stored(beside, run._stored())
        except OSError as error:
            if error.errno in (errno.EEXIST, errno.ENOTEMPTY):  # made by somebody else meanwhile
                require_new(path)
            raise
        return run

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """An existing run. Its records can be read where a plugin of its model is missing (see :attr:`unusable`).

        Args:
            path: its folder.

        Raises:
            RunError: if ``path`` is not a run folder; RunUnreadable if its config.json is damaged.
        """
        stored = read_stored(path)
        return cls(
            path=path,
            config=stored.config,
            environment=stored.environment,
            starts=stored.starts,
            run_format=stored.run_format,
            identity=stored.run,
        )

    @property
    def name(self) -> str:
        """The folder's own name; of `.` and the like, what that folder is called."""
        return self.path.name if self.path.name not in ("", "..") else self.path.resolve().name

    @property
    def threads(self) -> int:
        """CPU threads of the run."""
        return int(self.environment["threads"] or available_cores())

    @property
    def unusable(self) -> str | None:
        """Why its model cannot be built here, if a plugin is missing or another one; in one line."""
        model = self.config.model
        parts = (model.embedder_config, model.sequence_model_config)
        return "; ".join(own.reason for own in parts if isinstance(own, UnusableConfig)) or None

    def require_components(self) -> None:
        """Before its model is built: warn if a plugin is of another version than when the run was made.

        Raises:
            RunError: if one is missing.
        """
        if self.unusable:
            raise RunError(self.unusable)
        for line in changed_owners(self.config, self.environment.get("plugins", {})):
            warnings.warn(line, PluginWarning, stacklevel=3)

    @property
    def trusted(self) -> bool:
        """Whether its source runs no code, or a command of this user made the run here with that very source."""
        return is_trusted(self.path, self.config.flat())

    def require_trusted(self) -> None:
        """Before its source is opened, which may be the name of anybody's code.

        Raises:
            RunError: if it is not :attr:`trusted`; it says what would be imported, and from where.
        """
        if not self.trusted:
            raise RunError(why_not_trusted(self.path, self.config.data.source, allowed_by="--trust"))

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.path / CHECKPOINTS

    def checkpoint_steps(self) -> list[int]:
        """Steps that have a checkpoint, ascending; none beyond its last step."""
        return [step for step in checkpoint_steps(self.checkpoints) if step <= self.config.train.max_steps]

    def promised_checkpoints(self) -> list[int]:
        """Steps whose checkpoints must be there, ascending, as DONE or the checkpoints say: once written, one stays."""
        return promised_steps(self.path, self.settled)

    def require_own_checkpoint(self, step: int, *, ended: bool = True) -> None:
        """That the checkpoint of a step, and DONE, are of this run.

        Args:
            step: of the checkpoint.
            ended: look into DONE as well, which need not be read again for each of many checkpoints.

        Raises:
            RunUnreadable: if they are not, or its state.json is damaged.
        """
        try:
            if ended:
                require_own_end(self.path, self.settled)
            own_state(self.checkpoints, step, self.identity)
        except Damaged as damage:
            raise RunUnreadable(f"cannot load {checkpoint_folder(self.checkpoints, step)}: {damage}") from damage

    @property
    def settled(self) -> Settled:
        """What config.json says that its other files are held against."""
        most = most_bytes_of_metrics(self.config)
        return Settled(self.run_format, self.identity, self.config.train.max_steps, most)

    def lines(self) -> bytes:
        """What metrics.jsonl holds, whole: as it was written, and as much as DONE or the newest checkpoint says.

        What a kill or a full disk can leave at its end is no part of it: half of a line, and a last evaluation with
        fewer splits than the one before.

        Raises:
            RunUnreadable: if something of it is damaged, missing or of another run, in one line that names the file.
        """
        try:
            return intact_lines(self.path, self.settled)
        except Damaged as damage:
            raise RunUnreadable(f"cannot read {self.path}/{damage}") from damage

    def records(self) -> list[Record]:
        """The records in :meth:`lines`, in order.

        Raises:
            RunUnreadable: as :meth:`lines`, or if a line is no record.
        """
        lines = self.lines()
        try:
            return records_in(lines)
        except Damaged as damage:
            raise RunUnreadable(f"cannot read {self.path / METRICS}: {damage}") from damage

    def append(self, records: Sequence[Record]) -> list[Record]:
        """Add records to metrics.jsonl and progress.txt; returns them as metrics.jsonl has them."""
        return self._recording.append(records)

    def rewrite(
        self,
        *,
        config: RunConfig | None = None,
        starts: tuple[dict[str, Any], ...] | None = None,
        run_format: int | None = None,
    ) -> RunFolder:
        """The run with other settings or starts, in config.json, too.

        Args:
            config: settings; None for those that it has.
            starts: see the attribute; None for those that it has.
            run_format: see the attribute; None for that which it has.
        """
        run = replace(
            self,
            config=self.config if config is None else config,
            starts=self.starts if starts is None else starts,
            run_format=self.run_format if run_format is None else run_format,
        )
        write_stored(self.path, run._stored())
        return run

    def require_same(self, config: RunConfig) -> RunFolder:
        """This run, if it is that of ``config``; RunError if it has become another, such as a longer one."""
        if self.config.digest() != config.digest():
            ours, theirs = self.config.telling(), config.telling()
            names = [name for name in sorted(ours | theirs) if ours.get(name) != theirs.get(name)]
            told = ", ".join(f"{name} {ours.get(name)}, not {theirs.get(name)}" for name in names)
            raise RunError(f"the run in {self.path} has other settings than it was named after: {told}")
        return self

    def _stored(self) -> Stored:
        """What config.json holds."""
        return Stored(self.config, self.environment, self.starts, self.run_format, self.identity)

    def rewind(self, step: int | None, state: CheckpointState | None = None) -> list[Record]:
        """Drop what a resumed run will write again: all records after ``step``, or all for None.

        And what was written at ``step`` because it was the last one, if it is no longer.

        Args:
            step: from where the run goes on.
            state: what its checkpoint of that step says.

        Returns:
            The records of ``step`` that stay, if others went.

        Raises:
            RunUnreadable: if metrics.jsonl is no longer what it was at ``step``.
        """
        try:
            lines = lines_until(self.path, step, state, most_bytes=self.settled.most_metrics)
            before = [record for record in records_in(lines) if step is not None and record["step"] <= step]
        except Damaged as damage:
            raise RunUnreadable(f"cannot read {self.path / METRICS}: {damage}") from damage
        records = [record for record in before if record["step"] != step or is_due(record, self.config)]
        if state is None or not state.is_covered or len(records) < len(before):
            lines = sealed_lines(records)
            if state is not None and state.is_covered:  # before the lines themselves: a kill in between harms nothing
                write_state(checkpoint_folder(self.checkpoints, state.step), state.or_with(GrowingSeal.of(lines)))
        for marker in (DONE, FAILED):
            (self.path / marker).unlink(missing_ok=True)
        self._recording.replace(lines, records)
        return [record for record in records if record["step"] == step] if len(records) < len(before) else []

    def flush(self) -> GrowingSeal:
        """Force metrics and progress to the disk, before a checkpoint says that they are there; how far they go."""
        return self._recording.flush()

    def write_classes(self, classes: dict[str, Any]) -> None:
        """Write classes.json, a line for each list however long it is."""
        write_classes(self.path, classes)

    def ties(self) -> Ties:
        """What its checkpoints and DONE say of the run that they are of."""
        return Ties.of(self.path, self.identity)

    def mark_done(self) -> None:
        """The run has reached its last step, and its records and checkpoints are all there."""
        last = self.config.train.max_steps
        steps = tuple(named_steps(self.checkpoints, last))
        write_done(self.path, Done(last, steps, self._recording.kept(), self.ties()))

    def mark_failed(self, reason: str) -> None:
        """The run has stopped for ``reason``."""
        write_failed(self.path, reason, run=self.identity)

    def damage(self) -> str | None:
        """What is wrong with its folder, as far as a short look shows, in one line; None if nothing is.

        That is: a marker or the newest checkpoint's state.json is damaged or of another run, or metrics.jsonl is
        shorter than they say. :meth:`lines` looks at every byte of it; ``icl-train verify`` at everything.
        """
        return damage_of(self.path, self.settled)

    def status(self) -> Status:
        """What the run is, as its folder says.

        Returns:
            done; running (some process of this machine trains it); failed (it stopped by itself, ``FAILED`` says why);
            damaged (see :meth:`damage`); interrupted (it was started and stopped: resume it); queued (nobody has
            started it yet).
        """
        ended = os.path.lexists(self.path / DONE)
        if ended and self.damage() is None:
            return "done"
        if is_held(self.path / ".lock"):
            return "running"
        if (self.path / FAILED).exists():
            return "failed"
        if ended or self.damage() is not None:
            return "damaged"
        started = any((self.path / name).exists() for name in (".lock", METRICS))
        return "interrupted" if started else "queued"

    def is_done_and_whole(self) -> bool:
        """Whether it has reached its last step, everything that it has recorded is as it was written, and its last
        checkpoint is there."""
        try:
            if self.status() != "done" or self.records() is None:
                return False
        except RunError:
            return False
        return set(self.promised_checkpoints()[-1:]) <= set(self.checkpoint_steps())

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes from training in this folder.

        Raises:
            RunError: if one already does; RunUnreadable if there is a link in the place of one of its files or folders,
                through which training would write somewhere else, or something that is neither.
        """
        require_own_places(self.path)
        with held(self.path / ".lock") as is_ours:
            if not is_ours:
                raise RunError(f"one process at a time may train a run, got {self.path}, which another one is training")
            yield
