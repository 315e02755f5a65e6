"""Figures 3a and 3b: curves, bands, chance lines and published values."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from icl_eval import PUBLISHED_STEPS, draw, published
from icl_eval._drawing.ends import label_ends, settle_ends
from icl_eval._drawing.panel import draw_panel
from icl_eval._drawing.sizes import STYLES
from icl_eval._figures.published import published_values
from icl_eval._report.found import find
from icl_eval._report.rows import setting_rows
from icl_train import chan2022
from icl_train.metrics import wilson_interval

OF_CLASSES = ("figure3a", "figure3b")
SIZES = STYLES["notebook"]


def as_published(count=1600, **parts):
    """The paper's run at a class count, but for what is changed."""
    config = chan2022()
    if count == 12800:
        config = replace(config, data=replace(config.data, augment=True, n_common_classes=100, n_holdout_classes=80))
    data = replace(config.data, n_rare_classes=count - config.data.n_common_classes)
    config = replace(config, data=data)
    return replace(config, **{part: replace(getattr(config, part), **changes) for part, changes in parts.items()})


def drawn(panel):
    """The axes of one panel, drawn."""
    axes = Figure().subplots()
    draw_panel(axes, panel, SIZES, title_width=4.0, above=True)
    label_ends(axes, panel, SIZES)
    axes.figure.draw_without_rendering()
    return axes


def texts(axes):
    return [text.get_text() for text in axes.texts]


def test_one_seed_has_its_accuracy_and_wilson_interval(write_run, picture_of, tmp_path):
    write_run("one", {0: (0.5, 0.0), 10: (0.6, 0.1), 20: (0.8, 0.3)})
    for figure, values in (("figure3a", [0.5, 0.6, 0.8]), ("figure3b", [0.0, 0.1, 0.3])):
        (panel,) = picture_of(figure, tmp_path).panels
        (one,) = panel.lines
        assert one.x.tolist() == [0, 10, 20]
        assert one.y.tolist() == values
        intervals = [wilson_interval(round(100 * value), 100) for value in values]
        assert np.stack([one.low, one.high], 1).tolist() == [list(interval) for interval in intervals]
        assert one.n_runs.tolist() == [1, 1, 1]


def test_several_seeds_have_mean_least_and_greatest_at_the_steps_that_all_have(write_run, picture_of, tmp_path):
    write_run("one", {0: (0.5, 0.0), 10: (0.6, 0.1), 20: (0.9, 0.3), 30: (1.0, 1.0)}, seed=0)
    write_run("two", {0: (0.4, 0.0), 20: (0.6, 0.3), 30: (0.8, 0.9)}, seed=1)
    write_run("six", {0: (0.3, 0.0), 10: (0.6, 0.1), 20: (0.6, 0.3)}, seed=6)
    (panel,) = picture_of("figure3a", tmp_path).panels
    (one,) = panel.lines
    assert one.n_runs.tolist() == [3, 3]
    assert one.x.tolist() == [0, 20]
    assert one.y.tolist() == pytest.approx([0.4, 0.7])
    assert one.low.tolist() == [0.3, 0.6]
    assert one.high.tolist() == [0.5, 0.9]


def test_the_chance_of_a_curve_is_its_runs_own(write_run, picture_of, tmp_path):
    write_run("one", {0: (0.5, 0.0)}, count=64)
    write_run("two", {0: (0.5, 0.0)}, count=30)
    for figure, levels in (("figure3a", [0.5, 0.5]), ("figure3b", [1 / 30, 1 / 64])):
        (panel,) = picture_of(figure, tmp_path).panels
        assert [line.chance.tolist() for line in panel.lines] == [[level] for level in levels]


def test_seeds_without_a_step_in_common_are_a_mistake_in_one_line(write_run, picture_of, tmp_path):
    write_run("one", {0: (0.5, 0.0)}, seed=0)
    write_run("two", {20: (0.5, 0.0)}, seed=1)
    with pytest.raises(ValueError, match="step in common, got one, two"):
        picture_of("figure3a", tmp_path)


@pytest.mark.parametrize("count", [100, 1600, 12800])
@pytest.mark.parametrize("figure", OF_CLASSES)
def test_the_papers_runs_have_published_values_up_to_its_last_step(count, figure):
    points = published(figure, as_published(count))
    assert points[-1][0] == PUBLISHED_STEPS
    assert all(0 <= value <= 1 for _, value in points)
    assert list(points) == sorted(points)


