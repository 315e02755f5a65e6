"""Figures of the papers that came after have the numbers of hand-made runs, in the panels that they are about."""

import json
import math

import pytest

from icl_eval import drawn_rows
from icl_eval._commands.main import _main
from icl_eval._drawing.panel import with_own_chance
from icl_eval._figures.followups.given import labels_of
from icl_eval._figures.followups.singh2024 import picture as induction_picture
from icl_models import find_experiment
from icl_train import RunError, experiment_runs

ALONE = "blocks.1.attention.heads:ablate,but={}"
INDUCTION = "blocks.1.attention.weights.0:pattern=induction"


def last_values(panel):
    return {line.label: line.y[-1].round(6) for line in panel.lines}


STRATEGIES = {
    "fewshot_zipfian": {0: (0.5, 0.5), 5: (0.9, 0.5), 10: (0.6, 0.5), 20: (0.6, 0.5)},
    "flip": {0: (0.5, 0.5), 5: (0.7, 0.5), 10: (0.3, 0.5), 20: (0.04, 0.5)},
    "ciwl": {0: (0.5, 0.5), 5: (0.6, 0.5), 10: (0.9, 0.5), 20: (0.97, 0.5)},
    "no_support_zipfian": {0: (0.0, 0.01), 5: (0.0, 0.01), 10: (0.1, 0.01), 20: (0.2, 0.01)},
}


def test_coopetition_has_the_four_evaluations_as_lines_of_one_panel(measured, picture_of, tmp_path):
    for seed in (0, 1):
        measured(f"{seed}", STRATEGIES, seed=seed)
    (panel,) = picture_of("singh2025-coopetition", tmp_path).panels
    assert last_values(panel) == {"ICL": 0.6, "flip": 0.04, "CIWL": 0.97, "pure IWL": 0.2}
    assert [line.hue for line in panel.lines] == [0, 1, 2, 3]
    assert panel.chances == (0.01, 0.5)
    assert {int(n) for line in panel.lines for n in line.n_runs} == {2}


def test_coopetition_marks_and_tables_the_peak_of_icl_alone(measured, picture_of, tmp_path):
    measured("one", STRATEGIES)
    picture = picture_of("singh2025-coopetition", tmp_path)
    assert [line.points for line in picture.panels[0].lines] == [((1, "peak"),), (), (), ()]
    (row,) = picture.table
    assert (row["peak ICL"], row["at update"], row["fall after"], row["half-life"]) == ("0.900", "5", "0.300", "5")


def test_a_run_that_never_learns_in_context_has_no_half_life(measured, picture_of, tmp_path):
    never = {0: (0.48, 0.5), 5: (0.49, 0.5), 10: (0.44, 0.5), 20: (0.4, 0.5)}
    measured("never", STRATEGIES | {"fewshot_zipfian": never})
    (row,) = picture_of("singh2025-coopetition", tmp_path).table
    assert row["half-life"] == ""


def test_a_group_of_runs_has_a_panel_of_its_own(measured, picture_of, tmp_path):
    measured("slow", STRATEGIES, optim={"max_lr": 1e-4})
    measured("fast", STRATEGIES, optim={"max_lr": 1e-3})
    panels = picture_of("singh2025-coopetition", tmp_path).panels
    assert [(panel.title, panel.column, len(panel.lines)) for panel in panels] == [
        ("max_lr 0.0001", 0, 4),
        ("max_lr 0.001", 1, 4),
    ]


def test_a_measure_keeps_its_colour_where_another_was_not_recorded(measured, picture_of, tmp_path):
    measured("one", {name: STRATEGIES[name] for name in ("fewshot_zipfian", "no_support_zipfian")})
    (panel,) = picture_of("singh2025-coopetition", tmp_path).panels
    assert {line.label: line.hue for line in panel.lines} == {"ICL": 0, "pure IWL": 3}


