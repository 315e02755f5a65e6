"""Sources by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from icl_data import ArraySource, ImageFolderSource, SymbolicSource, load_source
from icl_data._sources.source_name import SourceName, read_source_name


@pytest.fixture(autouse=True)
def _module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "somebodys_sources.py").write_text(
        "from icl_data import SymbolicSource\n"
        "def good(): return SymbolicSource(5)\n"
        "def bad(): return 3\n"
        "def odd():\n    source = SymbolicSource(5)\n    source.kind = 'sound'\n    return source\n"
        "def failing(): return {}['no such key']\n"
        "def needing(argument): return SymbolicSource(5)\n"
        "number = 3\n"
        "def leaving(): raise SystemExit(0)\n"
    )
    (tmp_path / "leaving_sources.py").write_text("import sys\nsys.exit(0)\n")
    (tmp_path / "misspelt_sources.py").write_text("def good(:\n")
    (tmp_path / "torn_sources.py").write_text("raise ImportError('no library\\nhere')\n")
    monkeypatch.syspath_prepend(tmp_path)


def test_named_factory_is_called() -> None:
    source = load_source("somebodys_sources:good")
    assert isinstance(source, SymbolicSource)
    assert source.n_classes == 5


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("somebodys_sources", "package.module:factory, got 'somebodys_sources'"),
        ("somebodys_sources:", "package.module:factory"),
        (".somebodys_sources:good", "package.module:factory, got '.somebodys_sources:good'"),
        ("torn_sources:good", "'torn_sources' could not be imported: ImportError: no library here"),
        ("misspelt_sources:good", "'misspelt_sources' could not be imported: SyntaxError: "),
        ("somebodys_sources:failing", r"failing\(\) failed: KeyError: 'no such key'"),
        ("somebodys_sources:needing", r"needing\(\) failed: TypeError: .*argument"),
        ("nobodys_sources:good", "'nobodys_sources' must be found, got no nobodys_sources here: run the command from "),
        ("somebodys_sources:missing", "has no callable 'missing'"),
        ("somebodys_sources:number", "has no callable 'number'"),
        ("somebodys_sources:bad", "returned a int without n_classes, n_exemplars"),
        ("somebodys_sources:odd", "id, vector, image, got 'sound'"),
    ],
)
def test_what_is_wrong_with_a_name_is_said(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_source(name)


VECTORS = np.random.default_rng(0).normal(size=(5, 3, 4))


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, the current one and the home folder, with files of each format."""
    np.savez(tmp_path / "one.npz", vectors=VECTORS)
    np.savez(tmp_path / "two.npz", zeros=np.zeros((5, 3, 4)), vectors=VECTORS)
    np.save(tmp_path / "features.npy", VECTORS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("name", ["one.npz", "one.npz:vectors", "two.npz:vectors", "features.npy", "./two.npz:vectors"])
@pytest.mark.parametrize("before", ["", "~/"])
def test_array_file_is_opened_by_its_name(files: Path, name: str, before: str) -> None:
    source = load_source(before + name)
    assert isinstance(source, ArraySource)
    np.testing.assert_array_equal(source.gather(4, 2), VECTORS[4, 2].astype(np.float32))


@pytest.mark.parametrize("suffix", ["h5", "hdf5"])
@pytest.mark.parametrize("key", ["", ":group/vectors"])
def test_hdf5_file_is_opened_by_its_name(files: Path, suffix: str, key: str) -> None:
    h5py = pytest.importorskip("h5py", reason='h5py is not installed: pip install "icl-data[h5]"')
    with h5py.File(f"features.{suffix}", "w") as file:
        file["group/vectors"] = VECTORS
    np.testing.assert_array_equal(
        load_source(f"~/features.{suffix}{key}").gather(4, 2), VECTORS[4, 2].astype(np.float32)
    )


@pytest.mark.parametrize("name", ["shapes", "~/shapes", "shapes/"])
def test_folder_of_image_folders_is_opened_by_its_name(files: Path, name: str) -> None:
    pillow = pytest.importorskip("PIL.Image", reason='Pillow is not installed: pip install "icl-data[images]"')
    for folder in "ab":
        Path("shapes", folder).mkdir(parents=True)
        pillow.new("L", (6, 6)).save(f"shapes/{folder}/0.png")
    source = load_source(name, noise_scale=0.5)
    assert isinstance(source, ImageFolderSource)
    assert (source.class_names, source.noise_scale) == (("a", "b"), 0.5)


def test_noise_reaches_the_source_of_a_file(files: Path) -> None:
    assert load_source("one.npz", noise_scale=0.5).noise_scale == 0.5


def test_noise_of_a_factory_is_refused() -> None:
    with pytest.raises(ValueError, match=r"a factory's source has its own noise, got noise_scale=0\.5"):
        load_source("somebodys_sources:good", noise_scale=0.5)


@pytest.mark.parametrize(
    ("name", "place", "part"),
    [
        (r"C:\data\x.npz", r"C:\data\x.npz", None),
        (r"C:\data\x.npz:key", r"C:\data\x.npz", "key"),
        ("C:/data/x.h5:group/data.1", "C:/data/x.h5", "group/data.1"),
        (r"C:x.NPY", "C:x.NPY", None),
        (r"\\server\share\my.npz.d\x.hdf5:a:b", r"\\server\share\my.npz.d\x.hdf5", "a:b"),
        ("x.npz:", "x.npz", ""),
        ("run:3.npz", "run:3.npz", None),
    ],
)
def test_paths_with_colons_are_files_and_no_modules(name: str, place: str, part: str | None) -> None:
    assert read_source_name(name) == SourceName(which="array file", place=place, part=part)


@pytest.mark.parametrize("name", [r"C:\data\x.csv:key", r"C:\data\shapes", "data/x.csv:key", "x.csv", "x", ":x", ""])
def test_name_of_no_form_is_refused_with_the_forms(files: Path, name: str) -> None:
    with pytest.raises(
        ValueError, match=r"\.npz, \.npy, \.h5, \.hdf5.*folder of images.*package\.module:factory"
    ) as it:
        load_source(name)
    assert str(it.value).endswith(f", got {name!r}")


def test_file_of_another_format_is_no_module(files: Path) -> None:
    Path("x.csv").write_text("")
    with pytest.raises(ValueError, match=r"must be an array file .*, got 'x\.csv:key'"):
        load_source("x.csv:key")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("one.npz:vector", r"'one\.npz': key must be one of vectors, got 'vector'$"),
        ("two.npz", r"'two\.npz': key must be one of zeros, vectors, got none$"),
        ("one.npz:", r"'one\.npz': key must be one of vectors, got ''$"),
        ("features.npy:key", r"key must be None for a \.npy file"),
        ("feature.npy", r"'feature\.npy': No such file or directory; did you mean features\.npy\?$"),
        ("nowhere/x.npz", r"'nowhere/x\.npz': No such file or directory$"),
    ],
)
def test_missing_file_or_array_is_one_line_with_what_there_is(files: Path, name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        load_source(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["leaving_sources:good", "somebodys_sources:leaving"])
def test_a_source_that_calls_sys_exit_ends_no_command_as_if_it_were_done(name: str) -> None:
    with pytest.raises(ValueError, match="SystemExit: 0"):
        load_source(name)
