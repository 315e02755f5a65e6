"""What a run is, its folder says: no exit code, and nothing that lies where a sweep is started."""

import subprocess

import pytest

from icl_train import RunFolder, why_failed

# What the process of a run does after some batches hangs on the run: its folder is among the arguments.
SOURCE = """\
import os, signal, sys
import numpy as np
from icl_data import ArraySource

ENDS = {"c00030": lambda: os._exit(0), "c00040": lambda: sys.exit(0), "c00050": lambda: os.kill(os.getpid(), 9)}

class Ends(ArraySource):
    calls = 0

    def gather(self, *args, **options):
        Ends.calls += 1
        for name, end in ENDS.items():
            if Ends.calls > 30 and any(name in word for word in sys.argv):
                end()
        return super().gather(*args, **options)

def make():
    return Ends(np.random.default_rng(0).normal(size=(80, 9, 4)).astype("float32"))
"""
# Python's own names, and ours, taken by files that happen to lie in the folder
IN_THE_WAY = ("random", "queue", "icl_train", "icl_eval", "torch")


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """A sweep with a source of the folder, in which three of four runs are ended by that source: folder, process."""
    import sys

    folder = tmp_path_factory.mktemp("swept")
    (folder / "my_module.py").write_text(SOURCE)
    for name in IN_THE_WAY:
        (folder / f"{name}.py").write_text("raise SystemExit(0)\n")
    options = ["--preset", "smoke", "--data.source", "my_module:make", "--jobs", "2", "--root", "runs"]
    counts = ["--class-counts", "30", "40", "50", "60"]
    command = [sys.executable, "-P", "-m", "icl_train", "sweep", "figure3a", *options, *counts]
    return folder, subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def run_of(swept, count):
    (config,) = swept[0].glob(f"runs/*-c{count:05d}-*/config.json")
    return RunFolder.open(config.parent)


def last_lines(swept):
    return swept[1].stdout.splitlines()[-3:]


def test_files_in_the_folder_do_not_stand_in_for_modules_and_a_source_of_the_folder_is_found(swept):
    run = run_of(swept, 60)
    assert run.status() == "done"
    assert run.checkpoint_steps()[-1] == run.config.train.max_steps


@pytest.mark.parametrize(("count", "how"), [(30, "with exit code 0"), (50, "by SIGKILL")])
def test_a_run_whose_process_ends_without_having_trained_is_told_as_such(swept, count, how):
    run = run_of(swept, count)
    assert run.status() == "interrupted"
    (line,) = [line for line in last_lines(swept) if line.startswith(f"{count} classes")]
    before, _, after = line.partition(" at step ")
    assert before == f"{count} classes, s0: failed, ended {how} before its last step,"
    step, _, rest = after.partition(" of 40, see ")
    assert 0 <= int(step) < 40
    assert rest.endswith("log.txt")


def test_a_run_that_somebodys_sys_exit_ends_has_failed(swept):
    run = run_of(swept, 40)
    assert run.status() == "failed"
    assert why_failed(run) == "code that the run calls ended it: SystemExit: 0"


def test_a_sweep_with_runs_that_ended_untrained_ends_with_1_and_no_hint_at_the_figure(swept):
    _, process = swept
    assert process.returncode == 1
    assert process.stderr.startswith("icl-train sweep: 3 of 4 runs failed: ")
    assert "icl-eval figure3a" not in process.stdout


def test_how_a_process_ends_says_nothing_of_a_run_that_is_done(short, tmp_path, child, launched):
    def plan(self):
        self.run.mark_done()
        return "with exit code 1"

    child(plan)
    run = RunFolder.create(tmp_path / "run", short(), device="cpu", threads=1)
    told, result = launched([run], jobs=1)
    assert result() == []
    assert "64 classes, s0: done" in told.lines()