def test_rows_of_lines_of_several_measures_say_which_each_is(measured, picture_of, tmp_path):
    measured("one", STRATEGIES)
    rows = drawn_rows(picture_of("singh2025-coopetition", tmp_path))
    assert {(row["line"], row["y"]) for row in rows} == {
        ("ICL", "fewshot_zipfian"),
        ("flip", "flip"),
        ("CIWL", "ciwl"),
        ("pure IWL", "no_support_zipfian"),
    }


STEPS = range(50, 3001, 50)
FEW_SHOT = {"sequence": "fewshot_zipfian"}


def falling(at):
    """A loss of training that falls from .75, after what is learned at first, to 0."""
    return {
        step: {"loss": 0.9 * math.exp(-step / 60) + 0.75 / (1 + math.exp((step - at) / (at / 12)))} for step in STEPS
    }


@pytest.fixture
def clamped(write_run):
    """Makes a run under interventions whose loss falls at an update."""

    def make(name, at, *interventions, **options):
        base = {"interventions": interventions or None, "num_layers": 2}
        return write_run(name, {20: (0.5, 0.0)}, model=base, data=FEW_SHOT, training=falling(at), **options)

    return make


@pytest.fixture
def circuits(clamped):
    clamped("whole", 600)
    clamped("head0", 1200, ALONE.format(0))
    clamped("head1", 1800, ALONE.format(1))
    clamped("match", 300, ALONE.format(0), INDUCTION)


def test_induction_has_heads_alone_left_and_given_parts_beside_their_head_right(circuits, picture_of, tmp_path):
    left, right = picture_of("singh2024-induction", tmp_path).panels
    assert (left.title, [line.label for line in left.lines]) == (
        "one head of layer 2 alone",
        ["whole model", "head 0 alone", "head 1 alone"],
    )
    assert (right.title, [line.label for line in right.lines]) == (
        "parts that are given",
        ["head 0 alone", "perfect match"],
    )
    assert left.lines[1].hue == right.lines[0].hue
    assert left.chances == right.chances == (math.log(2),)


def test_induction_has_updates_in_their_logarithm(circuits, picture_of, tmp_path):
    for panel in picture_of("singh2024-induction", tmp_path).panels:
        assert panel.x.log
        assert panel.lines[0].x.tolist() == list(STEPS)


def test_times_are_compared_heads_with_the_whole_model_and_given_parts_with_their_head(circuits, picture_of, tmp_path):
    rows = {row["line"]: row for row in picture_of("singh2024-induction", tmp_path).table}
    assert list(rows) == ["whole model", "head 0 alone", "head 1 alone", "perfect match"]
    halves = {name: float(row["half"].replace(",", "")) for name, row in rows.items()}
    assert halves["whole model"] == pytest.approx(600, rel=0.03)
    assert halves["head 1 alone"] == pytest.approx(1800, rel=0.03)
    for name, base in (
        ("head 0 alone", "whole model"),
        ("head 1 alone", "whole model"),
        ("perfect match", "head 0 alone"),
    ):
        assert float(rows[name]["ratio"]) == pytest.approx(halves[name] / halves[base], abs=0.01)
    assert rows["whole model"]["ratio"] == ""


def test_times_that_only_some_seeds_have_have_no_mean(clamped, picture_of, tmp_path):
    clamped("early", 600)
    clamped("never", 10_000, seed=1)
    (row,) = picture_of("singh2024-induction", tmp_path).table
    assert (row["seeds"], row["onset"], row["interval"], row["half"]) == ("2", "1 of 2", "", "1 of 2")


def test_onsets_of_seeds_are_from_the_least_to_the_greatest(clamped, picture_of, tmp_path):
    for seed, at in enumerate((600, 700, 800)):
        clamped(f"{at}", at, seed=seed)
    (row,) = picture_of("singh2024-induction", tmp_path).table
    low, high = (float(end) for end in row["interval"].split("-"))
    # Some of what is learned at first is taken for the step.
    assert (low, high) == (pytest.approx(600, rel=0.06), pytest.approx(800, rel=0.06))
    assert float(row["onset"]) == pytest.approx(700, rel=0.06)


