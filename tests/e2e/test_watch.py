"""`icl-eval watch` as people see it: on a terminal that is drawn anew and resized, and in a pipe."""

import fcntl
import importlib.util
import struct
import subprocess
import sys
import termios
import time
from dataclasses import replace
from pathlib import Path

import pytest

from icl_train import RunFolder, smoke

_SPEC = importlib.util.spec_from_file_location(
    "terminals", Path(__file__).parents[2] / "packages" / "icl-train" / "tests" / "terminals.py"
)
terminals = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(terminals)
WATCH = [sys.executable, "-m", "icl_eval", "watch", "--interval", "0.2"]


def evaluated(step, accuracy):
    ends = {"accuracy_closed_low": accuracy - 0.1, "accuracy_closed_high": accuracy + 0.1}
    return {"split": "eval_fewshot_holdout", "step": step, "accuracy_closed": accuracy, "chance": 0.5, **ends}


@pytest.fixture
def runs(tmp_path):
    base = smoke()
    made = [
        RunFolder.create(
            tmp_path / f"rate-{rate}", replace(base, optim=replace(base.optim, max_lr=rate)), device="cpu", threads=1
        )
        for rate in (0.1, 0.2)
    ]
    for run in made:
        run.append([evaluated(0, 0.5)])
    return made


@pytest.fixture
def on_terminal(tmp_path):
    opened = []

    def start(*args, **options):
        opened.append(terminals.Terminal([*WATCH, str(tmp_path), *args], **options))
        return opened[-1]

    yield start
    for terminal in opened:
        terminal.close()


@pytest.mark.parametrize(("columns", "key"), [(80, "q"), (200, "\x03")])
def test_it_is_drawn_anew_until_q_or_ctrl_c_and_stays(columns, key, runs, on_terminal):
    terminal = on_terminal(columns=columns)
    terminal.until("q ends")
    terminal.until("ICL .500 [.400, .600] (.500)")
    runs[0].append([evaluated(20, 0.75)])
    terminal.until("ICL .750 [.650, .850] (.500)")
    terminal.press(key)
    assert terminal.end() == 0
    left = terminal.shown.rpartition("q ends")[2]
    assert "ICL .750" in left
    assert "Traceback" not in left


def widest_of_a_frame(terminal):
    terminal.shown = ""
    terminal.until("q ends")
    terminal.until("ICL .500")
    return max(map(len, terminal.shown.split("\n")))


def test_another_width_is_filled_at_once(runs, on_terminal):
    terminal = on_terminal(columns=200)
    terminal.until("▁")
    terminal.shown = ""
    fcntl.ioctl(terminal._master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    terminal.until("q ends")
    until = time.monotonic() + 60
    while (width := widest_of_a_frame(terminal)) > 60:  # of before, still on its way
        assert time.monotonic() < until, width
    terminal.press("q")
    assert terminal.end() == 0


@pytest.mark.parametrize(("columns", "lines"), [(80, 4), (200, 3)])
def test_a_low_terminal_says_what_it_has_no_room_for(columns, lines, runs, on_terminal):
    terminal = on_terminal(columns=columns, lines=lines)
    terminal.until("and 1 more (1 interrupted), for which there is no room")
    terminal.press("q")
    assert terminal.end() == 0


def test_colours_are_left_out_where_they_are_not_wanted(runs, tmp_path):
    from terminal import on_terminal as to_the_end

    coloured = "\x1b[36m"
    args = ["watch", str(tmp_path), "--once"]
    assert coloured in to_the_end("icl_eval", args, width=80, cwd=tmp_path)[1]
    assert coloured not in to_the_end("icl_eval", args, width=80, cwd=tmp_path, variables={"NO_COLOR": "1"})[1]


def test_a_terminal_without_blocks_has_other_characters(runs, tmp_path):
    from terminal import on_terminal as to_the_end

    ascii_only = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    code, sent = to_the_end(
        "icl_eval", ["watch", str(tmp_path), "--once"], width=80, cwd=tmp_path, variables=ascii_only
    )
    assert code == 0
    assert sent.isascii()
    assert "(.500) _" in sent


def test_into_a_pipe_goes_a_line_for_each_run_and_one_for_each_change(runs, tmp_path):
    process = subprocess.Popen([*WATCH, str(tmp_path)], stdout=subprocess.PIPE, text=True, encoding="utf-8")
    try:
        first = sorted(process.stdout.readline() for _ in runs)
        assert first[0].startswith("rate-0.1 ")
        assert "ICL .500 [.400, .600] (.500)" in first[0]
        runs[1].append([evaluated(20, 0.75)])
        assert "ICL .750 [.650, .850] (.500)" in process.stdout.readline()
        process.send_signal(2)
        assert process.wait(timeout=100) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
