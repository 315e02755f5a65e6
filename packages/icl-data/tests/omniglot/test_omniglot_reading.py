"""Omniglot's files are read as they are, and damage is named."""

from __future__ import annotations

import hashlib
import zipfile
from pathlib import Path

import numpy as np
import pytest

from icl_data import OmniglotError, OmniglotSource


def _expected_order(part: str, number: int) -> list[int]:
    """Drawings of a character in the order of the MD5 sums that TensorFlow Datasets sorts by."""
    return sorted(
        range(1, 5), key=lambda d: hashlib.md5(f"{part}Runic_{number - 1}_{number:04d}_{d:02d}.png".encode()).digest()
    )


def _check_pixels(source: OmniglotSource, tiny) -> None:
    for position, key in enumerate(source.class_keys):
        part = "train" if key < 3 else "test"
        for exemplar, drawing in enumerate(_expected_order(part, key + 1)):
            np.testing.assert_array_equal(source.images[position, exemplar], tiny.pixels[key + 1, drawing])


def test_every_line_filter_and_pixel_is_read_right(tiny_omniglot) -> None:
    _check_pixels(OmniglotSource(tiny_omniglot.folder, cache=False), tiny_omniglot)


def test_stored_entries_are_read_as_deflated_ones_are(tiny_omniglot) -> None:
    tiny_omniglot.write("images_background", zipfile.ZIP_STORED)
    _check_pixels(OmniglotSource(tiny_omniglot.folder, "train", cache=False), tiny_omniglot)


def test_unpacked_folders_are_read_as_zips_are(tiny_omniglot, tmp_path: Path) -> None:
    folder = tiny_omniglot.unpack(tmp_path / "unpacked")
    _check_pixels(OmniglotSource(folder, cache=False), tiny_omniglot)


def test_white_paper_is_the_released_float() -> None:
    from icl_data._omniglot.source import WHITE

    assert float(WHITE).hex() == "0x1.fff2e60000000p-1"


def test_gathered_images_are_white_and_ink(tiny_omniglot) -> None:
    source = OmniglotSource(tiny_omniglot.folder, cache=False)
    images = source.gather([[0, 1], [2, 4]], [[0, 3], [1, 2]])
    assert images.shape == (2, 2, 105, 105, 1)
    assert set(np.unique(images)) == {0.0, np.float32(float.fromhex("0x1.fff2e6p-1"))}


@pytest.mark.parametrize(("split", "keys"), [("all", [0, 1, 2, 3, 4]), ("train", [0, 1, 2]), ("test", [3, 4])])
def test_class_keys_are_the_global_character_numbers(tiny_omniglot, split: str, keys: list[int]) -> None:
    assert OmniglotSource(tiny_omniglot.folder, split).class_keys.tolist() == keys


def test_single_keeps_the_first_drawing_in_order(tiny_omniglot) -> None:
    every = OmniglotSource(tiny_omniglot.folder)
    single = OmniglotSource(tiny_omniglot.folder, exemplars="single")
    np.testing.assert_array_equal(single.images, every.images[:, :1])


def test_separated_makes_each_drawing_a_class_of_its_own(tiny_omniglot) -> None:
    every = OmniglotSource(tiny_omniglot.folder, "test")
    separated = OmniglotSource(tiny_omniglot.folder, "test", exemplars="separated")
    assert separated.class_keys.tolist() == [12, 13, 14, 15, 16, 17, 18, 19]
    np.testing.assert_array_equal(separated.images[:, 0], every.images.reshape(8, 105, 105))


def test_n_to_keep_keeps_the_first_classes_across_both_parts(tiny_omniglot) -> None:
    every = OmniglotSource(tiny_omniglot.folder)
    kept = OmniglotSource(tiny_omniglot.folder, n_to_keep=4)
    assert kept.class_keys.tolist() == [0, 1, 2, 3]
    np.testing.assert_array_equal(kept.images, every.images[:4])


@pytest.mark.parametrize("n_to_keep", [0, 6])
def test_n_to_keep_out_of_range_is_refused(tiny_omniglot, n_to_keep: int) -> None:
    with pytest.raises(ValueError, match=r"n_to_keep must be in 1\.\.5"):
        OmniglotSource(tiny_omniglot.folder, n_to_keep=n_to_keep)


@pytest.mark.parametrize("option", [{"split": "validation"}, {"exemplars": "both"}])
def test_unknown_names_are_refused_with_the_valid_ones(tiny_omniglot, option: dict) -> None:
    with pytest.raises(ValueError, match="must be one of all, "):
        OmniglotSource(tiny_omniglot.folder, **option)


def _message(**arguments) -> str:
    with pytest.raises(OmniglotError) as caught:
        OmniglotSource(**arguments, cache=False)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_missing_folder_is_named_with_the_way_to_get_the_files(tmp_path: Path) -> None:
    message = _message(path=tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in message
    for name in ("images_background.zip", "images_evaluation.zip"):
        assert f"https://github.com/brendenlake/omniglot/raw/master/python/{name}" in message


def test_missing_part_is_named(tiny_omniglot) -> None:
    (tiny_omniglot.folder / "images_evaluation.zip").unlink()
    assert "neither images_evaluation.zip nor images_evaluation/" in _message(path=tiny_omniglot.folder)


@pytest.mark.parametrize("damage", ["empty", "truncated", "no zip", "flipped bits"])
def test_corrupt_zip_is_named(tiny_omniglot, damage: str) -> None:
    path = tiny_omniglot.folder / "images_background.zip"
    content = bytearray(path.read_bytes())
    if damage == "flipped bits":
        middle = content.find(b"IDAT") if b"IDAT" in content else 400
        content[middle + 10 : middle + 20] = bytes(byte ^ 0xFF for byte in content[middle + 10 : middle + 20])
    path.write_bytes({"empty": b"", "truncated": content[:5000], "no zip": b"<html>" * 99}.get(damage, bytes(content)))
    assert str(path) in _message(path=tiny_omniglot.folder)


def test_incomplete_character_is_named(tiny_omniglot) -> None:
    del tiny_omniglot.entries["images_background"][5]
    tiny_omniglot.write("images_background")
    assert "character 0002 has 3 images" in _message(path=tiny_omniglot.folder)


def test_zip_without_omniglot_files_is_named(tiny_omniglot) -> None:
    tiny_omniglot.entries["images_background"] = [("readme.txt", b"hello")]
    path = tiny_omniglot.write("images_background")
    assert str(path) in _message(path=tiny_omniglot.folder)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a"])
def test_file_that_is_no_one_bit_png_is_refused(tiny_omniglot, content: bytes) -> None:
    name, _ = tiny_omniglot.entries["images_background"][0]
    tiny_omniglot.entries["images_background"][0] = (name, content)
    tiny_omniglot.write("images_background")
    assert "PNG" in _message(path=tiny_omniglot.folder)


def test_real_omniglot_has_1623_characters_of_20_drawings(omniglot: Path) -> None:
    source = OmniglotSource(omniglot)
    assert source.images.shape == (1623, 20, 105, 105)
    assert source.class_keys.tolist() == list(range(1623))
