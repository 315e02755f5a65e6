"""`icl-data show` and `icl-data stats` on terminals of any width, in pipes, and as files of pictures."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import pytest

import icl_data._commands.output as output_module
from icl_data._commands.field_options import SEQUENCE_TYPES
from icl_data._commands.main import main

COMMAND = [sys.executable, "-c", "import sys; from icl_data._commands.main import main; sys.exit(main())"]
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
SYMBOLIC = ("--source", "symbolic", "--n-classes", "60")


pytestmark = pytest.mark.usefixtures("plain")


def _spawn(*args: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    env = {name: value for name, value in os.environ.items() if name != "COLUMNS"} | environment
    return subprocess.run([*COMMAND, *args], capture_output=True, env=env, check=False)


def _on_terminal(columns: int, *args: str, **environment: str) -> str:
    """What a command writes to a terminal of some width."""
    pty, fcntl, termios = (pytest.importorskip(name) for name in ("pty", "fcntl", "termios"))
    import struct

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
    env = {name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")}
    env |= {"TERM": "xterm-256color", **environment}
    process = subprocess.Popen([*COMMAND, *args], stdin=theirs, stdout=theirs, stderr=subprocess.DEVNULL, env=env)
    os.close(theirs)
    written = b""
    while True:
        try:
            piece = os.read(ours, 1 << 16)
        except OSError:  # how Linux says that the other end is closed
            break
        if not piece:
            break
        written += piece
    os.close(ours)
    assert process.wait() == 0
    return written.decode().replace("\r\n", "\n")


@pytest.mark.parametrize("columns", [80, 200])
@pytest.mark.parametrize("name", SEQUENCE_TYPES)
def test_tables_fit_the_width_and_use_it(run, monkeypatch, columns: int, name: str) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    lines = run("stats", name, "--zipf-exponent", "1", "--n", "2000").splitlines()
    assert columns * 0.75 < max(map(len, lines)) <= columns


@pytest.mark.parametrize("columns", [80, 200])
def test_picture_on_a_terminal_fills_its_width_in_colour(columns: int) -> None:
    written = _on_terminal(columns, "show", "--n-classes", "30")
    assert "\x1b[38;5;" in written
    assert columns * 0.9 < max(map(len, ESCAPE.sub("", written).splitlines())) <= columns


def test_terminal_without_colours_gets_none() -> None:
    assert "\x1b" not in _on_terminal(80, "show", *SYMBOLIC, TERM="dumb")
    assert "\x1b" not in _on_terminal(80, "show", *SYMBOLIC, NO_COLOR="1")


def test_table_on_a_terminal_fits_its_width() -> None:
    lines = _on_terminal(200, "stats", *SYMBOLIC, "--n", "2000").splitlines()
    assert 80 < max(map(len, lines)) <= 200


def test_pipe_gets_plain_blocks_of_80_columns() -> None:
    done = _spawn("show", *SYMBOLIC, PYTHONIOENCODING="utf-8")
    text = done.stdout.decode("utf-8")
    assert (done.returncode, done.stderr) == (0, b"")
    assert "\x1b" not in text
    assert "┌" in text
    assert max(map(len, text.splitlines())) <= 80


@pytest.mark.parametrize("command", ["show", "stats"])
def test_pipe_that_cannot_encode_blocks_gets_ascii(command: str) -> None:
    done = _spawn(command, *SYMBOLIC, "--n", "5", PYTHONIOENCODING="ascii")
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.isascii()


@pytest.mark.skipif(sys.platform == "win32", reason="a closed pipe is another error there")
def test_closed_pipe_is_no_traceback() -> None:
    process = subprocess.Popen([*COMMAND, "show", "--n", "100"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    process.stdout.read(10)
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 141
    process.stderr.close()


def test_show_and_stats_need_numpy_and_the_standard_library_alone() -> None:
    code = (
        "import sys; from icl_data._commands.main import main\n"
        "main(['show', '--n-classes', '30']); main(['stats', '--n', '100'])\n"
        "roots = {name.partition('.')[0] for name in sys.modules if getattr(sys.modules[name], '__file__', None)}\n"
        "print(*sorted(roots & {'torch', 'matplotlib', 'PIL', 'h5py', 'rich', 'scipy'}))"
    )
    env = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=env, check=True)
    assert done.stdout.splitlines()[-1] == ""


def test_missing_matplotlib_is_one_line_that_says_what_to_install(capsys, monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    for args in (["show", *SYMBOLIC, "--out", "a.png"], ["stats", *SYMBOLIC, "--n", "10", "--plot", "a.png"]):
        assert main(args) == 2
        found = capsys.readouterr()
        assert found.out == ""
        assert re.fullmatch(
            r"icl-data (show|stats): error: .* needs matplotlib, which is not installed: "
            r'pip install "icl-data\[plot\]"\n',
            found.err,
        )
    assert list(tmp_path.iterdir()) == []


class _Figure:
    """Writes a little, then fails."""

    def __init__(self, error: type[BaseException] | None) -> None:
        self.error = error

    def savefig(self, file: BinaryIO, *, dpi: int, format: str) -> None:
        """As matplotlib's."""
        file.write(b"half")
        if self.error:
            raise self.error("stopped")


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_failed_write_leaves_what_was_there(error: type[BaseException], tmp_path: Path) -> None:
    path = tmp_path / "figure.png"
    path.write_bytes(b"before")
    with pytest.raises(error):
        output_module.write_figure(_Figure(error), path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"figure.png": b"before"}


def test_written_figure_takes_the_place_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "figure.png"
    path.write_bytes(b"before")
    output_module.write_figure(_Figure(None), path)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"figure.png": b"half"}


@pytest.mark.parametrize(("suffix", "beginning"), [("png", b"\x89PNG"), ("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_figures_are_written_in_the_format_of_their_name(run, tmp_path: Path, suffix: str, beginning: bytes) -> None:
    pytest.importorskip("matplotlib", reason='matplotlib is not installed: pip install "icl-data[plot]"')
    assert run("show", "--n-classes", "30", "--out", f"sequence.{suffix}") == f"sequence.{suffix}\n"
    run("stats", *SYMBOLIC, "--n", "500", "--plot", f"statistics.{suffix}")
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"sequence.{suffix}", f"statistics.{suffix}"]
    assert all(path.read_bytes().startswith(beginning) for path in tmp_path.iterdir())
