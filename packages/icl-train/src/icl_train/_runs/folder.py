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

import importlib.util
import json
import math
import os
import platform
import re
import runpy
import shutil
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any, Literal, cast

from filelock import FileLock, Timeout

from icl_data.foundation.command_line import CommandFailed
from icl_data.foundation.whole_file import sync, write_text
from icl_models import PluginWarning
from icl_train._runs.held import is_held
from icl_train._runs.owners import changed_owners, plugin_owners
from icl_train._settings.values import UnusableConfig
from icl_train.config import RunConfig

__all__ = [
    "RUN_FORMAT",
    "RunError",
    "RunFailed",
    "RunFolder",
    "Status",
    "available_cores",
    "checkpoint_steps",
    "find_runs",
    "progress_line",
]

RUN_FORMAT = 1
Status = Literal["done", "failed", "running", "interrupted", "queued"]
Record = dict[str, Any]


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
    """

    path: Path
    config: RunConfig
    environment: dict[str, Any]

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
        """
        if path.exists():
            raise RunError(
                f"a new run needs a folder that does not exist, got {path} (go on with it: icl-train resume {path}; "
                "or give another --name)"
            )
        environment = {**_environment(), "plugins": plugin_owners(config), "device": device, "threads": threads}
        beside = path.with_name(f".{path.name}.{os.getpid()}")
        beside.mkdir(parents=True)
        _write_json(
            beside / "config.json", {"format": RUN_FORMAT, "config": config.to_dict(), "environment": environment}
        )
        try:
            beside.rename(path)
        except OSError as error:
            shutil.rmtree(beside)
            raise RunError(f"a new run needs a folder that does not exist, got {path}: {error.strerror}") from error
        return cls(path=path, config=config, environment=environment)

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
            stored = json.loads(file.read_text())
            if stored["format"] != RUN_FORMAT:
                raise ValueError(f"its format must be {RUN_FORMAT}, got {stored['format']}")
            environment = stored["environment"]
            config = RunConfig.from_dict(stored["config"], owners=environment.get("plugins", {}))
            run = cls(path=path, config=config, environment=environment)
            if run.environment["threads"] is not None:
                int(run.environment["threads"])
            return run
        except KeyError as error:
            raise RunError(f"cannot read {file}: it has no {error}") from error
        except (ValueError, TypeError, AttributeError, OSError) as error:
            raise RunError(f"cannot read {file}: {' '.join(str(error).split())}") from error

    @property
    def name(self) -> str:
        """The folder's own name."""
        return self.path.name

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
        lines = file.read_text().splitlines() if file.is_file() else []
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
        with (self.path / "metrics.jsonl").open("a") as file:
            file.writelines(json.dumps(record) + "\n" for record in stored)
        with (self.path / "progress.txt").open("a") as file:
            file.writelines(progress_line(record) + "\n" for record in records)
        return stored

    def rewind(self, step: int | None) -> None:
        """Drop records after ``step`` (all for None): what a resumed run will write again."""
        records = [record for record in self.records() if step is not None and record["step"] <= step]
        write_text(self.path / "metrics.jsonl", "".join(json.dumps(record) + "\n" for record in records))
        write_text(self.path / "progress.txt", "".join(progress_line(record) + "\n" for record in records))
        for marker in ("DONE", "FAILED"):
            (self.path / marker).unlink(missing_ok=True)

    def flush(self) -> None:
        """Force metrics and progress to the disk, before a checkpoint says that they are there."""
        for name in ("metrics.jsonl", "progress.txt"):
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
        write_text(self.path / "FAILED", reason + "\n")

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
            with FileLock(self.path / ".lock", timeout=1.0):
                yield
        except Timeout as error:
            raise RunError(
                f"one process at a time may train a run, got {self.path}, which another one is training"
            ) from error


def available_cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def find_runs(root: Path) -> tuple[list[RunFolder], list[tuple[Path, str]]]:
    """Runs at or below ``root`` (at any depth), by path, and the folders that could not be read, with the reason.

    Raises:
        RunError: if ``root`` is not a folder.
    """
    if not root.is_dir():
        raise RunError(f"runs are looked for in a folder, got {root}{'' if root.exists() else ' (it does not exist)'}")
    runs, broken = [], []
    for file in sorted(root.rglob("config.json")):
        if any(part.startswith(".") for part in file.relative_to(root).parts):
            continue
        try:
            runs.append(RunFolder.open(file.parent))
        except RunError as error:
            broken.append((file.parent, str(error)))
    return runs, broken


def checkpoint_steps(folder: Path) -> list[int]:
    """Steps that have a checkpoint, ascending."""
    found = [re.fullmatch(r"step_(\d+)", path.name) for path in folder.glob("step_*") if path.is_dir()]
    return sorted(int(match[1]) for match in found if match)


def progress_line(record: Record) -> str:
    """One record as people read it: ``[step 00100] loss=3.4657 …``, ``[eval_fewshot_holdout step 01000] …``."""
    split = record["split"]
    head = f"[step {record['step']:05d}]" if split == "train" else f"[{split} step {record['step']:05d}]"
    values = [
        f"{name}={_readable(value)}{_interval(record, name)}"
        for name, value in record.items()
        if name not in ("split", "step") and not name.endswith(("_low", "_high"))
    ]
    return " ".join([head, *values])


def _readable(value: object) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _interval(record: Record, name: str) -> str:
    low, high = record.get(f"{name}_low"), record.get(f"{name}_high")
    return f" [{low:.4g}, {high:.4g}]" if low is not None and high is not None else ""


def _finite(record: Record) -> Record:
    """JSON has no NaN: such a value is stored as null."""
    return {
        name: None if isinstance(value, float) and not math.isfinite(value) else value for name, value in record.items()
    }


def _write_json(path: Path, value: object) -> None:
    write_text(path, json.dumps(value, indent=1) + "\n")


def _environment() -> dict[str, Any]:
    packages = ("icl-data", "icl-models", "icl-train", "torch", "numpy")
    return {
        "started": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "python": platform.python_version(),
        "versions": {name: _version(name) for name in packages},
        "git": _git_revision(),
        "host": platform.node(),
        "platform": platform.platform(),
        "cuda": _cuda_of_torch(),
        "command": sys.argv,
    }


def _cuda_of_torch() -> str | None:
    """The CUDA that the installed PyTorch was built with, without the seconds of importing it."""
    found = importlib.util.find_spec("torch")
    if found is None or found.origin is None:
        return None
    try:
        return cast(str | None, runpy.run_path(str(Path(found.origin).with_name("version.py"))).get("cuda"))
    except OSError:
        return None


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def _git_revision() -> str | None:
    try:
        found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True, timeout=5)
    except (OSError, subprocess.SubprocessError):
        return None
    return found.stdout.strip()
