"""icl-eval plot: any setting or time against any measure, means over seeds and over nothing else."""

import csv
import json

import pytest

from icl_eval._commands.main import _main
from icl_eval._plot.plot import Asked, plot_picture
from icl_train import RunError

SCORES = {0: (0.5, 0.0), 10: (0.9, 0.1), 20: (0.75, 0.25)}


@pytest.fixture
def runs(write_run, tmp_path):
    """Two shares of bursty sequences, two depths, two seeds."""
    for p_bursty in (0.9, 0.5):
        for layers in (1, 2):
            for seed in (0, 1):
                final = p_bursty - 0.1 * layers - 0.05 * seed
                scores = {**SCORES, 20: (final, 1 - final)}
                name = f"p{p_bursty}-l{layers}-s{seed}"
                settings = {"data": {"p_bursty": p_bursty}, "model": {"num_layers": layers}}
                write_run(name, scores, seed=seed, training={20: {"loss": 2.0 + layers}}, **settings)
    return tmp_path / "runs"


@pytest.fixture
def plotted(runs, table_of):
    """What is drawn: ``plotted(x=…, y=…)``."""
    return lambda y=("icl",), **asked: plot_picture(table_of(runs), Asked(**{"x": "step", "y": y} | asked), name="plot")


def plot(*args):
    return _main(["plot", *map(str, args)])


def test_a_setting_against_a_measure_is_the_mean_over_seeds(plotted):
    (panel,) = plotted(x="data.p-bursty", hue="model.num-layers").panels
    one, two = panel.lines
    assert (one.label, two.label) == ("1", "2")
    assert one.x.tolist() == two.x.tolist() == [0.5, 0.9]
    assert one.y.tolist() == pytest.approx([0.375, 0.775])
    assert two.y.tolist() == pytest.approx([0.275, 0.675])
    assert one.n_runs.tolist() == [2, 2]
    assert one.low.tolist() == pytest.approx([0.35, 0.75])


@pytest.mark.parametrize("spelling", ["data.p-bursty", "data.p_bursty", "p-bursty", "--data.p-bursty"])
def test_a_setting_is_known_in_either_spelling(plotted, spelling):
    (panel,) = plotted(x=spelling, hue="model.num_layers").panels
    assert panel.x.name == "data.p_bursty"


def test_the_band_of_what_is_no_accuracy_has_the_digits_of_its_value(write_run, tmp_path, capsys):
    for seed in (0, 1):
        write_run(f"s{seed}", SCORES, seed=seed, training={20: {"loss": 1.2e-5 * (1 + seed)}})
    assert plot(tmp_path / "runs", "--y", "loss", "--out", tmp_path / "out") == 0
    assert "1.8e-05  1.2e-05 to 2.4e-05" in capsys.readouterr().out


def test_a_run_whose_last_value_is_not_finite_is_named_where_its_last_is_shown(write_run, tmp_path, table_of):
    for seed, values in enumerate(({10: 3.0, 20: 2.0}, {10: 3.0, 20: float("nan")})):
        training = {step: {"loss": value} for step, value in values.items()}
        write_run(f"s{seed}", SCORES, seed=seed, data={"p_bursty": 0.5 + seed / 10}, training=training)
    asked = Asked(x="data.p-bursty", y=("loss",))
    picture = plot_picture(table_of(tmp_path / "runs"), asked, name="plot")
    assert "Each run at its last record that is finite, s1 before its end." in picture.notes
    assert picture.panels[0].lines[0].y.tolist() == [2.0, 3.0]


def test_rows_and_columns_are_named_and_in_numeric_order(plotted):
    panels = plotted(row="model.num-layers", column="data.p-bursty").panels
    assert [(panel.row, panel.column, panel.title) for panel in panels] == [
        (0, 0, "layers 1, p(bursty) 0.5"),
        (0, 1, "layers 1, p(bursty) 0.9"),
        (1, 0, "layers 2, p(bursty) 0.5"),
        (1, 1, "layers 2, p(bursty) 0.9"),
    ]


@pytest.mark.parametrize(
    ("at", "values"), [("last", [0.375, 0.775]), ("peak", [0.9, 0.9]), (0, [0.5, 0.5]), (10, [0.9, 0.9])]
)
def test_the_moment_is_the_last_the_peak_or_a_step(plotted, at, values):
    (panel,) = plotted(x="data.p-bursty", hue="model.num-layers", at=at).panels
    assert panel.lines[0].y.tolist() == pytest.approx(values)


