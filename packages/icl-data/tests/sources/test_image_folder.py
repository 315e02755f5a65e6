"""One folder a class, one file an image."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from icl_data import ImageFolderSource
from icl_data.testing import check_source

RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def pillow():
    """Pillow's image module."""
    return pytest.importorskip("PIL.Image", reason='Pillow is not installed: pip install "icl-data[images]"')


@pytest.fixture
def pixels() -> np.ndarray:
    """3 classes of 2 images, 6 high and 4 wide."""
    return RNG.integers(256, size=(3, 2, 6, 4), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path: Path, pillow, pixels: np.ndarray) -> Path:
    """The images as files, with things beside them that a desktop leaves behind."""
    root = tmp_path / "images"
    for name, images in zip(("b", "a", "c"), pixels[[1, 0, 2]], strict=True):
        (root / name).mkdir(parents=True)
        for number, image in enumerate(images):
            pillow.fromarray(image).save(root / name / f"{number}.PNG")
        (root / name / "Thumbs.db").write_text("")
        (root / name / "._0.png").write_text("")
    (root / ".thumbnails").mkdir()
    (root / "readme.txt").write_text("")
    return root


def test_classes_and_exemplars_are_in_the_order_of_their_names(folder: Path, pixels: np.ndarray) -> None:
    source = ImageFolderSource(folder)
    assert source.class_names == ("a", "b", "c")
    assert source.example_shape == (6, 4, 1)
    found = source.gather(np.arange(3)[:, None], np.arange(2))
    np.testing.assert_allclose(found[..., 0], pixels / 255, rtol=1e-6)


@pytest.mark.parametrize("noise_scale", [0.0, 0.2])
def test_image_folder_conforms(folder: Path, noise_scale: float) -> None:
    check_source(ImageFolderSource(folder, noise_scale=noise_scale))


def test_one_colour_image_makes_all_three_channels(folder: Path, pillow, pixels: np.ndarray) -> None:
    colour = RNG.integers(256, size=(6, 4, 3), dtype=np.uint8)
    pillow.fromarray(colour).save(folder / "b" / "1.PNG")
    source = ImageFolderSource(folder)
    np.testing.assert_allclose(source.gather(1, 1), colour / 255, rtol=1e-6)
    np.testing.assert_allclose(source.gather(0, 0), np.repeat(pixels[0, 0, ..., None], 3, axis=-1) / 255, rtol=1e-6)


def test_black_and_white_images_are_zeros_and_ones(tmp_path: Path, pillow) -> None:
    (tmp_path / "a").mkdir()
    pillow.fromarray(np.array([[True, False]])).save(tmp_path / "a" / "0.png")
    assert ImageFolderSource(tmp_path).gather(0, 0)[..., 0].tolist() == [[1.0, 0.0]]


def test_bank_holds_the_images_of_a_folder(folder: Path) -> None:
    pytest.importorskip("torch")
    from icl_data.torch import ExampleBank

    source = ImageFolderSource(folder)
    classes, exemplars = np.arange(3)[:, None], np.arange(2)
    found = ExampleBank(source).gather(classes, exemplars).numpy()
    np.testing.assert_allclose(found, source.gather(classes, exemplars), rtol=1e-6)


def _message(folder: Path) -> str:
    with pytest.raises(ValueError) as caught:
        ImageFolderSource(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_classes_with_different_numbers_of_images_are_named(folder: Path) -> None:
    (folder / "b" / "0.PNG").unlink()
    assert "same number of images, got 2 in 'a' and 1 in 'b'" in _message(folder)


def test_class_without_images_is_named(folder: Path) -> None:
    (folder / "d").mkdir()
    assert f"got none in {str(folder / 'd')!r}" in _message(folder)


def test_image_of_another_size_is_named(folder: Path, pillow) -> None:
    pillow.new("L", (5, 6)).save(folder / "c" / "1.PNG")
    first, other = str(folder / "a" / "0.PNG"), str(folder / "c" / "1.PNG")
    assert f"same size, got (4, 6) in {first!r} and (5, 6) in {other!r}" in _message(folder)


@pytest.mark.parametrize("mode", ["RGBA", "LA", "I;16"])
def test_image_of_a_mode_that_would_lose_something_is_named(folder: Path, pillow, mode: str) -> None:
    pillow.new(mode, (4, 6)).save(folder / "c" / "1.PNG")
    assert f"1, L, P, RGB, got {mode} in {str(folder / 'c' / '1.PNG')!r}" in _message(folder)


@pytest.mark.parametrize("content", ["", "GIF", "cut"])
def test_file_that_is_no_image_is_named(folder: Path, content: str) -> None:
    path = folder / "c" / "1.PNG"
    path.write_bytes(path.read_bytes()[:50] if content == "cut" else content.encode())
    assert f"cannot read the image {str(path)!r}" in _message(folder)


def test_folder_without_classes_is_named(tmp_path: Path, pillow) -> None:
    assert "which is no folder" in _message(tmp_path / "nowhere")
    assert "which holds none" in _message(tmp_path)


def test_missing_pillow_is_one_line_that_says_what_to_install(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.delitem(sys.modules, "PIL.Image", raising=False)
    with pytest.raises(ImportError, match=r'^ImageFolderSource needs PIL, .*pip install "icl-data\[images\]"$'):
        ImageFolderSource(tmp_path)
