"""The CSV file of a picture holds what is drawn: each point of each line, and each value of the paper."""

import csv

import pytest

from icl_eval import FIGURES, drawn_rows
from icl_eval._commands.main import _main
from icl_train import RunFolder, chan2022


def written(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def bursts(write_run, tmp_path):
    for p_bursty, icl in ((0.5, 0.6), (1.0, 0.9)):
        for seed in (0, 1):
            scores = {0: (0.5, 0.0), 20: (icl + 0.05 * seed, 0.3)}
            write_run(f"p{p_bursty}-s{seed}", scores, seed=seed, data={"p_bursty": p_bursty})
    return tmp_path / "runs"


def test_the_csv_is_the_lines_that_are_drawn_with_settings_as_columns(bursts, picture_of, tmp_path, capsys):
    assert _main(["figure2", str(bursts), "--out", str(tmp_path / "out")]) == 0
    rows = written(tmp_path / "out" / "figure2.csv")
    points = [
        (panel.y.name, line.settings["data.p_bursty"], x, y, low, high)
        for panel in picture_of("figure2", bursts).panels
        for line in panel.lines
        for x, y, low, high in zip(line.x, line.y, line.low, line.high, strict=True)
    ]
    numbers = ("data.p_bursty", "x_value", "value", "low", "high")
    assert [(row["y"], *(float(row[name]) for name in numbers)) for row in rows] == points
    assert len(rows) == 2 * 2 * 2
    assert {(row["x"], row["n_runs"], row["n_sequences"]) for row in rows} == {("step", "2", "200")}


def test_the_csv_has_the_papers_values_as_rows_of_their_own(write_run, picture_of, tmp_path):
    write_run("one", {0: (0.5, 0.0), 500_000: (0.6, 0.0)}, base=chan2022(), count=1600, train={"max_steps": 500_000})
    rows = [row for row in drawn_rows(picture_of("figure3a", tmp_path)) if row["kind"] == "published"]
    assert [(row["x_value"], row["value"]) for row in rows] == [(50_000, 0.75), (70_000, 0.78), (500_000, 0.66)]


def test_what_does_not_differ_is_no_column(bursts, picture_of):
    (row, *_) = drawn_rows(picture_of("figure2", bursts))
    assert [name for name in row if "." in name] == ["data.p_bursty"]


def test_panels_settings_are_columns_as_well(bursts, picture_of):
    (row, *_) = drawn_rows(picture_of("figure3a", bursts))
    assert row["data.p_bursty"] == 0.5
    assert row["classes"] == 64


@pytest.fixture
def bursts_measured_in_full(bursts, line):
    """The same with every evaluation and record of training that a figure draws."""
    evaluations = {name for spec in FIGURES.values() for name in spec.measures if "/" not in name}
    for path in sorted(bursts.iterdir()):
        run = RunFolder.open(path)
        more = sorted(evaluations - {"fewshot_holdout", "no_support_zipfian"})
        for step in (0, 20):
            run.append([line(name, step, 0.5, chance=0.5) for name in more])
        run.append([{"split": "train", "step": 20, "sequences": 320, "loss": 0.7}])
        run.mark_done()
    return bursts


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_has_rows_of_every_line(bursts_measured_in_full, picture_of, name):
    picture = picture_of(name, bursts_measured_in_full)
    rows = [row for row in drawn_rows(picture) if row["kind"] != "published"]
    assert len(rows) == sum(len(line.x) for panel in picture.panels for line in panel.lines) > 0
