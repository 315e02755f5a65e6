"""The run folder: everything a run leaves behind, and the only thing icl-eval reads.

config.json      format, all settings, where and with what versions the run was made
classes.json     class keys: rare, common, holdout, and those in each evaluation split
metrics.jsonl    one line per log or evaluation: split, step (updates), sequences, metric values
progress.txt     the same, readable
checkpoints/     step_NNNNNNN/ with model.safetensors, optimizer.safetensors (the newest), state.json
DONE or FAILED   how it ended; FAILED holds the reason
heartbeat.json   while it is trained, rewritten about once a second: step, speed, and which process trains
log.txt          output of the process, for runs of a sweep
"""

from __future__ import annotations

import errno
import json
import math
import os
import re
import shlex
import shutil
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from filelock import FileLock, Timeout

from icl_data.foundation.command_line import CommandFailed
from icl_data.foundation.paths import errors_about
from icl_data.foundation.printable import one_line
from icl_data.foundation.whole_file import sync, write_text
from icl_models import PluginWarning
from icl_train._making.environment import available_cores, environment_here
from icl_train._making.initial import INITIAL, find_initial_weights, with_initial_weights
from icl_train._making.trusted import is_trusted, why_not_trusted
from icl_train._making.whole import whole_folder
from icl_train._runs.headlines import Record, progress_line
from icl_train._runs.held import is_held
from icl_train._runs.owners import changed_owners, plugin_owners
from icl_train._runs.search import folders_holding
from icl_train._settings.stored import check_stored
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
    "find_runs",
    "progress_line",
    "require_new",
]

RUN_FORMAT = 1
Status = Literal["done", "failed", "running", "interrupted", "queued"]


class RunError(ValueError):
    """A folder that is not a run, or not one that can be used as asked."""


class RunFailed(CommandFailed):
    """Training went wrong, for a reason worth one line."""


