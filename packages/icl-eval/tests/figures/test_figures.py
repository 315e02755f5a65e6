"""Each figure's numbers are those of its runs, in the panels and lines that it is about."""

from dataclasses import replace

import numpy as np
import pytest

from icl_eval import FIGURES, published
from icl_eval._figures.known import figure_called, figure_names
from icl_eval._picture.measures import measure_of
from icl_train import chan2022

SCORES = {0: (0.5, 0.0), 20: (0.75, 0.25)}


def last_values(panel):
    return {line.label: line.y[-1] for line in panel.lines}


def with_data(**changes):
    config = chan2022()
    return replace(config, data=replace(config.data, **changes))


def test_figure_2_has_icl_and_iwl_by_burstiness(write_run, picture_of, tmp_path):
    for p_bursty in (0.9, 0.0, 0.5):
        write_run(f"{p_bursty}", {0: (0.5, 0.0), 20: (p_bursty, 1 - p_bursty)}, data={"p_bursty": p_bursty})
    icl, iwl = picture_of("figure2", tmp_path).panels
    assert (icl.title, iwl.title) == ("2a  ICL", "2b  IWL")
    assert last_values(icl) == {"0": 0.0, "0.5": 0.5, "0.9": 0.9}
    assert last_values(iwl) == pytest.approx({"0": 1.0, "0.5": 0.5, "0.9": 0.1})
    assert [line.label for line in icl.lines] == ["0", "0.5", "0.9"]


def test_figure_3_has_both_panels_of_3a_and_3b(write_run, picture_of, tmp_path):
    for count in (64, 30):
        write_run(f"{count}", SCORES, count=count)
    both = picture_of("figure3", tmp_path).panels
    for panel, name in zip(both, ("figure3a", "figure3b"), strict=True):
        (alone,) = picture_of(name, tmp_path).panels
        assert last_values(panel) == last_values(alone)
        assert panel.y == alone.y


def test_figure_3_adamw_has_last_values_against_decay_beside_the_curves(write_run, picture_of, tmp_path):
    for decay in (0.0, 1e-3, 1e-2):
        for count in (30, 64):
            norms = dict.fromkeys(("weight_l2", "weight_l2_all", "grad_l2"), 10 + count + decay)
            optim = {"optimizer": "adamw", "weight_decay": decay}
            write_run(f"{decay}-{count}", SCORES, count=count, optim=optim, training={20: norms})
    panels = {(panel.row, panel.column): panel for panel in picture_of("figure3-adamw", tmp_path).panels}
    assert sorted(panels) == [(row, column) for row in range(5) for column in range(3)]
    final, few, many = (panels[2, column] for column in range(3))
    assert [line.label for line in final.lines] == ["30", "64"]
    assert final.lines[1].x.tolist() == [0, 1e-3, 1e-2]
    assert final.lines[1].y.tolist() == pytest.approx([74, 74.001, 74.01])
    assert last_values(few) == pytest.approx({"0": 40, "0.001": 40.001, "0.01": 40.01})
    assert many.title == "weight_l2, trained classes 64"


def test_figure_4_has_a_line_for_each_number_of_labels(write_run, picture_of, tmp_path):
    for labels in (10, 1, 2):
        rare = "ordered" if labels == 1 else f"ordered_polysemy{labels}"
        write_run(f"{labels}", SCORES, data={"labeling_rare": rare, "n_labels": None})
    (panel,) = picture_of("figure4", tmp_path).panels
    assert [line.label for line in panel.lines] == ["1", "2", "10"]


