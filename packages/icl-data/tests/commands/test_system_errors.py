"""What the system refuses is one line that names what the user named; nothing is half-written, nothing hangs."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from icl_data._commands.main import main
from icl_data._omniglot.cache import fetched_folder

COMMAND = [sys.executable, "-c", "import sys; from icl_data._commands.main import main; sys.exit(main())"]
FIGURES = {"show": "--out", "stats": "--plot"}
needs_matplotlib = pytest.mark.skipif(
    importlib.util.find_spec("matplotlib") is None, reason='matplotlib is not installed: pip install "icl-data[plot]"'
)
linux_only = pytest.mark.skipif(sys.platform != "linux", reason="uses /proc, /dev/full or limits of a process")


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@contextmanager
def _disk_of(n_bytes: int) -> Iterator[None]:
    """A disk on which no file can be larger."""
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    writes_none = sys.dont_write_bytecode
    sys.dont_write_bytecode = True  # half a compiled module would be read ever after
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        sys.dont_write_bytecode = writes_none


def _one_line(text: str) -> str:
    (line,) = text.splitlines()
    assert "[Errno" not in line
    return line


def _figure(command: str, path: str) -> list[str]:
    return [command, "--source", "symbolic", "--n-classes", "60", "--n", "5", FIGURES[command], path]


@needs_matplotlib
@linux_only
@pytest.mark.parametrize("ending", ["png", "pdf", "svg"])
@pytest.mark.parametrize("command", FIGURES)
def test_figure_that_a_disk_cannot_take_leaves_nothing(command: str, ending: str, tmp_path: Path, capsys) -> None:
    with _disk_of(1000):
        assert main(_figure(command, f"figure.{ending}")) == 1
    found = capsys.readouterr()
    assert found.out == ""
    assert _one_line(found.err) == (
        f"icl-data {command}: File too large: figure.{ending} "
        "(files may not grow that large here: raise the limit, or choose a folder elsewhere)"
    )
    assert list(tmp_path.iterdir()) == []


@needs_matplotlib
@linux_only
@pytest.mark.parametrize("command", FIGURES)
def test_figure_in_a_folder_that_takes_no_files_is_named(command: str, capsys) -> None:
    assert main(_figure(command, "/proc/figure.png")) == 2
    assert _one_line(capsys.readouterr().err).endswith("No such file or directory: /proc/figure.png")


def _stops(args: list[str]) -> int:
    with pytest.raises(SystemExit) as stop:
        main(args)
    return stop.value.code


@pytest.mark.parametrize("command", FIGURES)
def test_folder_without_rights_is_named_before_anything_is_drawn(command: str, monkeypatch, capsys) -> None:
    monkeypatch.setattr("icl_data.foundation.paths.os.access", lambda path, mode: False)
    monkeypatch.setattr(f"icl_data._commands.{command}.sequences_from", None)
    assert _stops(_figure(command, "figure.png")) == 2
    line = _one_line(capsys.readouterr().err)
    assert "must be in a folder that can be written to, got 'figure.png' (permission denied)" in line


@pytest.mark.parametrize("command", FIGURES)
def test_missing_matplotlib_is_said_before_anything_is_measured(command: str, monkeypatch, capsys) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    if command == "stats":
        monkeypatch.setattr("icl_data._commands.stats.sequences_from", None)
    assert main(_figure(command, "figure.png")) == 2
    assert 'pip install "icl-data[plot]"' in _one_line(capsys.readouterr().err)


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes in folders there")
@pytest.mark.parametrize("command", FIGURES)
def test_pipe_in_the_place_of_a_figure_is_refused(command: str, capsys) -> None:
    os.mkfifo("figure.png")
    assert _stops(_figure(command, "figure.png")) == 2
    assert "must be a file, got 'figure.png', which is a pipe or a device" in _one_line(capsys.readouterr().err)


@pytest.mark.parametrize("command", FIGURES)
def test_file_in_the_place_of_a_folder_is_named(command: str, capsys) -> None:
    Path("file").write_text("")
    assert _stops(_figure(command, "file/figure.png")) == 2
    assert "must be in a folder that exists, got 'file/figure.png'" in _one_line(capsys.readouterr().err)


@linux_only
@pytest.mark.parametrize("args", ["show --n-classes 30", "stats --n 9", "omniglot where", "--version"])
def test_output_that_cannot_be_written_is_one_line(args: str) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run([*COMMAND, *args.split()], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert _one_line(done.stderr).endswith("cannot write to standard output: No space left on device")


@linux_only
def test_disk_that_fills_up_during_a_fetch_is_exit_code_1_and_the_next_fetch_goes_on(fetch, capsys) -> None:
    with _disk_of(500):
        assert fetch() == 1
    line = _one_line(capsys.readouterr().err)
    part = fetched_folder() / "images_background.zip.part"
    assert line.startswith(f"icl-data omniglot: File too large: {part} (files may not grow that large here")
    assert "what has arrived is kept; run the command again, or download https://" in line
    assert part.stat().st_size == 500
    assert fetch() == 0


@linux_only
def test_folder_that_cannot_be_made_is_named(fetch, capsys) -> None:
    assert fetch("--to", "/proc/omniglot") == 2
    assert "cannot write to '/proc/omniglot': No such file or directory: /proc/omniglot" in _one_line(
        capsys.readouterr().err
    )


def test_folder_without_rights_is_named(fetch, monkeypatch, capsys) -> None:
    def refuse(path: Path, *args: object, **options: object) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "open", refuse)
    assert fetch("--to", "folder") == 2
    line = _one_line(capsys.readouterr().err)
    assert "'folder': Permission denied: folder/images_background.zip (choose a place that you may use, or ask" in line


def test_file_in_the_way_of_a_folder_is_named(fetch, capsys) -> None:
    Path("file").write_text("mine")
    for to in ("file", "file/folder"):
        assert fetch("--to", to) == 2
        assert f"{to}" in _one_line(capsys.readouterr().err)
    assert Path("file").read_text() == "mine"


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes in folders there")
@pytest.mark.parametrize("name", ["images_background.zip", "images_background.zip.part"])
def test_pipe_in_the_place_of_a_zip_is_refused_and_not_waited_for(name: str, fetch, capsys) -> None:
    Path("folder").mkdir()
    os.mkfifo(f"folder/{name}")
    assert fetch("--to", "folder") == 2
    assert f"'folder/{name}' is there already but is no file; move it away" in _one_line(capsys.readouterr().err)


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes in folders there")
def test_pipe_among_drawings_is_named_and_not_waited_for(tiny_omniglot, parts, capsys) -> None:
    folder = tiny_omniglot.unpack(Path("unpacked").absolute())
    os.mkfifo(folder / "images_background" / "Runic" / "character01" / "0001_99.png")
    assert main(["omniglot", "verify", str(folder)], parts=parts) == 1
    assert "0001_99.png' must be a file, got a pipe" in capsys.readouterr().out


def test_omniglot_without_rights_is_named(tiny_omniglot, monkeypatch, capsys) -> None:
    def refuse(path: Path, most_bytes: int) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("icl_data._omniglot.stores.read_file", refuse)
    assert main(["show", "--omniglot", str(tiny_omniglot.folder)]) == 2
    path = tiny_omniglot.folder / "images_background.zip"
    assert f"Permission denied: {path} (choose a place that you may use, or ask" in _one_line(capsys.readouterr().err)


def test_reference_without_rights_is_named(monkeypatch, capsys) -> None:
    pytest.importorskip("torch")
    for name in ("data_generators", "utils"):
        Path("code/datasets").mkdir(parents=True, exist_ok=True)
        Path(f"code/datasets/{name}.py").write_text("")

    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    assert main(["sanity-check", "--reference", "code"]) == 2
    line = _one_line(capsys.readouterr().err)
    assert "importing it failed: PermissionError: Permission denied: code/datasets/data_generators.py (choose" in line
