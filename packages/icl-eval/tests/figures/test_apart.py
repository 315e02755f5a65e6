"""Labels do not overlap, keep their order, and stay near their lines; ticks have room."""

import warnings
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icl_eval import FIGURES, RunsSkipped, load_runs
from icl_eval._drawing.apart import apart, with_room
from icl_eval._drawing.page import figure_of
from icl_eval._drawing.sizes import STYLES
from icl_eval._drawing.style import own_style

NUMBERS = st.floats(-50, 150, allow_nan=False)


@given(st.lists(st.tuples(NUMBERS, st.floats(1, 10)), min_size=1, max_size=9))
def test_labels_never_overlap_keep_their_order_and_stay_inside(labels):
    wanted, heights = ([label[i] for label in labels] for i in (0, 1))
    placed = apart(wanted, heights, 0, 100)
    order = sorted(range(len(wanted)), key=lambda i: wanted[i])
    for below, above in pairwise(order):
        assert placed[above] - placed[below] >= (heights[above] + heights[below]) / 2 - 1e-6
    assert placed[order[0]] - heights[order[0]] / 2 >= -1e-6
    assert placed[order[-1]] + heights[order[-1]] / 2 <= 100 + 1e-6


def test_labels_that_have_room_stay_where_they_are_wanted():
    assert apart([10, 50, 90], [10, 10, 10], 0, 100) == [10, 50, 90]


def test_labels_of_equal_lines_are_evenly_about_them():
    assert apart([50, 50, 50], [10, 10, 10], 0, 100) == [40, 50, 60]


def test_the_moves_are_the_least_there_are():
    assert apart([50, 52], [10, 10], 0, 100) == [46, 56]


@given(st.lists(st.floats(0, 100), min_size=1, max_size=20, unique=True))
def test_ticks_that_are_kept_do_not_touch(middles):
    middles = sorted(middles)
    kept = with_room(middles, [8.0] * len(middles), gap=1)
    assert all(middles[right] - middles[left] >= 9 - 1e-9 for left, right in pairwise(kept))
    assert kept[0] == 0


def test_the_last_tick_is_kept_before_one_that_is_too_near_to_it():
    assert with_room([0, 10, 19, 20], [4, 4, 4, 4], gap=1) == [0, 1, 3]


@pytest.mark.parametrize("style", STYLES)
def test_no_label_of_a_drawn_figure_covers_another(write_run, tmp_path, style):
    for count in (30, 40, 64, 100, 128, 200, 256, 1064):
        write_run(f"{count}", {0: (0.5, 0.0), 20: (0.5, 0.0)}, count=count)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RunsSkipped)
        picture = FIGURES["figure3"].picture(load_runs(tmp_path))
    with own_style():
        figure = figure_of(picture, STYLES[style])
        figure.set_dpi(STYLES[style].dpi)  # as it is written: letters are a little wider or narrower than at others
        figure.draw_without_rendering()
        for axes in figure.axes:
            boxes = [text.get_window_extent() for text in axes.texts if text.get_text()]
            assert len(boxes) == 10  # eight lines, chance, and what they are
            for one, other in ((a, b) for a in boxes for b in boxes if a is not b):
                assert not one.shrunk(1, 0.9).overlaps(other.shrunk(1, 0.9))
            assert all(box.x1 <= figure.bbox.x1 - 1 and box.y1 <= figure.bbox.y1 + 1 for box in boxes)


@pytest.mark.parametrize("style", STYLES)
def test_title_and_notes_end_before_the_paper_does(write_run, tmp_path, style):
    write_run("one", {0: (0.5, 0.0), 20: (0.5, 0.0)})
    picture = FIGURES["figure3"].picture(load_runs(tmp_path))
    for said in (
        "Open diamonds: published values of Chan et al. 2022, read off to .02. ",
        "illicit trifles ",
        "m" * 7 + " ",
    ):
        with own_style():
            figure = figure_of(replace(picture, title=9 * said, notes=(9 * said,)), STYLES[style])
            figure.set_dpi(STYLES[style].dpi)
            figure.draw_without_rendering()
            for text in (figure._suptitle, figure._supxlabel):
                assert text.get_window_extent().x1 <= figure.bbox.x1 - 0.05 * figure.dpi, said