@pytest.mark.parametrize(
    ("y", "name", "value"),
    [
        ("icl", "fewshot_holdout", 0.775),
        ("iwl", "no_support_zipfian", 0.225),
        ("fewshot_holdout", "fewshot_holdout", 0.775),
        ("no_support_zipfian/accuracy_query", "no_support_zipfian/accuracy_query", 0.225),
        ("loss", "train/loss", 3.0),
        ("train/loss", "train/loss", 3.0),
    ],
)
def test_measures_are_short_names_splits_metrics_and_those_of_training(plotted, y, name, value):
    (panel,) = plotted((y,), x="data.p-bursty", hue="model.num-layers").panels
    assert panel.y.name == name
    assert panel.lines[0].y[-1] == pytest.approx(value)


def test_runs_are_chosen_by_their_seeds_as_well(write_run, table_of, tmp_path):
    for seed, icl in enumerate((0.6, 0.8)):
        write_run(f"s{seed}", {0: (0.5, 0.0), 20: (icl, 0.0)}, seed=seed)
    asked = Asked(x="step", y=("icl",), where=("seeds.data=1",))
    (panel,) = plot_picture(table_of(tmp_path), asked, name="plot").panels
    assert panel.lines[0].y.tolist() == [0.5, 0.8]


def test_several_measures_are_panels_beside_each_other_and_below_where_there_are_columns(plotted):
    beside = plotted(("icl", "iwl"), hue="data.p-bursty", row="model.num-layers").panels
    assert [(panel.row, panel.column) for panel in beside] == [(0, 0), (0, 1), (1, 0), (1, 1)]
    below = plotted(("icl", "iwl"), hue="data.p-bursty", column="model.num-layers").panels
    assert [(panel.row, panel.column, panel.y.name) for panel in below] == [
        (0, 0, "fewshot_holdout"),
        (0, 1, "fewshot_holdout"),
        (1, 0, "no_support_zipfian"),
        (1, 1, "no_support_zipfian"),
    ]


def test_over_sequences_each_update_counts_its_batch(plotted):
    (panel,) = plotted(x="sequences", hue="data.p-bursty", where=("model.num_layers=1",)).panels
    assert panel.lines[0].x.tolist() == [0, 160, 320]
    assert panel.x.label == "training sequences"


def test_a_setting_that_is_no_number_has_places_side_by_side(write_run, table_of, tmp_path):
    for model in ("transformer", "lstm"):
        settings = {"sequence_model": model, "sequence_model_config": None, "num_heads": None}
        write_run(model, SCORES, model=settings)
    picture = plot_picture(table_of(tmp_path), Asked(x="model.sequence-model", y=("icl",)), name="plot")
    (panel,) = picture.panels
    assert (panel.x.kind, panel.x.values) == ("category", ("lstm", "transformer"))
    assert panel.lines[0].x.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("values", "asked", "kind"),
    [
        ((1e-4, 1e-3, 1e-2), None, "log"),
        ((0.1, 0.2), None, "linear"),
        ((0.1, 0.2), True, "log"),
        ((1e-4, 1e-2), False, "linear"),
    ],
)
def test_the_scale_is_logarithmic_where_values_span_decades_or_when_asked_for(
    write_run, table_of, tmp_path, values, asked, kind
):
    for value in values:
        write_run(f"{value}", SCORES, optim={"max_lr": value})
    asked = Asked(x="optim.max-lr", y=("icl",), log_x=asked)
    assert plot_picture(table_of(tmp_path), asked, name="plot").panels[0].x.kind == kind


def test_seeds_can_be_told_apart_when_asked_for(plotted):
    where = ("model.num_layers=1", "p_bursty=0.9")
    (panel,) = plotted(hue="seeds.data", where=where).panels
    assert [line.label for line in panel.lines] == ["0", "1"]


def test_what_would_be_averaged_beside_seeds_is_refused_and_named(plotted):
    with pytest.raises(ValueError, match=r"only seeds are averaged over.*model\.num_layers \(1, 2\).*--where model"):
        plotted(x="data.p-bursty")


@pytest.mark.parametrize(("other", "refused"), [("longer:base=flip,shots=3", True), ("other:base=flip,shots=3", False)])
def test_evaluations_of_one_name_and_two_meanings_are_not_averaged(write_run, table_of, tmp_path, other, refused):
    for seed, own in enumerate(("longer:base=flip,shots=2", other)):
        write_run(f"s{seed}", SCORES, seed=seed, eval={"evaluations": ("fewshot_holdout", "no_support_zipfian", own)})
    table = table_of(tmp_path / "runs")
    if not refused:
        plot_picture(table, Asked(x="step", y=("icl",)), name="plot")
        return
    with pytest.raises(ValueError, match=r"eval\.evaluations"):
        plot_picture(table, Asked(x="step", y=("icl",)), name="plot")


