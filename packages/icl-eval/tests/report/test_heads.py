"""What `icl-eval heads` left in run folders is shown; what is not as it leaves it is named."""

import pytest

from icl_eval import measure_heads, write_report
from icl_eval._report.heads import heads_of
from icl_eval._tables.files import rows_of, write_csv
from icl_train import RunFolder

SCORES = {0: (0.5, 0.0), 20: (0.75, 0.25)}
HEADER = "step,split,measure,kind,layer,head,value,low,high,reference,n\n"


def test_scores_are_those_of_the_file(small_runs, tmp_path):
    frame = measure_heads(RunFolder.open(small_runs / "two-layers"), steps=[10, 20], sequences=8)
    write_csv(tmp_path / "heads.csv", rows_of(frame))
    (one,), lines = heads_of([tmp_path])
    assert lines == []
    assert (one["run"], one["steps"], one["layers"]) == (0, [10, 20], 2)
    scores = frame[(frame["measure"] == "induction") & (frame["kind"] == "head")]
    for row in scores.itertuples():
        found = one["measures"]["induction"]["values"][int(row.layer) * one["heads"] + int(row.head)]
        assert found[one["steps"].index(row.step)] == row.value


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (HEADER, "no row of a head"),
        (HEADER + "1,x,induction,head,zero,0,1,,,,\n", "layer must be a whole number, got 'zero'"),
        (HEADER + "1,x,induction,head,0,0,much,,,,\n", "value must be a number, got 'much'"),
        (HEADER + "1,x,induction,head,99999,99999,1,,,,\n", "more than 4096"),
        ("\udcff", "no CSV file"),
    ],
)
def test_a_file_that_is_not_as_heads_writes_it_is_named(write_run, tmp_path, capsys, data_of, text, told):
    run = write_run("one", SCORES)
    (run.path / "heads.csv").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.warns(UserWarning, match="heads.csv"):
        page = write_report(tmp_path / "runs", out=tmp_path / "page.html")[0]
    data = data_of(page)
    assert data["heads"] == []
    assert told in data["skipped"][0]
    assert len(data["runs"]) == 1


@pytest.mark.parametrize(("column", "cell", "bare"), [("", "", False), (",interventions", ",without", True)])
def test_a_model_that_was_looked_at_without_its_interventions_is_told(tmp_path, column, cell, bare):
    row = f"1,x,induction,head,0,0,1,,,,{cell}\n"
    (tmp_path / "heads.csv").write_text(HEADER.replace("\n", f"{column}\n") + row)
    (one,), _ = heads_of([tmp_path])
    assert one["bare"] is bare


def test_a_split_with_a_hostile_name_is_safe_to_show(tmp_path):
    (tmp_path / "heads.csv").write_text(HEADER + "1,<b>\u202e,induction,head,0,0,1,,,,\n", encoding="utf-8")
    (one,), _ = heads_of([tmp_path])
    assert one["split"] == "<b>\\u202e"
