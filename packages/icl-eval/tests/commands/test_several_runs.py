"""Several run folders as arguments, runs behind links, and ~ in paths."""

import csv
import hashlib
import json
import shutil

import pytest
import torch
from safetensors.torch import load, save

import icl_eval._evaluate
from icl_data.foundation.command_line import CommandFailed
from icl_data.foundation.sealed import seal_object, unseal_object
from icl_eval._commands.main import _main
from icl_train import RunError

QUICK = ["--batches", "1", "--device", "cpu"]
SCORES = {0: (0.5, 0.0), 20: (0.75, 0.25)}


@pytest.fixture
def runs(trained, tmp_path):
    shutil.copytree(trained, tmp_path / "runs")
    return tmp_path / "runs"


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def paths(folder, *names):
    return [str(folder / name) for name in names]


def test_a_figure_of_several_folders_has_the_runs_of_all_and_goes_to_the_first(write_run, tmp_path, capsys):
    write_run("a/one", SCORES, seed=0)
    write_run("b/two", SCORES, seed=1)
    write_run("c/three", SCORES, seed=2)
    root = tmp_path / "runs"
    assert _main(["figure3a", *paths(root, "a", "b")]) == 0
    assert [row["run"] for row in read(root / "a" / "figure3a_metrics.csv")] == ["one", "two"]
    assert sorted(path.name for path in (root / "b").iterdir()) == ["two"]


def test_a_run_below_two_of_the_folders_is_there_once(write_run, tmp_path, capsys):
    one = write_run("a/one", SCORES).path
    assert _main(["figure3a", str(tmp_path / "runs"), str(one), str(one.parent), "--out", str(tmp_path)]) == 0
    assert [row["run"] for row in read(tmp_path / "figure3a_metrics.csv")] == ["one"]
    assert capsys.readouterr().err == ""


def test_files_among_several_folders_are_named_and_passed_over_but_not_a_folder_that_is_not_there(
    write_run, tmp_path, capsys
):
    one = write_run("one", SCORES).path
    picture = tmp_path / "runs" / "figure3a.png"
    picture.touch()
    assert _main(["figure3a", str(picture), str(one), "--out", str(tmp_path)]) == 0
    assert capsys.readouterr().err == f"skipped {picture}: not a folder\n"
    with pytest.raises(RunError, match="it does not exist"):
        _main(["figure3a", str(one), str(tmp_path / "nowhere"), "--out", str(tmp_path)])


def test_evaluate_of_several_runs_is_one_table_and_a_file_in_each_folder(runs, capsys):
    assert _main(["evaluate", *paths(runs, "c30-s0", "c64-s1"), *QUICK, "--splits", "fewshot_holdout"]) == 0
    printed = capsys.readouterr()
    table = [line for line in printed.out.splitlines() if "ICL two-way" in line]
    assert [line.split()[0] for line in table] == ["c30-s0", "c64-s1"]
    assert printed.out.splitlines()[-2:] == [str(runs / name / "evaluation.csv") for name in ("c30-s0", "c64-s1")]
    assert printed.err.splitlines() == ["c30-s0: step 20 measured", "c64-s1: step 20 measured"]
    for name in ("c30-s0", "c64-s1"):
        assert [row["run"] for row in read(runs / name / "evaluation.csv")] == [name]


def test_evaluate_with_out_writes_one_file_for_all_runs(runs, tmp_path, capsys):
    out = tmp_path / "all.json"
    args = ["--all-checkpoints", "--splits", "fewshot_holdout", "--out", str(out)]
    assert _main(["evaluate", *paths(runs, "c30-s0", "c64-s1"), *QUICK, *args]) == 0
    rows = [(row["run"], row["step"]) for row in json.loads(out.read_text())]
    assert rows == [(name, step) for name in ("c30-s0", "c64-s1") for step in (10, 20)]
    assert not (runs / "c30-s0" / "evaluation.csv").exists()


def test_evaluate_has_the_numbers_of_each_run_alone(runs, tmp_path, capsys):
    for name in ("c30-s0", "c64-s1"):
        assert _main(["evaluate", str(runs / name), *QUICK, "--out", str(tmp_path / f"{name}.json")]) == 0
    assert _main(["evaluate", *paths(runs, "c30-s0", "c64-s1"), *QUICK, "--out", str(tmp_path / "all.json")]) == 0
    alone = [json.loads((tmp_path / f"{name}.json").read_text()) for name in ("c30-s0", "c64-s1")]
    assert json.loads((tmp_path / "all.json").read_text()) == alone[0] + alone[1]


