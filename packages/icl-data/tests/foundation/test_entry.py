"""Ctrl+C at any moment is one line and exit code 130; once a command is done, it changes nothing."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a process cannot send itself Ctrl+C there")

START = """
import os, signal, sys
from icl_data.foundation.command_line import run_command
from icl_data.foundation.entry import enter
def interrupt(): os.kill(os.getpid(), signal.SIGINT)
"""


def _run(code: str, *, end: str = "sys.exit(enter('icl-x', command))") -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{START}\n{code}\n{end}"], capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


SAID = (130, "", "icl-x: interrupted\n")
MOMENTS = {
    "import": "def command():\n    interrupt()\n    return 0",
    "import that fails for it": """
def command():
    try:
        interrupt()
    except KeyboardInterrupt:
        raise ImportError("the C extension failed to import")
""",
    "code of a text": "def command():\n    exec('interrupt()')\n    return 0",
    "what is called back": """
class Held:
    def __del__(self): interrupt()
def command():
    Held()
    return 0
""",
    "a command": "def command(): return run_command(lambda args: interrupt() or 0, 'icl-x', [])",
    "a command that makes a mistake of it": """
def main(args):
    try:
        interrupt()
    except KeyboardInterrupt as error:
        raise ValueError("no such thing") from error
def command(): return run_command(main, 'icl-x', [])
""",
}


@pytest.mark.parametrize("code", MOMENTS.values(), ids=MOMENTS)
def test_ctrl_c_is_one_line_and_exit_code_130(code: str) -> None:
    assert _run(code) == SAID


def test_the_second_ctrl_c_ends_the_process_at_once() -> None:
    code = """
def command():
    try:
        interrupt()
    finally:
        interrupt()
        print("cleaned up")
"""
    assert _run(code) == SAID


def test_what_is_registered_for_the_end_is_done() -> None:
    code = "import atexit\natexit.register(print, 'end', flush=True)\ndef command():\n    interrupt()"
    assert _run(code) == (130, "end\n", "icl-x: interrupted\n")


@pytest.mark.parametrize("code", [0, 1, 3])
def test_ctrl_c_after_the_end_leaves_the_exit_code_of_what_was_done(code: int) -> None:
    text = f"import atexit\natexit.register(interrupt)\ndef command(): return {code}"
    assert _run(text) == (code, "", "")


def test_who_ignores_ctrl_c_goes_on() -> None:
    code = "signal.signal(signal.SIGINT, signal.SIG_IGN)\ndef command():\n    interrupt()\n    return 5"
    assert _run(code) == (5, "", "")


def test_other_faults_keep_their_traceback() -> None:
    code, _, error = _run("def command(): return 1 / 0")
    assert code == 1
    assert error.endswith("ZeroDivisionError: division by zero\n")


AT_THE_END = """
import atexit
class Late:
    def __del__(self): interrupt()
late = Late()
def command():
    print('done', flush=True)
    return 3
"""


def test_ctrl_c_while_python_itself_ends_changes_nothing() -> None:
    assert _run(AT_THE_END) == (3, "done\n", "")
