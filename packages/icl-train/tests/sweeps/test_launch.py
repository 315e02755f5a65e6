"""A sweep trains what is not done, tells how it goes, and what fails, fails alone and says why."""

import io
import json
import shutil

import pytest

from icl_data.foundation.sealed import seal_object
from icl_train import RunFolder, figure3a
from icl_train._sweeps.sweep import launch, prepare


@pytest.fixture(scope="module")
def swept(tmp_path_factory, short):
    """Two runs at a time: the folder, the runs (the first one fails), those reported as failed, what was told."""
    root = tmp_path_factory.mktemp("swept")
    # A learning rate passes all checks beforehand.
    (failing,) = figure3a(short(optim={"max_lr": 1e30}), class_counts=(16,), seeds=(0,))
    configs = [failing, *figure3a(short(), class_counts=(64, 30), seeds=(0,))]
    runs = prepare(configs, root, jobs=2)
    stream = io.StringIO()
    return root, runs, launch(runs, jobs=2, stream=stream), stream.getvalue()


def test_a_sweep_trains_every_run_and_tells_how_each_does(swept):
    _, (_, *runs), _, told = swept
    for run in runs:
        assert run.status() == "done"
        assert run.checkpoint_steps()[-1] == 20
        label = f"{run.config.data.n_trained_classes} classes, s0"
        assert told.splitlines().count(f"{label}: started in {run.path}") == 1
        assert told.splitlines().count(f"{label}: done") == 1
    assert "step 0: ICL 0." in told
    assert "(chance 0.5)" in told


def test_a_run_that_fails_is_named_with_its_reason_while_others_finish(swept):
    _, runs, failed, told = swept
    assert failed == runs[:1]
    assert [run.status() for run in runs] == ["failed", "done", "done"]
    reason = "16 classes, s0, optim.max_lr=1e+30: failed, the loss must stay finite, got nan by step 10"
    assert told.splitlines()[-1] == f"{reason} (learning rate 1e+29; last finite at step 1)"


def test_a_sweep_says_where_it_stands_whenever_that_changes(swept):
    totals = [line for line in swept[3].splitlines() if " of 3 done" in line]
    assert totals[0] == "0 of 3 done, 2 running, 1 waiting"
    assert totals[-1] == "2 of 3 done, 1 failed"
    assert len({line.partition(" left")[0] for line in totals}) == len(totals)


def test_a_sweep_skips_what_is_done_and_goes_on_with_what_broke(swept, tmp_path):
    root = tmp_path / "runs"
    shutil.copytree(swept[0], root)
    done, broken = (RunFolder.open(root / run.name) for run in swept[1][1:])
    expected = [record["loss"] for record in broken.records() if record["split"] == "train"]
    assert len(expected) == 2
    (broken.path / "DONE").unlink()
    (broken.path / "metrics.jsonl").unlink()
    shutil.rmtree(broken.checkpoints)
    before = {path: path.stat().st_mtime_ns for path in done.path.rglob("*")}
    stream = io.StringIO()
    assert launch([done, broken], jobs=1, stream=stream) == []
    assert "64 classes, s0: done, skipped\n" in stream.getvalue()
    assert f"30 classes, s0: started in {broken.path}\n" in stream.getvalue()
    assert broken.status() == "done"
    assert [record["loss"] for record in broken.records() if record["split"] == "train"] == expected
    assert {path: path.stat().st_mtime_ns for path in done.path.rglob("*")} == before


def test_a_sweep_goes_on_with_a_finished_run_whose_records_are_damaged(swept, tmp_path, child):
    root = tmp_path / "runs"
    shutil.copytree(swept[0], root)
    run = RunFolder.open(root / swept[1][1].name)
    content = bytearray((run.path / "metrics.jsonl").read_bytes())
    content[50] ^= 1
    (run.path / "metrics.jsonl").write_bytes(content)
    child(lambda self: "with exit code 1")
    stream = io.StringIO()
    assert launch([run], jobs=1, stream=stream) == [run]
    assert "done, skipped" not in stream.getvalue()
    assert "failed, cannot read its metrics.jsonl: line 1 must have the crc32" in stream.getvalue()


@pytest.fixture
def runs(short, tmp_path):
    """Two runs, 64 and 30 classes."""
    return prepare(figure3a(short(), class_counts=(64, 30), seeds=(0,)), tmp_path, jobs=1)