def test_what_is_learned_in_the_first_updates_is_no_onset(write_run, picture_of, tmp_path):
    plateau = {step: {"loss": 0.75 + 0.85 / (1 + math.exp((step - 300) / 30))} for step in STEPS}
    write_run("plateau", {20: (0.5, 0.0)}, data=FEW_SHOT, training=plateau)
    (row,) = picture_of("singh2024-induction", tmp_path).table
    assert (row["onset"], row["half"]) == ("0 of 1", "0 of 1")


def test_an_onset_too_early_for_the_whole_run_is_fitted_to_its_beginning(write_run, picture_of, tmp_path):
    early = {step: {"loss": 0.375 * (1 - math.tanh((step - 80) / 16))} for step in range(10, 6001, 10)}
    write_run("early", {20: (0.5, 0.0)}, data=FEW_SHOT, training=early)
    (row,) = picture_of("singh2024-induction", tmp_path).table
    assert float(row["onset"]) == pytest.approx(80, rel=0.02)


def test_a_loss_too_early_for_a_plateau_has_a_half_all_the_same(write_run, picture_of, tmp_path):
    steep = dict(zip((50, 100, 150, 200, 250, 300, 350), (1.46, 0.81, 0.46, 0.26, 0.17, 0.12, 0.08), strict=True))
    write_run("match", {20: (0.5, 0.0)}, data=FEW_SHOT, training={step: {"loss": loss} for step, loss in steep.items()})
    (row,) = picture_of("singh2024-induction", tmp_path).table
    assert (row["onset"], row["half"]) == ("0 of 1", "178")  # from .46 to .26, half of log 2 is passed


def test_where_contexts_have_more_labels_than_ways_nothing_is_said_of_guessing(write_run, picture_of, tmp_path):
    write_run("bursty", {20: (0.5, 0.0)}, training=falling(600))
    picture = picture_of("singh2024-induction", tmp_path)
    assert picture.panels[0].chances == ()
    assert not any("Guessing" in note for note in picture.notes)
    (row,) = picture.table
    assert (row["onset"] != "0 of 1", row["half"]) == (True, "0 of 1")


def test_interventions_without_a_label_are_called_by_their_text(circuits, table_of, tmp_path):
    left, right = induction_picture(table_of(tmp_path), labels={(ALONE.format(1),): "the second"}).panels
    assert [line.label for line in left.lines] == ["whole model", ALONE.format(0), "the second"]
    assert right.lines[1].label == f"{ALONE.format(0)}, {INDUCTION}"


def test_every_run_of_the_experiment_finds_its_label():
    spec = find_experiment("singh2024-induction")
    there = {tuple(run.config.model.interventions or ()) for run in experiment_runs(spec, "laptop")}
    assert there == set(labels_of(spec))


