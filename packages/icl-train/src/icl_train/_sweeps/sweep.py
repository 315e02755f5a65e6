"""Sweeps: a list of configurations, each trained in its own process; what is done is skipped, what broke resumed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from icl_data.foundation.paths import describe
from icl_models import ComponentConfig, find_launcher
from icl_train._making.trusted import remember_source
from icl_train._making.whole import check_place
from icl_train._plans.plan import Plan
from icl_train._runs.folder import RunError, RunFolder, available_cores
from icl_train._runs.interrupt import GRACE_SECONDS, StopRequest
from icl_train._sweeps.board import Board
from icl_train._sweeps.checks import check_each, check_sweep
from icl_train._sweeps.existing import folders_by_digest
from icl_train._sweeps.queue import Queue
from icl_train._sweeps.teams import teams_of
from icl_train.config import RunConfig

__all__ = ["checked", "default_jobs", "launch", "prepare"]


def prepare(
    plan: Plan | Sequence[RunConfig],
    root: Path,
    *,
    jobs: int | None = None,
    elsewhere: bool = False,
    threads: int | None = None,
    broken: list[tuple[Path, str]] | None = None,
) -> list[RunFolder]:
    """The run folder of each configuration, made where there is none of that run in ``root``, whatever it is called.

    Args:
        plan: the runs; configurations alone are called by class count and seed.
        root: folder of the run folders.
        jobs: how many will share this machine's cores; None for :func:`default_jobs`.
        elsewhere: other machines train them: models and devices are checked there, and PyTorch is not imported.
        threads: CPU threads of new runs that are trained elsewhere; None for all of the machine that does.
        broken: takes the folders that cannot be read or made, with the reason; None to raise instead.

    Raises:
        ValueError: if a configuration cannot run; then no folder is made.
        RunError: if a folder is there and is not a run, unless ``broken`` takes it.
    """
    plan = plan if isinstance(plan, Plan) else Plan.of(plan)
    configs = plan.configs
    paths, devices = checked(plan, root, elsewhere=elsewhere)
    shared = threads if elsewhere else max(1, available_cores() // (jobs or default_jobs(configs)))
    root.mkdir(parents=True, exist_ok=True)
    runs: list[RunFolder] = []
    for config, path, device in zip(configs, paths, devices, strict=True):
        try:
            runs.append(_folder(path, config, device=device, threads=config.train.threads or shared))
            remember_source(path, config.flat())  # what was asked for, whatever a folder that is there holds
        except (RunError, OSError) as error:
            if broken is None or (isinstance(error, OSError) and not runs):
                raise
            broken.append((path, describe(error) if isinstance(error, OSError) else str(error)))
    return runs


def checked(plan: Plan, root: Path, *, elsewhere: bool) -> tuple[list[Path], list[str]]:
    """Whether every run can be made; nothing is.

    Args:
        plan: the runs.
        root: folder of the run folders.
        elsewhere: other machines train them.

    Returns:
        The folder of each run, and the device that it is to be trained on.

    Raises:
        ValueError: if a configuration cannot run.
        OSError: if a folder cannot be made.
    """
    check_sweep(plan)  # every mistake that needs no PyTorch comes before any that does
    paths = _places(plan, root)
    for path in paths:
        check_place(path)
    return paths, [config.train.device for config in plan.configs] if elsewhere else _checked_devices(plan)


def _places(plan: Plan, root: Path) -> list[Path]:
    """Where each run is, or will be: the folder in ``root`` that holds this very run, if there is one."""
    there = folders_by_digest(root, set(plan.names))
    return [there.get(config.digest(), root / name) for config, name in zip(plan.configs, plan.names, strict=True)]


def default_jobs(configs: Sequence[RunConfig]) -> int:
    """Processes at a time: one per core on the CPU, one on a GPU."""
    from icl_train._computing.device import resolve_device

    on_cpu = all(resolve_device(config.train.device).type == "cpu" for config in configs)
    return min(len(teams_of(configs, lambda config: config)), available_cores()) if on_cpu else 1


def _checked_devices(plan: Plan) -> list[str]:
    """Where the runs will be trained, after their models were tried."""
    from icl_train._check import check_model, device_of

    check_each(plan, check_model)
    return [device_of(config) for config in plan.configs]


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
    jobs: int | None,
    stream: TextIO,
    launcher: str = "local",
    launcher_config: ComponentConfig | None = None,
    plan: Plan | None = None,
    broken: Sequence[tuple[Path, str]] = (),
    grace: float = GRACE_SECONDS,
    follow: bool = True,
    stall_minutes: float | None = None,
    members: int | None = None,
) -> list[RunFolder]:
    """Train what is not done, ``jobs`` at a time, the longest first.

    Args:
        runs: the runs.
        jobs: how many at a time; None for all.
        stream: where they are shown.
        launcher, launcher_config: name of the launcher that has them trained, and its own settings.
        plan: what they are called on screen; None for class count and seed.
        broken: folders of further runs that cannot be read, and why: they are told of as failed.
        grace: seconds that runs have for a checkpoint when the sweep is ended, before they are killed.
        follow: wait for runs that other processes train, and take over what those leave, and for jobs that go on
            without the sweep; False to leave them alone.
        stall_minutes: after how long without a sign of life a run is ended, as failed; None for never.
        members: runs of an ensemble at most; None for all that can be one.

    Returns:
        The runs that failed. Every other one is done, or, without ``follow``, may be trained elsewhere.

    Raises:
        KeyboardInterrupt: if Ctrl+C or another signal of `StopRequest` has ended the sweep, and its runs with it, but
            for jobs that go on without it.
        LauncherError: if the launcher does not say what has become of jobs that it was handed before.
    """
    names = None if plan is None else [plan.label(run.config) for run in runs]
    spec = find_launcher(launcher)
    own = launcher_config or spec.config()
    built = spec.build(own, jobs)
    with Board(stream) as board, StopRequest(at_once=False) as stop:
        queue = Queue(
            runs,
            broken,
            spec=spec,
            launcher=built,
            threads=spec.threads(own),
            names=names,
            jobs=jobs,
            board=board,
            grace=grace,
            follow=follow,
            stall_minutes=stall_minutes,
            members=members,
        )
        queue.train(stop)
    return queue.failed
