"""What a run had once must be there, and is named where it is not."""

import os
import shutil

import pytest
from broken_runs import assert_same, contents, reseal, resumed, verified

from icl_train import RunFolder
from icl_train._commands.main import _main
from icl_train._runs.search import find_lost_runs


def test_verify_names_a_checkpoint_that_is_gone_and_blames_no_other(done):
    shutil.rmtree(done.checkpoints / "step_0000005")
    code, printed = verified(done.path)
    assert code == 1
    assert printed.count("damaged: ") == 1
    assert "checkpoints/step_0000005: it is missing: once written, a checkpoint's weights stay" in printed


@pytest.mark.parametrize("step", [10, 20])
def test_verify_names_the_newest_one_or_one_between_that_is_gone(step, done):
    shutil.rmtree(done.checkpoints / f"step_{step:07d}")
    code, printed = verified(done.path)
    assert (code, printed.count("damaged: ")) == (1, 1)
    assert f"checkpoints/step_{step:07d}: it is missing" in printed


@pytest.mark.parametrize("step", [5, 10, 15])
def test_verify_names_one_that_is_gone_from_a_run_that_is_not_finished(step, interrupted):
    shutil.rmtree(interrupted.checkpoints / f"step_{step:07d}")
    code, printed = verified(interrupted.path)
    assert code == 1
    assert f"checkpoints/step_{step:07d}: it is missing" in printed
    assert printed.count("damaged: ") == 1


@pytest.mark.parametrize("instead", ["nothing", "a pipe", "a file"])
def test_verify_misses_all_checkpoints(instead, done):
    shutil.rmtree(done.checkpoints)
    if instead == "a pipe":
        os.mkfifo(done.checkpoints)
    elif instead == "a file":
        done.checkpoints.write_text("")
    code, printed = verified(done.path)
    assert code == 1
    what = "it is missing, and with it 4 checkpoints" if instead == "nothing" else f"it must be a folder, got {instead}"
    assert f"checkpoints: {what}" in printed


@pytest.mark.parametrize("alone", [True, False])
def test_verify_counts_a_run_whose_config_json_is_gone(alone, done):
    (done.path / "config.json").unlink()
    code, printed = verified(done.path if alone else done.path.parent)
    assert code == 1
    assert printed.startswith(f"damaged: {done.path}: config.json is missing beside metrics.jsonl and DONE and checkpo")
    assert printed.endswith("1 run: 1 damaged\n")


def test_a_folder_of_checkpoints_that_are_none_is_no_lost_run(tmp_path):
    (tmp_path / "downloads" / "checkpoints" / "final").mkdir(parents=True)
    assert find_lost_runs(tmp_path) == []


def test_verify_of_a_folder_without_any_run_has_not_found_them_intact(tmp_path):
    assert verified(tmp_path) == (1, "no runs found\n")


def test_a_finished_run_that_lost_all_but_its_settings_is_queued(done):
    """Nothing tells it from one that nobody has started."""
    (done.path / "DONE").unlink()
    (done.path / "metrics.jsonl").unlink()
    shutil.rmtree(done.checkpoints)
    (done.path / ".lock").unlink(missing_ok=True)
    assert RunFolder.open(done.path).status() == "queued"


def test_the_newest_checkpoint_of_a_finished_run_is_made_again(done, finished):
    shutil.rmtree(done.checkpoints / "step_0000020")
    code, lines = resumed(done)
    assert (code, len(lines)) == (0, 1)
    assert "checkpoints/step_0000020 must be there, and is missing" in lines[0]
    assert_same(done, finished)


def test_an_older_one_that_is_gone_is_told_of_a_run_that_is_done(done):
    shutil.rmtree(done.checkpoints / "step_0000005")
    before = contents(done)
    code, lines = resumed(done)
    assert (code, len(lines)) == (0, 1)
    assert "checkpoints/step_0000005 must be there, and is missing" in lines[0]
    assert contents(done) == before


def test_a_run_does_not_start_from_an_older_checkpoint_than_asked_for(done, tmp_path):
    shutil.rmtree(done.checkpoints / "step_0000020")
    args = ["run", "smoke", "--root", str(tmp_path), "--name", "next", "--init-from", str(done.path)]
    with pytest.raises(ValueError, match=r"train\.init_from must be a run with its last checkpoint, 20, got "):
        _main(args)


def test_a_folder_beyond_the_last_step_is_no_progress_and_is_named(done, finished):
    shutil.copytree(done.checkpoints / "step_0000020", done.checkpoints / "step_2147483647")
    assert done.checkpoint_steps() == [5, 10, 15, 20]
    code, printed = verified(done.path)
    assert code == 1
    assert "checkpoints/step_2147483647: it must be of a step up to the run's last, 20" in printed
    assert resumed(done, "--max-steps", "25") == (0, [])


@pytest.mark.parametrize("heartbeat", ['{"step": 3, "pid": 1, "host": "x", "time": 1.0}', "", "{"])
def test_a_heartbeat_that_was_left_behind_damages_no_results(heartbeat, interrupted):
    (interrupted.path / "heartbeat.json").write_text(heartbeat)
    code, printed = verified(interrupted.path)
    assert code == 0
    assert "without hashes: heartbeat.json" in printed


def test_verify_holds_the_checkpoints_against_done(done):
    reseal(done.path / "DONE", checkpoints=[5, 7, 10, 15, 20])
    code, printed = verified(done.path)
    assert code == 1
    assert "checkpoints/step_0000007: it is missing" in printed