@dataclass(frozen=True)
class RunFolder:
    """One run on disk. Make it with :meth:`create` or :meth:`open`.

    Attributes:
        path: the folder.
        config: the run's configuration.
        environment: versions, git revision, host, device and threads of the first start; ``plugins``, whose components
            it has that are not built in.
        starts: each time that it was started or went on: time, from which step, to which, device, threads, host,
            versions.
    """

    path: Path
    config: RunConfig
    environment: dict[str, Any]
    starts: tuple[dict[str, Any], ...] = field(default=(), compare=False)

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
            ValueError: if there are no such weights as it is to start from.
            OSError: what the system says, about ``path`` or a folder above it.
        """
        require_new(path)
        config = with_initial_weights(config)
        environment = {**environment_here(), "plugins": plugin_owners(config), "device": device, "threads": threads}
        run = cls(path=path, config=config, environment=environment)
        try:
            with whole_folder(path) as beside:
                if config.train.init_from is not None:
                    shutil.copyfile(find_initial_weights(config.train.init_from).file, beside / INITIAL)
                _write_json(beside / "config.json", run._stored())
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
            RunError: if ``path`` is not a run folder, or one of another format.
        """
        file = path / "config.json"
        if not file.is_file():
            raise RunError(
                f"a run folder holds config.json, got {path}{'' if path.exists() else ' (it does not exist)'}"
            )
        try:
            stored = json.loads(file.read_text(encoding="utf-8"))
            if stored["format"] != RUN_FORMAT:
                raise ValueError(f"its format must be {RUN_FORMAT}, got {stored['format']}")
            check_stored(stored)
            environment = stored["environment"]
            config = RunConfig.from_dict(stored["config"], owners=environment.get("plugins", {}), whole=True)
            return cls(path=path, config=config, environment=environment, starts=tuple(stored.get("starts", ())))
        except KeyError as error:
            raise RunError(f"cannot read {file}: it has no {error}") from error
        except OSError as error:
            raise RunError(f"cannot read {file}: {error.strerror}") from error
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise RunError(f"cannot read {file}: {' '.join(str(error).split())}") from error

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
            raise RunError(f"{why_not_trusted(self.path, self.config.data.source)} (--trust allows it)")

    @property
    def checkpoints(self) -> Path:
        """The folder of the checkpoints."""
        return self.path / "checkpoints"

    def checkpoint_steps(self) -> list[int]:
        """Steps that have a checkpoint, ascending."""
        return checkpoint_steps(self.checkpoints)

    def records(self) -> list[Record]:
        """All lines of metrics.jsonl, in order; a half-written last line, which a kill can leave, is not one.

        Raises:
            RunError: if another line is not JSON.
        """
        file = self.path / "metrics.jsonl"
        lines = file.read_text(encoding="utf-8").splitlines() if file.is_file() else []
        records = []
        for number, line in enumerate(lines, 1):
            try:
                records.append(json.loads(line))
            except json.JSONDecodeError as error:
                if number < len(lines):
                    raise RunError(f"cannot read {file}: line {number} is not JSON") from error
        return records

    def append(self, records: Sequence[Record]) -> list[Record]:
        """Add records to metrics.jsonl and progress.txt; returns them as metrics.jsonl has them."""
        stored = [_finite(record) for record in records]
        self._add("metrics.jsonl", [json.dumps(record) for record in stored])
        self._add("progress.txt", [progress_line(record) for record in records])
        return stored

    def _add(self, name: str, lines: Sequence[str]) -> None:
        file = self.path / name
        with errors_about(file), file.open("a", encoding="utf-8") as stream:
            stream.writelines(f"{line}\n" for line in lines)

    def rewrite(
        self, *, config: RunConfig | None = None, starts: tuple[dict[str, Any], ...] | None = None
    ) -> RunFolder:
        """The run with other settings or starts, in config.json, too.

        Args:
            config: settings; None for those that it has.
            starts: see the attribute; None for those that it has.
        """
        run = replace(
            self,
            config=self.config if config is None else config,
            starts=self.starts if starts is None else starts,
        )
        _write_json(self.path / "config.json", run._stored())
        return run

    def require_same(self, config: RunConfig) -> RunFolder:
        """This run, if it is that of ``config``; RunError if it has become another, such as a longer one."""
        if self.config.digest() != config.digest():
            ours, theirs = self.config.telling(), config.telling()
            names = [name for name in sorted(ours | theirs) if ours.get(name) != theirs.get(name)]
            told = ", ".join(f"{name} {ours.get(name)}, not {theirs.get(name)}" for name in names)
            raise RunError(f"the run in {self.path} has other settings than it was named after: {told}")
        return self

    def _stored(self) -> dict[str, Any]:
        """What config.json holds."""
        return {
            "format": RUN_FORMAT,
            "config": self.config.to_dict(),
            "environment": self.environment,
            "starts": list(self.starts),
        }

    def rewind(self, step: int | None) -> list[Record]:
        """Drop what a resumed run will write again: all records after ``step``, or all for None.

        And what was written at ``step`` because it was the last one, if it is no longer.

        Returns:
            The records of ``step`` that stay, if others went.
        """
        before = [record for record in self.records() if step is not None and record["step"] <= step]
        records = [record for record in before if record["step"] != step or self._is_due(record)]
        write_text(self.path / "metrics.jsonl", "".join(json.dumps(record) + "\n" for record in records))
        write_text(self.path / "progress.txt", "".join(progress_line(record) + "\n" for record in records))
        for marker in ("DONE", "FAILED"):
            (self.path / marker).unlink(missing_ok=True)
        return [record for record in records if record["step"] == step] if len(records) < len(before) else []

    def _is_due(self, record: Record) -> bool:
        """Whether a run of this length writes such a record at that step."""
        step, train = record["step"], self.config.train
        if record["split"] == "train":
            return bool(step % train.log_interval == 0 or step == train.max_steps)
        return step in self.config.evaluations

    def flush(self) -> None:
        """Force metrics and progress to the disk, before a checkpoint says that they are there."""
        for name in ("metrics.jsonl", "progress.txt"):
            with errors_about(self.path / name):
                sync(self.path / name)

    def write_classes(self, classes: dict[str, Any]) -> None:
        """Write classes.json, a line for each list however long it is."""
        lists = ",\n".join(f" {json.dumps(name)}: {json.dumps(keys)}" for name, keys in classes.items())
        write_text(self.path / "classes.json", f"{{\n{lists}\n}}\n")

    def mark_done(self) -> None:
        """The run has reached its last step."""
        write_text(self.path / "DONE", f"{self.config.train.max_steps} steps\n")

    def mark_failed(self, reason: str) -> None:
        """The run has stopped for ``reason``."""
        write_text(self.path / "FAILED", one_line(reason) + "\n")

    def status(self) -> Status:
        """What the run is, as its folder says.

        Returns:
            done; running (some process of this machine trains it); failed (it stopped by itself, ``FAILED`` says why);
            interrupted (it was started and stopped: resume it); queued (nobody has started it yet).
        """
        if (self.path / "DONE").exists():
            return "done"
        if is_held(self.path / ".lock"):
            return "running"
        if (self.path / "FAILED").exists():
            return "failed"
        started = any((self.path / name).exists() for name in (".lock", "log.txt", "metrics.jsonl"))
        return "interrupted" if started else "queued"

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Keep other processes from training in this folder.

        Raises:
            RunError: if one already does.
        """
        try:
            # `status` takes the lock for an instant to see whether somebody holds it.
            with errors_about(self.path, instead_of=self.path / ".lock"):
                lock = FileLock(self.path / ".lock", timeout=1.0)
                lock.acquire()
        except Timeout as error:
            raise RunError(
                f"one process at a time may train a run, got {self.path}, which another one is training"
            ) from error
        try:
            yield
        finally:
            lock.release()


def require_new(path: Path) -> None:
    """Raise RunError, which says how to go on, if there is something at ``path``."""
    if os.path.lexists(path):
        raise RunError(
            f"a new run needs a folder that does not exist, got {path} "
            f"(go on with it: icl-train resume {shlex.quote(str(path))}; or give another --name)"
        )


def find_runs(root: Path) -> tuple[list[RunFolder], list[tuple[Path, str]]]:
    """Runs at or below ``root`` (at any depth), by path, and the folders that could not be read, with the reason.

    Links to folders are followed; a run that is reached in several ways is there once.

    Args:
        root: a run folder, or any folder above some.

    Raises:
        RunError: if ``root`` is not a folder.
    """
    if not root.is_dir():
        raise RunError(f"runs are looked for in a folder, got {root}{'' if root.exists() else ' (it does not exist)'}")
    folders, broken = folders_holding("config.json", root)
    runs = []
    for folder in folders:
        try:
            runs.append(RunFolder.open(folder))
        except RunError as error:
            broken.append((folder, str(error)))
        except OSError as error:  # a folder that can be listed but not entered
            broken.append((folder, f"cannot read its config.json: {error.strerror}"))
    return runs, broken


def checkpoint_steps(folder: Path) -> list[int]:
    """Steps that have a checkpoint, ascending."""
    found = [re.fullmatch(r"step_(\d+)", path.name) for path in folder.glob("step_*") if path.is_dir()]
    return sorted(int(match[1]) for match in found if match)


def _finite(record: Record) -> Record:
    """JSON has no NaN: such a value is stored as null."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in record.items()
    }


def _write_json(path: Path, value: object) -> None:
    write_text(path, json.dumps(value, indent=1) + "\n")
