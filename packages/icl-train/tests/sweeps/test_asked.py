"""A launcher whose jobs outlive the sweep, with a queue that tests decide on: what is handed over and followed."""

import io
import signal
import threading
from types import SimpleNamespace

import pytest
from filelock import FileLock

from icl_data.foundation.command_line import CommandFailed
from icl_models import ComponentConfig, JobState, LauncherError, LauncherSpec, find_launcher
from icl_train import figure3a
from icl_train._commands.main import _main
from icl_train._runs.interrupt import StopRequest
from icl_train._sweeps import handed
from icl_train._sweeps.sweep import launch, prepare
from icl_train._watching.job import note_job, read_job

SHORT = ["sweep", "figure3a", "--preset", "smoke", "--class-counts", "64", "30", "--launcher", "theirs"]


class Cluster:
    """Jobs by number, and what has become of each."""

    def __init__(self):
        self.jobs, self.stages, self.ended, self.refuses, self.silent = {}, {}, [], None, None

    def submit(self, jobs):
        if self.refuses:
            raise LauncherError(self.refuses)
        ids = [str(len(self.jobs) + number) for number, _ in enumerate(jobs)]
        self.jobs |= dict(zip(ids, jobs, strict=True))
        self.stages |= dict.fromkeys(ids, "queued")
        return ids

    def states(self, ids):
        if self.silent:
            raise LauncherError(self.silent)
        return [JobState(stage=self.stages.get(number, "gone")) for number in ids]

    def end(self, ids, *, at_once):
        self.ended += ids

    def close(self):
        pass


@pytest.fixture
def cluster(monkeypatch):
    made = Cluster()
    spec = LauncherSpec(
        name="theirs",
        build=lambda own, jobs: made,
        threads=lambda own: 3,
        outlives=True,
    )
    from icl_models._plugins.registry import registry

    monkeypatch.setitem(registry()._components["launcher"], "theirs", (spec, None))
    monkeypatch.setattr(handed, "_SECONDS_BETWEEN_ANSWERS", 0.05)
    monkeypatch.setattr(handed, "_SECONDS_TO_ARRIVE", 0.3)
    return made


@pytest.fixture
def runs(short, tmp_path):
    configs = figure3a(short(train={"threads": None}), class_counts=(64, 30), seeds=(0,))
    return prepare(configs, tmp_path, elsewhere=True, threads=3)


def told_by(runs, **options):
    stream = io.StringIO()
    failed = launch(runs, jobs=None, stream=stream, launcher="theirs", **options)
    return failed, stream.getvalue().splitlines()


def test_all_jobs_are_handed_over_at_once_and_written_down(runs, cluster):
    assert told_by(runs, follow=False)[0] == []
    assert [job.folders for job in cluster.jobs.values()] == [(run.path,) for run in runs]
    assert [(read_job(run.path).launcher, read_job(run.path).id) for run in runs] == [("theirs", "0"), ("theirs", "1")]
    assert {job.threads for job in cluster.jobs.values()} == {3}


def test_runs_made_for_all_cores_of_some_machine_ask_for_the_threads_of_the_launcher(short, tmp_path, cluster):
    configs = figure3a(short(train={"threads": None}), class_counts=(64,), seeds=(0,))
    told_by(prepare(configs, tmp_path, elsewhere=True), follow=False)
    assert [job.threads for job in cluster.jobs.values()] == [3]


def test_who_waits_for_another_sweep_that_hands_over_can_end_it(runs, cluster, monkeypatch):
    told, lock, stop = [], runs[0].path.parent / ".submitting.lock", StopRequest()

    def say(line):
        told.append(line)
        stop.requested = True

    one = handed.Handed(find_launcher("theirs"), cluster, threads=3, say=say)
    with FileLock(lock), one.alone([SimpleNamespace(run=runs[0])], stop) as is_alone:
        assert not is_alone
    assert told == [f"waiting for another sweep, which is handing over its jobs and holds {lock}"]
    with one.alone([SimpleNamespace(run=runs[0])], StopRequest()) as is_alone:
        assert is_alone


def test_a_second_sweep_hands_nothing_over_that_is_queued_or_running(runs, cluster):
    told_by(runs, follow=False)
    cluster.stages["1"] = "running"
    failed, told = told_by(runs, follow=False)
    assert (failed, len(cluster.jobs)) == ([], 2)
    assert "64 classes, s0: job 0 of theirs trains it, left alone" in told


def test_a_job_that_is_gone_is_handed_over_again_unless_its_run_is_done(runs, cluster):
    told_by(runs, follow=False)
    runs[0].mark_done()
    cluster.stages = {}
    told_by(runs, follow=False)
    assert [job.folders[0] for job in cluster.jobs.values()] == [runs[0].path, runs[1].path, runs[1].path]
    assert read_job(runs[0].path) is None


def test_a_sweep_that_was_killed_while_it_handed_over_hands_over_again(runs, cluster):
    note_job(runs[0].path, launcher="theirs", id="", stage="submitting")
    told_by(runs[:1], follow=False)
    assert len(cluster.jobs) == 1


