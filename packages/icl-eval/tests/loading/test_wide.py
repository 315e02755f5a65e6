"""The wide table: a row for each run, with the last value and the peak of what it measured."""

import pandas as pd
import pytest

from icl_eval import RunsSkipped, summarize_runs

SCORES = {0: (0.5, 0.0), 10: (0.9, 0.5), 20: (0.75, 0.5)}


def row(table, name):
    (found,) = table[table["run"] == name].to_dict("records")
    return found


def test_a_row_has_the_last_value_of_each_split_with_its_bounds(write_run, tmp_path):
    run = write_run("one", SCORES)
    found, record = row(summarize_runs(tmp_path), "one"), run.records()[-2]
    expected = {"": 0.75, "_step": 20, "_low": record["accuracy_closed_low"], "_high": record["accuracy_closed_high"]}
    assert {end: found[f"fewshot_holdout_last{end}"] for end in expected} == expected
    assert (found["fewshot_holdout_chance"], found["fewshot_holdout_n_sequences"]) == (0.5, 100)


def test_a_row_has_the_peak_of_each_split_and_the_step_where_it_was_first(write_run, tmp_path):
    write_run("one", SCORES)
    found = row(summarize_runs(tmp_path), "one")
    assert (found["fewshot_holdout_peak"], found["fewshot_holdout_peak_step"]) == (0.9, 10)
    assert (found["no_support_zipfian_peak"], found["no_support_zipfian_peak_step"]) == (0.5, 10)


def test_a_row_has_the_run_its_folder_and_status_its_settings_and_its_last_step(write_run, tmp_path):
    run = write_run("one", SCORES)
    table = summarize_runs(tmp_path)
    flat = run.config.flat()
    assert list(table)[: 5 + len(flat)] == ["run", "path", "status", *flat, "step", "sequences"]
    found = row(table, "one")
    assert (found["path"], found["status"], found["step"], found["sequences"]) == (str(run.path), "done", 20, 320)


def test_runs_have_their_own_values(write_run, tmp_path):
    write_run("one", SCORES)
    write_run("two", {0: (0.5, 0.0), 20: (0.25, 1.0)}, seed=1)
    table = summarize_runs(tmp_path).set_index("run")
    assert table["fewshot_holdout_last"].to_dict() == {"one": 0.75, "two": 0.25}
    assert table["seeds.data"].to_dict() == {"one": 0, "two": 1}


def test_a_split_that_a_run_lacks_is_missing_there(write_run, put_lines, tmp_path):
    write_run("one", SCORES)
    other = write_run("other", {}, seed=1)
    lines = (tmp_path / "runs" / "one" / "metrics.jsonl").read_text().splitlines(keepends=True)
    put_lines(other, "".join(line for line in lines if "zipfian" in line))
    found = row(summarize_runs(tmp_path), "other")
    assert pd.isna(found["fewshot_holdout_last"])
    assert pd.isna(found["fewshot_holdout_peak_step"])
    assert found["no_support_zipfian_last"] == 0.5


def test_a_split_that_is_measured_otherwise_in_some_runs_has_the_value_of_each(write_run, line, tmp_path):
    for name, metric, own, other in (("one", "accuracy_closed", 0.5, 0.1), ("several", "accuracy_class", 0.75, 0.2)):
        run = write_run(name, SCORES, seed=len(name))
        rest = {"accuracy_closed", "accuracy_class"} - {metric}
        run.append([line("no_support_rare", 20, own, chance=0.25, metric=metric, **dict.fromkeys(rest, other))])
        run.mark_done()
    for metrics in (None, "all"):
        table = summarize_runs(tmp_path, metrics=metrics).set_index("run")
        assert table["no_support_rare_last"].to_dict() == {"one": 0.5, "several": 0.75}
        assert table["no_support_rare_peak_step"].to_dict() == {"one": 20, "several": 20}
    assert table["no_support_rare_accuracy_class_last"]["one"] == 0.1


def test_losses_have_their_last_value(trained):
    found = row(summarize_runs(trained), "c30-s0")
    assert 0 < found["train_loss_last"] < 10
    assert 0 < found["flipped_loss_query_last"] < 10


def test_an_unfinished_run_has_what_it_reached(write_run, tmp_path):
    write_run("half", {0: (0.5, 0.0), 10: (0.625, 0.5)}, done=False)
    found = row(summarize_runs(tmp_path, unfinished=True), "half")
    assert (found["status"], found["step"], found["fewshot_holdout_last"]) == ("interrupted", 10, 0.625)


def test_folders_that_are_passed_over_are_warned_of_and_listed(write_run, tmp_path):
    write_run("one", SCORES)
    write_run("half", {0: (0.5, 0.0)}, seed=1, done=False)
    with pytest.warns(RunsSkipped, match="half: interrupted"):
        table = summarize_runs(tmp_path)
    assert len(table.attrs["skipped"]) == 1
