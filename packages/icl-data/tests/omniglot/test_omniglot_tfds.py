"""Omniglot by way of TensorFlow Datasets, imitated: the real one is compared in the cross-package parity tests."""

from __future__ import annotations

import hashlib
import os
import struct
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from icl_data import OmniglotError, OmniglotSource


class Builder:
    """What of TensorFlow Datasets' builder is used, for the tiny imitation of Omniglot."""

    data_path, data_dir_root = Path("/data/omniglot/3.0.0"), Path("/data")

    def __init__(self, entries: dict[str, list[tuple[str, bytes]]]) -> None:
        self.entries, self.prepared, self.error = entries, True, None

    def is_prepared(self) -> bool:
        return self.prepared

    def as_dataset(self, *, split: str, shuffle_files: bool, decoders: dict, read_config: dict) -> list[dict]:
        assert not shuffle_files
        assert read_config["interleave_cycle_length"] == 1
        if self.error is not None:
            raise self.error
        entries = self.entries[{"train": "images_background", "test": "images_evaluation"}[split]]

        def key(entry: tuple[str, bytes]) -> bytes:
            number, file = int(entry[0][-11:-7]), entry[0][-11:]
            return hashlib.md5(f"{split}Runic_{number - 1}_{file}".encode()).digest()

        return [
            {"label": np.int64(int(name[-11:-7]) - 1), "image": content} for name, content in sorted(entries, key=key)
        ]


class OpError(Exception):
    """TensorFlow's own error."""


@pytest.fixture
def builder(tiny_omniglot, monkeypatch) -> Builder:
    """The imitation, in place of the two libraries."""
    made = Builder(tiny_omniglot.entries)
    tfds = SimpleNamespace(
        builder=lambda name, data_dir: {"omniglot": made}[name],
        decode=SimpleNamespace(SkipDecoding=object),
        ReadConfig=dict,
        as_numpy=iter,
    )
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", tfds)
    monkeypatch.setitem(sys.modules, "tensorflow", SimpleNamespace(errors=SimpleNamespace(OpError=OpError)))
    return made


@pytest.mark.parametrize("options", [{}, {"split": "test"}, {"exemplars": "separated"}, {"n_to_keep": 4}], ids=str)
def test_records_become_the_classes_and_images_of_the_zips(tiny_omniglot, builder, options: dict) -> None:
    found = OmniglotSource.from_tfds("/data", **options)
    expected = OmniglotSource(tiny_omniglot.folder, **options)
    np.testing.assert_array_equal(found.images, expected.images)
    np.testing.assert_array_equal(found.class_keys, expected.class_keys)
    np.testing.assert_array_equal(found.read_order, expected.read_order)


def test_records_can_be_held_packed(tiny_omniglot, builder) -> None:
    found = OmniglotSource.from_tfds("/data", packed=True)
    np.testing.assert_array_equal(found.bits, OmniglotSource(tiny_omniglot.folder, packed=True).bits)


def test_name_of_the_source_says_where_it_comes_from(builder) -> None:
    assert repr(OmniglotSource.from_tfds("/data")).startswith("OmniglotSource.from_tfds('/data', split='all'")


def _message() -> str:
    with pytest.raises(OmniglotError) as caught:
        OmniglotSource.from_tfds("/data")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_folder_that_is_not_prepared_is_named_with_the_way_to_prepare_it(builder) -> None:
    builder.prepared = False
    message = _message()
    assert repr(str(Builder.data_path)) in message
    assert f'load("omniglot", data_dir={str(Builder.data_dir_root)!r})' in message


def test_damaged_records_are_one_line(builder) -> None:
    builder.error = OpError("corrupted record\nat 5")
    assert "corrupted record at 5" in _message()


def test_record_that_is_no_one_bit_png_is_refused(builder) -> None:
    builder.entries["images_background"][0] = (builder.entries["images_background"][0][0], b"GIF89a")
    assert "not a PNG file" in _message()


def _records(*lengths: int, n_bytes: int | None = None) -> bytes:
    """A file of records that are as long as they say, or as its size has it."""
    content = b"".join(struct.pack("<QI", length, 0) + bytes(min(length, 99)) + bytes(4) for length in lengths)
    return content if n_bytes is None else content[:n_bytes]


@pytest.fixture
def prepared(builder, tmp_path: Path) -> Path:
    """The file of records in a folder that says it is prepared."""
    (tmp_path / "omniglot" / "3.0.0").mkdir(parents=True)
    return tmp_path / "omniglot" / "3.0.0" / "omniglot-train.tfrecord-00000-of-00001"


def _refused(prepared: Path) -> str:
    with pytest.raises(OmniglotError) as caught:
        OmniglotSource.from_tfds(prepared.parents[2], split="train")
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_whole_records_are_left_to_tensorflow(prepared: Path) -> None:
    prepared.write_bytes(_records(99, 5, 0))
    assert OmniglotSource.from_tfds(prepared.parents[2], split="train").n_classes == 3


@pytest.mark.parametrize(
    ("content", "length"),
    [(_records(1 << 40), "1,099,511,627,776"), (_records(99, n_bytes=60), "99"), (_records(9) + b"\5\0", "5")],
    ids=["huge", "cut", "cut length"],
)
def test_record_that_is_not_there_is_named_before_memory_is_taken(prepared: Path, content: bytes, length: str) -> None:
    prepared.write_bytes(content)
    message = f"a record of {str(prepared)!r} must have at most 69,632 bytes, all of them there, got {length})"
    assert message in _refused(prepared)


@pytest.mark.skipif(sys.platform == "win32", reason="no pipes in folders there")
@pytest.mark.parametrize("name", ["dataset_info.json", "omniglot-train.tfrecord-00000-of-00001"])
def test_pipe_among_prepared_files_is_not_waited_for(prepared: Path, builder, name: str) -> None:
    os.mkfifo(prepared.with_name(name))
    builder.prepared = False
    assert f"{str(prepared.with_name(name))!r} must be a file, got a pipe" in _refused(prepared)


def test_more_records_than_there_can_be_are_refused(builder) -> None:
    entries = builder.entries["images_background"]
    builder.entries["images_background"] = [(entries[0][0], entries[0][1] + bytes(50_000))] * 2000
    assert "its images must have at most 78,970,880 bytes in all" in _message()


@pytest.mark.parametrize("module", ["tensorflow", "tensorflow_datasets"])
def test_missing_extra_is_one_line_that_says_what_to_install(builder, monkeypatch, module: str) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ImportError, match=r'^OmniglotSource.from_tfds needs \w+, .*pip install "icl-data\[tfds\]"$'):
        OmniglotSource.from_tfds("/data")


def test_reading_zips_never_imports_tensorflow(tiny_omniglot) -> None:
    code = (
        "import sys; from icl_data import OmniglotSource; OmniglotSource(sys.argv[1], cache=False)\n"
        "print(*[name for name in sys.modules if name.startswith('tensorflow')])"
    )
    command = [sys.executable, "-c", code, str(tiny_omniglot.folder)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "\n"