def test_figure_5_has_columns_by_burstiness_and_lines_from_no_to_full_variation(write_run, picture_of, tmp_path):
    for p_bursty in (1.0, 0.5):
        for exemplars, noise in (("all", None), ("single", 0.5), ("single", None), ("single", 0.1)):
            changes = {"exemplars": exemplars, "noise_scale": noise, "p_bursty": p_bursty}
            write_run(f"{p_bursty}{exemplars}{noise}", SCORES, base=with_data(**changes), count=1600)
    panels = picture_of("figure5", tmp_path).panels
    assert [panel.title for panel in panels] == [
        "5a  ICL, p(bursty) 0.5",
        "5a  ICL, p(bursty) 1",
        "5b  IWL, p(bursty) 0.5",
        "5b  IWL, p(bursty) 1",
    ]
    labels = [line.label for line in panels[0].lines]
    assert labels == ["none (one exemplar)", "noise 0.1", "noise 0.5", "full exemplars"]
    assert [line.marks[-1].y for line in panels[3].lines] == [0.98, 0.05, 0.0, 0.0]


def test_figure_6_has_last_values_against_the_exponent_above_and_curves_below(write_run, picture_of, tmp_path, line):
    for exponent, common in ((1.0, 0.9), (0.0, 0.1)):
        run = write_run(f"{exponent}", {0: (0.5, 0.0), 20: (0.7, 0.2)}, data={"zipf_exponent": exponent})
        run.append(
            [
                line(f"no_support_{of}", 20, 0.5, chance=0.1, accuracy_query=value)
                for of, value in (("common", common), ("rare", 0.0))
            ]
        )
        run.mark_done()
    panels = picture_of("figure6", tmp_path).panels
    assert [(panel.row, panel.column, panel.title) for panel in panels] == [
        (row, column, title) for row in (0, 1) for column, title in enumerate(("ICL", "IWL common", "IWL rare"))
    ]
    (final,) = panels[1].lines
    assert (final.x.tolist(), final.y.tolist()) == ([0, 1], [0.1, 0.9])
    assert final.chance.tolist() == [1 / 8, 1 / 8]  # among all labels; recorded is that of guessing among common ones
    assert panels[4].chances == (1 / 8,)
    assert last_values(panels[4]) == {"0": 0.1, "1": 0.9}


@pytest.mark.parametrize(
    ("name", "settings", "chance"),
    [
        ("no_support_common/accuracy_query", {}, 1 / 100),
        ("no_support_common/accuracy_query", {"labels_per_class": 5}, 1 / 500),
        ("no_support_rare/accuracy_query", {"labels_per_class": 5}, 1 / 100),
        ("no_support_rare/accuracy_query", {"data.n_labels": 32}, 1 / 32),
    ],
)
def test_in_weights_guesses_are_among_all_labels_of_trained_classes(name, settings, chance):
    assert measure_of(name).chance({"classes": 100, "labels_per_class": 1, **settings}) == chance
    assert np.isnan(measure_of("train/loss").chance({}))


@pytest.mark.parametrize(
    ("name", "title", "axis"),
    [
        ("train/accuracy_query", "training accuracy", "training accuracy over all labels"),
        ("train/weight_l2", "weight_l2", "L2 norm of the weights (no biases, norms, embeddings)"),
        ("flipped/accuracy_both", "ICL both ways right", "right with labels as they are and exchanged"),
        ("flipped/loss_query", "flipped loss_query", "flipped, loss_query"),
    ],
)
def test_measures_have_names_that_are_read_in_titles_and_on_axes(name, title, axis):
    assert (measure_of(name).short, measure_of(name).label) == (title, axis)


def test_figure_7_shows_every_draw_and_the_best_of_each_model_and_depth(write_run, picture_of, tmp_path):
    for model in ("transformer", "lstm"):
        for draw, icl in enumerate((0.6, 0.9, 0.7)):
            settings = {"sequence_model": model, "sequence_model_config": None, "num_heads": None}
            scores = {0: (0.5, 0.0), 20: (icl if model == "transformer" else 0.5, 0.0)}
            write_run(f"{model}{draw}", scores, model=settings, optim={"max_lr": 1e-3 * (draw + 1)})
    picture = picture_of("figure7", tmp_path)
    curves, strips = picture.panels
    assert [line.kind for line in curves.lines].count("run") == 4
    best = {line.label: line.run for line in curves.lines if line.kind == "best"}
    assert best["transformer (3)"] == "transformer1"
    assert sorted(strips.lines[1].y) == [0.6, 0.7, 0.9]
    assert picture.table[1]["best ICL"] == "0.900"


