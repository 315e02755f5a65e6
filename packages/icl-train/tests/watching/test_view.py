"""A run seen from outside: its heartbeat, its records as they come, and files that are damaged."""

import errno
import io
import json
import os
from dataclasses import asdict

import pytest

from icl_data.foundation.sealed import GrowingSeal, seal_object
from icl_train import PlainReporter, RunFolder, reporter_for, smoke, step_reached, train
from icl_train._estimate.work import Times
from icl_train._runs.lasting import lasting
from icl_train._watching.heartbeat import Beat, Heartbeat, read_beat
from icl_train._watching.view import RunView, why_failed

EVALUATION = {"split": "eval_fewshot_holdout", "accuracy_closed": 0.75, "chance": 0.5}


@pytest.fixture
def run(tmp_path):
    return RunFolder.create(tmp_path / "run", smoke(), device="cpu", threads=1)


@pytest.fixture
def clock(monkeypatch):
    """The time that heartbeats go by: ``clock[0]`` in seconds."""
    now = [100.0]
    monkeypatch.setattr("icl_train._watching.heartbeat.time.monotonic", lambda: now[0])
    return now


def test_a_heartbeat_is_written_once_a_second_at_most(run, clock):
    seen = []
    with Heartbeat(run.path) as heartbeat:
        for step in range(40):
            clock[0] += 0.125
            heartbeat.beat(step)
            seen.append(read_beat(run.path).step)
    assert sorted(set(seen)) == [0, 8, 16, 24, 32]


def test_a_heartbeat_has_the_speed_of_the_last_minute_and_who_trains(run, clock):
    with Heartbeat(run.path) as heartbeat:
        heartbeat.beat(1000)
        assert read_beat(run.path).steps_per_second is None
        for _ in range(100):
            clock[0] += 1
            heartbeat.beat(1000)
        for second in range(1, 121):
            clock[0] += 1
            heartbeat.beat(1000 + 5 * second)
        beat = read_beat(run.path)
    assert beat.step == 1600
    assert beat.steps_per_second == pytest.approx(5)
    assert beat.pid == os.getpid()


def test_a_heartbeat_is_there_while_a_run_is_trained_and_gone_afterwards(run):
    seen = []

    class Looks(PlainReporter):
        def records(self, records):
            seen.append((records[0]["step"], read_beat(run.path)))

    (run.path / "heartbeat.json").write_text('{"step": 99}')  # of a process that was killed
    train(run, Looks(io.StringIO()))
    step, beat = seen[0]
    assert step == 0
    assert (beat.step, beat.pid) == (0, os.getpid())
    assert not (run.path / "heartbeat.json").exists()


def test_training_does_not_fail_for_its_heartbeat(run):
    with Heartbeat(run.path / "nowhere") as heartbeat:
        heartbeat.beat(1)
    assert read_beat(run.path / "nowhere") is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"step": -1, "steps_per_second": 1, "pid": 1, "host": "a", "time": 0}',
        '{"step": "7", "steps_per_second": 1, "pid": 1, "host": "a", "time": 0}',
        '{"step": 7, "steps_per_second": NaN, "pid": 1, "host": "a", "time": 0}',
        '{"step": 7, "steps_per_second": 1, "pid": 1, "host": "a", "time": 0, "more": 1}',
        "[" * 100_000,
    ],
)
def test_a_heartbeat_that_cannot_be_read_is_none(text, run):
    (run.path / "heartbeat.json").write_text(text)
    assert read_beat(run.path) is None


GOOD = {"step": 7, "steps_per_second": 1.5, "pid": 1, "host": "a", "time": 0.5}


@pytest.mark.parametrize(
    "change",
    [{"step": -1}, {"step": "7"}, {"step": 10**400}, {"steps_per_second": float("nan")}, {"pid": None}, {"more": 1}],
)
def test_a_heartbeat_that_says_what_cannot_be_is_none_however_well_it_is_sealed(change, run):
    file = run.path / "heartbeat.json"
    file.write_text(seal_object(json.dumps(GOOD, indent=1) + "\n"))
    assert read_beat(run.path) == Beat(**GOOD)
    file.write_text(seal_object(json.dumps(GOOD | change, indent=1) + "\n"))
    assert read_beat(run.path) is None


def test_a_view_reads_on_from_where_it_was(run):
    view = RunView(run)
    assert view.look() == []
    run.append([EVALUATION | {"step": 10}])
    assert [record["step"] for record in view.look()] == [10]
    assert view.look() == []
    run.append([EVALUATION | {"step": 20, "accuracy_closed": 0.25}])
    assert [record["step"] for record in view.look()] == [20]
    assert view.step == 20
    assert view.scores == {"fewshot_holdout": (20, 0.25, 0.5)}


def test_a_line_that_is_half_written_is_read_when_it_is_whole(run):
    view = RunView(run)
    line, _ = GrowingSeal().line(EVALUATION | {"step": 10})
    with (run.path / "metrics.jsonl").open("ab") as file:
        file.write(line[:20])
        file.flush()
        assert view.look() == []
        file.write(line[20:])
        file.flush()
        assert len(view.look()) == 1
    assert view.damage is None


def test_a_view_of_a_run_that_was_rewound_forgets_what_is_gone(run):
    view = RunView(run)
    run.append([EVALUATION | {"step": step} for step in (20, 40)])
    view.look()
    run.rewind(20)
    view.look()
    assert view.step == 20
    assert view.scores["fewshot_holdout"][0] == 20


