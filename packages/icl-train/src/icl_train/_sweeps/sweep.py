"""Sweeps: a list of configurations, each trained in its own process; what is done is skipped, what broke resumed."""

from __future__ import annotations

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

from icl_train._check_settings import check_settings
from icl_train._making.whole import check_place
from icl_train._runs.folder import RunFolder, available_cores
from icl_train._sweeps.board import Board, Watched, label
from icl_train.config import RunConfig

__all__ = ["figure3a", "launch", "prepare", "run_name"]

POLL_SECONDS = 0.25


def figure3a(base: RunConfig, *, class_counts: Sequence[int], seeds: Sequence[int]) -> list[RunConfig]:
    """One run per class count and seed (Chan et al. 2022, figure 3): all trained classes but the common ones are rare.

    Args:
        base: settings that the runs share.
        class_counts: numbers of trained classes.
        seeds: seeds of initial weights and data.

    Returns:
        The runs' settings, class count by class count.

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


def prepare(configs: Sequence[RunConfig], root: Path, *, jobs: int | None) -> list[RunFolder]:
    """The run folder of each configuration, made where it is missing.

    Args:
        configs: of the runs.
        root: folder of the run folders.
        jobs: how many will share this machine's cores; None if other machines train them.

    Raises:
        ValueError: if a configuration cannot run; then no folder is made.
    """
    for config in configs:  # every mistake that needs no PyTorch comes before any that does
        check_settings(config)
        check_place(root / run_name(config))
    from icl_train._check import check_model, device_of

    for config in configs:
        check_model(config)
    paths = [root / run_name(config) for config in configs]
    pairs = zip(paths, configs, strict=True)
    existing = {path: RunFolder.open(path).require_same(config) for path, config in pairs if path.exists()}
    return [
        existing.get(path)
        or RunFolder.create(
            path,
            config,
            device=device_of(config),
            threads=config.train.threads or (max(1, available_cores() // jobs) if jobs else None),
        )
        for path, config in zip(paths, configs, strict=True)
    ]


def launch(runs: Sequence[RunFolder], *, jobs: int, stream: TextIO) -> list[RunFolder]:
    """Train what is not done, ``jobs`` at a time; returns the runs that failed. Ctrl+C ends them with a checkpoint."""
    waiting = [run for run in runs if run.status() not in ("done", "running")]
    board = Board(stream)
    for run in runs:
        if run not in waiting:
            board.say(f"{label(run)}: {run.status()}, skipped")
    active: dict[subprocess.Popen[bytes], Watched] = {}
    failed = []
    with board, _interrupted_by_sigterm():
        try:
            while waiting or active:
                while waiting and len(active) < jobs:
                    run = waiting.pop(0)
                    watched = Watched(run, board)
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
