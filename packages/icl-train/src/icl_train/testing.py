"""Conformance suites for experiments and launchers. Subclass them in a test file, name yours, run pytest:

    from icl_train.testing import ExperimentConformance, LauncherConformance

    class TestMine(ExperimentConformance):
        name = "my-experiment"

    class TestMyLauncher(LauncherConformance):
        name = "my-launcher"

Nothing is trained, and no data file is opened: the jobs of a launcher are processes that do nothing.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar
from unittest import SkipTest

from icl_models import ComponentConfig, Job, Launcher, LauncherSpec, find_launcher
from icl_models.testing import ExperimentConformance as _SpecConformance
from icl_train._experiments.runs import ExperimentRun, experiment_runs
from icl_train.presets import PRESETS

__all__ = ["ExperimentConformance", "LauncherConformance"]

_OF_TRAINING = ("loss", "accuracy_query", "grad_l2", "weight_l2", "weight_l2_all")


class ExperimentConformance(_SpecConformance):
    """Set `name` to the experiment under test."""

    def runs(self, scale: str) -> Sequence[ExperimentRun]:
        """Its runs at a scale.

        Args:
            scale: name of the scale.
        """
        return experiment_runs(self.spec(), scale)

    def test_each_scale_starts_from_a_preset(self) -> None:
        assert {scale.preset for scale in self.spec().scales.values()} <= PRESETS.keys()

    def test_each_scale_has_runs_with_settings_that_exist_and_fit(self) -> None:
        assert all(self.runs(scale) for scale in self.spec().scales)

    def test_each_point_is_another_run(self) -> None:
        spec = self.spec()
        for scale, found in spec.scales.items():
            expected = len(set(found.seeds)) * max(1, found.draws)
            for axis in spec.axes_at(scale):
                expected *= len(axis.points)
            assert len({run.config.digest() for run in self.runs(scale)}) == expected

    def test_each_claim_is_about_what_is_measured(self) -> None:
        for claim in self.spec().claims:
            for scale in claim.scales if claim.heads is None else ():
                for run in self.runs(scale):
                    assert claim.measure in {*_OF_TRAINING, *(one.name for one in run.config.eval.measured)}

    def test_each_claim_about_heads_is_about_a_layer_that_its_runs_have(self) -> None:
        for claim in self.spec().claims:
            points = [claim.where, *([] if claim.than is None else [claim.than])]
            for scale in claim.scales:
                for run in self.runs(scale):
                    if claim.heads is not None and any(point.items() <= run.where.items() for point in points):
                        assert claim.heads.layer < run.config.model.num_layers


# A job that says with how many threads it was started, and what has ended it. It ends with its standard input, too.
_WAITS = """
import os, signal, sys, threading, time
from pathlib import Path
threading.Thread(target=lambda: (sys.stdin.read(), os._exit(1)), daemon=True).start()
folders = [Path(name) for name in sys.argv[1:]]
def ended(number, frame):
    for folder in folders:
        (folder / "ended").write_text("with a checkpoint")
    sys.exit(0)
for name in ("SIGTERM", "SIGUSR1", "SIGUSR2"):
    signal.signal(getattr(signal, name), ended)
for folder in folders:
    (folder / "started").write_text(os.environ["OMP_NUM_THREADS"])
while not all((folder / "enough").exists() for folder in folders):
    time.sleep(0.05)
