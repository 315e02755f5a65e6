"""Figures 3a and 3b: curves, bands, chance lines and published values."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.figure import Figure

from icl_eval import FIGURES, PUBLISHED_STEPS, collect, curve, draw, group_runs, published
from icl_eval._figures.drawing import _panel
from icl_train import chan2022
from icl_train.metrics import wilson_interval

SPEC = FIGURES["figure3a"]


def as_published(count=1600, **parts):
    """The paper's run at a class count, but for what is changed."""
    config = chan2022()
    if count == 12800:
        config = replace(config, data=replace(config.data, augment=True, n_common_classes=100, n_holdout_classes=80))
    data = replace(config.data, n_rare_classes=count - config.data.n_common_classes)
    config = replace(config, data=data)
    return replace(config, **{part: replace(getattr(config, part), **changes) for part, changes in parts.items()})


def groups_below(path):
    return group_runs(collect(path, unfinished=True)[0])


def panel(spec, group):
    """The axes of one group, drawn."""
    figure = Figure()
    axis = figure.subplots()
    _panel(spec, axis, group)
    figure.draw_without_rendering()
    return axis


def test_one_seed_has_its_accuracy_and_wilson_interval(write_run, tmp_path):
    write_run("one", {0: (0.5, 0.0), 10: (0.6, 0.1), 20: (0.8, 0.3)})
    (group,) = groups_below(tmp_path)
    for spec, values in ((SPEC, [0.5, 0.6, 0.8]), (FIGURES["figure3b"], [0.0, 0.1, 0.3])):
        one = curve(spec, group, 64)
        assert one.steps.tolist() == [0, 10, 20]
        assert one.mean.tolist() == values
        intervals = [wilson_interval(round(100 * value), 100) for value in values]
        assert np.stack([one.low, one.high], 1).tolist() == [list(interval) for interval in intervals]
        assert one.n_seeds == 1


def test_several_seeds_have_mean_least_and_greatest_at_the_steps_that_all_have(write_run, tmp_path):
    write_run("one", {0: (0.5, 0.0), 10: (0.6, 0.1), 20: (0.9, 0.3), 30: (1.0, 1.0)}, seed=0)
    write_run("two", {0: (0.4, 0.0), 20: (0.6, 0.3), 30: (0.8, 0.9)}, seed=1)
    write_run("six", {0: (0.3, 0.0), 10: (0.6, 0.1), 20: (0.6, 0.3)}, seed=6)
    (group,) = groups_below(tmp_path)
    one = curve(SPEC, group, 64)
    assert one.n_seeds == 3
    assert one.steps.tolist() == [0, 20]
    assert one.mean.tolist() == pytest.approx([0.4, 0.7])
    assert one.low.tolist() == [0.3, 0.6]
    assert one.high.tolist() == [0.5, 0.9]


def test_the_chance_of_a_curve_is_its_runs_own(write_run, tmp_path):
    write_run("one", {0: (0.5, 0.0)}, count=64)
    write_run("two", {0: (0.5, 0.0)}, count=30)
    (group,) = groups_below(tmp_path)
    assert [curve(SPEC, group, count).chance for count in (30, 64)] == [0.5, 0.5]
    assert [curve(FIGURES["figure3b"], group, count).chance for count in (30, 64)] == [1 / 30, 1 / 64]


def test_seeds_without_a_step_in_common_are_a_mistake_in_one_line(write_run, tmp_path):
    write_run("one", {0: (0.5, 0.0)}, seed=0)
    write_run("two", {20: (0.5, 0.0)}, seed=1)
    (group,) = groups_below(tmp_path)
    with pytest.raises(ValueError, match="step"):
        curve(SPEC, group, 64)


@pytest.mark.parametrize("count", [100, 1600, 12800])
@pytest.mark.parametrize("figure", FIGURES)
def test_the_papers_runs_have_published_values_up_to_its_last_step(count, figure):
    points = published(figure, as_published(count))
    assert points[-1][0] == PUBLISHED_STEPS
    assert all(0 <= value <= 1 for _, value in points)
    assert list(points) == sorted(points)


