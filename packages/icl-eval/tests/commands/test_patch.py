"""icl-eval patch: files, the table and refusals."""

import csv
import io
import json

import pytest

from icl_eval._commands.main import _main


def patch(*args):
    return _main(["patch", *map(str, args)])


@pytest.fixture
def run(small_runs):
    return small_runs / "two-layers"


def test_picture_and_numbers_are_written_and_the_table_fits(run, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    assert patch(run, "fewshot_holdout", "query", "--sequences", 40, "--out", tmp_path) == 0
    assert {file.name for file in tmp_path.iterdir()} == {"patch.csv", "patch.png", "patch.pdf", "patch.svg"}
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "step 20, fewshot_holdout corrupted by query"
    assert max(len(line) for line in lines if not line.startswith(str(tmp_path))) <= 80
    assert ">q<" in (tmp_path / "patch.svg").read_text()


@pytest.mark.parametrize("form", ["json", "csv"])
def test_numbers_on_stdout_are_those_of_the_file(form, run, tmp_path, capsys):
    assert patch(run, "--sequences", 20, "--step", 10, "--sites", "blocks.*.mlp", "--out", tmp_path, f"--{form}") == 0
    out = capsys.readouterr().out
    file = list(csv.DictReader(io.StringIO((tmp_path / "patch.csv").read_text())))
    rows = json.loads(out) if form == "json" else list(csv.DictReader(io.StringIO(out)))
    assert [{name: "" if value is None else str(value) for name, value in row.items()} for row in rows] == file
    assert {(row["step"], row["site"]) for row in file} == {("10", "blocks.0.mlp"), ("10", "blocks.1.mlp")}
    assert [row["token"] for row in file[:17]] == [*(f"{kind}{i}" for i in range(1, 9) for kind in "xy"), "q"]


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["nothing"], "CLEAN: .*nothing"),
        (["fewshot_holdout", "labls"], "CORRUPTED: .*labls"),
        (["fewshot_holdout", "novel_label"], "on the same contexts as fewshot_holdout"),
        (["no_support_zipfian"], "exchanged needs sequence=fewshot"),
        (["--sequences", "0"], "sequences must be at least 1"),
        (["--sites", "blocks.7.mlp"], "sites must be of"),
        (["--step", "15"], "got 15"),
        (["--json", "--csv"], "not both"),
    ],
)
def test_a_mistake_is_refused_and_leaves_nothing(args, told, run, tmp_path):
    with pytest.raises(ValueError, match=told):
        patch(run, *args, "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_run_without_attention_is_refused(small_runs, tmp_path):
    with pytest.raises(ValueError, match="must be one with attention to have heads, got lstm"):
        patch(small_runs / "lstm", "--out", tmp_path / "out")