def test_a_followed_sweep_ends_when_the_folders_say_that_all_is_done(runs, cluster, launched, until):
    told, result = launched(runs, jobs=None, launcher="theirs")
    until(lambda: "0 of 2 done, 2 queued" in told.lines())
    cluster.stages["0"] = "running"
    until(lambda: "0 of 2 done, 1 running, 1 queued" in told.lines())
    for run in runs:
        run.mark_done()
    assert result() == []
    assert told.lines()[-1] == "2 of 2 done"
    assert [read_job(run.path) for run in runs] == [None, None]


def test_a_job_that_is_gone_before_its_run_is_done_fails_that_run_alone(runs, cluster, launched, until):
    told, result = launched(runs, jobs=None, launcher="theirs")
    until(lambda: len(cluster.jobs) == 2)
    del cluster.stages["0"]
    runs[1].mark_done()
    assert result() == runs[:1]
    assert told.lines()[-1].startswith("64 classes, s0: failed, ended before its last step, at step 0 of 40, see")
    assert read_job(runs[0].path) is None


def test_what_is_written_late_on_a_shared_file_system_is_waited_for(runs, cluster, launched, until, monkeypatch):
    monkeypatch.setattr(handed, "_SECONDS_TO_ARRIVE", 60.0)
    told, result = launched(runs[:1], jobs=None, launcher="theirs")
    until(lambda: "0 of 1 done, 1 queued" in told.lines())
    del cluster.stages["0"]
    until(lambda: "0 of 1 done, 1 running" in told.lines())
    runs[0].mark_done()
    assert result() == []


def test_a_launcher_that_does_not_answer_for_a_while_is_told_of_once(runs, cluster, launched, until):
    told, result = launched(runs[:1], jobs=None, launcher="theirs")
    until(lambda: "0 of 1 done, 1 queued" in told.lines())
    cluster.silent = "no network"
    line = "theirs does not say what has become of the jobs: no network"
    until(lambda: line in told.lines())
    runs[0].mark_done()
    assert result() == []
    assert told.lines().count(line) == 1


def test_jobs_are_handed_to_nobody_while_it_is_unknown_what_has_become_of_earlier_ones(runs, cluster):
    told_by(runs, follow=False)
    cluster.silent = "no network"
    with pytest.raises(LauncherError, match="no network"):
        told_by(runs, follow=False)
    assert len(cluster.jobs) == 2


def test_a_refusal_fails_the_runs_and_leaves_no_note(runs, cluster):
    cluster.refuses = "invalid partition"
    failed, told = told_by(runs)
    assert failed == runs
    assert told[-1] == "30 classes, s0: failed, could not be started: invalid partition"
    assert [read_job(run.path) for run in runs] == [None, None]


def test_a_run_that_another_launcher_has_queued_is_not_trained_here(runs, cluster, child):
    told_by(runs[:1], follow=False)
    kind = child()
    with pytest.raises(
        LauncherError, match=r"job 0 of theirs is queued for .*: end it first, or go on with --launcher"
    ):
        launch(runs, jobs=1, stream=io.StringIO())
    assert kind.started == ()


def test_notes_of_a_launcher_that_is_not_here_are_told_of_and_the_runs_are_trained(runs, child):
    note_job(runs[0].path, launcher="not-installed", id="7", stage="queued")
    kind = child()
    stream = io.StringIO()
    assert launch(runs, jobs=1, stream=stream) == []
    assert len(kind.started) == 2
    assert "1 runs were handed to launcher 'not-installed', which cannot be asked about them" in stream.getvalue()


def test_ctrl_c_leaves_the_jobs_and_says_so(runs, cluster, monkeypatch):
    timer = threading.Timer(1.0, signal.raise_signal, [signal.SIGINT])
    timer.start()
    stream = io.StringIO()
    with pytest.raises(KeyboardInterrupt):
        launch(runs, jobs=None, stream=stream, launcher="theirs")
    assert cluster.ended == []
    assert "2 jobs go on without this sweep: the same command follows them again" in stream.getvalue()


def test_the_command_ends_with_3_when_jobs_are_left_and_1_when_they_cannot_be_asked_after(cluster, tmp_path, capsys):
    args = [*SHORT, "--root", str(tmp_path), "--no-follow"]
    assert _main(args) == 3
    assert "not done, and left to jobs of theirs: gaussian-c00064" in capsys.readouterr().err
    cluster.silent = "no network"
    with pytest.raises(CommandFailed, match="launcher 'theirs': no network"):
        _main(args)


def test_a_figure_needs_a_sweep_that_stays(cluster, tmp_path):
    with pytest.raises(ValueError, match="--plot needs --launcher local, or one that is followed"):
        _main([*SHORT, "--root", str(tmp_path), "--no-follow", "--plot"])


def test_settings_of_another_launcher_are_refused():
    from icl_train._commands.sweeps.options import SweepOptions
    from icl_train._launchers.settings import RayConfig

    with pytest.raises(ValueError, match="launcher_config must be ComponentConfig for 'local', got RayConfig"):
        SweepOptions(launcher_config=RayConfig())
    assert SweepOptions().launcher_config == ComponentConfig()
