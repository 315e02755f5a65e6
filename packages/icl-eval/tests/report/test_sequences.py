"""Pictures of sequences: of each kind of data once, and of no source that would be somebody's code."""

import base64
import sys

from icl_eval._report.sequences import sequences_of
from icl_train import RunData

SCORES = {0: (0.5, 0.0), 20: (0.75, 0.25)}


OMNIGLOT = {"source": "omniglot", "dim": None}


def folders(*runs):
    return [run.path for run in runs]


def test_runs_of_the_same_data_share_a_picture(write_run):
    runs = [write_run("a", SCORES), write_run("b", SCORES, seed=1), write_run("c", SCORES, data={"p_bursty": 0.0})]
    drawn, note = sequences_of(folders(*runs), {})
    assert [one["runs"] for one in drawn] == [[0, 1], [2]]
    assert note is None
    prefix, _, content = drawn[0]["picture"].partition(",")
    assert prefix == "data:image/png;base64"
    assert base64.b64decode(content).startswith(b"\x89PNG")


def test_labels_and_classes_are_told_beside_a_picture(write_run):
    run = write_run("a", SCORES)
    ((one,), _) = sequences_of(folders(run), {})
    batch = RunData.build(run.config).training_sampler()(0)[:2]
    assert one["labels"] == batch.label.tolist()
    for told, classes in zip(one["classes"], batch.class_index.tolist(), strict=True):
        pairs = set(zip(told, classes, strict=True))
        assert len(pairs) == len(set(told)) == len(set(classes))


def test_a_source_of_own_code_is_not_imported(write_run, tmp_path, monkeypatch):
    (tmp_path / "their_own.py").write_text("raise SystemExit('imported')")
    monkeypatch.chdir(tmp_path)
    run = write_run("a", SCORES, data={"source": "their_own:make", "dim": None})
    ((one,), _) = sequences_of(folders(run), {})
    assert "their_own:make" in one["reason"]
    assert "their_own" not in sys.modules


def test_data_that_is_not_here_has_its_reason(write_run, tmp_path):
    run = write_run("a", SCORES, data=OMNIGLOT | {"omniglot": str(tmp_path / "nowhere")})
    ((one,), _) = sequences_of(folders(run), {})
    assert "nowhere" in one["reason"]


def test_of_many_kinds_the_first_are_drawn(write_run, monkeypatch):
    monkeypatch.setattr("icl_eval._report.sequences.MOST", 1)
    runs = [write_run("a", SCORES), write_run("b", SCORES, data={"p_bursty": 0.0})]
    drawn, note = sequences_of(folders(*runs), {})
    assert len(drawn) == 1
    assert "Of 2 kinds" in note


def test_what_was_drawn_before_is_not_drawn_again(write_run):
    run = write_run("a", SCORES)
    before = {}
    sequences_of(folders(run), before)
    (key,) = before
    before[key] = {"reason": "kept"}
    assert sequences_of(folders(run), before)[0] == [{"runs": [0], "reason": "kept"}]
