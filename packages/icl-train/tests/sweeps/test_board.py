"""What a sweep shows on a terminal: bars that move, and totals that are always there."""

import errno
import io
import json
import sys

import pytest

from icl_data.foundation.sealed import seal_object
from icl_train import RunFolder
from icl_train._sweeps.board import Board
from icl_train._sweeps.watched import Watched
from icl_train._watching.view import RunView


class Screen(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture
def run(short, tmp_path):
    return RunFolder.create(tmp_path / "run", short(train={"max_steps": 5000}), device="cpu", threads=1)


@pytest.fixture(params=[80, 200])
def columns(request, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(request.param))
    monkeypatch.setenv("LINES", "24")
    monkeypatch.setenv("TERM", "xterm")
    return request.param


def beat(run, step, speed):
    (run.path / "heartbeat.json").write_text(
        seal_object(
            json.dumps(
                {"step": step, "steps_per_second": speed, "pid": 1, "host": "here", "time": 0.0}
                | {"times": {"update": 1 / speed}},
                indent=1,
            )
            + "\n"
        )
    )


def test_bars_show_step_speed_and_time_left_between_two_lines_of_metrics(run, columns, plain):
    screen = Screen()
    with Board(screen) as board:
        watched = Watched(run, "64 classes, s0", board)
        watched.begin("started")
        for step in (1230, 1240):
            beat(run, step, 10.0)
            watched.look()
            board.totals("0 of 1 done, 1 running", 376, "")
    shown = plain(screen.getvalue())
    for step, left in ((1230, "0:06:17"), (1240, "0:06:16")):
        (line,) = {line.strip() for line in shown.splitlines() if f"{step}/5000" in line}
        assert line.startswith("64 classes, s0")
        assert "10 steps/s" in line
        assert line.endswith(left)
        assert len(line) <= columns


def test_totals_stay_on_a_screen_with_more_bars_than_lines(run, columns, monkeypatch, plain):
    monkeypatch.setenv("LINES", "6")
    screen = Screen()
    with Board(screen) as board:
        for number in range(20):
            board.add(f"{number} classes", RunView(run))
        board.totals("7 of 40 done, 20 running, 1 failed", 4320, "3 classes: " + "far too long " * 40)
        shown = plain(screen.getvalue())
    (line,) = {line.strip() for line in shown.splitlines() if "of 40" in line}
    assert line.startswith("7 of 40 done, 20 running, 1 failed, 1:12:00 left; last failure: 3 classes: far")
    assert len(line) <= columns


def test_a_label_longer_than_the_screen_is_shown_whole(run, columns, plain):
    screen = Screen()
    label = "64 classes, s0, " + ", ".join(f"setting.number_{number}=0.1" for number in range(12))
    with Board(screen) as board:
        board.add(label, RunView(run))
        board.totals("0 of 1 done, 1 running", None, "")
    letters = "".join(plain(screen.getvalue()).split())
    for number in range(12):
        assert f"number_{number}" in letters or columns == 80
    assert "number_11=0.1" in letters


@pytest.mark.parametrize("screen", [Screen, io.StringIO])
def test_names_from_outside_are_text_and_nothing_else(screen, run, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "300")
    stream = screen()
    hostile = "[red]:smile:\x1b[2J\nnext"
    with Board(stream) as board:
        watched = Watched(run, hostile, board)
        watched.begin(hostile)
        board.totals("0 of 1 done", None, hostile)
    told = stream.getvalue()
    assert "\x1b[2J" not in told
    assert r"[red]:smile:\x1b[2J next: [red]:smile:\x1b[2J next" in told


def test_an_ascii_terminal_gets_letters_it_has(run, monkeypatch, plain):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "80")
    bytes_shown = io.BytesIO()

    class Ascii(io.TextIOWrapper):
        def isatty(self):
            return True

    stream = Ascii(bytes_shown, encoding="ascii")  # errors="strict": one letter outside ends the test
    with Board(stream) as board:
        watched = Watched(run, "64 classes, s0, data.source=\u03b1", board)
        watched.label = "64 classes"
        watched.begin("started")
        board.totals("0 of 1 done, 1 running", 5, "x" * 200)
    stream.flush()
    assert "0 of 1 done, 1 running" in plain(bytes_shown.getvalue().decode("ascii"))


def test_a_terminal_that_is_closed_breaks_nothing(run):
    class Gone(Screen):
        def write(self, text):
            raise OSError(errno.EIO, "Input/output error")

    with Board(Gone()) as board:
        board.say("line")
        board.totals("0 of 1 done", None, "")


def test_a_full_disk_under_the_output_is_an_error():
    class Full(io.StringIO):
        def write(self, text):
            raise OSError(errno.ENOSPC, "No space left on device")

    with Board(Full()) as board, pytest.raises(OSError, match="No space"):
        board.say("line")


def test_watching_a_run_that_was_rewound_and_has_outgrown_its_old_length_starts_at_a_line(run):
    record = {"split": "eval_fewshot_holdout", "sequences": 0, "accuracy_closed": 0.5, "chance": 0.5}
    run.append([record | {"step": step} for step in (0, 10, 20)])
    stream = io.StringIO()
    watched = Watched(run, "run", Board(stream))
    watched.begin("started")
    run.rewind(10)
    run.append([record | {"step": step, "sequences": 16 * step} for step in (20, 30)])
    watched.look()
    assert stream.getvalue().splitlines()[1:] == ["run: step 30: ICL 0.500 (chance 0.5)"]


def test_an_evaluation_is_told_even_if_its_training_line_was_seen_before(run):
    stream = io.StringIO()
    watched = Watched(run, "run", Board(stream))
    watched.begin("started")
    run.append([{"split": "train", "step": 10, "sequences": 160}])
    watched.look()
    run.append([{"split": "eval_fewshot_holdout", "step": 10, "accuracy_closed": 0.5, "chance": 0.5}])
    watched.look()
    assert stream.getvalue().count("step 10: ICL 0.500 (chance 0.5)") == 1


@pytest.mark.parametrize("columns", [80, 200], indirect=True)
def test_a_sweep_on_a_real_terminal_shows_bars_and_totals_and_ends_with_ctrl_c(columns, on_terminal, tmp_path):
    options = ["--preset", "smoke", "--max-steps", "100000", "--class-counts", "64", "--root", str(tmp_path / "runs")]
    command = [sys.executable, "-m", "icl_train", "sweep", "figure3a", *options]
    terminal = on_terminal(command, columns=columns)
    terminal.until("0 of 1 done, 1 running, 0:")
    for part in ("64 classes, s0: started in", "/100000", " steps/s", " left"):
        terminal.until(part)
    terminal.press("\x03")
    assert terminal.end() == 130
    assert "interrupted; the same command goes on" in terminal.shown
