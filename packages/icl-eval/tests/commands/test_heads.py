"""icl-eval heads: files, tables and refusals."""

import csv
import io
import json
import os

import pytest

from icl_eval._commands.main import _main
from icl_train import RunError

MEASURES = {"induction", "previous_token", "label_copy", "direct", "entropy", "accuracy", "loss"}


def heads(*args):
    return _main(["heads", *map(str, args)])


@pytest.fixture
def run(small_runs):
    return small_runs / "two-layers"


@pytest.fixture(scope="module")
def written(small_runs, tmp_path_factory):
    """The files of one call about all steps, with ablation."""
    out = tmp_path_factory.mktemp("out") / "new"
    assert heads(small_runs / "two-layers", "--steps", "all", "--ablate", "zero", "--sequences", 16, "--out", out) == 0
    return out


def rows_in(file):
    return list(csv.DictReader(io.StringIO(file.read_text())))


def test_pictures_and_numbers_are_written(written):
    pictures = {
        f"heads{part}{end}"
        for part in ("", "_attention", "_training", "_ablation", "_composition")
        for end in (".png", ".pdf", ".svg")
    }
    assert {file.name for file in written.iterdir()} == {*pictures, "heads.csv", "heads_attention.csv"}
    assert all(file.stat().st_size > 1000 for file in written.iterdir())


def test_the_file_has_every_number_of_every_step(written):
    rows = rows_in(written / "heads.csv")
    assert {row["measure"] for row in rows if row["step"] == "10"} == MEASURES
    assert {row["measure"] for row in rows if row["step"] == "20"} == MEASURES | {
        *(f"{kind}_composition" for kind in "qkv"),
        "ablation_accuracy",
        "ablation_loss",
    }


def test_the_attention_file_has_rows_that_sum_to_one(written):
    rows = rows_in(written / "heads_attention.csv")
    sums = {}
    for row in rows:
        key = row["sequence"], row["layer"], row["head"], row["from"]
        sums[key] = sums.get(key, 0) + float(row["attention"])
    assert {row["sequence"] for row in rows} == set("0123")
    assert list(sums.values()) == pytest.approx([1] * len(sums), abs=1e-5)


def test_a_picture_has_the_names_of_tokens_as_text(written):
    drawn = (written / "heads_attention.svg").read_text()
    tokens = {row["to_token"] for row in rows_in(written / "heads_attention.csv") if row["sequence"] == "0"}
    assert all(f">{token}<" in drawn for token in tokens)


def test_the_table_fits_80_columns_in_a_pipe_and_has_every_head(run, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert heads(run, "--ablate", "mean", "--sequences", 16, "--out", tmp_path) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if line[:3] in ("0.0", "0.1", "1.0", "1.1")][:4] == [
        "0.0",
        "0.1",
        "1.0",
        "1.1",
    ]
    table = [line for line in lines if not line.startswith(str(tmp_path))]
    assert max(map(len, table)) <= 80
    assert lines[0] == "step 20, fewshot_holdout, 16 sequences"
    assert lines[1].startswith("accuracy 0.")


@pytest.mark.parametrize("form", ["json", "csv"])
def test_numbers_on_stdout_are_those_of_the_file(form, run, tmp_path, capsys):
    assert heads(run, "--sequences", 16, "--out", tmp_path, f"--{form}") == 0
    out = capsys.readouterr().out
    file = rows_in(tmp_path / "heads.csv")
    rows = json.loads(out) if form == "json" else list(csv.DictReader(io.StringIO(out)))
    plain = [{name: "" if value is None else str(value) for name, value in row.items()} for row in rows]
    assert plain == file


def test_what_is_blank_is_said(small_runs, tmp_path, capsys):
    assert heads(small_runs / "pairs", "--sequences", 16, "--out", tmp_path) == 0
    assert "no previous token: a label has no token of its own with concatenate_labels" in capsys.readouterr().out


def test_chosen_heads_and_sequences_are_drawn(run, tmp_path):
    assert heads(run, "--sequences", 4, "--heads", "1.0", "--show", 3, 7, "--name", "mine", "--out", tmp_path) == 0
    rows = rows_in(tmp_path / "mine_attention.csv")
    assert {(row["sequence"], row["layer"], row["head"]) for row in rows} == {("3", "1", "0"), ("7", "1", "0")}


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--steps", "first"], "--steps must be steps of checkpoints, or all, got 'first'"),
        (["--steps", "15"], r"got 15"),
        (["--sequences", "0"], "sequences must be at least 1"),
        (["--split", "fewshot_holdot"], "--split: .*did you mean fewshot_holdout"),
        (["--heads", "3"], "--heads must be LAYER.HEAD"),
        (["--heads", "3.0"], "heads must be LAYER.HEAD of 2 layers of 2 heads"),
        (["--show", "-1"], "--show must be numbers of sequences from 0"),
        (["--ablate", "noise"], "noise"),
        (["--json", "--csv"], "give --json or --csv, not both"),
        (["--name", "a/b"], "--name must be a name"),
        (["--sequence", "8"], "did you mean --sequences"),
    ],
)
def test_a_mistake_is_refused_and_leaves_nothing(options, told, run, tmp_path):
    with pytest.raises(ValueError, match=told):
        heads(run, *options, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_several_runs_are_refused(small_runs):
    with pytest.raises(RunError, match=r"RUN must be one run, got .* with 3 below \(lstm, pairs, two-layers\)"):
        heads(small_runs)


def test_a_run_without_heads_is_refused(small_runs, tmp_path):
    with pytest.raises(ValueError, match="must be one with attention to have heads, got lstm"):
        heads(small_runs / "lstm", "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_damaged_checkpoint_is_named(spoilt_run, tmp_path, monkeypatch, capsys):
    from icl_eval._commands.main import main

    monkeypatch.setattr("sys.argv", ["icl-eval", "heads", str(spoilt_run.path), "--steps", "all", "--sequences", "8"])
    assert main() == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "step_0000010" in told.err
    assert told.err.count("\n") == 1
    assert not list(spoilt_run.path.glob("heads*"))


def test_where_the_run_cannot_be_written_to_the_table_is_printed(run, read_only, capsys):
    read_only(run)
    assert heads(run, "--sequences", 8) == 1
    told = capsys.readouterr()
    assert "--out FOLDER takes the files" in told.err
    assert "induction" in told.out
    assert not [name for name in os.listdir(run) if name.startswith("heads")]