def test_evaluate_measures_a_run_once_whatever_ways_lead_to_it(runs, tmp_path, capsys):
    (tmp_path / "link").symlink_to(runs / "c30-s0")
    out = tmp_path / "all.csv"
    arguments = [str(runs / "c30-s0"), str(tmp_path / "link"), f"{runs}/../runs/c30-s0"]
    assert _main(["evaluate", *arguments, *QUICK, "--out", str(out)]) == 0
    assert [row["run"] for row in read(out)] == ["c30-s0"]


def test_evaluate_tells_runs_of_one_name_apart_by_their_paths(runs, tmp_path, capsys):
    shutil.copytree(runs / "c30-s0", tmp_path / "other" / "c30-s0")
    out = tmp_path / "all.csv"
    arguments = [str(runs / "c30-s0"), str(tmp_path / "other" / "c30-s0")]
    assert _main(["evaluate", *arguments, *QUICK, "--splits", "flipped", "--out", str(out)]) == 0
    assert [row["run"] for row in read(out)] == arguments


def test_the_run_in_the_current_folder_has_its_name(runs, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(runs / "c30-s0")
    assert _main(["evaluate", ".", *QUICK]) == 0
    assert capsys.readouterr().out.splitlines()[0].strip() == "c30-s0"
    assert [row["run"] for row in read(runs / "c30-s0" / "evaluation.csv")] == ["c30-s0"]


def test_a_folder_that_is_not_there_is_a_mistake_also_among_several(runs, monkeypatch):
    monkeypatch.setattr("icl_eval._evaluate.evaluate_run", lambda *arguments, **keywords: 1 / 0)
    with pytest.raises(RunError, match=r"a run folder holds config\.json, got .*nowhere"):
        _main(["evaluate", *paths(runs, "c30-s0", "nowhere")])


def test_a_run_whose_evaluation_does_not_fit_into_memory_is_passed_over(runs, monkeypatch, capsys):
    real = icl_eval._evaluate.evaluate_run

    def too_large(run, **keywords):
        if run.name == "c30-s0":
            raise MemoryError
        return real(run, **keywords)

    monkeypatch.setattr("icl_eval._evaluate.evaluate_run", too_large)
    assert _main(["evaluate", *paths(runs, "c30-s0", "c64-s0"), *QUICK]) == 0
    told = capsys.readouterr()
    assert f"skipped {runs / 'c30-s0'}: what it asks for does not fit into memory" in told.err
    assert "c64-s0" in told.out


def broken(path):
    (path / "config.json").write_text("{")


def newer(path):
    (path / "config.json").write_text('{"format": 99, "config": {}, "environment": {}}')


def no_run(path):
    (path / "config.json").unlink()


def without_checkpoints(path):
    shutil.rmtree(path / "checkpoints")


def without_weights(path):
    (path / "checkpoints" / "step_0000020" / "model.safetensors").unlink()


def without_a_bit(path):
    file = path / "checkpoints" / "step_0000020" / "model.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)


def rewritten(change):
    """Weights that somebody else has written, hash and all."""

    def rewrite(path):
        folder = path / "checkpoints" / "step_0000020"
        content = save(change(load((folder / "model.safetensors").read_bytes())))
        (folder / "model.safetensors").write_bytes(content)
        state = unseal_object((folder / "state.json").read_bytes())
        state["files"]["model.safetensors"] = hashlib.sha256(content).hexdigest()
        (folder / "state.json").write_text(seal_object(json.dumps(state, indent=1) + "\n"))

    return rewrite


def _first(tensors, change):
    name = next(name for name, value in tensors.items() if value.is_floating_point())
    return tensors | {name: change(tensors[name])}


not_a_number = rewritten(lambda tensors: _first(tensors, lambda value: value * float("nan")))
of_another_type = rewritten(lambda tensors: _first(tensors, lambda value: value.double()))
with_another_tensor = rewritten(lambda tensors: tensors | {"more": torch.zeros(1)})


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (broken, "cannot read"),
        (newer, "its format must be 1 or 2, got 99"),
        (no_run, "config.json is missing from "),
        (without_checkpoints, "must have the checkpoint of step 20, which it had, got those of none"),
    ],
)
def test_one_of_several_that_cannot_be_measured_is_named_and_passed_over(runs, tmp_path, capsys, damage, reason):
    damage(runs / "c64-s1")
    out = tmp_path / "all.csv"
    assert _main(["evaluate", *paths(runs, "c30-s0", "c64-s1"), *QUICK, "--out", str(out)]) == 0
    assert [row["run"] for row in read(out)] == ["c30-s0"]
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "c64-s1" in line]
    assert line.startswith(f"skipped {runs / 'c64-s1'}: ")
    assert reason in line


