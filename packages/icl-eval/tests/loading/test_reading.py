"""The fast way to read records: it gives what the careful one gives, and is taken where it can be."""

import json

import pandas as pd
import pytest

from icl_eval import RunsSkipped, load_runs
from icl_eval._loading import reading
from icl_eval._loading.columns import columns_of
from icl_eval._loading.parsing import frame_of_records
from icl_eval._loading.records import checked_records
from icl_eval._loading.rows import AllRows, rows_of
from icl_eval._loading.wanted import Wanted
from icl_train import RunFolder

SCORES = {0: (0.5, 0.0), 20: (0.75, 0.25)}
ASKED = {
    "the usual": {},
    "all": {"metrics": "all"},
    "named": {"metrics": ["accuracy_both", "loss"]},
    "of splits": {"splits": ["flipped", "train"]},
}


@pytest.fixture
def one_by_one(monkeypatch):
    monkeypatch.setattr(reading, "frame_of_lines", lambda lines, wanted: None)


@pytest.mark.parametrize("asked", ASKED.values(), ids=list(ASKED))
def test_both_ways_give_the_same_table(trained, asked, request):
    fast = load_runs(trained, **asked)
    request.getfixturevalue("one_by_one")
    pd.testing.assert_frame_equal(fast, load_runs(trained, **asked), check_categorical=True)


@pytest.mark.parametrize("asked", ASKED.values(), ids=list(ASKED))
def test_records_as_icl_train_writes_them_are_not_read_one_by_one(trained, asked, monkeypatch):
    def careful(run):
        raise AssertionError(f"{run.path} was read one by one")

    monkeypatch.setattr(reading, "checked_records", careful)
    assert len(load_runs(trained, **asked))


def test_one_odd_run_leaves_the_others_of_its_batch_to_the_fast_way(write_run, put_lines, tmp_path, monkeypatch):
    write_run("one", SCORES)
    odd = write_run("odd", SCORES, seed=1)
    put_lines(odd, (odd.path / "metrics.jsonl").read_text().replace('"paper"', '"of another program"'))
    seen = []

    def careful(run):
        seen.append(run.name)
        return checked_records(run)

    monkeypatch.setattr(reading, "checked_records", careful)
    assert set(load_runs(tmp_path)["run"]) == {"odd", "one"}
    assert seen == ["odd"]


def changed(name, value):
    return lambda record: record | {name: value}


def lacking(name):
    return lambda record: {key: value for key, value in record.items() if key != name}


ODD = {
    "a protocol that is a number": changed("protocol", 1),
    "a protocol that is null": changed("protocol", None),
    "a split that is a number": changed("split", 1),
    "a split of another program": changed("split", "elsewhere"),
    "a headline that is a number": changed("headline", 5),
    "a headline of another metric": changed("headline", "chance"),
    "a step that is no whole number": changed("step", 1.0),
    "a step that is negative": changed("step", -1),
    "a step that is true": changed("step", True),
    "sequences beyond counting": changed("sequences", 2**63),
    "no sequences": lacking("sequences"),
    "a count that is text": changed("n_sequences", "100"),
    "no count": lacking("n_sequences"),
    "an accuracy that is true": changed("accuracy_closed", True),
    "an accuracy that is null": changed("accuracy_closed", None),
    "an accuracy that is text": changed("accuracy_closed", "0.5"),
    "a bound above 1": changed("accuracy_closed_high", 1.5),
    "no lower bound": lacking("accuracy_closed_low"),
    "no chance": lacking("chance"),
    "a chance of 1": changed("chance", 1),
    "another value that is text": changed("loss_query", "much"),
    "another value that is a list": changed("loss_query", [1]),
    "another value beyond all numbers": changed("loss_query", 10**400),
    "a name that is no text anywhere": changed("\ud800", 1.0),
}


@pytest.mark.filterwarnings("ignore::icl_eval.RunsSkipped")
@pytest.mark.parametrize("asked", [{}, {"metrics": "all"}], ids=["the usual", "all"])
@pytest.mark.parametrize("odd", ODD.values(), ids=list(ODD))
def test_odd_records_are_judged_as_the_careful_way_judges_them(write_run, put_lines, tmp_path, odd, asked, request):
    write_run("good", SCORES, seed=1)
    run = write_run("odd", SCORES)
    first, *others = (run.path / "metrics.jsonl").read_text().splitlines()
    put_lines(run, "\n".join([json.dumps(odd(json.loads(first))), *others, ""]))
    fast = load_runs(tmp_path, **asked)
    request.getfixturevalue("one_by_one")
    careful = load_runs(tmp_path, **asked)
    pd.testing.assert_frame_equal(fast, careful)
    assert fast.attrs == careful.attrs


SAID = {
    "digits": (changed("accuracy_closed", 10**400), "accuracy_closed must be a number in [0, 1], got 1000000"),
    "a huge step": (changed("step", -(10**400)), "a whole number that is not negative as its step, got -100000"),
    "text": (changed("accuracy_closed", "x" * 5000), "accuracy_closed must be a number in [0, 1], got 'xxx"),
    "no chance": (lacking("chance"), "a record must have 'chance', got one without"),
    "a split that is a number": (changed("split", 1), "line 1 must name its split, got 1"),
    "a headline that is a list": (changed("headline", [1]), "line 1 must name its headline, "),
}


@pytest.mark.parametrize(("odd", "said"), SAID.values(), ids=SAID)
def test_what_is_wrong_with_a_record_is_said_shortly_and_without_names_of_errors(
    write_run, put_lines, tmp_path, odd, said
):
    write_run("good", SCORES, seed=1)
    run = write_run("odd", SCORES)
    first, *others = (run.path / "metrics.jsonl").read_text().splitlines()
    put_lines(run, "\n".join([json.dumps(odd(json.loads(first))), *others, ""]))
    with pytest.warns(RunsSkipped) as caught:
        load_runs(tmp_path)
    (line,) = (str(one.message) for one in caught)
    assert said in line
    assert "Error" not in line
    assert len(line.replace(str(tmp_path), "")) < 250


@pytest.mark.filterwarnings("ignore::icl_eval.RunsSkipped")
@pytest.mark.parametrize("end", ["\n", "   \n", "{}\n", "nonsense", "nonsense\n", '{"split": "é', "\udcff", "1\n2\n"])
def test_odd_ends_of_a_file_are_judged_as_the_careful_way_judges_them(write_run, put_lines, tmp_path, end, request):
    write_run("good", SCORES, seed=1)
    run = write_run("odd", SCORES)
    put_lines(run, (run.path / "metrics.jsonl").read_text() + end)
    fast = load_runs(tmp_path)
    request.getfixturevalue("one_by_one")
    careful = load_runs(tmp_path)
    pd.testing.assert_frame_equal(fast, careful)
    assert fast.attrs == careful.attrs


def test_small_batches_give_the_same_table(trained, monkeypatch):
    whole = load_runs(trained)
    monkeypatch.setattr(reading, "_BATCH_BYTES", 1)
    pd.testing.assert_frame_equal(load_runs(trained), whole)


def test_rows_stay_as_they_are_when_their_columns_grow(trained, monkeypatch):
    records = columns_of(frame_of_records(checked_records(RunFolder.open(trained / "c30-s0")), Wanted()))
    run = records.step.astype("int32") * 0
    rows = AllRows(room=1)
    for _ in range(5):
        rows.add(rows_of(records, run, Wanted()))
    once = rows_of(records, run, Wanted()).columns["value"]
    assert rows.columns(run[:1])["value"].tolist() == once.tolist() * 5
