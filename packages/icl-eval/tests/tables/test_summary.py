"""Tables of runs for a terminal: what is shown where there is not room for all, and what is said to be left out."""

import io

import pytest
from rich.console import Console

from icl_eval import load_runs, summarize_runs
from icl_eval._tables.summary import shown_tidy, shown_wide

SCORES = {0: (0.5, 0.0), 10: (0.9, 0.5), 20: (0.75, 0.5)}


def lines(shown, width):
    file = io.StringIO()
    Console(file=file, width=width).print(shown.table)
    return file.getvalue().splitlines()


@pytest.fixture
def runs(write_run, tmp_path):
    write_run("one", SCORES)
    write_run("two", SCORES, data={"p_bursty": 0.5})
    return tmp_path


def test_a_wide_table_shows_what_differs_and_what_was_reached(runs):
    head, _, first, _ = lines(shown_wide(summarize_runs(runs), ["data.p_bursty"], 120), 120)
    assert head.split() == ["run", "p_bursty", "step", "ICL", "IWL", "ICL", "peak", "IWL", "peak"]
    assert first.split() == ["one", "0.9", "20", "0.750", "0.500", "0.900", "at", "10", "0.500", "at", "10"]


def test_where_there_is_little_room_the_two_accuracies_stay_and_the_others_are_named(runs):
    shown = shown_wide(summarize_runs(runs), ["data.p_bursty"], 30)
    assert lines(shown, 30)[0].split() == ["run", "p_bursty", "ICL", "IWL"]
    assert shown.left_out == "columns step, ICL peak, IWL peak"


def test_settings_that_change_no_number_come_last(runs):
    shown = shown_wide(summarize_runs(runs), ["train.threads", "data.p_bursty"], 30)
    assert lines(shown, 30)[0].split() == ["run", "p_bursty", "ICL", "IWL"]


def test_settings_of_the_same_short_name_keep_their_groups(runs):
    shown = shown_wide(summarize_runs(runs), ["data.protocol", "eval.protocol"], 200)
    assert {"data.protocol", "eval.protocol"} <= set(lines(shown, 200)[0].split())


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_is_wider_than_the_terminal(write_run, tmp_path, width):
    write_run("a-name-that-is-longer-than-any-terminal-would-like-to-show-in-one-of-its-lines", SCORES)
    for shown in (
        shown_wide(summarize_runs(tmp_path), ["data.p_bursty"], width),
        shown_tidy(load_runs(tmp_path), ["data.p_bursty"], width),
    ):
        assert max(map(len, lines(shown, 1000))) <= width


@pytest.mark.parametrize("show", [shown_wide, shown_tidy])
def test_a_long_name_of_a_run_takes_the_room_that_there_is(write_run, tmp_path, show):
    name = "p_bursty0.9-num_layers12-emb_dim512-seed0"
    write_run(name, SCORES)
    frame = summarize_runs(tmp_path) if show is shown_wide else load_runs(tmp_path)
    assert name in "".join(lines(show(frame, ["data.p_bursty"], 200), 200))


def test_a_tidy_table_shows_its_values_with_their_bounds(runs):
    table = load_runs(runs / "runs" / "one")
    head, _, first, *_ = lines(shown_tidy(table, [], 120), 120)
    assert head.split()[:7] == ["run", "step", "split", "metric", "value", "low", "high"]
    assert first.split()[:5] == ["one", "0", "fewshot_holdout", "accuracy_closed", "0.5"]


def test_on_eighty_columns_a_tidy_table_shows_the_values_and_folds_the_names_of_runs(write_run, tmp_path):
    write_run("p_bursty0.9-num_layers12-emb_dim512-seed0", SCORES)
    shown = shown_tidy(load_runs(tmp_path), ["data.p_bursty", "seeds.init"], 80)
    told = lines(shown, 80)
    assert told[0].split() == ["run", "step", "split", "metric", "value"]
    assert any(line.split()[-1] == "0.75" for line in told)
    assert shown.left_out.startswith("columns p_bursty, init, low, high")


def test_with_no_room_for_all_that_matters_most_the_value_stays_and_no_setting_takes_its_place(runs):
    shown = shown_tidy(load_runs(runs), ["data.p_bursty"], 24)
    assert lines(shown, 24)[0].split() == ["run", "step", "value"]


def test_onsets_beside_the_last_values_are_shown_or_named(runs):
    frame = summarize_runs(runs)
    frame["fewshot_holdout_onset"], frame["train_loss_onset"] = [1200.4, float("nan")], [7.0, 8.0]
    head, _, first, _ = lines(shown_wide(frame, [], 200), 200)
    assert "ICL onset  train loss onset" in head
    assert "1,200" in first.split()
    assert "ICL onset, train loss onset" in shown_wide(frame, [], 30).left_out


def test_of_many_rows_the_first_and_the_last_are_shown(write_run, tmp_path):
    write_run("one", dict.fromkeys(range(41), (0.5, 0.25)))
    shown = shown_tidy(load_runs(tmp_path), [], 120)
    told = lines(shown, 120)
    assert shown.left_out == "42 rows"
    assert len(told) == 2 + 40 + 1
    assert told[22].strip() == "…"
    assert told[-1].split()[1] == "40"
