"""Onsets of runs as a table, beside what they reached, and on the terminal."""

import csv
import io

import numpy as np
import pytest

from icl_data.foundation.command_line import run_command
from icl_eval import load_onsets, summarize_runs
from icl_eval._commands.main import _main

EVALUATED = range(0, 2001, 100)


def scores(time):
    return {step: (0.5 + 0.5 / (1 + np.exp(-(step - time) / 50)), 0.0) for step in EVALUATED}


def losses(time):
    return {step: {"loss": 0.7 - 0.6 / (1 + np.exp(-(step - time) / 50))} for step in EVALUATED if step}


@pytest.fixture
def runs(write_run, tmp_path):
    write_run("early", scores(510), training=losses(410))
    write_run("late", scores(1210), training=losses(1110), data={"p_bursty": 0.5})
    write_run("never", dict.fromkeys(EVALUATED, (0.5, 0.0)), data={"p_bursty": 0.0})
    return tmp_path


def test_each_run_and_measure_has_a_row(runs):
    frame = load_onsets(runs)
    assert list(frame["run"]) == ["early", "early", "late", "late", "never", "never"]
    assert list(frame["measure"]) == ["fewshot_holdout", "train/loss"] * 3
    assert list(frame["data.p_bursty"]) == [0.9, 0.9, 0.5, 0.5, 0.0, 0.0]
    assert frame["time"][:4].tolist() == pytest.approx([510, 410, 1210, 1110], abs=2)
    assert frame["time"][4:].isna().all()
    assert frame["slope"][1] < 0 < frame["slope"][0]


def test_a_measure_that_no_run_has_is_refused(runs):
    with pytest.raises(ValueError, match="must be among"):
        load_onsets(runs, measures="no_such_thing")


def table(capsysbinary, *args):
    assert _main(["table", *map(str, args)]) == 0
    return list(csv.DictReader(io.StringIO(capsysbinary.readouterr().out.decode())))


def test_the_command_writes_the_same(runs, capsysbinary):
    rows = table(capsysbinary, runs, "--onsets", "loss", "--settings", "varying")
    expected = load_onsets(runs, measures="loss")
    assert [row["time"] for row in rows][2] == ""
    assert [float(row["time"]) for row in rows[:2]] == expected["time"][:2].tolist()


def test_wide_they_stand_beside_what_was_reached(runs, capsysbinary):
    rows = table(capsysbinary, runs, "--wide", "--onsets")
    assert list(rows[0])[: len(list(summarize_runs(runs)))] == list(summarize_runs(runs))
    assert float(rows[1]["fewshot_holdout_onset"]) == pytest.approx(1210, abs=2)
    assert float(rows[1]["train_loss_plateau"]) == pytest.approx(1110 - 50 * np.log(9), abs=5)
    assert rows[2]["train_loss_onset"] == ""


def test_on_a_terminal_it_says_from_where_to_where(runs, capsys):
    assert _main(["table", str(runs), "--onsets", "icl", "--format", "text"]) == 0
    out = " ".join(capsys.readouterr().out.split())
    assert "early 0.9 ICL" in out
    assert " none" in out


def test_on_a_terminal_an_evaluation_with_a_slash_has_its_own_name(write_run, line, tmp_path, capsys):
    run = write_run("one", dict.fromkeys(EVALUATED, (0.5, 0.0)), done=False)
    run.append([line("mine/deep", step, 0.5 + 0.4 * (step > 1000), chance=0.5) for step in EVALUATED])
    run.mark_done()
    assert _main(["table", str(tmp_path), "--onsets", "mine/deep", "--format", "text"]) == 0
    assert " mine/deep 1," in " ".join(capsys.readouterr().out.split())


def test_curves_are_named_by_onsets_alone(runs, capsys):
    assert run_command(_main, "icl-eval", ["table", str(runs), "--onsets", "--metric", "loss"]) == 2
    assert "leave out --split and --metric" in capsys.readouterr().err
