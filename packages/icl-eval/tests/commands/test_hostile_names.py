"""Names from outside are data: on a terminal, in a pipe of another encoding, in CSV files and in figures."""

import csv
import os
import subprocess
import sys

import pytest

from icl_eval._commands.main import _main

SCORES = {0: (0.5, 0.0), 20: (0.75, 0.25)}
QUICK = ["--batches", "1", "--device", "cpu", "--splits", "fewshot_holdout"]
ASCII = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
HOSTILE = {
    "[red]x[/]": "[red]x[",  # what a folder's name can be of it
    "escape": "a\x1b[31mred\x1b]0;title\x07",
    "newline": "one\nline",
    "right to left": "a\u202eb",
    "mathtext": "$x_1^2$",
    "formula": "=cmd|' calc'!A0",
    "plus": "+1",
    "minus": "-1",
    "at": "@SUM(A1)",
    "not ascii": "é日本",
}
FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def safe(text):
    """Whether text moves no cursor, and breaks lines at their ends alone."""
    return all(line.isprintable() for line in text.split("\n"))


@pytest.mark.parametrize("name", HOSTILE.values(), ids=list(HOSTILE))
def test_evaluate_prints_a_hostile_run_name_safely(trained, tmp_path, capsys, name):
    (tmp_path / name).symlink_to(trained / "c30-s0")
    (tmp_path / "other").symlink_to(trained / "c64-s0")
    runs = [str(tmp_path / name), str(tmp_path / "other")]
    assert _main(["evaluate", *runs, *QUICK, "--out", str(tmp_path / "a.csv")]) == 0
    printed = capsys.readouterr()
    assert safe(printed.out)
    assert safe(printed.err)
    shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)
    assert printed.err.startswith(f"{shown}: step 20 measured\n")
    assert any(line.startswith(f"{shown} ") for line in printed.out.splitlines())


@pytest.mark.parametrize("name", HOSTILE.values(), ids=list(HOSTILE))
def test_a_figure_prints_hostile_names_of_runs_safely(write_run, tmp_path, capsys, name):
    write_run("good", SCORES)
    write_run(name, {0: (0.5, 0.0)}, done=False)
    out = tmp_path / f"out {name}"
    assert _main(["figure3a", str(tmp_path / "runs"), "--out", str(out)]) == 0
    printed = capsys.readouterr()
    assert safe(printed.out)
    assert safe(printed.err)
    assert len(printed.err.splitlines()) == 1
    assert (
        len(
            [
                line
                for line in printed.out.splitlines()
                if "figure3a" in line and str(tmp_path) == line[: len(str(tmp_path))]
            ]
        )
        == 6
    )


@pytest.mark.parametrize("name", HOSTILE.values(), ids=list(HOSTILE))
def test_no_cell_of_any_csv_is_a_formula_and_none_moves_a_cursor(write_run, trained, tmp_path, name):
    write_run(name, SCORES)
    for figure in ("figure3a", "figure3b"):
        assert _main([figure, str(tmp_path / "runs"), "--out", str(tmp_path)]) == 0
    (tmp_path / name).symlink_to(trained / "c30-s0")
    assert _main(["evaluate", str(tmp_path / name), *QUICK, "--out", str(tmp_path / "a.csv")]) == 0
    files = sorted(tmp_path.glob("*.csv"))
    assert len(files) == 7
    for file in files:
        assert safe(file.read_text(encoding="utf-8"))
        with file.open(newline="", encoding="utf-8") as opened:
            header, *rows = csv.reader(opened)
        assert rows
        for cell in [*header, *(cell for row in rows for cell in row)]:
            assert not cell.startswith(FORMULAS)
        shown = "".join(c if c.isprintable() else ascii(c)[1:-1] for c in name)
        quoted = f"'{shown}" if shown.startswith(FORMULAS) else shown
        if header[0] == "run":
            assert {row[0] for row in rows} == {quoted}


@pytest.mark.skipif(sys.platform != "linux", reason="names are bytes on Linux alone")
def test_a_name_that_is_not_utf8_is_drawn_printed_and_written(write_run, tmp_path, capsys):
    run = write_run("one", SCORES).path
    os.rename(run, os.fsencode(run.parent) + b"/caf\xe9")
    out = os.fsdecode(os.fsencode(tmp_path) + b"/out\xe9")
    assert _main(["figure3a", str(tmp_path / "runs"), "--out", out]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.splitlines()[-1] == f"{tmp_path}/out\\udce9/figure3a_timeseries.csv"
    with open(os.path.join(out, "figure3a_metrics.csv"), newline="", encoding="utf-8") as file:
        assert [row["run"] for row in csv.DictReader(file)] == ["caf\\udce9"]


@pytest.mark.parametrize("command", ["figure3a", "evaluate"])
def test_names_beyond_ascii_are_escaped_where_the_output_is_ascii(write_run, trained, tmp_path, command):
    (tmp_path / "é日本").symlink_to(trained / "c30-s0")
    write_run("ü", {0: (0.5, 0.0)}, done=False)
    paths = {"figure3a": [tmp_path], "evaluate": [tmp_path / "é日本", trained / "c64-s0", *QUICK]}[command]
    out = tmp_path / ("ö" if command == "figure3a" else "ö.csv")
    done = subprocess.run(
        [sys.executable, "-m", "icl_eval", command, *map(str, paths), "--out", str(out)],
        capture_output=True,
        check=False,
        env=os.environ | ASCII,
    )
    assert done.returncode == 0, done.stderr
    assert (done.stdout + done.stderr).isascii()
    assert b"\\udcc3\\udcb6" in done.stdout  # ö, as bytes that such a system has no letter for
    assert out.exists()
