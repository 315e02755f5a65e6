"""Updates in their logarithm: no place for the evaluation before the first, ticks at powers of ten, sequences above."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from icl_eval._drawing.axes import settle_ticks
from icl_eval._drawing.panel import draw_panel
from icl_eval._drawing.sizes import STYLES
from icl_eval._plot.plot import Asked, plot_picture
from icl_train import RunError

SIZES = STYLES["notebook"]


@pytest.fixture
def over_updates(write_run, table_of, tmp_path):
    """The panel of ``plot --x X --log-x True`` of a run evaluated at these updates."""

    def panel(*steps, x="step"):
        write_run("one", dict.fromkeys(steps, (0.5, 0.0)))
        picture = plot_picture(table_of(tmp_path), Asked(x=x, y=("icl",), log_x=True), name="plot")
        return picture.panels[0]

    return panel


def drawn(panel):
    axes = Figure(figsize=(6, 3)).subplots()
    draw_panel(axes, panel, SIZES, title_width=4.0, above=True)
    axes.figure.draw_without_rendering()
    for each in (axes, *axes.child_axes):
        settle_ticks(each, panel.x, SIZES)
    axes.figure.draw_without_rendering()
    return axes


def ticks(axes):
    return [text.get_text() for text in axes.get_xticklabels()]


@pytest.mark.parametrize(("x", "batch"), [("step", 1), ("sequences", 16)])
def test_the_evaluation_before_the_first_update_is_left_out(over_updates, x, batch):
    panel = over_updates(0, 1, 10, 20, x=x)
    assert panel.x.log
    assert panel.lines[0].x.tolist() == [batch, 10 * batch, 20 * batch]


def test_a_run_evaluated_before_the_first_update_alone_is_refused_in_a_line(over_updates):
    with pytest.raises(RunError, match="--log-x needs records after the first update"):
        over_updates(0)


def test_ticks_are_powers_of_ten(over_updates):
    axes = drawn(over_updates(0, 3, 30, 300, 3000, 30_000))
    assert axes.get_xscale() == "log"
    assert axes.get_xlim() == (3, 30_000)
    assert ticks(axes) == ["10", "100", "1,000", "10k"]
    assert 2000 in axes.get_xticks(minor=True)


def test_ticks_of_less_than_three_powers_are_between_them_as_well(over_updates):
    assert ticks(drawn(over_updates(30, 100, 700))) == ["50", "100", "200", "500"]


def test_sequences_stand_above_their_updates(over_updates):
    axes = drawn(over_updates(0, 3, 30, 300, 3000, 30_000))
    (above,) = axes.child_axes
    assert above.get_xlim() == pytest.approx((48, 480_000))
    assert ticks(above) == ["100", "1,000", "10k", "100k"]


def test_markers_are_spread_over_the_axis_and_not_over_the_points(over_updates):
    panel = over_updates(*range(0, 3001, 10))
    places = drawn(panel).lines[0].get_markevery()
    assert len(places) > 4
    assert np.diff(np.log10(panel.lines[0].x[places])).max() < 0.7
