"""The picture of a comparison: told apart by every eye and in grey, and the same whatever the user has set."""

import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from icl_eval._comparison import drawing
from icl_eval._comparison.drawing import draw_comparison
from icl_eval._comparison.measured import area_test, crossing_test
from icl_eval._comparison.rows import Compared
from icl_eval._comparison.sides import Member, Pair, Side
from icl_eval._picture.measures import measure_recorded_as

METRIC = "eval_fewshot_holdout/accuracy_closed"
STEPS = np.arange(0, 101, 20)


def side(name, n):
    return Side(name, tuple(Member(f"{name}{i}", {METRIC: {}}) for i in range(n)))


@pytest.fixture(scope="module")
def compared():
    rng = np.random.default_rng(0)
    pair = Pair(METRIC, STEPS, rng.random((4, 6)), rng.random((4, 6)), 0)
    return Compared(pair, area_test(pair, seed=0), crossing_test(pair, 0.75, seed=0))


@pytest.fixture
def figure(compared, tmp_path, monkeypatch):
    """The figure as it is written."""
    kept = []
    real = drawing.Figure.savefig

    def savefig(self, *arguments, **keywords):
        kept.append(self)
        real(self, *arguments, **keywords)

    monkeypatch.setattr(drawing.Figure, "savefig", savefig)
    draw_comparison(side("ours", 4), side("theirs", 4), [compared], [tmp_path / "a.png"])
    kept[0].draw_without_rendering()  # so that sizes are those of one resolution
    return kept[0]


def luminance(color):
    return float(np.dot(to_rgb(color), (0.2126, 0.7152, 0.0722)))


def test_thin_lines_are_runs_and_thick_ones_their_means(figure, compared):
    lines = figure.axes[0].lines
    widths = [line.get_linewidth() for line in lines[:10]]
    assert widths == [widths[0]] * 8 + [widths[8]] * 2
    assert widths[8] > 3 * widths[0]
    assert lines[8].get_ydata() == pytest.approx(compared.pair.ours.mean(0))
    assert lines[9].get_ydata() == pytest.approx(compared.pair.theirs.mean(0))


def test_the_title_is_what_the_measure_is_called_on_axes(figure):
    assert figure.axes[0].get_title() == "ICL two-way accuracy (new classes)"


@pytest.mark.parametrize(
    ("metric", "label", "is_share"),
    [
        ("eval_flipped/accuracy_both", "right with labels as they are and exchanged", True),
        ("eval_no_support_rare/accuracy_query", "IWL rare accuracy over all labels", True),
        ("eval_mine/deep/accuracy", "mine/deep, accuracy", True),
        ("eval_fewshot_holdout/loss_query", "fewshot_holdout, loss_query", False),
        ("train/loss", "training loss", False),
    ],
)
def test_what_is_no_headline_has_its_label_too(metric, label, is_share):
    measure = measure_recorded_as(metric)
    assert (measure.label, measure.is_share) == (label, is_share)


def test_the_sides_differ_in_brightness_and_in_line(figure):
    ours, theirs = figure.axes[0].lines[8:10]
    assert abs(luminance(ours.get_color()) - luminance(theirs.get_color())) > 0.25
    assert ours.get_linestyle() != theirs.get_linestyle()


def test_names_stand_at_the_lines_apart_and_on_the_paper(figure):
    texts = {text.get_text(): text.get_window_extent() for text in figure.axes[0].texts}
    ours, theirs = texts["ours (4)"], texts["theirs (4)"]
    assert not ours.overlaps(theirs)
    assert max(ours.x1, theirs.x1) <= figure.bbox.x1


def test_the_users_settings_alter_nothing(compared, tmp_path):
    sides = side("ours", 4), side("theirs", 4)
    draw_comparison(*sides, [compared], [tmp_path / "plain.png"])
    with matplotlib.rc_context({"text.usetex": True, "font.size": 30, "savefig.dpi": 30}):
        draw_comparison(*sides, [compared], [tmp_path / "set.png"])
    assert (tmp_path / "set.png").read_bytes() == (tmp_path / "plain.png").read_bytes()
