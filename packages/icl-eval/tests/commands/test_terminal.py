"""What is seen on a real terminal of 80 and of 200 columns: no line is longer, nothing is cut."""

import os
import re
import subprocess
import sys

import pytest

from icl_train import chan2022

pty = pytest.importorskip("pty")
fcntl = pytest.importorskip("fcntl")
termios = pytest.importorskip("termios")


def on_terminal(columns, *arguments):
    """Exit code and lines of a command whose stdout and stderr are a terminal of that width, without its colours."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (50, columns))
    env = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "LINES", "NO_COLOR")}
    process = subprocess.Popen(
        [sys.executable, "-m", "icl_eval", *map(str, arguments)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=env | {"TERM": "xterm-256color"},
    )
    os.close(theirs)
    seen = b""
    while True:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # Linux' way to say that nobody is there any more
            break
        if not piece:
            break
        seen += piece
    os.close(ours)
    text = re.sub(r"\x1b\[[0-9;]*m", "", seen.decode())
    return process.wait(), text.replace("\r\n", "\n").splitlines()


def words(lines):
    return {word for line in lines for word in line.split()}


@pytest.mark.parametrize("columns", [80, 200])
def test_the_table_of_a_figure_fits_with_its_largest_numbers(write_run, tmp_path, columns):
    for seed, count in ((0, 100), (0, 1600), (1, 1600)):
        scores = {0: (0.5, 0.0), 500_000: (0.661, 0.258)}
        write_run(f"c{count}-s{seed}", scores, base=chan2022(), count=count, seed=seed)
    code, lines = on_terminal(columns, "figure3b", tmp_path, "--out", tmp_path / "out")
    table = lines[:-4]  # below are paths, as long as they are
    assert code == 0
    assert max(map(len, table)) <= columns
    assert "…" not in "".join(lines)
    expected = {"classes", "1,600", "500,000", "0.258", "0.184-0.354", "(95%)", "0.000625", "0.26", "(500k)", "200"}
    assert expected <= words(table)


@pytest.mark.parametrize("columns", [80, 200])
def test_the_table_of_evaluate_fits_and_says_what_was_measured(trained, tmp_path, columns):
    runs = [trained / "c30-s0", trained / "c64-s0"]
    out = ["--batches", "1", "--device", "cpu", "--out", tmp_path / "a.csv"]
    code, lines = on_terminal(columns, "evaluate", *runs, *out)
    table = lines[:-1]
    assert code == 0
    assert max(map(len, table)) <= columns
    assert "…" not in "".join(lines)
    assert len([line for line in table if line.startswith("c30-s0 ")]) == 4
    assert {"ICL two-way accuracy (new classes)", "IWL accuracy over all labels (no support)"} <= {
        label for line in table for label in re.findall(r"I[CW]L [a-z-]+ accuracy.*\)|IWL accuracy.*\)", line)
    }


@pytest.mark.parametrize("arguments", [(), ("figure3a", "--help"), ("evaluate", "--help")])
def test_help_fits(arguments):
    _, lines = on_terminal(80, *arguments)
    assert max(map(len, lines)) <= 80


def test_the_table_has_a_line_for_each_row_in_a_pipe(trained, tmp_path):
    command = [sys.executable, "-m", "icl_eval", "evaluate", str(trained / "c30-s0"), "--batches", "1"]
    done = subprocess.run(
        [*command, "--device", "cpu", "--out", str(tmp_path / "a.csv")], capture_output=True, text=True, check=True
    )
    lines = done.stdout.splitlines()
    assert lines[1].split() == ["step", "measured", "accuracy", "95%", "interval", "chance", "sequences"]
    assert [line.split()[0] for line in lines[3:-1]] == ["20"] * 4
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize("columns", [80, 200])
@pytest.mark.parametrize("wide", [[], ["--wide"]], ids=["tidy", "wide"])
def test_a_table_of_runs_is_text_that_fits(write_run, tmp_path, columns, wide):
    for seed, count in ((0, 100), (0, 1600), (1, 1600)):
        write_run(f"gaussian-c{count:05}-s{seed}-12345678", {0: (0.5, 0.0), 20: (0.661, 0.258)}, count=count, seed=seed)
    code, lines = on_terminal(columns, "table", tmp_path, *wide)
    assert code == 0
    assert max(map(len, lines)) <= columns
    assert {"run", "gaussian-c01600-s1-12345678"} <= words(lines)
    assert "left out:" in "\n".join(lines)