def test_published_values_are_the_papers():
    last = {
        (figure, count): published(figure, as_published(count))[-1][1]
        for figure in OF_CLASSES
        for count in (100, 1600, 12800)
    }
    assert last == {
        ("figure3a", 100): 0.50,
        ("figure3a", 1600): 0.66,
        ("figure3a", 12800): 0.93,
        ("figure3b", 100): 0.99,
        ("figure3b", 1600): 0.26,
        ("figure3b", 12800): 0.00,
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"data": {"n_rare_classes": 790}},
        {"data": {"source": "gaussian"}},
        {"data": {"exemplars": "single"}},
        {"data": {"sequence": "fewshot_rare"}},
        {"data": {"n_labels": 32}},
        {"data": {"labeling_rare": "ordered_polysemy2"}},
        {"data": {"p_bursty": 1.0}},
        {"data": {"zipf_exponent": 1.0}},
        {"data": {"noise_scale": 0.1}},
        {"data": {"downsample": True}},
        {"train": {"batch_size": 64}},
        {"model": {"sequence_model": "lstm", "sequence_model_config": None}},
        {"model": {"num_layers": 2}},
    ],
    ids=str,
)
@pytest.mark.parametrize("figure", OF_CLASSES)
def test_another_experiment_has_no_published_values(figure, changes):
    assert published(figure, as_published())
    assert published(figure, as_published(**changes)) == ()


@pytest.mark.parametrize(
    "changes",
    [
        {"model": {"embedder": "linear", "embedder_config": None}},
        {"model": {"emb_dim": 128}},
        {"model": {"concatenate_labels": True}},
        {"model": {"example_dropout_prob": 0.5}},
        {"data": {"augment": True}},
        {"data": {"shots": 1}},
        {"data": {"fs_shots": 1}},
        {"data": {"p_bursty_zipfian": 0.0}},
        {"data": {"non_bursty_type": "common_uniform"}},
        {"optim": {"optimizer": "adamw", "weight_decay": 0.01}},
        {"optim": {"max_lr": 3e-2}},
        {"optim": {"w_interim_predictions": 0.5}},
    ],
    ids=str,
)
def test_an_experiment_that_differs_elsewhere_has_no_published_values_either(changes):
    assert published("figure3a", as_published(**changes)) == ()


def test_a_setting_that_is_not_known_of_a_run_is_not_the_papers():
    settings = {**as_published().flat(), "classes": 1600}
    assert published_values("figure3a", settings)
    assert published_values("figure3a", {**settings, "optim.max_lr": None}) == ()


@pytest.mark.parametrize(("name", "magic"), [("a.png", b"\x89PNG\r\n\x1a\n"), ("a.pdf", b"%PDF-"), ("a.svg", b"<?xml")])
@pytest.mark.parametrize("figure", OF_CLASSES)
def test_a_drawing_is_written_whole_in_the_format_of_its_suffix(trained, picture_of, tmp_path, name, magic, figure):
    file = tmp_path / name
    file.write_bytes(b"older")
    draw(picture_of(figure, trained), [file])
    assert file.read_bytes().startswith(magic)
    assert file.stat().st_size > 5000
    assert list(tmp_path.iterdir()) == [file]


def test_a_drawing_that_fails_leaves_the_older_file_alone(trained, picture_of, tmp_path, monkeypatch):
    file = tmp_path / "a.png"
    file.write_bytes(b"older")

    def fail(*arguments, **more):
        raise RuntimeError("no")

    monkeypatch.setattr("icl_eval._drawing.page.draw_panel", fail)
    with pytest.raises(RuntimeError):
        draw(picture_of("figure3a", trained), [file])
    assert file.read_bytes() == b"older"


def test_a_panel_shows_a_line_per_class_count_with_its_name_at_its_end(write_run, picture_of, tmp_path):
    write_run("one", {0: (0.5, 0.0), 20: (0.75, 0.25)}, count=1064)
    write_run("two", {0: (0.25, 0.0), 20: (1.0, 0.25)}, count=30)
    (panel,) = picture_of("figure3a", tmp_path).panels
    axes = drawn(panel)
    curves = [line for line in axes.lines if len(line.get_xdata()) == 2 and line.get_linestyle() == "-"]
    assert [line.get_ydata().tolist() for line in curves] == [[0.25, 1.0], [0.5, 0.75]]
    assert texts(axes) == ["30", "1,064", "chance 0.5", "trained classes"]
    assert axes.get_legend() is None
    assert axes.get_xlim() == (0, 20)
    (low, high) = axes.get_ylim()
    assert low < 0
    assert high > 1