def test_published_values_are_the_papers():
    last = {
        (figure, count): published(figure, as_published(count))[-1][1]
        for figure in FIGURES
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
@pytest.mark.parametrize("figure", FIGURES)
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


@pytest.mark.parametrize(("name", "magic"), [("a.png", b"\x89PNG\r\n\x1a\n"), ("a.pdf", b"%PDF-")])
@pytest.mark.parametrize("figure", FIGURES)
def test_a_drawing_is_written_whole_in_the_format_of_its_suffix(trained, tmp_path, name, magic, figure):
    file = tmp_path / name
    file.write_bytes(b"older")
    draw(FIGURES[figure], groups_below(trained), [file])
    assert file.read_bytes().startswith(magic)
    assert file.stat().st_size > 5000
    assert list(tmp_path.iterdir()) == [file]


def test_a_drawing_that_fails_leaves_the_older_file_alone(trained, tmp_path, monkeypatch):
    file = tmp_path / "a.png"
    file.write_bytes(b"older")

    def fail(*arguments):
        raise RuntimeError("no")

    monkeypatch.setattr("icl_eval._figures.drawing._panel", fail)
    with pytest.raises(RuntimeError):
        draw(SPEC, groups_below(trained), [file])
    assert file.read_bytes() == b"older"


def test_a_panel_shows_a_line_per_class_count_with_a_legend_entry_each(write_run, tmp_path):
    write_run("one", {0: (0.5, 0.0), 20: (0.75, 0.25)}, count=1064)
    write_run("two", {0: (0.25, 0.0), 20: (1.0, 0.25)}, count=30)
    (group,) = groups_below(tmp_path)
    axis = panel(SPEC, group)
    curves = [line for line in axis.lines if len(line.get_xdata()) == 2 and line.get_linestyle() == "-"]
    assert [line.get_ydata().tolist() for line in curves] == [[0.25, 1.0], [0.5, 0.75]]
    labels = [text.get_text() for text in axis.get_legend().get_texts()]
    assert labels == ["30", "1,064", "chance 0.5"]
    handles = axis.get_legend().legend_handles
    assert [list(handle.get_color()) for handle in handles[:2]] == [list(line.get_color()) for line in curves]
    assert axis.get_legend().get_title().get_text() == "trained classes"
    assert axis.get_xlabel() == "training steps (updates)"
    assert axis.get_xlim() == (0, 20)
    (low, high) = axis.get_ylim()
    assert low < 0
    assert high > 1
    assert axis.get_title() == group.title


def test_a_single_evaluation_is_a_point_and_needs_no_width(write_run, tmp_path):
    write_run("one", {0: (0.5, 0.0)})
    (group,) = groups_below(tmp_path)
    axis = panel(SPEC, group)
    (line,) = [line for line in axis.lines if len(line.get_xdata()) == 1]
    assert line.get_marker() == "o"


@pytest.mark.parametrize(("figure", "levels"), [("figure3a", [0.5]), ("figure3b", [1 / 64, 1 / 30])])
def test_chance_is_drawn_at_each_level_across_the_panel(write_run, tmp_path, figure, levels):
    write_run("one", {0: (0.5, 0.0), 20: (0.75, 0.25)}, count=64)
    write_run("two", {0: (0.25, 0.0), 20: (1.0, 0.25)}, count=30)
    (group,) = groups_below(tmp_path)
    axis = panel(FIGURES[figure], group)
    across = [line for line in axis.lines if list(line.get_xdata()) == [0, 1] and line.get_linestyle() == "--"]
    assert [line.get_ydata()[0] for line in across] == pytest.approx(levels)


@pytest.mark.parametrize(
    ("scores", "marks"),
    [
        ({0: (0.5, 0.0), 20: (0.6, 0.0)}, [(20, 0.66)]),
        ({0: (0.5, 0.0), 60_000: (0.6, 0.0)}, [(50_000, 0.75), (60_000, 0.66)]),
        ({0: (0.5, 0.0), 500_000: (0.6, 0.0)}, [(50_000, 0.75), (70_000, 0.78), (500_000, 0.66)]),
    ],
)
def test_published_values_stand_at_their_step_and_the_last_one_at_the_edge_of_a_shorter_run(
    write_run, tmp_path, scores, marks
):
    write_run("one", scores, base=as_published(), count=1600)
    (group,) = groups_below(tmp_path)
    axis = panel(SPEC, group)
    diamonds = [line for line in axis.lines if line.get_marker() == "D"]
    assert [(np.ravel(line.get_xdata())[0], np.ravel(line.get_ydata())[0]) for line in diamonds] == marks
    assert [text.get_text() for text in axis.get_legend().get_texts()][-1] == "published (Chan et al.)"
    at_edge = [text.get_text() for text in axis.texts if text.get_text() == "500k"]
    assert len(at_edge) == (PUBLISHED_STEPS not in scores)


def test_no_marker_and_no_legend_entry_where_nothing_was_published(trained):
    (group,) = groups_below(trained)
    axis = panel(SPEC, group)
    assert not [line for line in axis.lines if line.get_marker() == "D"]
    assert "published (Chan et al.)" not in [text.get_text() for text in axis.get_legend().get_texts()]


def test_the_band_says_what_it_is(write_run, tmp_path):
    write_run("one", {0: (0.5, 0.0)}, seed=0)
    assert any("95%" in text.get_text() for text in panel(SPEC, groups_below(tmp_path)[0]).texts)
    write_run("two", {0: (0.5, 0.0)}, seed=1)
    assert any("2 seeds" in text.get_text() for text in panel(SPEC, groups_below(tmp_path)[0]).texts)


def test_there_is_a_panel_for_each_group(write_run, tmp_path, monkeypatch):
    write_run("one", {0: (0.5, 0.0)})
    write_run("two", {0: (0.5, 0.0)}, data={"p_bursty": 0.5})
    drawn = []
    monkeypatch.setattr("icl_eval._figures.drawing._panel", lambda spec, axis, group: drawn.append((axis, group)))
    groups = groups_below(tmp_path)
    draw(SPEC, groups, [tmp_path / "a.png"])
    assert [group for _, group in drawn] == groups
    assert len({axis for axis, _ in drawn}) == 2
