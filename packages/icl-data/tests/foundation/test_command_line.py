"""Whatever a command ends with is one line and the documented exit code."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import warnings

import pytest

from icl_data.foundation.command_line import CommandFailed, OneLineParser, nearest, run_command


def ending_with(error: BaseException):
    def main(args) -> int:
        raise error

    return main


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (ValueError("p must be in [0, 1],\n got 2"), 2, "x go: error: p must be in [0, 1], got 2\n"),
        (ImportError("no h5py"), 2, "x go: error: no h5py\n"),
        (
            FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), "a/b"),
            2,
            "x go: error: No such file or directory: a/b\n",
        ),
        (CommandFailed("2 of 3 runs failed"), 1, "x go: 2 of 3 runs failed\n"),
        (KeyboardInterrupt(), 130, "x go: interrupted\n"),
        (MemoryError(), 2, "x go: error: that many do not fit into memory\n"),
        (ValueError("name \x1b[2J"), 2, "x go: error: name \\x1b[2J\n"),
    ],
)
def test_an_error_is_one_line_and_its_exit_code(error, code, line, capsys) -> None:
    assert run_command(ending_with(error), "x", ["go", "--fast"]) == code
    assert capsys.readouterr().err == line


def test_a_bug_is_not_hidden() -> None:
    with pytest.raises(AssertionError):
        run_command(ending_with(AssertionError()), "x", ["go"])


def test_a_warning_is_one_line_and_the_way_of_warning_is_given_back(capsys) -> None:
    def main(args) -> int:
        warnings.warn("two\nlines", stacklevel=1)
        return 0

    before = warnings.showwarning
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert run_command(main, "x", ["go"]) == 0
    assert warnings.showwarning is before
    assert capsys.readouterr().err == "x: warning: two lines\n"


def test_a_reader_that_leaves_is_no_error() -> None:
    code = (
        "import sys; from icl_data.foundation.command_line import run_command\n"
        "sys.exit(run_command(lambda args: print('y' * 9999999) or 0, 'x', []))"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 141


def test_letters_that_the_terminal_does_not_have_are_escaped() -> None:
    code = (
        "import sys; from icl_data.foundation.command_line import run_command\n"
        "sys.exit(run_command(lambda args: print('\\u2603') or 0, 'x', []))"
    )
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout == "\\u2603\n"


@pytest.mark.parametrize(
    ("args", "line"),
    [
        (["--fsat"], "x: error: option --fsat does not exist; did you mean --fast?\n"),
        (["more"], "x: error: argument more is one too many (see x --help)\n"),
        (["--n", "many"], "x: error: argument --n: invalid int value: 'many'\n"),
    ],
)
def test_the_parser_complains_in_one_line(args, line, capsys) -> None:
    parser = OneLineParser(prog="x")
    parser.add_argument("--fast", action="store_true")
    parser.add_argument("--n", type=int)
    with pytest.raises(SystemExit) as stop:
        parser.parse_args(args)
    assert stop.value.code == 2
    assert capsys.readouterr().err == line


def test_the_nearest_name_is_proposed_or_none() -> None:
    assert nearest("gausian", ["gaussian", "omniglot"]) == "; did you mean gaussian?"
    assert nearest("zzz", ["gaussian", "omniglot"]) == ""


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
def test_a_standard_output_that_is_full_is_a_failure_in_one_line() -> None:
    code = (
        "import sys; from icl_data.foundation.command_line import run_command\n"
        "sys.exit(run_command(lambda args: print('y') or 0, 'x', ['go']))"
    )
    with open("/dev/full", "w") as full:
        done = subprocess.run([sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.stderr == f"x go: cannot write to standard output: {os.strerror(errno.ENOSPC)}\n"
    assert done.returncode == 1


def test_a_standard_output_that_is_closed_is_no_error() -> None:
    code = (
        "import sys; from icl_data.foundation.command_line import run_command\n"
        "sys.exit(run_command(lambda args: print('y') or 0, 'x', ['go']))"
    )
    command = ["sh", "-c", '"$0" -c "$1" >&-', sys.executable, code]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
