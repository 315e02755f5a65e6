"""Sweeps: a list of configurations, each trained in its own process; what is done is skipped, what broke resumed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TextIO

from icl_data.foundation.paths import describe
from icl_train._making.whole import check_place
from icl_train._runs.folder import RunError, RunFolder, available_cores
from icl_train._runs.interrupt import GRACE_SECONDS, StopRequest
from icl_train._settings.source import source_label
from icl_train._sweeps.board import Board
from icl_train._sweeps.checks import check_each, check_sweep, of_those_given
from icl_train._sweeps.launcher import Launcher
from icl_train.config import RunConfig

__all__ = ["default_jobs", "figure3a", "launch", "prepare", "run_name"]


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
    n_common = base.data.n_common_classes
    bad = [count for count in dict.fromkeys(class_counts) if count <= n_common]
    if bad:
        raise ValueError(
            f"class counts must be above data.n_common_classes ({n_common}), got {', '.join(map(str, bad))}; "
            + of_those_given(class_counts, bad)
        )
    runs = []
    for count in dict.fromkeys(class_counts):
        data = replace(base.data, n_rare_classes=count - n_common)
        for seed in dict.fromkeys(seeds):
            runs.append(replace(base, data=data, seeds=replace(base.seeds, init=seed, data=seed)))
    return runs


def run_name(config: RunConfig) -> str:
    """Folder name of a run in a sweep: readable, and another one for every other configuration."""
    source = source_label(config.data.source)
    return f"{source}-c{config.data.n_trained_classes:05d}-s{config.seeds.data}-{config.digest()}"


def prepare(
    configs: Sequence[RunConfig],
    root: Path,
    *,
    jobs: int | None = None,
    elsewhere: bool = False,
    broken: list[tuple[Path, str]] | None = None,
) -> list[RunFolder]:
    """The run folder of each configuration, made where it is missing.

    Args:
        configs: of the runs.
        root: folder of the run folders.
        jobs: how many will share this machine's cores; None for :func:`default_jobs`.
        elsewhere: other machines train them: models and devices are checked there, and PyTorch is not imported.
        broken: takes the folders that cannot be read or made, with the reason; None to raise instead.

    Raises:
        ValueError: if a configuration cannot run; then no folder is made.
        RunError: if a folder is there and is not a run, unless ``broken`` takes it.
    """
    check_sweep(configs)  # every mistake that needs no PyTorch comes before any that does
    for config in configs:
        check_place(root / run_name(config))
    devices = [config.train.device for config in configs] if elsewhere else _checked_devices(configs)
    shared = None if elsewhere else max(1, available_cores() // (jobs or default_jobs(configs)))
    root.mkdir(parents=True, exist_ok=True)
    runs: list[RunFolder] = []
    for config, device in zip(configs, devices, strict=True):
        path = root / run_name(config)
        try:
            runs.append(_folder(path, config, device=device, threads=config.train.threads or shared))
        except (RunError, OSError) as error:
            if broken is None or (isinstance(error, OSError) and not runs):
                raise
            broken.append((path, describe(error) if isinstance(error, OSError) else str(error)))
    return runs


def default_jobs(configs: Sequence[RunConfig]) -> int:
    """Runs at a time: one per core on the CPU, one on a GPU."""
    from icl_train._task import resolve_device

    on_cpu = all(resolve_device(config.train.device).type == "cpu" for config in configs)
    return min(len(configs), available_cores()) if on_cpu else 1


def _checked_devices(configs: Sequence[RunConfig]) -> list[str]:
    """Where the runs will be trained, after their models were tried."""
    from icl_train._check import check_model, device_of

    check_each(configs, check_model)
    return [device_of(config) for config in configs]


def _folder(path: Path, config: RunConfig, *, device: str, threads: int | None) -> RunFolder:
    if path.exists():
        return RunFolder.open(path).require_same(config)
    try:
        return RunFolder.create(path, config, device=device, threads=threads)
    except RunError:
        if not path.exists():
            raise
        return RunFolder.open(path).require_same(config)  # another sweep has made it in this moment


def launch(
    runs: Sequence[RunFolder],
    *,
    jobs: int,
    stream: TextIO,
    broken: Sequence[tuple[Path, str]] = (),
    grace: float = GRACE_SECONDS,
    follow: bool = True,
) -> list[RunFolder]:
    """Train what is not done, ``jobs`` at a time, the longest first.

    Args:
        runs: the runs.
        jobs: how many at a time.
        stream: where they are shown.
        broken: folders of further runs that cannot be read, and why: they are told of as failed.
        grace: seconds that runs have for a checkpoint when the sweep is ended, before they are killed.
        follow: wait for runs that other processes train, and take over what those leave; False to leave them alone.

    Returns:
        The runs that failed. Every other one is done, or, without ``follow``, may be trained elsewhere.

    Raises:
        KeyboardInterrupt: if Ctrl+C or another signal of `StopRequest` has ended the sweep, and its runs with it.
    """
    with Board(stream) as board, StopRequest(at_once=False) as stop:
        launcher = Launcher(runs, broken, jobs=jobs, board=board, grace=grace, follow=follow)
        launcher.train(stop)
    return launcher.failed