def test_what_differs_along_with_the_axes_is_said_in_the_figure(write_run, table_of, tmp_path):
    for p_bursty, rate in ((0.5, 1e-3), (0.9, 1e-2)):
        write_run(f"{p_bursty}", SCORES, data={"p_bursty": p_bursty}, optim={"max_lr": rate})
    notes = plot_picture(table_of(tmp_path), Asked(x="data.p-bursty", y=("icl",)), name="plot").notes
    assert notes[-1] == "Differing along with what is shown: optim.max_lr."


def test_chance_is_that_of_each_place(write_run, table_of, tmp_path):
    for count in (30, 64):
        write_run(f"{count}", SCORES, count=count)
    (panel,) = plot_picture(table_of(tmp_path), Asked(x="classes", y=("iwl",)), name="plot").panels
    assert panel.lines[0].chance.tolist() == [1 / 30, 1 / 64]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--x", "p_burst"], r"--x must be step, sequences or a setting, got 'p_burst'; did you mean data\.p_bursty"),
        (["--hue", "nothing"], r"--hue must be a setting, got 'nothing'; in these runs vary: data\.p_bursty, model"),
        (["--y", "iccl"], "--y must be among icl, iwl, loss, or split/metric, got 'iccl'; did you mean icl"),
        (["--y", "icl/none"], "got 'icl/none'"),
        (["--x", "p-bursty", "--hue", "data.p_bursty"], "--x and --hue must be different settings"),
        (["--where", "p_bursty"], "--where must be setting=value, as data.p-bursty=0.9, got 'p_bursty'"),
        (["--where", "p_bursty=0.7"], r"--where data\.p_bursty must be one of 0\.5, 0\.9, got '0\.7'"),
        (["--x", ""], "--x must be step, sequences or a setting, got ''"),
        (["--hue", ""], "--hue must be a setting, got ''"),
        (["--hue", "p-bursty", "--row", "num-layers", "--at", "peak"], "got peak beside --x step"),
        (["--where", "value=1"], r"got 'value'; in these runs vary: data.p_bursty, model.num_layers, seeds[a-z., ]*$"),
        (["--at", "first"], "--at must be last, peak or a step, got 'first'"),
        (["--x", "p-bursty", "--hue", "num-layers", "--at", "7"], r"recorded \(0, 10, 20\), got 7"),
        (["--style", "poster"], "--style must be one of notebook, paper, talk, got 'poster'"),
        (["--band", "se"], "--band must be one of range, sd, bootstrap, got 'se'"),
        (["--name", "../x"], "--name must be a name of letters"),
        (["--name", "n" * 250], "--name must have at most 200 bytes, got 250"),
        (["--name", "é" * 110], "--name must have at most 200 bytes, got 220"),
        (["--where", "--json"], "--where needs at least one value, got the option --json"),
        (
            ["--x", "model.embedder", "--row", "p-bursty", "--col", "num-layers", "--log-x", "True"],
            "--log-x needs numbers",
        ),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(runs, tmp_path, args, message):
    with pytest.raises(ValueError, match=message) as caught:
        plot(runs, *args, "--out", tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_without_a_usable_run_there_is_one_line(tmp_path):
    with pytest.raises(RunError, match="plot needs at least one finished run, found none below"):
        plot(tmp_path)


def test_a_plot_is_three_pictures_and_the_numbers_drawn(runs, tmp_path, capsys):
    out = tmp_path / "out"
    assert plot(runs, "--x", "p-bursty", "--hue", "num-layers", "--out", out, "--name", "mine") == 0
    assert sorted(path.name for path in out.iterdir()) == ["mine.csv", "mine.pdf", "mine.png", "mine.svg"]
    with (out / "mine.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    drawn = [(row["model.num_layers"], row["x_value"], round(float(row["value"]), 3)) for row in rows]
    assert drawn == [("1", "0.5", 0.375), ("1", "0.9", 0.775), ("2", "0.5", 0.275), ("2", "0.9", 0.675)]
    assert "0.375" in capsys.readouterr().out


def test_json_is_what_the_csv_holds(runs, tmp_path, capsys):
    assert plot(runs, "--x", "p-bursty", "--hue", "num-layers", "--out", tmp_path, "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert [(row["data.p_bursty"] if "data.p_bursty" in row else row["x_value"]) for row in rows] == [0.5, 0.9] * 2


@pytest.mark.parametrize("style", ["paper", "talk", "notebook"])
def test_every_style_is_drawn_without_a_warning(runs, tmp_path, style):
    args = ("--x", "p-bursty", "--y", "icl", "iwl", "--hue", "num-layers", "--style", style)
    assert plot(runs, *args, "--out", tmp_path / style) == 0
    assert (tmp_path / style / "plot.png").stat().st_size > 10_000
