"""Evaluating again: the numbers of training where nothing is changed, and what was asked for where something is."""

import shutil

import pytest
import torch

from icl_eval import evaluate_run
from icl_train import EVAL_SPLITS, HEADLINES, RunError, RunFolder

IN_TRAINING = tuple(HEADLINES)


@pytest.fixture(autouse=True)
def _threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def run(trained):
    return RunFolder.open(trained / "c64-s1")


def in_training(run, step):
    return [r for r in run.records() if r["split"].startswith("eval_") and r["step"] == step]


def test_a_checkpoint_measured_again_has_exactly_the_numbers_of_its_step_in_training(run):
    for step in (10, 20):
        records = evaluate_run(run, steps=[step], splits=IN_TRAINING, batches=2, device="cpu")
        assert records == in_training(run, step)


def test_all_checkpoints_are_measured_in_the_order_asked_for(run):
    measured = []
    records = evaluate_run(run, steps=[20, 10], splits=IN_TRAINING, batches=2, device="cpu", done=measured.append)
    assert measured == [20, 10]
    assert records == in_training(run, 20) + in_training(run, 10)


def test_more_batches_are_more_sequences_and_tighter_intervals(run):
    (few,) = evaluate_run(run, steps=[20], splits=["fewshot_holdout"], batches=2, device="cpu")
    (many,) = evaluate_run(run, steps=[20], splits=["fewshot_holdout"], batches=8, device="cpu")
    assert (few["n_sequences"], many["n_sequences"]) == (32, 128)
    widths = [record["accuracy_closed_high"] - record["accuracy_closed_low"] for record in (few, many)]
    assert widths[1] < widths[0]
    assert many["step"] == few["step"] == 20
    assert many["sequences"] == few["sequences"] == 320


def test_every_split_can_be_measured_and_names_its_headline_and_chance(run):
    records = evaluate_run(run, steps=[20], splits=EVAL_SPLITS, batches=1, device="cpu")
    assert [record["split"] for record in records] == [f"eval_{split}" for split in EVAL_SPLITS]
    for record in records:
        assert 0 <= record[f"{record['headline']}_low"] <= record[record["headline"]] <= 1
        assert 0 < record["chance"] <= 0.5


@pytest.mark.parametrize("split", ["bursty", "mixed"])
def test_sequences_with_labels_of_the_whole_range_are_not_headed_by_a_two_way_accuracy(run, split):
    (record,) = evaluate_run(run, steps=[20], splits=[split], batches=1, device="cpu")
    assert record["headline"] == "accuracy_query"
    assert record["chance"] == pytest.approx(1 / 8)


def test_the_protocol_is_recorded_and_changes_what_is_asked(run):
    found = {
        protocol: evaluate_run(
            run, steps=[20], splits=["no_support_zipfian"], batches=16, protocol=protocol, device="cpu"
        )
        for protocol in ("paper", "released")
    }
    assert [found[protocol][0]["protocol"] for protocol in found] == ["paper", "released"]
    assert found["paper"][0]["loss_query"] != found["released"][0]["loss_query"]


def test_measuring_changes_nothing_in_the_run_folder(run):
    before = {path: path.stat().st_mtime_ns for path in run.path.rglob("*")}
    evaluate_run(run, steps=[20], splits=IN_TRAINING, batches=1, device="cpu")
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*")} == before


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ([10, 15], r"steps must be checkpoints of .*c64-s1 \(10, 20\), got 15$"),
        ([], r"\(10, 20\), got none$"),
    ],
)
def test_steps_without_a_checkpoint_are_refused_with_those_that_have_one(run, steps, message):
    with pytest.raises(RunError, match=message):
        evaluate_run(run, steps=steps, splits=IN_TRAINING, batches=1, device="cpu")


def test_a_run_without_checkpoints_is_refused(write_run):
    with pytest.raises(RunError, match=r"\(it has none\), got none"):
        evaluate_run(write_run("none", {}), steps=[], splits=IN_TRAINING, batches=1, device="cpu")


def test_an_unknown_split_is_refused(run):
    with pytest.raises(ValueError, match=r"splits must be among .*got fewshot"):
        evaluate_run(run, steps=[20], splits=["fewshot"], batches=1, device="cpu")


def test_damaged_weights_are_a_mistake_that_names_the_file(run, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(run.path, copy)
    weights = copy / "checkpoints" / "step_0000020" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"cannot load .*step_0000020.*model\.safetensors"):
        evaluate_run(RunFolder.open(copy), steps=[20], splits=IN_TRAINING, batches=1, device="cpu")


def test_a_folder_moved_elsewhere_is_measured_alike(run, tmp_path):
    shutil.copytree(run.path, tmp_path / "moved")
    moved = RunFolder.open(tmp_path / "moved")
    assert evaluate_run(moved, steps=[20], splits=IN_TRAINING, batches=2, device="cpu") == in_training(run, 20)


def test_a_run_whose_plugin_is_missing_is_refused_in_one_line(write_run, of_a_missing_plugin):
    run = of_a_missing_plugin(write_run("gone", {0: (0.5, 0.0)}))
    with pytest.raises(RunError) as caught:
        evaluate_run(run, steps=[0], splits=["fewshot_holdout"], batches=1)
    assert str(caught.value) == "embedder 'gone' needs icl-gone 0.3, which is not installed: pip install icl-gone==0.3"