def test_lines_are_told_apart_by_colour_and_by_marker(write_run, picture_of, tmp_path):
    for count in (30, 64, 100, 1064):
        write_run(f"{count}", {0: (0.5, 0.0), 20: (0.75, 0.25)}, count=count)
    (panel,) = picture_of("figure3a", tmp_path).panels
    curves = [line for line in drawn(panel).lines if len(line.get_xdata()) == 2 and line.get_linestyle() == "-"]
    assert len({line.get_marker() for line in curves}) == len({tuple(line.get_color()) for line in curves}) == 4


def test_updates_are_below_and_sequences_above(write_run, picture_of, tmp_path):
    write_run("one", {0: (0.5, 0.0), 20: (0.75, 0.25)})
    (panel,) = picture_of("figure3a", tmp_path).panels
    axes = drawn(panel)
    assert panel.x.label == "training steps (updates)"
    (above,) = axes.child_axes
    assert above.get_xlabel() == "sequences (16 per step)"
    assert tuple(above.get_xlim()) == (0, 320)


def test_a_single_evaluation_is_a_point_and_needs_no_width(write_run, picture_of, tmp_path):
    write_run("one", {0: (0.5, 0.0)})
    (panel,) = picture_of("figure3a", tmp_path).panels
    (line,) = [line for line in drawn(panel).lines if len(line.get_xdata()) == 1]
    assert line.get_marker() == "o"


@pytest.mark.parametrize(("figure", "levels"), [("figure3a", [0.5]), ("figure3b", [1 / 64, 1 / 30])])
def test_chance_is_drawn_at_each_level_across_the_panel(write_run, picture_of, tmp_path, figure, levels):
    write_run("one", {0: (0.5, 0.0), 20: (0.75, 0.25)}, count=64)
    write_run("two", {0: (0.25, 0.0), 20: (1.0, 0.25)}, count=30)
    (panel,) = picture_of(figure, tmp_path).panels
    across = [line for line in drawn(panel).lines if list(line.get_xdata()) == [0, 1] and line.get_linestyle() == "--"]
    assert [line.get_ydata()[0] for line in across] == pytest.approx(levels)


@pytest.mark.parametrize(
    ("scores", "marks"),
    [
        ({0: (0.5, 0.0), 20: (0.6, 0.0)}, [(20, 0.75)]),
        ({0: (0.5, 0.0), 50_000: (0.6, 0.0)}, [(50_000, 0.75)]),
        ({0: (0.5, 0.0), 60_000: (0.6, 0.0)}, [(50_000, 0.75), (60_000, 0.78)]),
        ({0: (0.5, 0.0), 500_000: (0.6, 0.0)}, [(50_000, 0.75), (70_000, 0.78), (500_000, 0.66)]),
    ],
)
def test_published_values_stand_at_their_step_and_the_next_one_at_the_edge_of_a_shorter_run(
    write_run, picture_of, tmp_path, scores, marks
):
    write_run("one", scores, base=as_published(), count=1600)
    picture = picture_of("figure3a", tmp_path)
    axes = drawn(picture.panels[0])
    diamonds = [line for line in axes.lines if line.get_marker() == "D"]
    assert [(np.ravel(line.get_xdata())[0], np.ravel(line.get_ydata())[0]) for line in diamonds] == marks
    assert "published values of Chan et al. 2022" in picture.notes[-1]
    last = max(scores)
    said = {20: "(paper 0.75 at 50,000)", 60_000: "(paper 0.78 at 70,000)"}.get(last)
    assert [text for text in texts(axes) if "paper" in text and said is None] == []
    assert said is None or any(said in " ".join(text.split()) for text in texts(axes))
    assert ("the next one beyond its end" in picture.notes[-1]) == (last in (20, 60_000))


