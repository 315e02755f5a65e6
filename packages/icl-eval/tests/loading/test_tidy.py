"""The tidy table: a row for each value, with the run's settings beside it."""

import pytest

from icl_eval import RunsSkipped, load_runs

SCORES = {0: (0.5, 0.0), 20: (0.75, 0.25)}
COLUMNS = ["step", "sequences", "split", "metric", "value", "low", "high", "chance", "n_sequences", "headline"]


def test_a_row_is_a_value_with_all_that_its_record_says_of_it(write_run):
    run = write_run("one", SCORES)
    (row,) = load_runs(run.path).query("step == 20 and split == 'fewshot_holdout'").to_dict("records")
    record = next(r for r in run.records() if r["step"] == 20 and r["split"] == "eval_fewshot_holdout")
    assert {name: row[name] for name in COLUMNS} == {
        "step": 20,
        "sequences": 320,
        "split": "fewshot_holdout",
        "metric": "accuracy_closed",
        "value": 0.75,
        "low": record["accuracy_closed_low"],
        "high": record["accuracy_closed_high"],
        "chance": 0.5,
        "n_sequences": 100,
        "headline": True,
    }


def test_settings_are_columns_under_their_dotted_names_between_the_run_and_what_it_measured(write_run, tmp_path):
    run = write_run("one", SCORES)
    assert list(load_runs(tmp_path)) == ["run", "status", *run.config.flat(), *COLUMNS]


def test_runs_can_be_chosen_by_the_value_of_a_setting(write_run, tmp_path):
    write_run("one", SCORES)
    write_run("two", SCORES, data={"p_bursty": 0.5})
    table = load_runs(tmp_path)
    assert set(table[table["data.p_bursty"] == 0.5]["run"]) == {"two"}


def test_settings_can_be_grouped_by(write_run, tmp_path):
    write_run("one", SCORES)
    write_run("two", {0: (0.5, 0.0), 20: (0.25, 0.25)}, data={"p_bursty": 0.5})
    last = load_runs(tmp_path).query("step == 20 and split == 'fewshot_holdout'")
    assert last.groupby("data.p_bursty")["value"].mean().to_dict() == {0.5: 0.25, 0.9: 0.75}


def test_folders_that_are_passed_over_are_warned_of_and_listed(write_run, tmp_path):
    write_run("one", SCORES)
    half = write_run("half", {0: (0.5, 0.0)}, seed=1, done=False)
    with pytest.warns(RunsSkipped, match="skipped .*half: interrupted"):
        table = load_runs(tmp_path)
    (line,) = table.attrs["skipped"]
    assert line.startswith(f"skipped {half.path}: ")
