"""A drawing that is there twice would make classes of 40; it is refused with both paths."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from icl_data import OmniglotError, OmniglotSource
from icl_data._commands.main import main
from icl_data._omniglot.files import PARTS, Part

PART, DRAWING = "images_background", "Runic/character01/0001_01.png"


@pytest.fixture
def parts() -> tuple[Part, ...]:
    """What the tiny imitation's unpacked folders must hold."""
    sizes = {"n_bytes": 0, "sha256": ""}
    return tuple(replace(part, n_images=n, **sizes) for part, n in zip(PARTS, (12, 8), strict=True))


def _folder_in_itself(folder: Path) -> str:
    shutil.copytree(folder / PART, folder / "copy")
    (folder / "copy").rename(folder / PART / PART)
    return f"{PART}/{PART}/{DRAWING}"


def _alphabet_under_another_name(folder: Path) -> str:
    shutil.copytree(folder / PART / "Runic", folder / PART / "Runic copy")
    return f"{PART}/{DRAWING.replace('Runic', 'Runic copy')}"


def _one_drawing(folder: Path) -> str:
    other = DRAWING.replace("0001_01", "0001_1")
    shutil.copy(folder / PART / DRAWING, folder / PART / other)
    return f"{PART}/{other}"


COPIES = {"folder in itself": _folder_in_itself, "alphabet": _alphabet_under_another_name, "drawing": _one_drawing}


@pytest.mark.parametrize("copy", COPIES)
@pytest.mark.parametrize("cached", [False, True])
def test_copies_in_unpacked_folders_are_refused_with_both_paths(copy, cached, tiny_omniglot, tmp_path: Path) -> None:
    folder = tiny_omniglot.unpack(tmp_path / "unpacked")
    other = COPIES[copy](folder)
    for _ in range(2):
        with pytest.raises(OmniglotError, match="drawing 1 of character 0001 twice: ") as caught:
            OmniglotSource(folder, cache=tmp_path / "cache" if cached else False)
        assert repr(f"{PART}/{DRAWING}") in str(caught.value)
        assert repr(other) in str(caught.value)
        assert repr(str(folder / PART)) in str(caught.value)


@pytest.mark.parametrize("prefix", ["", "copy/", "images_background/"], ids=["same name", "another folder", "nested"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_copies_in_a_zip_are_refused_with_both_names(prefix: str, tiny_omniglot) -> None:
    entries = tiny_omniglot.entries[PART]
    entries += [(prefix + name, content) for name, content in entries]
    path = tiny_omniglot.write(PART)
    with pytest.raises(OmniglotError, match="drawing 1 of character 0001 twice: ") as caught:
        OmniglotSource(tiny_omniglot.folder, cache=False)
    first = f"{PART}/{DRAWING}"
    assert f"{str(path)!r} must hold every drawing once" in str(caught.value)
    assert f"twice: {first!r} and {prefix + first!r}; remove one of them" in str(caught.value)


def test_a_folder_that_is_only_nested_is_read(tiny_omniglot, tmp_path: Path) -> None:
    folder = tiny_omniglot.unpack(tmp_path / "unpacked")
    (folder / PART).rename(folder / "inner")
    (folder / PART).mkdir()
    (folder / "inner").rename(folder / PART / PART)
    assert OmniglotSource(folder, "train", cache=False).n_exemplars == 4


@pytest.mark.parametrize("copy", COPIES)
def test_verify_finds_copies(copy: str, parts, tiny_omniglot, tmp_path: Path, capsys) -> None:
    folder = tiny_omniglot.unpack(tmp_path / "unpacked")
    other = COPIES[copy](folder)
    assert main(["omniglot", "verify", str(folder)], parts=parts) == 1
    damaged, whole = capsys.readouterr().out.splitlines()
    assert f"{PART}/{DRAWING}" in damaged
    assert repr(other) in damaged
    assert "all 8 images are readable" in whole


def test_verify_finds_characters_of_the_other_part(parts, tiny_omniglot, tmp_path: Path, capsys) -> None:
    folder = tiny_omniglot.unpack(tmp_path / "unpacked")
    shutil.copytree(folder / "images_evaluation" / "Runic", folder / PART / "more")
    assert main(["omniglot", "verify", str(folder)], parts=parts) == 1
    assert "more than this part of Omniglot, 20 instead of 12 images" in capsys.readouterr().out.splitlines()[0]
