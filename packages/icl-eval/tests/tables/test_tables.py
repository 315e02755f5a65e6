"""The numbers behind a figure are those of metrics.jsonl."""

import csv

import pytest

from icl_eval import FIGURES, collect, figure_table, final_rows, group_runs, timeseries_rows, write_csv
from icl_train import chan2022

ICL = {
    "fewshot_holdout": ("icl_two_way", "accuracy_closed"),
    "flipped": ("icl_flipped", "accuracy_closed"),
    "novel_label": ("icl_novel_label", "accuracy_closed"),
}
IWL = {"no_support_zipfian": ("iwl", "accuracy_query")}
OF_CLASSES = ("figure3a", "figure3b")
OF_A_ROW = ["run", "group", "classes", "seed", "step", "sequences"]
OF_A_SPLIT = ["", "_low", "_high", "_chance", "_n_sequences", "_protocol"]


def cells(table):
    """Header and rows of a rich table, as text."""
    columns = [[str(cell) for cell in column.cells] for column in table.columns]
    return [str(column.header) for column in table.columns], [list(row) for row in zip(*columns, strict=True)]


@pytest.fixture
def groups(trained):
    return group_runs(collect(trained)[0])


@pytest.mark.parametrize(("figure", "columns"), [("figure3a", ICL), ("figure3b", IWL)])
def test_every_evaluation_is_a_row_with_the_numbers_of_metrics_jsonl(groups, tmp_path, figure, columns):
    write_csv(tmp_path / "a.csv", timeseries_rows(FIGURES[figure], groups))
    with (tmp_path / "a.csv").open(newline="") as file:
        rows = {(row["run"], int(row["step"])): row for row in csv.DictReader(file)}
    records = [(one.run, record) for one in groups[0].series for record in one.run.records()]
    records = [(run, record) for run, record in records if record["split"].removeprefix("eval_") in columns]
    assert len(records) == len(columns) * len(rows) == len(columns) * 3 * 3
    for run, record in records:
        row = rows[run.name, record["step"]]
        column, metric = columns[record["split"].removeprefix("eval_")]
        assert float(row[column]) == record[metric]
        assert float(row[f"{column}_low"]) == record[f"{metric}_low"]
        assert float(row[f"{column}_high"]) == record[f"{metric}_high"]
        assert float(row[f"{column}_chance"]) == record["chance"]
        assert int(row[f"{column}_n_sequences"]) == record["n_sequences"] == 32
        assert row[f"{column}_protocol"] == record["protocol"] == "paper"
        assert int(row["sequences"]) == record["sequences"] == 16 * record["step"]
        assert int(row["seed"]) == run.config.seeds.data
        assert int(row["classes"]) == run.config.data.n_trained_classes
        assert row["group"] == groups[0].title
        if record["split"] == "eval_flipped":
            assert float(row["icl_both_ways"]) == record["accuracy_both"]


def test_figure3a_rows_hold_icl_and_its_controls_alone_and_figure3b_rows_iwl_alone(groups):
    columns = {name: list(final_rows(FIGURES[name], groups)[0]) for name in OF_CLASSES}
    controls = [f"icl_{name}{end}" for name in ("flipped", "novel_label") for end in OF_A_SPLIT]
    controls.insert(controls.index("icl_novel_label"), "icl_both_ways")
    assert columns == {
        "figure3a": OF_A_ROW + [f"icl_two_way{end}" for end in OF_A_SPLIT] + controls,
        "figure3b": OF_A_ROW + [f"iwl{end}" for end in OF_A_SPLIT],
    }


@pytest.mark.parametrize("spec", [FIGURES[name] for name in OF_CLASSES], ids=OF_CLASSES)
def test_final_rows_are_the_last_of_each_run(groups, spec):
    everything = timeseries_rows(spec, groups)
    assert final_rows(spec, groups) == [row for row in everything if row["step"] == 20]
    assert len(final_rows(spec, groups)) == 3


