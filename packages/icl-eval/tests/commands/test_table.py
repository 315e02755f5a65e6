"""icl-eval table: which format comes out where, and that mistakes are one line and leave nothing behind."""

import csv
import io
import json
import os
import subprocess
import sys

import pytest

from icl_data.foundation.command_line import CLOSED_PIPE, run_command
from icl_eval import load_runs, summarize_runs
from icl_eval._commands.main import _main

SCORES = {0: (0.5, 0.0), 20: (0.75, 0.25)}
FORMATS = ("csv", "parquet", "md", "json")


def refused(capsys, *args):
    assert run_command(_main, "icl-eval", ["table", *map(str, args)]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    return line.removeprefix("icl-eval table: error: ")


def test_a_mistaken_measure_is_named_with_its_option(trained, capsys):
    assert refused(capsys, trained, "--onsets", "foo").startswith("--onsets must be among ")


@pytest.mark.parametrize("alone", ["all", "varying"])
def test_all_settings_beside_a_name_are_refused_by_their_own_rule(trained, capsys, alone):
    told = refused(capsys, trained, "--settings", alone, "seeds.data")
    assert told == f"settings must be {alone} alone or names, got {alone}, seeds.data"


def test_a_wide_table_has_the_sequences_of_the_last_evaluation_whatever_is_asked_for(write_run, tmp_path):
    write_run("one", SCORES, training={17: {"loss": 1.0}})
    row = summarize_runs(tmp_path, splits="train").iloc[0]
    assert (row["step"], row["sequences"]) == (20, summarize_runs(tmp_path).iloc[0]["sequences"])


@pytest.mark.parametrize("wide", [[], ["--wide"]], ids=["tidy", "wide"])
def test_into_a_pipe_goes_the_table_of_load_runs_as_csv(trained, capsysbinary, wide):
    assert _main(["table", str(trained), *wide]) == 0
    header, *rows = csv.reader(io.StringIO(capsysbinary.readouterr().out.decode()))
    expected = (summarize_runs if wide else load_runs)(trained)
    assert header == list(expected)
    assert len(rows) == len(expected)
    values = dict(zip(header, zip(*rows, strict=True), strict=True))
    assert list(values["run"]) == expected["run"].tolist()
    assert list(map(float, values["data.p_bursty"])) == expected["data.p_bursty"].tolist()


@pytest.mark.parametrize("kind", FORMATS)
def test_the_name_of_a_file_gives_its_format(trained, tmp_path, capsysbinary, kind):
    assert _main(["table", str(trained), "--format", kind]) == 0
    in_pipe = capsysbinary.readouterr().out
    out = tmp_path / f"table.{kind}"
    assert _main(["table", str(trained), "--out", str(out)]) == 0
    assert out.read_bytes() == in_pipe
    assert capsysbinary.readouterr().out.decode() == f"{out}\n"


def test_a_format_that_is_given_goes_into_a_file_of_any_name(trained, tmp_path):
    assert _main(["table", str(trained), "--wide", "--format", "json", "--out", str(tmp_path / "runs.txt")]) == 0
    assert len(json.loads((tmp_path / "runs.txt").read_text())) == 3


def test_text_shows_runs_and_says_what_it_leaves_out(trained, capsys):
    assert _main(["table", str(trained), "--wide", "--format", "text"]) == 0
    out = capsys.readouterr().out
    assert out.split()[0] == "run"
    assert {"c30-s0", "c64-s0", "c64-s1"} <= set(out.split())
    assert "settings that are the same in all runs (--out FILE.csv takes all)" in " ".join(out.split())


def test_splits_metrics_and_settings_can_be_chosen(trained, capsysbinary):
    chosen = ["--split", "flipped", "--metric", "accuracy_both", "loss_query", "--settings", "seeds.data"]
    assert _main(["table", str(trained), *chosen]) == 0
    rows = list(csv.DictReader(io.StringIO(capsysbinary.readouterr().out.decode())))
    assert {row["split"] for row in rows} == {"flipped"}
    assert {row["metric"] for row in rows} == {"accuracy_both", "loss_query"}
    assert list(rows[0])[1:4] == ["status", "seeds.data", "step"]


def test_all_metrics_are_to_be_had(trained, capsysbinary):
    assert _main(["table", str(trained), "--metric", "all"]) == 0
    rows = csv.DictReader(io.StringIO(capsysbinary.readouterr().out.decode()))
    assert "learning_rate" in {row["metric"] for row in rows}


def test_folders_that_are_passed_over_are_named_one_to_a_line(write_run, tmp_path, capsysbinary):
    write_run("good", SCORES)
    write_run("half", {0: (0.5, 0.0)}, seed=1, done=False)
    (write_run("garbage", SCORES, seed=2).path / "metrics.jsonl").write_text("nonsense\n{}\n")
    for name, content in (("foreign", '{"model_type": "bert"}'), ("newer", '{"format": 99}'), ("broken", "{")):
        (tmp_path / "runs" / name).mkdir()
        (tmp_path / "runs" / name / "config.json").write_text(content)
    assert _main(["table", str(tmp_path)]) == 0
    printed = capsysbinary.readouterr()
    lines = printed.err.decode().splitlines()
    named = {line.split("/")[-1].split(":")[0] if ": cannot" not in line else line for line in lines}
    assert len(named) == len(lines) == 5
    assert all(line.startswith("skipped ") for line in lines)
    assert {row["run"] for row in csv.DictReader(io.StringIO(printed.out.decode()))} == {"good"}


def test_unfinished_runs_are_taken_when_asked_for(write_run, tmp_path, capsysbinary):
    write_run("half", {0: (0.5, 0.0)}, done=False)
    assert _main(["table", str(tmp_path), "--unfinished", "--wide"]) == 0
    (row,) = csv.DictReader(io.StringIO(capsysbinary.readouterr().out.decode()))
    assert (row["run"], row["status"]) == ("half", "interrupted")


def test_without_runs_nothing_is_written(tmp_path, capsys):
    line = refused(capsys, tmp_path, "--out", tmp_path / "a.csv")
    assert line == f"table needs at least one finished run with evaluations, found none below {tmp_path}"
    assert list(tmp_path.iterdir()) == []


MISTAKES = {
    "a split": (["--split", "fliped"], "splits must be among fewshot_holdout, "),
    "a metric": (["--metric", "los"], "metrics must be among "),
    "a setting": (["--settings", "data.p_burst"], "settings must be among "),
    "a format": (["--format", "cvs"], ""),
    "an ending": (["--out", "table.cvs"], "--out must end in .csv, .parquet, .md, .json (or give --format), got "),
    "two formats": (["--format", "csv", "--out", "a.json"], "--out must end in .csv as --format has it, got a.json"),
    "text in a file": (["--format", "text", "--out", "a.csv"], "--format text is for reading: --out takes csv, "),
    "a folder": (["--out", "."], "--out must be a file, got the folder ."),
    "an option": (["--spilt", "train"], ""),
}


@pytest.mark.parametrize(("args", "start"), MISTAKES.values(), ids=list(MISTAKES))
def test_a_mistake_is_one_line_and_nothing_is_written(trained, tmp_path, capsys, monkeypatch, args, start):
    monkeypatch.chdir(tmp_path)
    assert refused(capsys, trained, *args).startswith(start)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_written_is_refused(trained, tmp_path, capsys, read_only):
    read_only(tmp_path)
    assert "Read-only file system" in refused(capsys, trained, "--out", tmp_path / "a.csv")


def test_runs_in_a_folder_that_cannot_be_written_to_are_read(write_run, tmp_path, capsys, read_only):
    write_run("one", SCORES)
    read_only(tmp_path)
    assert _main(["table", str(tmp_path), "--format", "text"]) == 0
    assert "one" in capsys.readouterr().out


def test_a_pipe_that_is_closed_ends_the_command(trained, tmp_path):
    command = [sys.executable, "-m", "icl_eval", "table", str(trained), "--metric", "all", "--format", "json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.read(1)
    process.stdout.close()
    with process.stderr:
        assert process.stderr.read() == b""
    assert process.wait() == CLOSED_PIPE


@pytest.mark.parametrize("name", ["=cmd|' calc'!A0", "one\nline", "a\u202eb", "\x1b[31mred", "@SUM(A1)"])
@pytest.mark.parametrize("kind", ["csv", "md", "text", "json"])
def test_hostile_names_are_safe_in_every_format(write_run, tmp_path, capsys, name, kind):
    write_run(name, SCORES)
    assert _main(["table", str(tmp_path), "--wide", "--format", kind]) == 0
    out = capsys.readouterr().out
    assert all(line.isprintable() for line in out.split("\n"))
    if kind == "csv":
        _, row = csv.reader(io.StringIO(out))
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row)


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux alone")
@pytest.mark.parametrize("kind", [*FORMATS, "text"])
def test_a_name_that_is_not_utf8_has_escapes(write_run, tmp_path, capsysbinary, kind):
    run = write_run("one", SCORES).path
    os.rename(run, os.fsencode(run.parent) + b"/caf\xe9")
    assert _main(["table", str(tmp_path), "--format", kind]) == 0
    assert b"caf\\" in capsysbinary.readouterr().out
