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
    table = lines[:-6]  # below are paths, as long as they are
    assert code == 0
    assert max(map(len, table)) <= columns
    assert "…" not in "".join(lines)
    expected = {"classes", "1,600", "500,000", "0.258", "0.184-0.354", "(95%)", "0.000625", "0.26", "at", "200"}
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


@pytest.mark.parametrize("columns", [80, 200])
@pytest.mark.parametrize("command", [("figures",), ("plot", "--x", "p-bursty", "--y", "icl", "iwl"), ("transience",)])
def test_tables_of_figures_and_plots_fit(write_run, tmp_path, columns, command):
    for p_bursty in (0.5, 0.9):
        name = f"gaussian-c08192-p{p_bursty}-0bd4721a"
        write_run(name, {0: (0.5, 0.0), 500_000: (0.661, 0.258)}, base=chan2022(), data={"p_bursty": p_bursty})
    words_before, *rest = command
    out = () if words_before == "figures" else ("--out", tmp_path / "out")
    code, lines = on_terminal(columns, words_before, tmp_path / "runs", *rest, *out)
    assert code == 0
    shown = [line for line in lines if str(tmp_path) not in line]
    assert max(map(len, shown)) <= columns
    assert "…" not in "".join(shown)


@pytest.mark.parametrize(
    "arguments", [(), ("figure3a", "--help"), ("plot", "--help"), ("compare", "--help"), ("figures", "--help")]
)
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


@pytest.fixture
def to_compare(write_run, tmp_path):
    """Arguments of a comparison of four runs with three archived ones, whose numbers are large."""
    for seed in range(4):
        write_run(
            f"s{seed}", {step: (0.5 + 0.1 * (step > seed), 0.25) for step in range(0, 500_001, 25_000)}, seed=seed
        )
    rows = [f"{step},eval_fewshot_holdout/accuracy_closed,{{}}" for step in range(0, 500_001, 25_000)]
    files = [tmp_path / f"seed{seed}.csv" for seed in range(3)]
    for seed, file in enumerate(files):
        file.write_text("\n".join(["step,metric,value", *rows]).format(*[0.5 + 0.01 * seed] * len(rows)))
    return ["compare", tmp_path / "runs", "--with", *files, "--out", tmp_path / "out"]


@pytest.mark.parametrize("columns", [80, 200])
def test_a_comparison_fits(to_compare, columns):
    code, lines = on_terminal(columns, *to_compare)
    said = lines[:-6]  # below are paths, as long as they are
    assert code == 0
    assert max(map(len, said)) <= columns
    assert "…" not in "".join(said)
    assert {"500,000", "ours", "theirs", "difference", "interval"} <= words(said)
    assert len([line for line in said if re.match(r"\s*[\d,]+\s+0\.\d{3}\s+0\.\d{3}\s", line)]) == 11


def test_a_comparison_in_a_pipe_has_no_colours(to_compare):
    command = [sys.executable, "-m", "icl_eval", *map(str, to_compare)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "\x1b" not in done.stdout
    assert done.stderr == ""


def test_a_broken_archive_is_one_line_on_a_terminal_and_writes_nothing(to_compare, tmp_path):
    (tmp_path / "seed1.csv").write_text("step,metric,value\n0,train/loss,high\n")
    code, lines = on_terminal(300, *to_compare)
    assert code == 2
    assert [line.replace(str(tmp_path), "") for line in lines] == [
        "icl-eval compare: error: value must be a finite number, got 'high' in row 2 of /seed1.csv"
    ]
    assert not (tmp_path / "out").exists()