def train_one_after(harm, runs, child):
    """A sweep whose first run comes to ``harm`` in the hands of its process; the failed runs, and what is told."""

    def plan(self):
        if self.run == runs[0]:
            harm(self.run)
        else:
            self.run.mark_done()
        return "with exit code 0"

    child(plan)
    stream = io.StringIO()
    return launch(runs, jobs=1, stream=stream), stream.getvalue().splitlines()


DAMAGED = ["nonsense", '{"split": "train"}', "[" * 100_000, "\udcff\udcfe", '{"split": 3, "step": "many"}', "7"]
STRING_FOR_A_NUMBER = '{"split": "eval_fewshot_holdout", "step": 10, "accuracy_closed": "0.5", "chance": 0.5}'


@pytest.mark.parametrize("line", [*DAMAGED, STRING_FOR_A_NUMBER])
def test_a_damaged_metrics_line_fails_that_run_alone(line, runs, child):
    def harm(run):
        record = {"split": "train", "step": 10, "sequences": 160}
        lines = [json.dumps(record), line, json.dumps(record)]
        (run.path / "metrics.jsonl").write_text("\n".join(lines) + "\n", errors="surrogateescape")
        run.mark_done()

    failed, told = train_one_after(harm, runs, child)
    assert failed == runs[:1]
    assert runs[1].status() == "done"
    assert told[-1].startswith("64 classes, s0: failed, cannot read its metrics.jsonl: line 1 must have ")


def test_a_folder_that_is_deleted_meanwhile_fails_that_run_alone(runs, child):
    failed, told = train_one_after(lambda run: shutil.rmtree(run.path), runs, child)
    assert failed == runs[:1]
    assert runs[1].status() == "done"
    assert told[-1] == "64 classes, s0: failed, its folder is gone"


def test_a_folder_that_is_deleted_before_its_turn_fails_that_run_alone(runs, child):
    child()
    shutil.rmtree(runs[0].path)
    stream = io.StringIO()
    assert launch(runs, jobs=1, stream=stream) == runs[:1]
    assert stream.getvalue().splitlines()[-1] == "64 classes, s0: failed, its folder is gone"


def test_a_process_that_cannot_be_started_fails_that_run_alone(runs, monkeypatch):
    def refuse(job):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("icl_train._launchers.local.Child", refuse)
    stream = io.StringIO()
    assert launch(runs, jobs=1, stream=stream) == runs
    assert "failed, could not be started: Resource temporarily unavailable" in stream.getvalue()


def test_a_reason_is_one_line_that_moves_no_cursor(runs, child):
    _, told = train_one_after(lambda run: run.mark_failed("bad\x1b[2J\n[red]news"), runs, child)
    assert told[-1] == r"64 classes, s0: failed, bad\x1b[2J [red]news"


def test_the_run_that_needs_most_starts_first(short, tmp_path, child):
    configs = [short(train={"max_steps": steps}) for steps in (20, 200, 100)]
    kind = child()
    runs = prepare(configs, tmp_path, jobs=1)
    assert launch(runs, jobs=1, stream=io.StringIO()) == []
    assert kind.started == tuple(runs[number].name for number in (1, 2, 0))


def test_time_left_comes_from_the_speeds_of_the_runs(short, tmp_path, child):
    (first, second) = prepare([short(train={"max_steps": steps}) for steps in (3700, 3600)], tmp_path, jobs=1)
    looks = []

    def plan(self):
        looks.append(self.run)
        if len(looks) == 1:
            beat = {"step": 100, "steps_per_second": 2.0, "pid": 1, "host": "here", "time": 0.0}
            beat["times"] = {"update": 0.5, "evaluation": 0.0, "checkpoint": 0.0, "start": 0.0}
            (self.run.path / "heartbeat.json").write_text(seal_object(json.dumps(beat, indent=1) + "\n"))
            return None
        if looks.count(self.run) < 3:
            return None
        self.run.mark_done()
        return "with exit code 0"

    child(plan)
    stream = io.StringIO()
    launch([first, second], jobs=1, stream=stream)
    # 3,600 steps of the first at 2 a second, and as many of the second, which costs as much a step.
    assert "0 of 2 done, 1 running, 1 waiting, 1:00:00 left" in stream.getvalue()
    assert "1 of 2 done, 1 running, 0:30:00 left" in stream.getvalue()
