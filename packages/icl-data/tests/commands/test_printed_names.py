"""Names from outside are data: whatever a file, an entry, a class or a module is called, no command prints it raw."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from icl_data import ArraySource, load_source
from icl_data._commands.main import main
from icl_data._omniglot.files import PARTS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="files cannot have such names there")

NAME = "\x1b[31m\r\nx[red]\u202eé"  # colours, a line of its own, markup, reversed order, a letter beyond ASCII
ASCII = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
COMMAND = [sys.executable, "-c", "import sys; from icl_data._commands.main import main; sys.exit(main())"]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with everything named badly in it."""
    here = tmp_path / NAME
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setenv("ICL_CACHE", NAME)
    np.savez(f"{NAME}.npz", **{NAME: np.zeros((3, 2, 4)), "other": np.zeros(3)})
    np.save(f"{NAME}.npy", np.arange(180).reshape(20, 9))
    Path("folder", NAME).mkdir(parents=True)
    Path("folder", NAME, f"{NAME}.png").write_text("no image")
    Path("mine.py").write_text(f"def make():\n    raise RuntimeError({NAME!r})\n", encoding="utf-8")
    Path("odd.py").write_text(f"make = lambda: type({NAME!r}, (), {{}})()\n", encoding="utf-8")
    Path("omniglot").mkdir()
    with zipfile.ZipFile("omniglot/images_background.zip", "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr(f"{NAME}/character01/0001_01.png", "no image")
    monkeypatch.setattr(sys, "path", [*sys.path])
    for module in ("mine", "odd"):
        monkeypatch.delitem(sys.modules, module, raising=False)
    return here


# arguments → exit code, and whether the name is in what is printed
COMMANDS: dict[tuple[str, ...], tuple[int, bool]] = {
    ("show", "--source", f"{NAME}.npy"): (0, False),
    ("show", "--source", f"{NAME}.npz"): (2, True),
    ("show", "--source", f"{NAME}.npz:other"): (2, True),
    ("show", "--source", f"{NAME}.npz", "--key", NAME + "s"): (2, True),
    ("show", "--source", f"{NAME}.np"): (2, True),
    ("show", "--source", "folder"): (2, True),
    ("show", "--source", f"folder/{NAME}"): (2, True),
    ("show", "--source", f"{NAME}:make"): (2, True),
    ("show", "--source", f"mine:{NAME}"): (2, True),
    ("show", "--source", "mine:make"): (2, True),
    ("show", "--source", "odd:make"): (2, True),
    ("show", "--omniglot", NAME): (2, True),
    ("show", "--omniglot", "omniglot"): (2, True),
    ("show", "--out", f"{NAME}/{NAME}.png"): (2, True),
    ("show", NAME): (2, True),
    (NAME,): (2, True),
    ("show", f"--{NAME}"): (2, True),
    ("stats", "--source", f"{NAME}.npy", "--n", "99"): (0, False),
    ("stats", "--source", f"{NAME}.npy", "--n", "99", "--json"): (0, False),
    ("stats", "--plot", f"{NAME}.jpg"): (2, True),
    ("omniglot", "where"): (1, True),
    ("omniglot", "verify", NAME): (1, True),
    ("omniglot", "verify", "omniglot"): (1, True),
    ("omniglot", "fetch", "--to", f"{NAME}.npy"): (2, True),
    ("omniglot", "fetch", "--url", f"http://127.0.0.1:9/{NAME}"): (1, True),
    ("omniglot", "fetch", "--url", NAME): (2, True),
}


def _skip_without_pillow(args: tuple[str, ...]) -> None:
    if any(arg.startswith("folder") for arg in args):
        pytest.importorskip("PIL", reason='Pillow is not installed: pip install "icl-data[images]"')


def _check(out: str, err: str, *, named: bool) -> None:
    assert "Traceback" not in err
    assert all(character.isprintable() for character in (out + err).replace("\n", ""))
    assert len(err.splitlines()) <= 1
    if named:
        assert "x[red]" in out + err


@pytest.mark.parametrize("args", COMMANDS, ids=ascii)
def test_no_name_moves_the_cursor_or_takes_a_line(args: tuple[str, ...], folder: Path, capsys) -> None:
    _skip_without_pillow(args)
    code, named = COMMANDS[args]
    try:
        found = main(args)
    except SystemExit as stop:
        found = stop.code
    assert found == code
    _check(*capsys.readouterr(), named=named)


@pytest.mark.parametrize("args", [args for args in COMMANDS if args[0] != "show" or "--source" in args], ids=ascii)
def test_no_name_ends_a_command_that_can_print_ascii_alone(args: tuple[str, ...], folder: Path) -> None:
    _skip_without_pillow(args)
    code, named = COMMANDS[args]
    done = subprocess.run([*COMMAND, *args], capture_output=True, env={**os.environ, **ASCII}, check=False)
    assert done.returncode == code, done.stderr
    _check(done.stdout.decode("ascii"), done.stderr.decode("ascii"), named=named)


@pytest.mark.parametrize("args", [["--omniglot", NAME], ["--reference", NAME], ["--reference", "code"], []], ids=ascii)
def test_sanity_check_prints_no_name_raw(args: list[str], folder: Path, capsys) -> None:
    pytest.importorskip("torch")
    Path("code", "datasets").mkdir(parents=True)
    for name in ("data_generators", "utils"):
        Path("code", "datasets", f"{name}.py").write_text(f"raise ValueError({NAME!r})", encoding="utf-8")
    assert main(["sanity-check", *args]) == (2 if args else 0)
    _check(*capsys.readouterr(), named=True)


def test_fetched_zips_are_named_in_print(fetch, folder: Path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("ICL_CACHE", NAME)
    for _ in range(2):  # fetched, and there already
        assert fetch() == 0
        _check(*capsys.readouterr(), named=True)


def test_written_figure_is_named_in_print(folder: Path, capsys) -> None:
    pytest.importorskip("matplotlib", reason='matplotlib is not installed: pip install "icl-data[plot]"')
    assert main(["show", "--n-classes", "30", "--out", f"{NAME}.png"]) == 0
    _check(*capsys.readouterr(), named=True)
    assert Path(f"{NAME}.png").is_file()


def test_drawings_found_twice_are_named_in_print(tiny_omniglot, tmp_path: Path, capsys) -> None:
    entries = tiny_omniglot.entries["images_background"]
    entries += [(f"{NAME}/{name}", content) for name, content in entries]
    tiny_omniglot.write("images_background")
    assert main(["omniglot", "verify", str(tiny_omniglot.folder)], parts=PARTS) == 1
    _check(*capsys.readouterr(), named=True)


@pytest.mark.parametrize(
    "name", [f"{NAME}.npz", f"{NAME}.npz:other", "folder", "mine:make", "odd:make", f"mine:{NAME}"], ids=ascii
)
def test_messages_of_load_source_are_one_printable_line(name: str, folder: Path) -> None:
    sys.path.append(str(folder))
    with pytest.raises(ValueError) as caught:
        load_source(name)
    assert str(caught.value).isprintable()


def test_datasets_of_an_hdf5_file_are_named_in_print(folder: Path) -> None:
    h5py = pytest.importorskip("h5py", reason='h5py is not installed: pip install "icl-data[h5]"')
    with h5py.File(f"{NAME}.h5", "w") as file:
        file[NAME] = file["other"] = np.zeros((3, 2, 4))
    with pytest.raises(ValueError, match=r"key must be one of .*x\[red\].*, other, got none") as caught:
        ArraySource.from_h5(f"{NAME}.h5")
    assert str(caught.value).isprintable()


def _unpacked(tiny_omniglot, tmp_path: Path) -> Path:
    folder = tiny_omniglot.unpack(tmp_path / "unpacked")
    drawing = folder / "images_background" / "Runic" / "character01" / "0001_01.png"
    os.link(drawing, os.path.join(os.fsencode(drawing.parent), b"\xff_note.png"))
    return folder


@pytest.mark.parametrize("environment", [{}, ASCII], ids=["UTF-8", "ASCII"])
def test_file_whose_name_is_in_no_encoding_stops_no_load(environment, tiny_omniglot, tmp_path: Path) -> None:
    folder = _unpacked(tiny_omniglot, tmp_path / "é")
    code = "import sys, icl_data; print(icl_data.OmniglotSource(sys.argv[1]).n_classes)"
    env = {**os.environ, **environment}
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, env=env, check=False)
    assert done.stdout == b"5\n", done.stderr
