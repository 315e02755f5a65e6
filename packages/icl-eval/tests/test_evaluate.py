"""Evaluating again: the numbers of training where nothing is changed, and what was asked for where something is."""

import io
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from icl_eval import evaluate_run
from icl_train import EVAL_SPLITS, HEADLINES, PlainReporter, RunError, RunFolder, smoke, train

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
    lines = []
    records = evaluate_run(run, steps=[20], splits=["all"], batches=1, device="cpu", left_out=lines.append)
    possible = [name for name in EVAL_SPLITS if name not in ("relabel", "augmented", "augmented_trained")]
    assert [record["split"] for record in records] == [f"eval_{name}" for name in possible]
    reason = "needs a source of images, got data.source gaussian"
    assert lines.pop(0).startswith("left out: evaluation relabel: labels=heldout needs data.heldout_label_sets")
    assert lines == [f"left out: evaluation {n}: classes={n} {reason}" for n in ("augmented", "augmented_trained")]
    for record in records:
        assert 0 <= record[f"{record['headline']}_low"] <= record[record["headline"]] <= 1
        assert 0 < record["chance"] < 1  # more than a half where classes of a context share a label


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
    with pytest.raises(RunError, match=r"must have a checkpoint to be measured, got none"):
        evaluate_run(write_run("none", {}), steps=[], splits=IN_TRAINING, batches=1, device="cpu")


def test_an_unknown_split_is_refused(run):
    with pytest.raises(ValueError, match=r"evaluations must be among .*got 'fewshot'"):
        evaluate_run(run, steps=[20], splits=["fewshot"], batches=1, device="cpu")


def test_damaged_weights_are_a_mistake_that_names_the_file(run, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(run.path, copy)
    weights = copy / "checkpoints" / "step_0000020" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    with pytest.raises(ValueError, match=r"cannot load .*step_0000020.*model\.safetensors"):
        evaluate_run(RunFolder.open(copy), steps=[20], splits=IN_TRAINING, batches=1, device="cpu")


def test_the_settings_of_another_run_are_not_put_to_these_weights(run, write_run, tmp_path):
    copy = tmp_path / "run"
    shutil.copytree(run.path, copy)
    shutil.copy(write_run("other", {}).path / "config.json", copy)
    with pytest.raises(ValueError, match=r"cannot load .*step_0000020: .* it is of another run than config\.json"):
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


def test_sequences_are_exactly_as_many_and_the_first_of_more(run):
    found = {n: evaluate_run(run, steps=[20], splits=["flip"], sequences=n, device="cpu")[0] for n in (37, 48)}
    assert [found[n]["n_sequences"] for n in (37, 48)] == [37, 48]
    (three,) = evaluate_run(run, steps=[20], splits=["flip"], batches=3, device="cpu")
    assert found[48] == three
    right = [round(found[n]["accuracy_closed"] * n) for n in (37, 48)]
    assert 0 <= right[1] - right[0] <= 11


def test_both_protocols_are_measured_one_after_the_other(run):
    splits = ["no_support_zipfian", "flip"]
    both = evaluate_run(run, steps=[20], splits=splits, batches=2, protocol="both", device="cpu")
    alone = [
        record
        for protocol in ("paper", "released")
        for record in evaluate_run(run, steps=[20], splits=splits, batches=2, protocol=protocol, device="cpu")
    ]
    assert both == alone
    assert [record["protocol"] for record in both] == ["paper", "paper", "released", "released"]


def test_an_evaluation_has_the_same_numbers_whatever_is_measured_with_it(run):
    splits = ["fewshot_holdout", "flip", "longer:base=fewshot_holdout,shots=6", "still:base=fewshot_holdout,noise=0"]
    together = evaluate_run(run, steps=[20], splits=splits, batches=2, device="cpu")
    alone = [evaluate_run(run, steps=[20], splits=[one], batches=2, device="cpu")[0] for one in reversed(splits)]
    assert together == alone[::-1]


def test_the_number_of_cores_changes_no_number(run, monkeypatch):
    found = []
    for cores in (1, 3):
        monkeypatch.setattr("icl_train.evaluation.available_cores", lambda cores=cores: cores)
        found.append(evaluate_run(run, steps=[20], splits=["all"], batches=20, device="cpu"))
    assert found[0] == found[1]


def test_a_run_whose_data_have_changed_is_not_measured(tmp_path):
    values = np.random.default_rng(0).normal(size=(100, 6, 8)).astype("float32")
    np.save(tmp_path / "vectors.npy", values)
    base = smoke()
    base = replace(base, train=replace(base.train, max_steps=20), eval=replace(base.eval, interval=20, batches=2))
    data = replace(base.data, source=str(tmp_path / "vectors.npy"), dim=None, n_labels=None)
    run = RunFolder.create(tmp_path / "run", replace(base, data=data), device="cpu", threads=1)
    train(run, PlainReporter(io.StringIO()))
    assert len(evaluate_run(run, steps=[20], device="cpu")) == 4
    np.save(tmp_path / "vectors.npy", values[::-1])
    with pytest.raises(RunError, match="must be those that it was trained on, got other examples"):
        evaluate_run(run, steps=[20], device="cpu")
