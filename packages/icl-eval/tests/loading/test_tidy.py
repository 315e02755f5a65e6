"""The tidy table: a row for each value, with the run's settings beside it."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from icl_eval import RunsSkipped, load_runs
from icl_eval._loading import tidy
from icl_train import RunError

SCORES = {0: (0.5, 0.0), 20: (0.75, 0.25)}
COLUMNS = ["step", "sequences", "split", "metric", "value", "low", "high", "chance", "n_sequences", "headline"]


def train_line(step, loss, **more):
    return {"split": "train", "step": step, "sequences": 16 * step, "loss": loss, "loss_query": loss, **more}


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


def test_a_setting_that_came_later_has_its_first_value_in_the_rows_of_earlier_runs(
    write_run, config_of, put_config, tmp_path
):
    run = write_run("one", SCORES)
    stored = config_of(run)
    del stored["config"]["data"]["label_noise"]
    put_config(run, stored)
    assert set(load_runs(tmp_path)["data.label_noise"]) == {0.0}


def test_columns_of_settings_can_be_those_that_differ(write_run, tmp_path):
    write_run("one", SCORES)
    write_run("two", SCORES, data={"p_bursty": 0.5})
    assert list(load_runs(tmp_path, settings="varying"))[2:-10] == ["data.p_bursty"]


def test_columns_of_settings_can_be_named(write_run, tmp_path):
    write_run("one", SCORES)
    assert list(load_runs(tmp_path, settings=["seeds.data", "preset"]))[2:-10] == ["seeds.data", "preset"]


def test_a_setting_that_no_run_has_is_refused(write_run, tmp_path):
    write_run("one", SCORES)
    with pytest.raises(ValueError, match=r"^settings must be among .* got data.p_burst; did you mean data.p_bursty"):
        load_runs(tmp_path, settings="data.p_burst")


def test_without_asking_there_are_headlines_and_losses(trained):
    table = load_runs(trained)
    found = set(table[["split", "metric"]].itertuples(index=False, name=None))
    headlines = {(split, "accuracy_closed") for split in ("fewshot_holdout", "flipped", "novel_label")}
    losses = {(split, "loss_query") for split in ("fewshot_holdout", "flipped", "novel_label", "no_support_zipfian")}
    assert found == headlines | losses | {("no_support_zipfian", "accuracy_query"), ("train", "loss")}
    assert set(table[table["headline"]]["metric"]) == {"accuracy_closed", "accuracy_query"}


def test_all_metrics_are_every_number_of_the_records(trained):
    run = trained / "c30-s0"
    expected = []
    for record in map(json.loads, (run / "metrics.jsonl").read_text().splitlines()):
        no_metrics = ("split", "step", "sequences", "headline", "chance", "n_sequences", "protocol", "crc32")
        names = [name for name in record if name not in no_metrics and not name.endswith(("_low", "_high"))]
        expected += [(record["split"].removeprefix("eval_"), record["step"], name, record[name]) for name in names]
    found = load_runs(run, metrics="all")[["split", "step", "metric", "value"]]
    assert sorted(found.itertuples(index=False, name=None)) == sorted(expected)


def test_a_named_metric_has_its_rows_and_bounds(trained):
    table = load_runs(trained, metrics="accuracy_both")
    assert set(table["split"]) == {"flipped"}
    assert (table["low"] <= table["value"]).all()
    assert (table["value"] <= table["high"]).all()


@pytest.mark.parametrize("name", ["los", "step", "chance", "accuracy_closed_low"])
def test_a_metric_that_no_run_has_is_refused_with_those_that_there_are(trained, name):
    with pytest.raises(ValueError, match=rf"^metrics must be among .*accuracy_both.*\bloss\b.*, got {name}"):
        load_runs(trained, metrics=name)


def test_splits_can_be_chosen(trained):
    assert set(load_runs(trained, splits=["train", "flipped"])["split"]) == {"train", "flipped"}


def test_a_split_that_no_run_has_is_refused_with_those_that_there_are(trained):
    with pytest.raises(ValueError, match=r"^splits must be among .*flipped.*, got fliped; did you mean flipped"):
        load_runs(trained, splits=["fliped"])


def test_names_are_told_in_one_order_whatever_the_process_has_read_before(trained):
    code = """if True:
        import sys
        import polars as pl
        from icl_eval import load_runs
        before = pl.Series(["train", "eval_no_support_zipfian"], dtype=pl.Categorical)
        try:
            load_runs(sys.argv[1], splits=["fliped"])
        except ValueError as error:
            print(error)
    """
    told = subprocess.run([sys.executable, "-c", code, trained], capture_output=True, text=True, check=True).stdout
    names = "fewshot_holdout, flipped, no_support_zipfian, novel_label, train"
    assert told == f"splits must be among {names}, got fliped; did you mean flipped?\n"


def test_chance_is_that_of_headlines(trained):
    table = load_runs(trained)
    assert table[table["headline"]]["chance"].notna().all()
    assert table[~table["headline"]]["chance"].isna().all()


def test_a_loss_that_was_not_finite_is_not_a_number(write_run):
    run = write_run("one", SCORES)
    run.append([train_line(10, 0.5), train_line(20, float("nan"))])
    run.mark_done()
    losses = load_runs(run.path, splits="train")["value"].to_numpy()
    np.testing.assert_array_equal(losses, [0.5, np.nan])


def test_a_half_written_last_line_is_left_out(write_run):
    run = write_run("one", SCORES, done=False)
    whole = load_runs(run.path, unfinished=True)
    with (run.path / "metrics.jsonl").open("a") as file:
        file.write('{"split": "train", "step": 20, "sequ')
    pd.testing.assert_frame_equal(load_runs(run.path, unfinished=True), whole)


def test_a_last_line_that_only_lacks_its_end_counts_in_a_folder_without_hashes(write_run):
    run = write_run("one", SCORES)
    whole = load_runs(run.path)
    run.rewrite(run_format=1)
    (run.path / "DONE").write_text("20 steps\n")
    file = run.path / "metrics.jsonl"
    file.write_text(file.read_text().rstrip("\n"))
    pd.testing.assert_frame_equal(load_runs(run.path), whole)


def test_of_a_step_that_was_written_twice_the_last_counts_and_rows_are_by_step(write_run):
    run = write_run("one", SCORES)
    run.append([train_line(20, 0.5), train_line(10, 0.7), train_line(20, 0.25)])
    run.mark_done()
    table = load_runs(run.path, splits="train")
    assert table[["step", "value"]].to_numpy().tolist() == [[10, 0.7], [20, 0.25]]


def test_an_unfinished_run_is_taken_when_asked_for_and_its_status_is_said(write_run, tmp_path):
    write_run("one", SCORES)
    write_run("half", {0: (0.5, 0.0)}, seed=1, done=False)
    table = load_runs(tmp_path, unfinished=True)
    assert dict(table[["run", "status"]].itertuples(index=False, name=None)) == {"half": "interrupted", "one": "done"}


def test_folders_that_are_passed_over_are_warned_of_and_listed(write_run, tmp_path):
    write_run("one", SCORES)
    half = write_run("half", {0: (0.5, 0.0)}, seed=1, done=False)
    with pytest.warns(RunsSkipped, match="skipped .*half: interrupted"):
        table = load_runs(tmp_path)
    (line,) = table.attrs["skipped"]
    assert line.startswith(f"skipped {half.path}: ")


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(RunError, match="it does not exist"):
        load_runs(tmp_path / "nowhere")


def test_without_any_run_the_table_is_empty_but_has_its_columns(tmp_path):
    table = load_runs(tmp_path)
    assert len(table) == 0
    assert list(table) == ["run", "status", *COLUMNS]


def test_several_folders_and_lists_of_them_are_read_each_run_once(trained):
    once = load_runs(trained)
    pd.testing.assert_frame_equal(load_runs(str(trained), [trained / "c30-s0", trained]), once)


def test_runs_of_one_name_are_called_by_their_paths(write_run, tmp_path):
    one, two = write_run("a/same", SCORES), write_run("b/same", SCORES, seed=1)
    assert set(load_runs(tmp_path)["run"]) == {str(one.path), str(two.path)}


def test_in_a_large_table_a_setting_that_is_the_same_everywhere_takes_no_memory(trained, monkeypatch):
    small = load_runs(trained)
    monkeypatch.setattr(tidy, "_LARGE", 0)
    large = load_runs(trained)
    pd.testing.assert_frame_equal(large, small)
    assert large["data.p_bursty"].to_numpy().strides == (0,)
    assert large["data.n_labels"].array._data.strides == (0,)
    assert large["data.source"].array.codes.strides == (0,)


def test_a_constant_of_a_large_table_can_be_replaced(trained, monkeypatch):
    monkeypatch.setattr(tidy, "_LARGE", 0)
    table = load_runs(trained)
    table["data.p_bursty"] += 1
    assert set(table["data.p_bursty"]) == {1.9}
