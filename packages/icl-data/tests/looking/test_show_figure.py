"""Figures of sequences and of statistics; only here does matplotlib come in."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from icl_data import (
    BatchSampler,
    Bursty,
    ClassSplit,
    Fewshot,
    SequenceBatch,
    draw_sequences,
    draw_statistics,
    sequence_statistics,
)

pytest.importorskip("matplotlib", reason='matplotlib is not installed: pip install "icl-data[plot]"')

CLASSES = np.array([[7, 3, 7, 5, 3, 7], [1, 2, 3, 4, 5, 6]], dtype=np.int32)
BATCH = SequenceBatch(CLASSES, CLASSES * 0, CLASSES + 100, CLASSES * 0)
RNG = np.random.default_rng(0)
SPLIT = ClassSplit(100, n_rare=80, n_common=10, n_holdout=10, zipf_exponent=1.0)


def _texts(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def _statistics(kind):
    return sequence_statistics(BatchSampler(1, SPLIT, kind, batch_size=2000, seed=0)(0), SPLIT, kind)


def test_every_position_has_its_label_and_the_query_its_target() -> None:
    figure = draw_sequences(BATCH, CLASSES)
    below = [_texts(axes)[1] for axes in figure.axes[:6]]
    assert below == ["label 107", "label 103", "label 107", "label 105", "label 103", "query: target 107"]
    assert [_texts(axes)[0] for axes in figure.axes[:6]] == list("737537")


def test_frames_of_one_class_have_one_colour_and_of_single_ones_grey() -> None:
    colours = [axes.spines["left"].get_edgecolor() for axes in draw_sequences(BATCH, CLASSES).axes]
    assert colours[0] == colours[2] == colours[5] != colours[1] == colours[4]
    assert len(set(colours[6:])) == 1
    assert colours[3] == colours[6]


def test_the_query_alone_is_framed_twice() -> None:
    assert [len(axes.patches) for axes in draw_sequences(BATCH, CLASSES).axes] == [0, 0, 0, 0, 0, 1] * 2


@pytest.mark.parametrize("shape", [(), (12,), (8, 8, 1), (8, 8, 3), (8, 6, 2)])
def test_examples_of_every_kind_can_be_written(shape: tuple[int, ...], tmp_path) -> None:
    draw_sequences(BATCH, RNG.random((2, 6, *shape)), classes=True).savefig(tmp_path / "figure.png")
    assert (tmp_path / "figure.png").read_bytes().startswith(b"\x89PNG")


def test_images_are_shown_as_they_are() -> None:
    images = RNG.random((2, 6, 5, 5, 3))
    (shown,) = draw_sequences(BATCH, images).axes[8].images
    np.testing.assert_array_equal(shown.get_array(), images[1, 2])


def test_classes_are_written_when_asked_for() -> None:
    assert _texts(draw_sequences(BATCH, CLASSES, classes=True).axes[1])[2:] == ["class 3", "exemplar 0"]


def test_long_sequences_go_on_in_the_next_line() -> None:
    classes = np.arange(20, dtype=np.int32)[None]
    figure = draw_sequences(SequenceBatch(classes, classes, classes, classes), classes)
    assert len({round(axes.get_position().y0, 6) for axes in figure.axes}) == 3
    boxes = [axes.get_position() for axes in figure.axes]
    assert min(box.y0 for box in boxes) > 0
    assert max(box.x1 for box in boxes) < 1


def test_measured_shares_lie_beside_the_law() -> None:
    found = _statistics(Bursty())
    measured, expected = draw_statistics(found).axes[0].lines
    np.testing.assert_array_equal(expected.get_ydata(), found.query_fit.expected)
    assert dict(zip(measured.get_xdata(), measured.get_ydata(), strict=True))[1] == found.query_fit.measured[0] / 2000
    assert draw_statistics(found).axes[0].get_xscale() == draw_statistics(found).axes[0].get_yscale() == "log"


def test_bars_are_the_support_of_queries() -> None:
    found = _statistics(Bursty())
    heights = [bar.get_height() for bar in draw_statistics(found).axes[1].patches]
    np.testing.assert_allclose(heights, found.query_support / 2000)


@pytest.mark.parametrize(("kind", "bars"), [(Fewshot(ways=3), 3), (Bursty(), 0)])
def test_few_labels_are_bars_and_many_are_ranked(kind, bars: int) -> None:
    axes = draw_statistics(_statistics(kind)).axes[2]
    assert len(axes.patches) == bars
    assert (axes.get_xscale() == "log") == (bars == 0)


def test_drawing_leaves_no_figure_with_pyplot() -> None:
    code = (
        "import sys, numpy as np; from icl_data import SequenceBatch, draw_sequences\n"
        "ids = np.array([[1, 2, 1]], dtype=np.int32); draw_sequences(SequenceBatch(ids, ids, ids, ids), ids)\n"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"]