def test_a_published_value_right_of_a_panel_stands_clear_of_the_labels(write_run, picture_of, tmp_path):
    write_run("one", {0: (0.5, 0.0), 20: (0.75, 0.0)}, base=as_published(), count=1600)
    (panel,) = picture_of("figure3a", tmp_path).panels
    axes = Figure().subplots()
    draw_panel(axes, panel, SIZES, title_width=4.0, above=True)
    ends = label_ends(axes, panel, SIZES)
    axes.figure.draw_without_rendering()
    settle_ends(ends, SIZES)
    axes.figure.draw_without_rendering()
    (diamond,) = (line for line in axes.lines if line.get_marker() == "D")
    middle, _ = diamond.get_transform().transform((np.ravel(diamond.get_xdata())[0], 0))
    right = middle + diamond.get_markersize() / 2 * axes.figure.dpi / 72
    (label,) = (text for text in axes.texts if "paper" in text.get_text())
    assert label.get_window_extent().x0 > right


def test_no_marker_and_no_note_where_nothing_was_published(trained, picture_of):
    picture = picture_of("figure3a", trained)
    (panel,) = picture.panels
    assert not [line for line in drawn(panel).lines if line.get_marker() == "D"]
    assert "published" not in " ".join(picture.notes)


def test_the_band_says_what_it_is(write_run, picture_of, tmp_path):
    write_run("one", {0: (0.5, 0.0)}, seed=0)
    assert (
        picture_of("figure3a", tmp_path).notes[0] == "Lines: one run each; band: 95% Wilson interval of its sequences."
    )
    write_run("two", {0: (0.5, 0.0)}, seed=1)
    assert picture_of("figure3a", tmp_path).notes[0] == "Lines: mean of n = 2 seeds; band: least to greatest."
    write_run("alone", {0: (0.5, 0.0)}, count=30)
    several = "Lines: mean of n = 2 seeds, or a single run; band: least to greatest, or "
    assert picture_of("figure3a", tmp_path).notes[0] == several + "95% Wilson interval of its sequences."


def test_a_line_says_how_many_runs_it_is_where_others_are_of_more(write_run, picture_of, tmp_path):
    write_run("one", {0: (0.5, 0.0)}, seed=0)
    write_run("two", {0: (0.5, 0.0)}, seed=1)
    write_run("alone", {0: (0.5, 0.0)}, count=30)
    (panel,) = picture_of("figure3a", tmp_path).panels
    assert [line.label for line in panel.lines] == ["30 (n = 1)", "64 (n = 2)"]


def test_there_is_a_panel_for_each_value_of_another_setting_in_order_and_named_by_it(write_run, picture_of, tmp_path):
    for p_bursty in (0.5, 1.0, 0.25):
        write_run(f"p{p_bursty}", {0: (0.5, 0.0)}, data={"p_bursty": p_bursty})
    panels = picture_of("figure3a", tmp_path).panels
    assert [panel.title for panel in panels] == ["p(bursty) 0.25", "p(bursty) 0.5", "p(bursty) 1"]
    assert [(panel.row, panel.column) for panel in panels] == [(0, 0), (0, 1), (0, 2)]


def test_a_panel_of_small_images_says_so(write_run, picture_of, tmp_path):
    for small in (False, True):
        write_run(f"small {small}", {0: (0.5, 0.0)}, data={"downsample": small})
    assert [panel.title for panel in picture_of("figure3a", tmp_path).panels] == ["images full size", "images 28x28"]


def test_a_table_of_the_report_says_so_too(write_run, tmp_path):
    for small in (False, True):
        write_run(f"small {small}", {0: (0.5, 0.0)}, data={"downsample": small})
    (row,) = (row for row in setting_rows(find([tmp_path])) if row["name"] == "data.downsample")
    assert (row["short"], row["values"]) == ("images", ["full size", "28x28"])


@pytest.mark.parametrize("value", ["28x28", "yes", "true", "True"])
def test_small_images_are_chosen_by_the_words_for_them_or_by_the_value(write_run, tmp_path, value):
    for small in (False, True):
        write_run(f"small {small}", {0: (0.5, 0.0)}, data={"downsample": small})
    assert list(find([tmp_path], [f"data.downsample={value}"]).summary["run"]) == ["small True"]


def test_lengths_differ_within_a_panel_but_are_not_averaged(write_run, picture_of, tmp_path):
    write_run("short", {0: (0.5, 0.0)}, count=30)
    write_run("long", {0: (0.5, 0.0)}, train={"max_steps": 30})
    assert len(picture_of("figure3a", tmp_path).panels) == 1
    write_run("longer", {0: (0.5, 0.0)}, train={"max_steps": 50})
    titles = [panel.title for panel in picture_of("figure3a", tmp_path).panels]
    assert titles == ["updates 20", "updates 30", "updates 50"]
