"""Sequences as text: what is to be seen, in any width and encoding."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from icl_data import SequenceBatch, format_sequences
from icl_data._looking.raster import coloured, grey, half_blocks, resized, shaded

CLASSES = np.array([[7, 3, 7, 5, 3, 7]], dtype=np.int32)
BATCH = SequenceBatch(CLASSES, CLASSES * 0 + 2, CLASSES + 100, CLASSES * 0)
IDS, VECTORS = CLASSES * 11, np.random.default_rng(0).random((1, 6, 40))
IMAGES = np.ones((1, 6, 20, 20, 1), dtype=np.float32)
IMAGES[:, :, 5:15, 8:12] = 0
COLOURS = np.repeat(IMAGES, 3, axis=-1) * np.array([1.0, 0.5, 0.0])
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
EXAMPLES = {"ids": IDS, "vectors": VECTORS, "images": IMAGES, "colours": COLOURS}


@pytest.mark.parametrize("style", ["ascii", "blocks", "colours"])
@pytest.mark.parametrize("examples", EXAMPLES.values(), ids=EXAMPLES)
@pytest.mark.parametrize("width", [40, 80, 200])
def test_every_line_fits_the_width(examples: np.ndarray, style: str, width: int) -> None:
    lines = ESCAPE.sub("", format_sequences(BATCH, examples, width=width, style=style, classes=True)).split("\n")
    assert max(map(len, lines)) <= width


def test_positions_are_in_order_with_their_labels_and_the_query_last() -> None:
    text = format_sequences(BATCH, IDS, width=80)
    assert re.findall(r"(label|target) (\d+)", text) == [
        ("label", "107"), ("label", "103"), ("label", "107"), ("label", "105"), ("label", "103"), ("target", "107")
    ]  # fmt: skip


def test_ids_are_numbers() -> None:
    text = format_sequences(BATCH, IDS, width=120, style="ascii").splitlines()[2]
    assert [int(number) for number in re.findall(r"\d+", text)] == IDS[0].tolist()


def test_classes_that_appear_more_than_once_share_a_letter() -> None:
    frames = format_sequences(BATCH, IDS, width=120).splitlines()[1]
    assert re.findall(r"[┌╔][─═ ]*((?:query )?[A-Z]?)[─═ ]*[┐╗]", frames) == ["A", "B", "A", "", "B", "query A"]


def test_frames_of_one_class_have_one_colour_and_others_none() -> None:
    line = format_sequences(BATCH, IDS, width=120, style="colours").splitlines()[1]
    colours = re.findall(r"(?:\x1b\[38;5;(\d+)m)?[┌╔]", line)
    assert colours[0] == colours[2] == colours[5] != colours[1] == colours[4] != ""
    assert colours[3] == ""


def test_title_says_how_often_the_query_s_class_appears() -> None:
    assert format_sequences(BATCH, IDS, first=4).startswith(
        "sequence 4: the query's class appears twice in the context"
    )


def test_classes_and_exemplars_are_written_when_asked_for() -> None:
    assert "class" not in format_sequences(BATCH, IDS).partition("\n")[2].partition("Positions")[0]
    text = format_sequences(BATCH, IDS, classes=True)
    assert re.findall(r"class (\d)", text) == list("737537")
    assert text.count("exemplar 2") == 6


@pytest.mark.parametrize("examples", EXAMPLES.values(), ids=EXAMPLES)
def test_styles_keep_to_their_characters(examples: np.ndarray) -> None:
    assert format_sequences(BATCH, examples, style="ascii").isascii()
    assert "\x1b" not in format_sequences(BATCH, examples, style="blocks")


def test_several_sequences_follow_one_another() -> None:
    two = SequenceBatch(*(np.repeat(values, 2, axis=0) for values in BATCH.to_numpy().values()))
    text = format_sequences(two, np.repeat(IDS, 2, axis=0), first=1)
    assert re.findall(r"^sequence (\d)", text, re.MULTILINE) == ["1", "2"]


def test_equal_vectors_look_the_same_and_others_do_not() -> None:
    vectors = np.array([[[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]]])
    batch = SequenceBatch(*(values[:, :3] for values in BATCH.to_numpy().values()))
    bars = format_sequences(batch, vectors, width=120).splitlines()[2]
    assert re.findall("[▁-█]+", bars) == ["▁█", "█▁", "▁█"]


def test_images_show_what_differs_from_a_bright_or_a_dark_background() -> None:
    assert format_sequences(BATCH, IMAGES) == format_sequences(BATCH, 1 - IMAGES)
    assert "█" in format_sequences(BATCH, IMAGES)


def test_grey_images_have_shades() -> None:
    ramp = np.broadcast_to(np.linspace(0, 1, 20)[:, None], IMAGES.shape)
    assert set("░▒▓█") <= set(format_sequences(BATCH, ramp))


@pytest.mark.parametrize("shape", [(1, 5), (2, 6), (1, 6, 3, 3), (1,), (1, 6, 2, 2, 1, 1)])
def test_examples_that_do_not_fit_the_batch_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"examples must have shape .* = \(1, 6\), got"):
        format_sequences(BATCH, np.zeros(shape))


def test_unknown_style_is_refused() -> None:
    with pytest.raises(ValueError, match="style must be one of ascii, blocks, colours, got 'braille'"):
        format_sequences(BATCH, IDS, style="braille")


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 30), st.integers(1, 30))
def test_another_size_keeps_the_mean(height: int, width: int, new_height: int, new_width: int) -> None:
    image = np.random.default_rng(height * width).random((height, width))
    assert resized(image, new_height, new_width).mean() == pytest.approx(image.mean())


def test_another_size_averages_areas() -> None:
    np.testing.assert_allclose(resized(np.arange(16.0).reshape(4, 4), 2, 2), [[2.5, 4.5], [10.5, 12.5]])
    np.testing.assert_allclose(resized(np.array([[0.0, 3.0, 6.0]]), 1, 2), [[1.0, 5.0]])


def test_half_blocks_are_two_pixels_high() -> None:
    assert half_blocks(np.array([[1.0, 1.0, 0.0, 0.0], [1.0, 0.0, 1.0, 0.0]])) == ["█▀▄ "]


def test_shades_go_from_nothing_to_full() -> None:
    assert shaded(np.array([[0.0, 0.25, 0.5, 0.75, 1.0]]), ascii_only=False) == [" ░▒▓█"]
    assert shaded(np.array([[0.0, 1.0]]), ascii_only=True) == [" @"]


@pytest.mark.parametrize(
    ("pixel", "entry"), [((1, 0, 0), 196), ((1, 1, 1), 231), ((0, 0, 0), 16), ((0.5, 0.5, 0.5), 244), ((0, 0, 1), 21)]
)
def test_colours_are_the_nearest_of_the_palette(pixel: tuple[float, ...], entry: int) -> None:
    assert coloured(np.array([[pixel], [(0, 1, 0)]])) == [f"\x1b[38;5;{entry};48;5;46m▀\x1b[0m"]


def test_brightness_of_colours_is_weighted_and_of_other_channels_averaged() -> None:
    assert grey(np.array([[[0.0, 1.0, 0.0]]]))[0, 0] == pytest.approx(0.587)
    assert grey(np.array([[[0.0, 1.0]]]))[0, 0] == 0.5


def test_long_labels_are_written_in_full() -> None:
    label = np.full_like(CLASSES, 2_000_000_000)
    text = format_sequences(SequenceBatch(CLASSES, CLASSES, label, CLASSES), IDS, width=80)
    assert text.count("2000000000") == 6
    assert max(map(len, text.splitlines())) <= 80


def test_terminals_too_narrow_for_two_cells_get_one_a_line() -> None:
    cells = [line for line in format_sequences(BATCH, IMAGES, width=10).splitlines() if "┌" in line]
    assert [line.count("┌") for line in cells] == [1] * 5
