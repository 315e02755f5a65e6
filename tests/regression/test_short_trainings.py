"""Short trainings that must come out right: symbolic ones learn; ICL emerges where it should, and only there."""

import json
import re
import subprocess
import sys

import pytest

LINE = re.compile(r"^\[(?:(eval_\w+) )?step (\d{5,})\] (.+)$")
VALUE = re.compile(r"(\w+)=(\S+)(?: \[[^]]*\])?")


def icl_train(*args):
    command = [sys.executable, "-m", "icl_train", *map(str, args)]
    subprocess.run(command, check=True, stdout=sys.stderr)


def records(run):
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def last(run, split):
    return [record for record in records(run) if record["split"] == split][-1]


def single_run(root):
    (config,) = root.glob("*/config.json")
    return config.parent


@pytest.fixture(scope="module")
def symbolic(tmp_path_factory):
    """Runs on symbolic ids by class count: two layers, 1,500 steps."""
    root = tmp_path_factory.mktemp("symbolic")
    icl_train(
        *("sweep", "figure3a", "--example-type", "symbolic", "--class-counts", 100, 1600, "--root", root),
        *("--max-steps", 1500, "--eval-interval", 500, "--eval-batches", 16),
        *("--model.num-layers", 2, "--optim.max-lr", 1e-3, "--optim.warmup-steps", 200),
    )
    runs = {}
    for file in root.glob("*/config.json"):
        data = json.loads(file.read_text())["config"]["data"]
        runs[data["n_rare_classes"] + data["n_common_classes"]] = file.parent
    return runs


@pytest.mark.parametrize("classes", [100, 1600])
def test_symbolic_metrics_are_complete_and_in_range(symbolic, classes):
    lines = records(symbolic[classes])
    assert [line["step"] for line in lines if line["split"] == "train"] == list(range(100, 1501, 100))
    for split in ("fewshot_holdout", "flipped", "novel_label", "no_support_zipfian"):
        assert [line["step"] for line in lines if line["split"] == f"eval_{split}"] == [0, 500, 1000, 1500]
    for line in lines:
        assert line["sequences"] == 32 * line["step"]
        for name, value in line.items():
            if name.startswith(("accuracy", "from_", "chance")):
                assert 0 <= value <= 1, name
        for name in [name for name in line if name.endswith("_low")]:
            assert line[name] <= line[name.removesuffix("_low")] <= line[name.replace("_low", "_high")]


@pytest.mark.parametrize("classes", [100, 1600])
def test_symbolic_progress_tells_what_metrics_hold(symbolic, classes):
    told = (symbolic[classes] / "progress.txt").read_text().splitlines()
    held = records(symbolic[classes])
    assert len(told) == len(held)
    for text, record in zip(told, held, strict=True):
        split, step, values = LINE.match(text).groups()
        assert (split or "train", int(step)) == (record["split"], record["step"])
        for name, value in VALUE.findall(values):
            if isinstance(record[name], float):
                assert float(value) == pytest.approx(record[name], rel=1e-3)
            else:
                assert value == str(record[name])


def test_symbolic_training_learns_a_hundred_classes_in_weights_and_not_in_context(symbolic):
    first, final = records(symbolic[100])[4], last(symbolic[100], "train")
    assert final["loss"] < 0.5 * first["loss"]
    assert last(symbolic[100], "eval_no_support_zipfian")["accuracy_query"] >= 0.9
    assert last(symbolic[100], "eval_fewshot_holdout")["accuracy_closed"] <= 0.6


def test_in_context_learning_emerges_with_8192_classes(tmp_path):
    icl_train("run", "laptop", "--root", tmp_path, "--max-steps", 6000)
    run = single_run(tmp_path)
    assert last(run, "eval_fewshot_holdout")["accuracy_closed"] >= 0.9
    assert last(run, "eval_flipped")["accuracy_closed"] >= 0.9
    assert last(run, "eval_no_support_zipfian")["accuracy_query"] <= 0.2


def test_in_context_learning_does_not_emerge_with_100_classes(tmp_path):
    icl_train("run", "laptop", "--root", tmp_path, "--max-steps", 3000, "--data.n-rare-classes", 90)
    run = single_run(tmp_path)
    assert last(run, "eval_no_support_zipfian")["accuracy_query"] >= 0.95
    assert last(run, "eval_fewshot_holdout")["accuracy_closed"] <= 0.6
