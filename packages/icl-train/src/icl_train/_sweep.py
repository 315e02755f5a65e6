"""Sweeps: a list of configurations, each trained in its own process; what is done is skipped, what broke resumed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import TextIO

import torch
from rich.console import Console
from rich.progress import TaskID

from icl_train._progress import headline_line, step_progress
from icl_train._run import RunFolder, available_cores
from icl_train._task import Task, resolve_device
from icl_train.config import RunConfig
from icl_train.evaluation import Evaluator

__all__ = ["check", "figure3a", "launch", "prepare", "run_name"]

POLL_SECONDS = 0.25


def figure3a(base: RunConfig, *, class_counts: Sequence[int], seeds: Sequence[int]) -> list[RunConfig]:
    """One run per class count and seed (Chan et al. 2022, figure 3): all trained classes but the common ones are rare.

    Raises:
        ValueError: if a class count leaves no rare class.
    """
    runs = []
    for count in dict.fromkeys(class_counts):
        if count <= base.data.n_common_classes:
            raise ValueError(
                f"class counts must be above data.n_common_classes ({base.data.n_common_classes}), got {count}"
            )
        data = replace(base.data, n_rare_classes=count - base.data.n_common_classes)
        for seed in dict.fromkeys(seeds):
            runs.append(replace(base, data=data, seeds=replace(base.seeds, init=seed, data=seed)))
    return runs


def run_name(config: RunConfig) -> str:
    """Folder name of a run in a sweep: readable, and another one for every other configuration."""
    source = config.data.source.replace(":", "-")
    return f"{source}-c{config.data.n_trained_classes:05d}-s{config.seeds.data}-{config.digest()}"


def label(run: RunFolder) -> str:
    """What a run is called on screen: what it varies within its sweep."""
    return f"{run.config.data.n_trained_classes} classes, seed {run.config.seeds.data}"


def check(config: RunConfig) -> None:
    """Build everything that a run needs, so that a mistake shows before anything is written.

    Raises:
        ValueError: for a source, class split, model or evaluation that cannot be had.
    """
    resolve_device(config.train.device)
    # On the CPU: the process that checks is not the one that trains, and should hold none of a GPU's memory.
    task = Task.build(config, device=torch.device("cpu"))
    task.training_sampler()
    task.build_model()
    Evaluator(task, batches=1, protocol=config.eval.protocol)


def prepare(configs: Sequence[RunConfig], root: Path, *, jobs: int | None) -> list[RunFolder]:
    """The run folder of each configuration, made where it is missing.

    Args:
        configs: of the runs.
        root: folder of the run folders.
        jobs: how many will share this machine's cores; None if other machines train them.

    Raises:
        ValueError: if a configuration cannot run; then no folder is made.
    """
    for config in configs:
        check(config)
    paths = [root / run_name(config) for config in configs]
    existing = {path: RunFolder.open(path) for path in paths if path.exists()}
    root.mkdir(parents=True, exist_ok=True)
    return [
        existing.get(path)
        or RunFolder.create(
            path,
            config,
            device=str(resolve_device(config.train.device)),
            threads=config.train.threads or (max(1, available_cores() // jobs) if jobs else None),
        )
        for path, config in zip(paths, configs, strict=True)
    ]


def launch(runs: Sequence[RunFolder], *, jobs: int, stream: TextIO) -> list[RunFolder]:
    """Train what is not done, ``jobs`` at a time; returns the runs that failed. Ctrl+C ends them with a checkpoint."""
    waiting = [run for run in runs if run.status() not in ("done", "running")]
    board = _Board(stream)
    for run in runs:
        if run not in waiting:
            board.say(f"{label(run)}: {run.status()}, skipped")
    active: dict[subprocess.Popen[bytes], _Watched] = {}
    failed = []
    with board, _interrupted_by_sigterm():
        try:
            while waiting or active:
                while waiting and len(active) < jobs:
                    run = waiting.pop(0)
                    watched = _Watched(run, board)
                    active[_start(run)] = watched
                time.sleep(POLL_SECONDS)
                for process in list(active):
                    code = process.poll()
                    active[process].look()
                    if code is not None:
                        watched = active.pop(process)
                        watched.close(ok=code == 0)
                        if code != 0:
                            failed.append(watched.run)
        finally:  # Ctrl+C, or an error of our own: no run goes on without its sweep
            for process in active:
                process.terminate()
            for process in active:
                process.wait()
    return failed


@contextmanager
def _interrupted_by_sigterm() -> Iterator[None]:
    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _start(run: RunFolder) -> subprocess.Popen[bytes]:
    (run.path / "FAILED").unlink(missing_ok=True)  # of an earlier try
    with (run.path / "log.txt").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "icl_train", "resume", str(run.path)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "OMP_NUM_THREADS": str(run.threads)},
            start_new_session=True,  # the terminal's Ctrl+C goes to the sweep alone, which passes it on once
        )


class _Board:
    """Where a sweep shows its runs: bars on a terminal, lines otherwise."""

    def __init__(self, stream: TextIO) -> None:
        console = Console(file=stream)
        self._stream = stream
        self._progress = step_progress(console) if console.is_terminal else None

    def __enter__(self) -> _Board:
        if self._progress:
            self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._progress:
            self._progress.stop()

    def say(self, line: str) -> None:
        if self._progress:
            self._progress.console.print(line, markup=False, highlight=False)
        else:
            print(line, file=self._stream, flush=True)

    def add(self, run: RunFolder) -> TaskID | None:
        if not self._progress:
            return None
        return self._progress.add_task(label(run), total=run.config.train.max_steps)

    def move(self, bar: TaskID | None, step: int) -> None:
        if self._progress and bar is not None:
            self._progress.update(bar, completed=step)

    def remove(self, bar: TaskID | None) -> None:
        if self._progress and bar is not None:
            self._progress.remove_task(bar)


class _Watched:
    """A run in another process, seen through its metrics.jsonl."""

    def __init__(self, run: RunFolder, board: _Board) -> None:
        self.run, self.board, self.label = run, board, label(run)
        board.say(f"{self.label}: started in {run.path}")
        self.bar = board.add(run)
        self.file = run.path / "metrics.jsonl"
        self.shown = max((record["step"] for record in run.records()), default=-1)
        self.position, self.inode = 0, 0

    def look(self) -> None:
        """Show what was written since the last look."""
        if not self.file.exists():
            return
        with self.file.open("rb") as file:
            inode = os.fstat(file.fileno()).st_ino
            if inode != self.inode:  # a resumed run rewinds its records into a new file
                self.position, self.inode = 0, inode
            file.seek(self.position)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self.position += len(whole)
        records = [json.loads(line) for line in whole.splitlines()]
        for step in sorted({record["step"] for record in records}):
            self.board.move(self.bar, step)
            if step <= self.shown:
                continue
            self.shown = step
            at_step = [record for record in records if record["step"] == step]
            line = headline_line([record for record in at_step if record["split"] != "train"] or at_step)
            if line:
                self.board.say(f"{self.label}: {line}")

    def close(self, *, ok: bool) -> None:
        """Say how the run ended."""
        self.board.remove(self.bar)
        if ok:
            self.board.say(f"{self.label}: done")
            return
        reason = self.run.path / "FAILED"
        why = reason.read_text().strip() if reason.exists() else f"see {self.run.path / 'log.txt'}"
        self.board.say(f"{self.label}: failed, {why}")