def bursts(size):
    return {"shots": size, "ways": 8 // size, "fs_shots": size}


@pytest.fixture
def reddy(measured):
    """Makes a run with these last accuracies: ICL, ICL2, IWL; settings of the data beside those of all."""

    def make(name, icl, icl2, iwl, *, seed=0, count=1024, training=None, optim=None, **data):
        chance = 1 / data.get("ways", 2)
        course = training or (0.0, 1.0)
        return measured(
            name,
            {
                split: {
                    20 * i // (len(course) - 1): (low + (last - low) * share, low) for i, share in enumerate(course)
                }
                for split, last, low in (
                    ("shared_label", icl, chance),
                    ("shifted", icl2, chance),
                    ("random_zipfian", iwl, 0.125),
                )
            },
            seed=seed,
            count=count,
            data={**bursts(4), "p_bursty": 1.0, "n_common_classes": 0, **data},
            optim=optim or {},
        )

    return make


def test_reddy_has_a_panel_for_each_setting_in_which_alone_runs_differ(reddy, picture_of, tmp_path):
    reddy("base", 0.9, 0.8, 0.2)
    reddy("again", 1.0, 0.8, 0.2, seed=1)
    reddy("K", 0.6, 0.5, 0.7, count=128)
    reddy("B", 0.2, 0.1, 0.9, **bursts(1))
    reddy("eps", 0.99, 0.9, 0.1, noise_scale=0.5)
    reddy("two at once", 0.0, 0.0, 0.0, count=128, noise_scale=0.5)
    classes, size, noise, over_time = picture_of("reddy2023", tmp_path).panels
    assert (classes.x.label, classes.x.kind, size.x.label) == ("classes K", "log", "burst size B")
    icl, icl2, iwl = classes.lines
    assert [line.label for line in classes.lines] == ["ICL", "ICL2", "IWL"]
    assert (icl.x.tolist(), icl.y.tolist(), icl.n_runs.tolist()) == ([128, 1024], [0.6, pytest.approx(0.95)], [1, 2])
    assert (icl2.y.tolist(), iwl.y.tolist()) == ([0.5, 0.8], [0.7, 0.2])
    assert (size.lines[0].x.tolist(), size.lines[0].chance.tolist()) == ([1, 4], [0.125, 0.5])
    assert noise.lines[0].x.tolist() == [0.1, 0.5]  # the Gaussian source's own noise where none is given
    assert (over_time.title, over_time.x.kind) == ("ICL", "steps")
    assert [line.label for line in over_time.lines] == ["128 (n = 1)", "1,024 (n = 2)"]


def test_a_group_in_which_classes_do_not_vary_has_no_curve_beside_one_in_which_they_do(reddy, picture_of, tmp_path):
    for count in (128, 1024):
        reddy(f"{count}", 0.9, 0.8, 0.2, count=count)
    for noise in (0.0, 1.0):
        reddy(f"noise {noise}", 0.9, 0.8, 0.2, noise_scale=noise, optim={"max_lr": 0.5})
    panels = picture_of("reddy2023", tmp_path).panels
    assert [panel.x.label for panel in panels if "0.5" in panel.title] == [
        "within-class noise \N{GREEK SMALL LETTER EPSILON}"
    ]
    assert sum(panel.x.name == "step" for panel in panels) == 1


def test_reddy_tables_the_accuracies_of_each_value(reddy, picture_of, tmp_path):
    reddy("base", 0.9, 0.8, 0.2)
    reddy("K", 0.6, 0.5, 0.7, count=128)
    assert list(picture_of("reddy2023", tmp_path).table) == [
        {"varied": "K", "value": "128", "seeds": "1", "ICL": "0.600", "ICL2": "0.500", "IWL": "0.700"},
        {"varied": "K", "value": "1,024", "seeds": "1", "ICL": "0.900", "ICL2": "0.800", "IWL": "0.200"},
    ]


def test_reddy_marks_the_onset_of_each_number_of_classes(reddy, picture_of, tmp_path):
    reddy("few", 0.9, 0.8, 0.2, count=128, training=[1 / (1 + math.exp(12 - i)) for i in range(21)])
    reddy("many", 0.9, 0.8, 0.2, training=[1 / (1 + math.exp(8 - i)) for i in range(21)])
    picture = picture_of("reddy2023", tmp_path)
    assert [line.points for line in picture.panels[-1].lines] == [((12, "onset"),), ((8, "onset"),)]
    assert any("K = 128: update 12 (" in note and "K = 1,024: update 8 (" in note for note in picture.notes)


def test_reddy_marks_the_onset_of_icl_in_the_runs_that_are_common_to_all(reddy, picture_of, tmp_path):
    reddy("base", 0.9, 0.8, 0.2, training=[1 / (1 + math.exp(10 - i)) for i in range(21)])
    picture = picture_of("reddy2023", tmp_path)
    (over_time,) = picture.panels
    assert over_time.lines[0].points == ((10, "onset"),)
    assert any("onset of ICL, with 95% of the fit: update 10 (" in note for note in picture.notes)


@pytest.fixture
def grid(reddy):
    for count in (128, 1024):
        for exponent in (0.0, 1.0, 2.0):
            if (count, exponent) != (128, 2.0):
                icl = count / 2048 + exponent / 10
                reddy(f"{count}-{exponent}", icl, icl / 2, 1 - icl, count=count, zipf_exponent=exponent)


def test_phases_are_a_map_for_each_kind_of_learning(grid, picture_of, tmp_path):
    panels = picture_of("reddy2023-phases", tmp_path).panels
    assert [(panel.title, panel.column, panel.as_map) for panel in panels] == [
        ("ICL", 0, True),
        ("ICL2", 1, True),
        ("IWL", 2, True),
    ]
    icl = panels[0]
    assert icl.x.values == ("128", "1,024")
    assert [(line.label, line.x.tolist(), line.y.round(4).tolist()) for line in icl.lines] == [
        ("0", [0, 1], [0.0625, 0.5]),
        ("1", [0, 1], [0.1625, 0.6]),
        ("2", [1], [0.7]),
    ]


def test_rows_of_a_map_have_both_settings_and_the_value_of_each_cell(grid, picture_of, tmp_path):
    rows = drawn_rows(picture_of("reddy2023-phases", tmp_path))
    assert len(rows) == 3 * 5
    (cell,) = [row for row in rows if (row["y"], row["x_value"], row["line"]) == ("shared_label", "1,024", "2")]
    assert (cell["x"], cell["data.zipf_exponent"], round(cell["value"], 4)) == ("classes", 2, 0.7)


def test_runs_that_differ_in_more_than_the_grid_are_in_no_map(grid, reddy, picture_of, tmp_path):
    reddy("other", 0.5, 0.5, 0.5, noise_scale=0.5)
    panels = picture_of("reddy2023-phases", tmp_path).panels
    assert len(panels) == 3
    assert "noise_scale 0.1" in panels[0].title


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("singh2024-induction", "records of train/loss"),
        ("reddy2023", "evaluations of shared_label"),
        ("reddy2023-phases", "evaluations of shared_label"),
    ],
)
def test_runs_without_what_a_figure_needs_lead_to_the_experiment(write_run, tmp_path, name, what):
    write_run("one", {0: (0.5, 0.0), 20: (0.6, 0.1)})
    with pytest.raises(RunError, match=f"{name} needs at least one finished run with {what}, .*icl-train sweep {name}"):
        _main([name, str(tmp_path / "runs")])
    assert not list((tmp_path / "runs").glob("*.png"))


