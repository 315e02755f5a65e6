"""The figures' own style: importing and drawing change nothing outside, and nothing outside changes a figure."""

import subprocess
import sys
import warnings
from dataclasses import replace

import matplotlib.style
import pytest
from matplotlib.figure import Figure

from icl_eval import FIGURES, RunsSkipped, draw, load_runs
from icl_eval._drawing.style import legible, own_style
from icl_eval._picture.values import short_setting
from icl_train import smoke

UNCHANGED = """
import sys
import matplotlib
def settings():
    return {name: matplotlib.rcParams._get(name) for name in matplotlib.rcParams}
matplotlib.rcParams["lines.linewidth"] = 7.0
before = settings()
import icl_eval, icl_eval._commands.main
assert settings() == before, "import"
from pathlib import Path
picture = icl_eval.FIGURES["figure3a"].picture(icl_eval.load_runs(sys.argv[1]))
icl_eval.draw(picture, [Path(sys.argv[2], name) for name in ("a.png", "a.pdf", "a.svg")], style="talk")
assert settings() == before, "drawing"
assert "matplotlib.pyplot" not in sys.modules
"""


def drawn(runs, file):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RunsSkipped)
        table = load_runs(runs)
    draw(FIGURES["figure3a"].picture(table), [file])
    return file.read_bytes()


def test_importing_and_drawing_change_neither_the_backend_nor_rcparams(trained, tmp_path):
    command = [sys.executable, "-c", UNCHANGED, str(trained), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    "settings",
    [
        {"text.usetex": True},
        {"font.family": "serif", "font.size": 30, "font.serif": ["No Such Font"]},
        {"axes.grid": True, "axes.facecolor": "black", "text.color": "white", "figure.facecolor": "black"},
        {"savefig.dpi": 30, "savefig.bbox": "tight", "savefig.transparent": True, "figure.autolayout": True},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_a_figure_is_the_same_to_the_pixel_whatever_the_user_has_set(trained, tmp_path, settings):
    plain = drawn(trained, tmp_path / "plain.png")
    with matplotlib.rc_context(settings):
        before = dict.copy(matplotlib.rcParams)
        assert drawn(trained, tmp_path / "set.png") == plain
        assert dict.copy(matplotlib.rcParams) == before


def test_a_dark_style_does_not_alter_a_figure(trained, tmp_path):
    plain = drawn(trained, tmp_path / "plain.png")
    with matplotlib.style.context("dark_background"):
        assert drawn(trained, tmp_path / "dark.png") == plain


def test_settings_are_back_where_drawing_fails(monkeypatch, trained, tmp_path):
    before = dict.copy(matplotlib.rcParams)
    monkeypatch.setattr("icl_eval._drawing.page.draw_panel", lambda *arguments, **more: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        drawn(trained, tmp_path / "a.png")
    assert dict.copy(matplotlib.rcParams) == before


@pytest.mark.parametrize("text", ["$x_1^2$", r"\frac{", "$", "a_b^c", r"\$5"])
def test_text_is_drawn_as_it_stands(text):
    with own_style():
        figure = Figure()
        title = figure.suptitle(text)
        figure.draw_without_rendering()
        assert title.get_parse_math() is False
        assert title.get_text() == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\nb é", "a\nb é"),
        ("日本", "\\u65e5\\u672c"),
        ("\udcff\x1b[0m", "\\udcff\\x1b[0m"),
        ("ab cd ef", "ab cd\nef"),
        ("abcdefgh", "abcdef\ngh"),
    ],
)
def test_text_fits_its_width_and_has_escapes_where_the_font_has_no_glyph(text, shown):
    # 10 points high, letters are some 6 wide: six fit into half an inch, or any number into ten inches.
    assert legible(text, size=10, width=0.53 if text.startswith("ab") else 10) == shown


def test_text_without_end_ends():
    assert legible("W" * 10**6, size=9, width=4.4).splitlines()[9:] == ["…"]


def with_source(source):
    base = smoke()
    data = replace(base.data, source=source, dim=None, noise_scale=None)
    return replace(base, data=data, train=replace(base.train, max_steps=20))


def test_a_panel_with_a_hostile_source_is_drawn_without_a_warning(write_run, tmp_path):
    write_run("one", {0: (0.5, 0.0), 20: (0.6, 0.1)}, base=with_source("日本$x_1^{:\x1b[2J\u202e" + "m" * 300))
    assert drawn(tmp_path, tmp_path / "a.png").startswith(b"\x89PNG")


def test_the_groups_of_batch_statistics_are_named_in_whole_words():
    name = short_setting("model.embedder_config.sequences_per_statistics")
    assert legible(name, size=8, width=1.2).split() == ["sequences", "per", "statistics"]