def test_transience_marks_the_peak_and_tables_the_fall_of_each_run(write_run, picture_of, tmp_path):
    falling = {0: (0.5, 0.0), 5: (0.9, 0.0), 10: (0.8, 0.0), 20: (0.6, 0.0)}
    write_run("without", falling)
    write_run("with", {0: (0.5, 0.0), 5: (0.8, 0.0), 10: (0.9, 0.0), 20: (0.9, 0.0)}, optim={"l2": 1e-4})
    picture = picture_of("transience", tmp_path)
    assert [line.points for line in picture.panels[0].lines] == [((1, "peak"),), ((2, "peak"),)]
    without, with_l2 = picture.table
    assert (without["run"], without["peak ICL"], without["at update"], without["fall after"]) == (
        "without",
        "0.900",
        "5",
        "0.300",
    )
    assert without["half-life"] == "15"  # half of what was above guessing is lost below .7, first seen at step 20
    assert with_l2["half-life"] == "over 10"


def test_tradeoff_has_a_path_for_each_run_of_iwl_against_icl(write_run, picture_of, tmp_path):
    scores = {step: (0.5 + step / 100, step / 50) for step in (0, 5, 10, 15, 20)}
    for seed in (0, 1):
        write_run(f"{seed}", scores, seed=seed)
    write_run("other", scores, data={"p_bursty": 0.5})
    (panel,) = picture_of("tradeoff", tmp_path).panels
    assert [(line.label, line.run) for line in panel.lines] == [
        ("p(bursty) 0.5", "other"),
        ("p(bursty) 0.9", "0"),
        ("", "1"),
    ]
    path = panel.lines[0]
    assert path.x.tolist() == [0.0, 0.1, 0.2, 0.3, 0.4]
    assert path.y.tolist() == [0.5, 0.55, 0.6, 0.65, 0.7]
    assert dict(path.points) == {0: "start", 1: "step 5", 2: "step 10", 3: "step 15", 4: "end"}


@pytest.mark.parametrize(
    ("figure", "split", "changes", "value"),
    [
        ("figure2", None, {"n_rare_classes": 1590, "p_bursty": 1.0}, 0.77),
        ("figure2", "no_support_zipfian", {"p_bursty": 0.0}, 0.92),
        ("figure4", None, {"labeling_rare": "ordered_polysemy5"}, 0.88),
        ("figure5", None, {"exemplars": "single", "noise_scale": 0.5, "p_bursty": 1.0}, 0.94),
        ("figure5", "no_support_zipfian", {}, 0.27),
    ],
)
def test_runs_of_the_papers_other_figures_have_its_values(figure, split, changes, value):
    assert published(figure, with_data(**changes), split)[-1] == (500_000, value)


def test_batch_statistics_as_on_the_papers_devices_are_the_papers_as_well():
    config = chan2022()
    for group, known in ((2, True), (4, False)):
        own = replace(config.model.embedder_config, sequences_per_statistics=group)
        grouped = replace(config, model=replace(config.model, embedder_config=own))
        assert bool(published("figure2", grouped)) == known


def test_figure_6_has_the_papers_values_for_the_augmented_classes_alone():
    augmented = {"augment": True, "n_rare_classes": 12_790, "n_common_classes": 10, "n_holdout_classes": 80}
    config = with_data(**augmented, zipf_exponent=1.0)
    assert published("figure6", config, "no_support_common/accuracy_query")[-1][1] == 0.94
    assert published("figure6", with_data(zipf_exponent=1.0)) == ()


def test_the_built_in_figures_are_known_and_each_says_what_it_needs():
    assert list(FIGURES) == [name for name in figure_names() if name in FIGURES]
    for name, spec in FIGURES.items():
        assert figure_called(name) is spec
        assert spec.title
        assert spec.measures
        assert spec.experiment