@pytest.mark.parametrize(("name", "runs"), [("reddy2023", "grid"), ("singh2024-induction", "circuits")])
def test_pictures_and_their_numbers_are_written(name, runs, request, tmp_path):
    request.getfixturevalue(runs)
    assert _main([name, str(tmp_path / "runs"), "--out", str(tmp_path / "out")]) == 0
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == sorted(f"{name}{end}" for end in (".png", ".pdf", ".svg", ".csv"))


def test_a_map_is_written_as_picture_csv_and_json(grid, tmp_path, capsys):
    assert _main(["reddy2023-phases", str(tmp_path / "runs"), "--out", str(tmp_path / "out"), "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert len(rows) == 3 * 5
    assert (tmp_path / "out" / "reddy2023-phases.png").stat().st_size > 0


def test_of_two_settings_as_common_as_each_other_the_papers_is_held(reddy, picture_of, tmp_path):
    for name, count in (("a", 128), ("b", 1024)):
        reddy(name, count / 2048, 0.5, 0.5, count=count)
    picture = picture_of("reddy2023", tmp_path)
    assert any("K = 1,024" in note for note in picture.notes)


def test_noise_around_guessing_is_no_onset(reddy, picture_of, tmp_path):
    reddy("flat", 1.0, 0.5, 0.2, training=[0.0] * 10 + [0.05] * 11)
    (over_time,) = picture_of("reddy2023", tmp_path).panels
    assert over_time.lines[0].points == ()


def test_guesses_of_measures_that_lie_upon_each_other_are_one(measured, picture_of, tmp_path):
    near = {name: {0: (0.5, level), 20: (0.6, level)} for name, level in (("fewshot_zipfian", 0.512), ("flip", 0.516))}
    measured("one", near | {"no_support_zipfian": {0: (0.0, 0.01), 20: (0.2, 0.01)}})
    (panel,) = picture_of("singh2025-coopetition", tmp_path).panels
    assert [line.label for line in with_own_chance(panel)] == ["ICL", "pure IWL"]
