"""The path of a user: sweep, status, figures, evaluation, by the commands alone."""

import csv
import json
import subprocess
import sys

import pytest

SWEEP = ["sweep", "figure3a", "--preset", "smoke", "--class-counts", "40", "64", "--run-seeds", "0", "1", "--jobs", "2"]


def run(module, *args, cwd):
    return subprocess.run(
        [sys.executable, "-m", module, *map(str, args)], capture_output=True, text=True, cwd=cwd, check=True
    )


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    cwd = tmp_path_factory.mktemp("swept")
    run("icl_train", *SWEEP, "--plot", cwd=cwd)
    return cwd


def rows(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_a_sweep_leaves_one_finished_run_per_class_count_and_seed(swept):
    runs = [json.loads(path.read_text())["config"] for path in swept.glob("runs/*/config.json")]
    made = {(run["data"]["n_rare_classes"] + run["data"]["n_common_classes"], run["seeds"]["data"]) for run in runs}
    assert made == {(40, 0), (40, 1), (64, 0), (64, 1)}
    assert len(list(swept.glob("runs/*/DONE"))) == 4


def test_plot_draws_the_figure_and_writes_its_numbers(swept):
    runs = swept / "runs"
    assert (runs / "figure3a.png").read_bytes().startswith(b"\x89PNG")
    assert (runs / "figure3a.pdf").read_bytes().startswith(b"%PDF")
    final, series = rows(runs / "figure3a_metrics.csv"), rows(runs / "figure3a_timeseries.csv")
    assert len(final) == 4
    assert len(series) == 4 * 3  # before the first update, and at steps 20 and 40
    for row in final:
        lines = [json.loads(line) for line in (runs / row["run"] / "metrics.jsonl").read_text().splitlines()]
        last = [line for line in lines if line["split"] == "eval_fewshot_holdout"][-1]
        assert float(row["icl_two_way"]) == last["accuracy_closed"]
        assert int(row["step"]) == last["step"] == 40


def test_the_same_sweep_again_trains_nothing(swept):
    before = {path: path.stat().st_mtime_ns for path in swept.glob("runs/*/*") if path.is_file()}
    result = run("icl_train", *SWEEP, cwd=swept)
    assert result.stdout.count("done, skipped") == 4
    assert {path: path.stat().st_mtime_ns for path in swept.glob("runs/*/*") if path.is_file()} == before


def test_status_lists_the_runs_on_whole_lines_in_a_pipe(swept):
    lines = run("icl_train", "status", "runs", cwd=swept).stdout.splitlines()
    for path in swept.glob("runs/*/config.json"):
        (line,) = [line for line in lines if path.parent.name in line]
        assert "done" in line
        assert " 40 " in line


def test_evaluating_all_checkpoints_gives_the_numbers_of_training(swept):
    folder = sorted(swept.glob("runs/*/config.json"))[0].parent
    run("icl_eval", "evaluate", folder, "--all-checkpoints", cwd=swept)
    measured = {int(row["step"]): row for row in rows(folder / "evaluation.csv")}
    assert sorted(measured) == [20, 40]
    for line in map(json.loads, (folder / "metrics.jsonl").read_text().splitlines()):
        if line["step"] in measured and line["split"] == "eval_no_support_zipfian":
            assert float(measured[line["step"]]["iwl"]) == line["accuracy_query"]


def test_holdout_classes_are_disjoint_from_trained_ones_by_the_runs_files_alone(swept):
    for path in swept.glob("runs/*/classes.json"):
        classes = json.loads(path.read_text())
        data = json.loads((path.parent / "config.json").read_text())["config"]["data"]
        rare, common, holdout = (set(classes[name]) for name in ("rare", "common", "holdout"))
        assert [len(rare), len(common), len(holdout)] == [data[f"n_{n}_classes"] for n in ("rare", "common", "holdout")]
        assert not holdout & (rare | common)
        for split in ("fewshot_holdout", "flipped", "novel_label"):
            assert set(classes["evaluation"][split]) <= holdout
        assert set(classes["evaluation"]["no_support_zipfian"]) <= rare | common


def test_the_batches_that_config_json_implies_hold_no_holdout_class(swept):
    code = (
        "import json, sys, numpy as np, torch\n"
        "from pathlib import Path\n"
        "from icl_train import RunFolder, Task\n"
        "run = RunFolder.open(Path(sys.argv[1]))\n"
        "task = Task.build(run.config, device=torch.device('cpu'))\n"
        "sampler = task.training_sampler()\n"
        "drawn = np.concatenate([sampler(step).class_index.ravel() for step in range(1, 41)])\n"
        "print(json.dumps(sorted({int(key) for key in task.split.keys[drawn]})))\n"
    )
    folder = sorted(swept.glob("runs/*/config.json"))[0].parent
    result = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=True)
    trained = set(json.loads(result.stdout))
    classes = json.loads((folder / "classes.json").read_text())
    assert len(trained) > 30
    assert trained <= set(classes["rare"]) | set(classes["common"])
    assert not trained & set(classes["holdout"])