@pytest.mark.parametrize("harm", [without_weights, without_a_bit, not_a_number, of_another_type, with_another_tensor])
def test_a_damaged_checkpoint_of_one_of_several_is_named_and_the_command_fails(runs, tmp_path, capsys, harm):
    harm(runs / "c64-s1")
    out = tmp_path / "all.csv"
    assert _main(["evaluate", *paths(runs, "c30-s0", "c64-s1"), *QUICK, "--out", str(out)]) == 1
    assert [row["run"] for row in read(out)] == ["c30-s0"]
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "c64-s1" in line]
    assert line.startswith(f"skipped {runs / 'c64-s1'}: cannot load ")
    assert "model.safetensors" in line


def test_a_missing_plugin_of_one_of_several_runs_is_named_and_passed_over(runs, write_run, of_a_missing_plugin, capsys):
    gone = of_a_missing_plugin(write_run("gone", SCORES)).path
    assert _main(["evaluate", str(runs / "c30-s0"), str(gone), *QUICK]) == 0
    assert f"skipped {gone}: embedder 'gone' needs icl-gone" in capsys.readouterr().err


def test_where_none_of_several_is_left_the_command_fails(runs, capsys):
    for name in ("c30-s0", "c64-s1"):
        without_checkpoints(runs / name)
    with pytest.raises(CommandFailed, match="none of the runs can be measured"):
        _main(["evaluate", *paths(runs, "c30-s0", "c64-s1"), *QUICK])
    assert len(capsys.readouterr().err.splitlines()) == 2


def test_a_folder_above_runs_stands_for_all_of_them(runs, tmp_path, capsys):
    broken(runs / "c64-s1")
    out = tmp_path / "all.csv"
    assert _main(["evaluate", str(runs), *QUICK, "--out", str(out)]) == 0
    assert [row["run"] for row in read(out)] == ["c30-s0", "c64-s0"]
    assert f"skipped {runs / 'c64-s1'}: cannot read" in capsys.readouterr().err


def test_a_single_broken_run_is_a_mistake(runs):
    broken(runs / "c64-s1")
    with pytest.raises(RunError, match="cannot read"):
        _main(["evaluate", str(runs / "c64-s1"), *QUICK])


def test_runs_behind_links_are_drawn_once(write_run, tmp_path, capsys):
    one = write_run("one", SCORES).path
    root = tmp_path / "linked"
    root.mkdir()
    for name in ("a", "b"):
        (root / name).symlink_to(one)
    (root / "loop").symlink_to(root)
    assert _main(["figure3a", str(root), "--out", str(tmp_path)]) == 0
    assert [row["run"] for row in read(tmp_path / "figure3a_metrics.csv")] == ["a"]
    assert capsys.readouterr().err == ""


def test_a_tilde_is_the_home_folder_in_every_path(runs, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(runs)
    assert _main(["figure3a", "~/runs", "--out=~/figures"]) == 0
    assert _main(["evaluate", "~/runs/c30-s0", *QUICK, "--out=~/a.csv"]) == 0
    assert (tmp_path / "figures" / "figure3a.png").is_file()
    assert (tmp_path / "a.csv").is_file()


def test_a_tilde_of_nobody_is_a_mistake(tmp_path):
    with pytest.raises(ValueError, match="got ~nobody-of-that-name/runs"):
        _main(["figure3a", "~nobody-of-that-name/runs"])


def test_no_older_checkpoint_is_measured_in_the_place_of_one_that_is_gone(runs):
    run = min(runs.iterdir())
    shutil.rmtree(run / "checkpoints" / "step_0000020")
    with pytest.raises(CommandFailed, match="must have the checkpoint of step 20, which it had, got those of 10 "):
        _main(["evaluate", str(run), *QUICK])