"""


class LauncherConformance:
    """Set `name` to the launcher under test, `own` to its settings if the defaults do not do here, and `seconds` to how
    long its jobs may have to wait for a machine."""

    name: ClassVar[str]
    own: ClassVar[ComponentConfig | None] = None
    seconds: ClassVar[float] = 60.0

    def spec(self) -> LauncherSpec:
        """The launcher under test."""
        return find_launcher(self.name)

    def build(self) -> Launcher:
        """The launcher, with settings that it has checked."""
        spec = self.spec()
        own = self.own or spec.config()
        spec.check(own)
        return spec.build(own, None)

    _launcher: Launcher | None = None

    @property
    def launcher(self) -> Launcher:
        """A test's launcher, built when it is first asked for, which is after fixtures have made what it needs."""
        if self._launcher is None:
            self._launcher = self.build()
        return self._launcher

    def teardown_method(self) -> None:
        """After each test."""
        if self._launcher is not None:
            self._launcher.close()

    def job(self, folder: Path, *names: str, threads: int = 1) -> Job:
        """A job that writes `started` into its folders, waits for `enough` in them, and writes `ended` if it is asked
        to end before.

        Args:
            folder: of the folders, which are made.
            names: of the folders.
            threads: see `Job`.
        """
        folders = tuple(folder / name for name in names)
        for one in folders:
            one.mkdir()
        command = (sys.executable, "-c", _WAITS, *map(str, folders))
        return Job(name=names[0], folders=folders, command=command, threads=threads)

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait; a failure where what is waited for does not come.

        Args:
            condition: whether it is there.
        """
        give_up = time.monotonic() + self.seconds
        while not condition():
            assert time.monotonic() < give_up, f"launcher {self.name!r} was waited for in vain"
            time.sleep(0.05)

    def asked(self, *ids: str, of: Launcher | None = None) -> list[str]:
        """Stages of jobs; skipped where the launcher cannot say.

        Args:
            ids: of the jobs.
            of: who is asked; None for the test's own launcher.

        Raises:
            SkipTest: if it cannot say.
        """
        if not self.spec().asked:
            raise SkipTest(f"launcher {self.name!r} cannot be asked after its jobs")
        return [state.stage for state in (of or self.launcher).states(ids)]

    def test_a_job_is_there_until_it_is_over(self, tmp_path: Path) -> None:
        job = self.job(tmp_path, "one", threads=1)
        (number,) = self.launcher.submit([job])
        assert self.asked(number) in (["queued"], ["running"])
        self.until(lambda: (job.folders[0] / "started").exists())
        self.until(lambda: self.asked(number) == ["running"])
        (job.folders[0] / "enough").touch()
        self.until(lambda: self.asked(number) == ["gone"])
        assert not (job.folders[0] / "ended").exists()

    def test_a_job_has_the_threads_that_it_asks_for(self, tmp_path: Path) -> None:
        job = self.job(tmp_path, "one", threads=1)
        (number,) = self.launcher.submit([job])
        self.asked(number)
        self.until(lambda: (job.folders[0] / "started").exists())
        (job.folders[0] / "enough").touch()
        self.until(lambda: (job.folders[0] / "started").read_text() == "1")
        self.until(lambda: self.asked(number) == ["gone"])

    def test_a_job_may_have_several_folders(self, tmp_path: Path) -> None:
        job = self.job(tmp_path, "one", "two")
        (number,) = self.launcher.submit([job])
        self.asked(number)
        for folder in job.folders:
            (folder / "enough").touch()
        self.until(lambda: self.asked(number) == ["gone"])
        assert all((folder / "started").exists() for folder in job.folders)

    def test_each_job_has_an_id_of_its_own(self, tmp_path: Path) -> None:
        jobs = [self.job(tmp_path, name) for name in ("one", "two")]
        for job in jobs:
            (job.folders[0] / "enough").touch()
        ids = list(self.launcher.submit(jobs))
        assert len(ids) == 2
        self.until(lambda: self.asked(*ids) == ["gone", "gone"])
        assert len(set(ids)) == 2

    def test_a_job_that_is_asked_to_end_writes_its_checkpoint(self, tmp_path: Path) -> None:
        job = self.job(tmp_path, "one")
        (number,) = self.launcher.submit([job])
        self.asked(number)
        self.until(lambda: (job.folders[0] / "started").exists())
        self.launcher.end([number], at_once=False)
        self.until(lambda: self.asked(number) == ["gone"])
        assert (job.folders[0] / "ended").read_text() == "with a checkpoint"

    def test_a_job_can_be_killed_and_one_that_is_gone_be_ended(self, tmp_path: Path) -> None:
        job = self.job(tmp_path, "one")
        (number,) = self.launcher.submit([job])
        self.asked(number)
        self.until(lambda: (job.folders[0] / "started").exists())
        self.launcher.end([number], at_once=True)
        self.until(lambda: self.asked(number) == ["gone"])
        self.launcher.end([number], at_once=False)

    def test_a_job_that_nobody_knows_is_gone(self) -> None:
        assert self.asked("1234567") == ["gone"]

    def test_another_process_can_ask_after_a_job_that_outlives_its_own(self, tmp_path: Path) -> None:
        if not self.spec().outlives:
            raise SkipTest(f"jobs of launcher {self.name!r} end with the process that has submitted them")
        job = self.job(tmp_path, "one")
        (number,) = self.launcher.submit([job])
        self.launcher.close()
        other = self.build()
        assert self.asked(number, of=other) in (["queued"], ["running"])
        self.until(lambda: (job.folders[0] / "started").exists())
        (job.folders[0] / "enough").touch()
        self.until(lambda: self.asked(number, of=other) == ["gone"])
