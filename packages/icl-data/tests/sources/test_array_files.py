"""Arrays in files are sources like arrays in memory, and stay in the file where they can."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from icl_data import ArraySource, Augmented
from icl_data.testing import check_source

RNG = np.random.default_rng(0)
ARRAYS = {
    "ids": RNG.integers(99, size=(5, 3)),
    "vectors": RNG.normal(size=(5, 3, 4)),
    "grey images": RNG.random((5, 3, 8, 8)),
    "colour bytes": RNG.integers(256, size=(5, 3, 8, 8, 3), dtype=np.uint8),
    "column order": np.asfortranarray(RNG.normal(size=(5, 3, 4)).astype(np.float32)),
    "big-endian": RNG.normal(size=(5, 3, 4)).astype(">f8"),
}
FORMATS = ["npy", "npz", "compressed npz", "h5", "compressed h5"]


def _write(path: Path, array: np.ndarray, form: str) -> Path:
    if form == "npy":
        np.save(path, array)
    elif form == "npz":
        np.savez(path, other=np.zeros(3), data=array)
    elif form == "compressed npz":
        np.savez_compressed(path, other=np.zeros(3), data=array)
    else:
        h5py = pytest.importorskip("h5py", reason='h5py is not installed: pip install "icl-data[h5]"')
        with h5py.File(path, "w") as file:
            options = {"chunks": (1, *array.shape[1:]), "compression": "gzip"} if form.startswith("compressed") else {}
            file.create_dataset("group/data", data=array, **options)
    return path


def _open(path: Path, form: str, **options) -> ArraySource:
    if form.endswith("h5"):
        return ArraySource.from_h5(path, "group/data", **options)
    return ArraySource.from_npz(path, None if form == "npy" else "data", **options)


@pytest.fixture(params=FORMATS)
def form(request: pytest.FixtureRequest) -> str:
    return request.param


def _file(tmp_path: Path, array: np.ndarray, form: str) -> Path:
    return _write(tmp_path / f"data.{form.rpartition(' ')[2]}", array, form)


@pytest.mark.parametrize("name", ARRAYS)
def test_source_from_a_file_conforms_and_gives_the_same_examples(tmp_path: Path, form: str, name: str) -> None:
    source, expected = _open(_file(tmp_path, ARRAYS[name], form), form), ArraySource(ARRAYS[name])
    check_source(source)
    assert (source.kind, source.example_shape) == (expected.kind, expected.example_shape)
    classes, exemplars = RNG.integers(5, size=(4, 7)), RNG.integers(3, size=(4, 7))
    np.testing.assert_array_equal(source.gather(classes, exemplars), expected.gather(classes, exemplars))
    np.testing.assert_array_equal(source.gather(4, 1), expected.gather(4, 1))


def test_source_from_a_file_has_its_noise(tmp_path: Path, form: str) -> None:
    source = _open(_file(tmp_path, ARRAYS["vectors"], form), form, noise_scale=0.5)
    check_source(source)
    assert source.noise_scale == 0.5


def test_only_a_compressed_npz_is_read_into_memory(tmp_path: Path, form: str) -> None:
    source = _open(_file(tmp_path, ARRAYS["vectors"], form), form)
    assert source.in_memory == (form == "compressed npz")


def test_mapped_array_is_the_file_itself(tmp_path: Path) -> None:
    path = _write(tmp_path / "data.npz", ARRAYS["vectors"], "npz")
    source = ArraySource.from_npz(path, "data")
    content = path.read_bytes()
    changed = content.replace(ARRAYS["vectors"][4, 2].tobytes(), np.full(4, 7.0).tobytes())
    with path.open("r+b") as file:
        file.write(changed)
    assert source.gather(4, 2).tolist() == [7.0] * 4


def test_only_array_of_an_npz_needs_no_key(tmp_path: Path) -> None:
    np.savez(tmp_path / "one.npz", ARRAYS["ids"])
    np.testing.assert_array_equal(ArraySource.from_npz(tmp_path / "one.npz").gather(4, 2), ARRAYS["ids"][4, 2])


@pytest.mark.parametrize("form", ["npz", "h5"])
@pytest.mark.parametrize("name", ["grey images", "colour bytes"])
@pytest.mark.parametrize("augment", [False, True])
def test_bank_reads_from_the_file_what_it_gives_from_memory(tmp_path: Path, form, name: str, augment: bool) -> None:
    pytest.importorskip("torch")
    from icl_data.torch import ExampleBank

    sources = [_open(_file(tmp_path, ARRAYS[name], form), form), ArraySource(ARRAYS[name])]
    if augment:
        sources = [Augmented(source) for source in sources]
    classes, exemplars = RNG.integers(sources[0].n_classes, size=(4, 7)), RNG.integers(3, size=(4, 7))
    found, expected = (ExampleBank(source).gather(classes, exemplars).numpy() for source in sources)
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_hdf5_source_goes_to_another_process(tmp_path: Path) -> None:
    import pickle

    source = _open(_file(tmp_path, ARRAYS["vectors"], "h5"), "h5")
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(source)).gather(1, 2), source.gather(1, 2))


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.full((3, 2, 4, 4), 1.5), r"in \[0, 1\], got \[1.5, 1.5\]"),
        (np.full((3, 2, 4), np.nan), "finite"),
        (np.full((3, 2), -1), "non-negative integers of 32 bits, got int64 from -1"),
        (np.zeros((3, 2, 4), dtype="S3"), "real numbers"),
        (np.zeros(3), "must have shape"),
    ],
    ids=str,
)
def test_array_in_a_file_is_checked_as_one_in_memory_is(tmp_path: Path, form: str, array, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        _open(_file(tmp_path, array, form), form)


def test_last_class_of_many_is_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("icl_data._sources.array._BYTES_AT_A_TIME", 100)
    array = np.zeros((50, 2, 4))
    ArraySource(array)
    array[-1, -1, -1] = np.inf
    with pytest.raises(ValueError, match="finite"):
        ArraySource(array)


def _message(path: Path, key: str | None = None) -> str:
    with pytest.raises(ValueError) as caught:
        (ArraySource.from_h5 if path.suffix == ".h5" else ArraySource.from_npz)(path, key)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_unknown_key_is_refused_with_the_keys_there_are(tmp_path: Path) -> None:
    path = _write(tmp_path / "data.npz", ARRAYS["ids"], "npz")
    assert "key must be one of other, data, got 'date'" in _message(path, "date")
    assert "key must be one of other, data, got none" in _message(path)


def test_unknown_dataset_is_refused_with_the_datasets_there_are(tmp_path: Path) -> None:
    path = _write(tmp_path / "data.h5", ARRAYS["ids"], "h5")
    assert "key must be one of group/data, got 'data'" in _message(path, "data")
    assert "key must be one of group/data, got 'group'" in _message(path, "group")


def test_key_of_a_file_with_one_nameless_array_is_refused(tmp_path: Path) -> None:
    assert "key must be None for a .npy file" in _message(_write(tmp_path / "data.npy", ARRAYS["ids"], "npy"), "data")


@pytest.mark.parametrize("name", ["data.npz", "data.npy", "data.h5"])
@pytest.mark.parametrize("damage", ["missing", "empty", "another format", "cut"])
def test_file_that_cannot_be_read_is_named(tmp_path: Path, name: str, damage: str) -> None:
    path = _write(tmp_path / name, RNG.normal(size=(50, 3, 40)), name[5:])
    if damage == "missing":
        path.unlink()
    else:
        content = path.read_bytes()
        path.write_bytes({"empty": b"", "another format": b"<html>" * 99, "cut": content[: len(content) // 2]}[damage])
    assert "cannot read an array from" in _message(path, None if name == "data.npy" else "data")


def test_python_objects_are_never_unpickled(tmp_path: Path) -> None:
    objects = np.array([[print, 1], [2, 3]], dtype=object)
    np.savez(tmp_path / "data.npz", data=objects)
    np.save(tmp_path / "data.npy", objects)
    assert "objects" in _message(tmp_path / "data.npz")
    assert "objects" in _message(tmp_path / "data.npy").lower()


def test_missing_h5py_is_one_line_that_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ImportError, match=r'^ArraySource.from_h5 needs h5py, .*pip install "icl-data\[h5\]"$'):
        ArraySource.from_h5("data.h5", "data")