def test_an_evaluation_without_what_a_figure_draws_is_no_row_of_it_and_not_its_last_value(
    write_run, put_lines, picture_of, tmp_path
):
    run = write_run("one", {0: (0.5, 0.0), 10: (0.75, 0.25), 20: (1.0, 0.5)})
    lines = (run.path / "metrics.jsonl").read_text().splitlines()
    put_lines(run, "".join(f"{line}\n" for line in lines if not ("zipfian" in line and '"step": 20' in line)))
    groups = group_runs(collect(tmp_path)[0])
    assert [row["step"] for row in timeseries_rows(FIGURES["figure3b"], groups)] == [0, 10]
    assert [row["step"] for row in final_rows(FIGURES["figure3a"], groups)] == [20]
    assert [row["step"] for row in final_rows(FIGURES["figure3b"], groups)] == [10]
    _, ((*_, step, accuracy, _, _, n),) = cells(figure_table(picture_of("figure3b", tmp_path).panels[0]))
    assert (step, accuracy, n) == ("10", "0.250", "100")


def test_runs_of_one_name_in_two_folders_are_called_by_their_paths(write_run, tmp_path):
    write_run("a/same", {20: (0.5, 0.0)}, seed=0)
    write_run("b/same", {20: (0.5, 0.0)}, seed=1)
    write_run("b/other", {20: (0.5, 0.0)}, seed=2)
    groups = group_runs(collect(tmp_path / "runs/a", tmp_path / "runs/b")[0])
    names = [row["run"] for row in final_rows(FIGURES["figure3a"], groups)]
    assert names == [str(tmp_path / "runs/a/same"), str(tmp_path / "runs/b/same"), "other"]


def test_the_table_shows_the_last_common_value_of_each_class_count(write_run, picture_of, tmp_path):
    write_run("one", {0: (0.5, 0.0), 20: (0.75, 0.25)}, count=1064)
    write_run("two", {0: (0.5, 0.0), 10: (0.25, 1.0)}, count=30)
    header, rows = cells(figure_table(picture_of("figure3a", tmp_path).panels[0]))
    assert header == ["classes", "seeds", "step", "accuracy", "95% interval", "chance", "n"]
    assert rows == [
        ["30", "1", "10", "0.250", "0.175-0.343", "0.5", "100"],
        ["1,064", "1", "20", "0.750", "0.657-0.825", "0.5", "100"],
    ]
    _, rows = cells(figure_table(picture_of("figure3b", tmp_path).panels[0]))
    assert [row[3] for row in rows] == ["1.000", "0.250"]
    assert [row[5] for row in rows] == ["0.0333", "0.00094"]


def test_the_table_of_several_seeds_shows_their_mean_and_range(write_run, picture_of, tmp_path):
    for seed, score in enumerate((0.5, 0.75, 1.0)):
        write_run(f"{seed}", {20: (score, 0.0)}, seed=seed)
    header, rows = cells(figure_table(picture_of("figure3a", tmp_path).panels[0]))
    assert header[4] == "least-greatest"
    assert rows == [["64", "3", "20", "0.750", "0.500-1.000", "0.5", "300"]]


def test_a_single_seed_beside_several_is_not_called_a_range_of_seeds(write_run, picture_of, tmp_path):
    write_run("one", {20: (0.5, 0.0)}, seed=0)
    write_run("two", {20: (0.75, 0.0)}, seed=1)
    write_run("alone", {20: (0.5, 0.0)}, seed=0, count=30)
    header, rows = cells(figure_table(picture_of("figure3a", tmp_path).panels[0]))
    assert "95%" in header[4] or "95%" in rows[0][4]


def test_the_table_has_the_papers_values_where_there_are_any(write_run, picture_of, tmp_path):
    for count in (100, 200, 1600):
        write_run(f"{count}", {20: (0.5, 0.0)}, count=count, base=chan2022())
    header, rows = cells(figure_table(picture_of("figure3a", tmp_path).panels[0]))
    assert header[-1] == "paper"
    assert [row[-1] for row in rows] == ["0.50 at 50,000", "", "0.75 at 50,000"]