def test_the_step_of_a_run_that_is_trained_comes_from_its_heartbeat_and_so_does_the_time_left(run):
    view = RunView(run)
    run.append([EVALUATION | {"step": 10}])
    beat = Beat(step=12, steps_per_second=4.0, pid=1, host="here", time=0.0, times=Times(update=0.25))
    (run.path / "heartbeat.json").write_text(seal_object(json.dumps(asdict(beat), indent=1) + "\n"))
    view.look()
    assert (view.step, view.steps_per_second, view.seconds_left) == (12, 4.0, (40 - 12) / 4)


def test_a_speed_alone_gives_no_time_left(run):
    beat = Beat(step=12, steps_per_second=4.0, pid=1, host="here", time=0.0)
    (run.path / "heartbeat.json").write_text(seal_object(json.dumps(asdict(beat), indent=1) + "\n"))
    view = RunView(run)
    view.look()
    assert view.seconds_left is None


def test_the_evaluation_before_the_first_update_is_no_speed(run, clock):
    with Heartbeat(run.path) as heartbeat:
        heartbeat.beat(0)
        clock[0] += 30
        heartbeat.beat(1)
        assert read_beat(run.path).steps_per_second is None
        clock[0] += 1
        heartbeat.beat(11)
        assert read_beat(run.path).steps_per_second == pytest.approx(10)


@pytest.mark.parametrize("steps", [(30, 10, 20), (10, 30, 20), (10, 20, 30)])
def test_the_step_of_a_run_is_the_greatest_of_heartbeat_record_and_checkpoint(steps, run):
    beaten, recorded, saved = steps
    beat = Beat(step=beaten, steps_per_second=4.0, pid=1, host="here", time=0.0)
    (run.path / "heartbeat.json").write_text(seal_object(json.dumps(asdict(beat), indent=1) + "\n"))
    (run.checkpoints / f"step_{saved:07}").mkdir(parents=True)
    run.append([EVALUATION | {"step": recorded}])
    view = RunView(run)
    view.look()
    assert view.step == step_reached(run, recorded) == 30


def test_a_run_without_a_sign_of_life_is_where_its_newest_checkpoint_or_record_is(run):
    view = RunView(run)
    (run.checkpoints / "step_0000030").mkdir(parents=True)
    run.append([EVALUATION | {"step": 10}])
    view.look()
    assert view.step == step_reached(run, 10) == 30
    assert step_reached(run, 40) == 40


def test_a_damaged_line_is_named_and_the_others_are_read(run):
    view = RunView(run)
    run.append([EVALUATION | {"step": 10}])
    with (run.path / "metrics.jsonl").open("ab") as file:
        file.write(b'{"split": "\xff"}\n')
    run.append([EVALUATION | {"step": 20}])
    assert [record["step"] for record in view.look()] == [10, 20]
    assert view.damage.startswith("cannot read its metrics.jsonl: line 2 is not JSON: ")


def test_a_folder_in_the_place_of_the_records_is_damage(run):
    (run.path / "metrics.jsonl").mkdir()
    view = RunView(run)
    assert view.look() == []
    assert view.damage.startswith("cannot read its metrics.jsonl: it must be a file, got a folder")


def test_the_reason_of_a_failure_is_one_short_line_that_moves_no_cursor(run):
    assert why_failed(run) is None
    run.mark_failed("bad\x1b[2J\nnews")
    assert why_failed(run) == r"bad\x1b[2J news"
    (run.path / "FAILED").write_bytes(b"\xff" * 1_000_000)
    assert len(why_failed(run)) <= 2000


def test_a_run_is_queued_until_somebody_starts_it_and_interrupted_afterwards(run):
    assert run.status() == "queued"
    with run.lock():
        assert run.status() == "running"
    assert run.status() == "interrupted"


class Gone(io.StringIO):
    """A stream that answers every line with an error."""

    def __init__(self, number, *, terminal):
        super().__init__()
        self.number, self.terminal = number, terminal

    def isatty(self):
        return self.terminal

    def write(self, text):
        raise OSError(self.number, os.strerror(self.number))


@pytest.mark.parametrize("terminal", [True, False])
def test_a_run_goes_on_without_its_terminal(terminal, run):
    train(run, reporter_for(Gone(errno.EIO, terminal=terminal)))
    assert run.status() == "done"


def test_output_that_cannot_be_written_for_another_reason_is_an_error():
    with pytest.raises(OSError, match="No space left"):
        lasting(Gone(errno.ENOSPC, terminal=False)).write("text")


def test_an_evaluation_that_lacks_splits_of_the_one_before_does_not_count_yet(run):
    view = RunView(run)
    run.append([EVALUATION | {"step": 10}, EVALUATION | {"step": 10, "split": "eval_flipped"}])
    run.append([EVALUATION | {"step": 20}])
    view.look()
    assert {split: step for split, (step, _, _) in view.scores.items()} == {"fewshot_holdout": 10, "flipped": 10}
    run.append([EVALUATION | {"step": 20, "split": "eval_flipped"}])
    view.look()
    assert {split: step for split, (step, _, _) in view.scores.items()} == {"fewshot_holdout": 20, "flipped": 20}
