"""The run folder: made whole, read back, rewound, locked."""

import json
import subprocess
import sys
import threading

import pytest

from icl_train import RunError, RunFolder, find_runs, progress_line, smoke


@pytest.fixture
def run(tmp_path):
    return RunFolder.create(tmp_path / "run", smoke(), device="cpu", threads=1)


def records(*steps):
    return [{"split": "train", "step": step, "sequences": 16 * step, "loss": 1.5} for step in steps]


def test_config_and_environment_read_back_as_written(run):
    again = RunFolder.open(run.path)
    assert again == run
    assert again.environment["threads"] == 1
    assert again.environment["versions"]["torch"]


def test_a_folder_that_exists_is_refused_and_left_as_it_was(run):
    before = sorted(run.path.parent.rglob("*"))
    with pytest.raises(RunError, match=r"folder that does not exist, got .*run \(go on with it: icl-train resume"):
        RunFolder.create(run.path, smoke(), device="cpu", threads=1)
    assert sorted(run.path.parent.rglob("*")) == before


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "a run folder holds config.json"),
        ("{", "cannot read .*config.json"),
        ("{}", "its format must be 1 or 2, got none"),
        ('{"format": 99}', "its format must be 1 or 2, got 99"),
        ('{"format": 1, "config": {"data": {"p_bursty": 1.3}}, "environment": {"threads": 1}}', "p_bursty.*1.3"),
        ('{"format": 1, "config": {"data": {"colour": 1}}, "environment": {"threads": 1}}', r"got data\.colour"),
        ('{"format": 1, "config": {"model": {"embedder": "nope"}}, "environment": {"threads": 1}}', "nope"),
        ("[1]", "cannot read"),
    ],
)
def test_a_folder_that_is_no_run_is_one_line(tmp_path, content, message):
    if content is not None:
        (tmp_path / "config.json").write_text(content)
    with pytest.raises(RunError, match=message) as caught:
        RunFolder.open(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_half_written_last_line_is_no_record_but_a_broken_line_before_is_an_error(run):
    run.append(records(1, 2))
    with (run.path / "metrics.jsonl").open("a") as file:
        file.write('{"split": "train", "st')
    assert [record["step"] for record in run.records()] == [1, 2]
    with (run.path / "metrics.jsonl").open("a") as file:
        file.write("\n" + json.dumps(records(3)[0]) + "\n")
    with pytest.raises(RunError, match="line 3 must have the crc32 that it was written with"):
        run.records()


def test_rewinding_drops_later_records_from_both_files_and_the_end_markers(run):
    run.append(records(10, 20, 30))
    run.mark_failed("x")
    assert run.rewind(20) == []
    assert [record["step"] for record in run.records()] == [10, 20]
    assert (run.path / "progress.txt").read_text().splitlines() == [progress_line(r) for r in records(10, 20)]
    assert run.status() == "interrupted"


def test_rewinding_drops_what_was_written_because_a_step_was_the_last_and_is_no_longer(run):
    evaluation = {"split": "eval_fewshot_holdout", "step": 15, "accuracy_closed": 0.5}
    run.append([*records(10, 15), evaluation])
    assert run.rewind(15) == []
    assert [record["step"] for record in run.records()] == [10]
    run.append([*records(20), evaluation | {"step": 20}])
    run.append([evaluation | {"step": 20, "split": "eval_flipped"}])
    assert run.rewind(20) == []
    assert [record["step"] for record in run.records()] == [10, 20, 20, 20]


def test_progress_lines_have_the_documented_form():
    train, evaluation = records(100)[0], {"split": "eval_fewshot_holdout", "step": 1000, "accuracy_closed": 0.75}
    assert progress_line(train) == "[step 00100] sequences=1600 loss=1.5"
    assert progress_line(evaluation) == "[eval_fewshot_holdout step 01000] accuracy_closed=0.75"


def test_progress_lines_are_short_and_have_the_headline_with_its_interval_chance_number_and_loss():
    accuracies = {"accuracy_closed": 0.625, "accuracy_closed_low": 0.5, "accuracy_closed_high": 0.75}
    record = {"split": "eval_fewshot_holdout", "step": 5, "sequences": 80, "headline": "accuracy_closed", "chance": 0.5}
    record |= {"n_sequences": 64, "protocol": "paper", **accuracies, "accuracy_query": 0.1, "loss_query": 1.23456789}
    expected = "accuracy_closed=0.625 [0.5, 0.75] chance=0.5 n_sequences=64 loss_query=1.235"
    assert progress_line(record) == f"[eval_fewshot_holdout step 00005] {expected}"


def test_a_number_that_is_none_is_stored_as_null(run):
    run.append([{"split": "train", "step": 1, "loss": float("nan")}])
    assert run.records()[0]["loss"] is None


def test_two_processes_cannot_train_one_run(run):
    other = (
        "import sys; from pathlib import Path; from icl_train import RunError, RunFolder\n"
        "try:\n    with RunFolder.open(Path(sys.argv[1])).lock(): pass\n"
        "except RunError as error: print(error)"
    )
    with run.lock():
        assert run.status() == "running"
        result = subprocess.run([sys.executable, "-c", other, run.path], capture_output=True, text=True, check=True)
    assert "one process at a time" in result.stdout
    assert run.status() == "interrupted"


def test_find_runs_names_what_it_cannot_read(run):
    broken = run.path.parent / "broken"
    broken.mkdir()
    (broken / "config.json").write_text("{")
    (run.path.parent / "foreign").mkdir()
    found, unreadable = find_runs(run.path.parent)
    assert [one.path for one in found] == [run.path]
    assert [path for path, _ in unreadable] == [broken]


def test_find_runs_refuses_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(RunError, match="it does not exist"):
        find_runs(tmp_path / "nowhere")


def test_who_looks_at_a_run_is_not_taken_for_who_trains_it(run):
    with run.lock():
        pass
    enough, seen = threading.Event(), []
    looker = threading.Thread(target=lambda: [run.status() for _ in iter(enough.is_set, True)])
    looker.start()
    try:
        seen = [run.status() for _ in range(500)]
    finally:
        enough.set()
        looker.join()
    assert set(seen) == {"interrupted"}
