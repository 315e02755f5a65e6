"""Runs of format 1, which has no hashes, are read and gone on with."""

import io

import pytest
from broken_runs import as_format_1, assert_same, resumed

from icl_train import PlainReporter, RunFolder, train


def test_a_finished_run_of_format_1_reads_as_before(done, finished):
    old = as_format_1(done)
    assert old.run_format == 1
    assert old.status() == "done"
    assert old.records() == finished.records()


def test_a_run_of_format_1_goes_on_and_has_format_2_then(interrupted, finished):
    old = as_format_1(interrupted)
    code, lines = resumed(old)
    assert (code, lines) == (0, [])
    assert_same(old, finished)
    assert RunFolder.open(old.path).run_format == 2
    assert resumed(old) == (0, [])


@pytest.mark.parametrize("moment", ["_life.history.installed_versions", "_life.classes.classes_damage"])
def test_a_kill_while_a_run_of_format_1_becomes_one_of_format_2_leaves_it_to_go_on(moment, interrupted, finished):
    old = as_format_1(interrupted)

    def killed(*args):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(f"icl_train.{moment}", killed)
        with pytest.raises(KeyboardInterrupt):
            train(old, PlainReporter(io.StringIO()))
    assert RunFolder.open(old.path).records()[-1]["step"] == 15
    assert resumed(old) == (0, [])
    assert_same(old, finished)


def test_a_run_of_format_1_that_lacks_records_does_not_go_on(interrupted):
    old = as_format_1(interrupted)
    lines = (old.path / "metrics.jsonl").read_text().splitlines(keepends=True)
    (old.path / "metrics.jsonl").write_text("".join(line for line in lines if '"step": 0' in line))
    code, lines = resumed(old)
    assert code == 1
    assert "metrics.jsonl: it must have a record of step 15, got none after step 0" in lines[0]
