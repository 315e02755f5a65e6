"""Where a tracker writes is said in a file that may be anybody's: to go on with a run writes nowhere else by itself."""

import importlib.util
import json
import shutil

import pytest

from icl_data.foundation.command_line import run_command
from icl_data.foundation.sealed import seal_object, unseal_object
from icl_train import RunFolder
from icl_train._commands.main import _main
from icl_train._making import trusted

pytestmark = pytest.mark.skipif(importlib.util.find_spec("tensorboard") is None, reason="tensorboard is not installed")
SHORT = ["--max-steps", "4", "--eval-batches", "1", "--train.checkpoint-interval", "2"]


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """A run whose tracker was told to write elsewhere, made by nobody who is remembered."""
    monkeypatch.setenv("ICL_STATE", str(tmp_path / "state"))
    args = ["run", "smoke", "--root", str(tmp_path), "--name", "run", *SHORT]
    told = ["--train.tracker", "tensorboard", "--train.tracker-config.folder", str(tmp_path / "events")]
    assert _main([*args, *told]) == 0
    shutil.rmtree(tmp_path / "events")
    shutil.rmtree(tmp_path / "state")
    monkeypatch.setattr(trusted, "_MADE_HERE", {})
    capsys.readouterr()
    return RunFolder.open(tmp_path / "run")


def resume(run, *options):
    return run_command(_main, "icl-train", ["resume", str(run.path), "--max-steps", "6", *options])


def test_a_folder_that_a_strangers_run_names_is_not_written_to(run, tmp_path, capsys):
    assert resume(run) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"train.tracker_config.folder {str(tmp_path / 'events')!r}" in line
    assert "--trust allows it" in line
    assert not (tmp_path / "events").exists()


def test_with_trust_it_is(run, tmp_path):
    assert resume(run, "--trust") == 0
    assert (tmp_path / "events" / "run").is_dir()


def test_the_runs_of_ones_own_commands_need_none(tmp_path, monkeypatch):
    monkeypatch.setenv("ICL_STATE", str(tmp_path / "state"))
    told = ["--train.tracker", "tensorboard", "--train.tracker-config.folder", str(tmp_path / "events")]
    assert _main(["run", "smoke", "--root", str(tmp_path), "--name", "run", *SHORT, *told]) == 0
    monkeypatch.setattr(trusted, "_MADE_HERE", {})  # as in another process
    for last in ("6", "8"):  # a longer run is remembered in its place
        assert _main(["resume", str(tmp_path / "run"), "--max-steps", last]) == 0


def test_one_whose_folder_somebody_has_changed_does(run, tmp_path, capsys):
    trusted.remember_source(run.path, run.config.flat())
    assert resume(run) == 0
    file = run.path / "config.json"
    stored = unseal_object(file.read_bytes())
    stored["config"]["train"]["tracker_config"]["folder"] = str(tmp_path / "other")
    file.write_text(seal_object(json.dumps(stored, indent=1) + "\n"))
    assert run_command(_main, "icl-train", ["resume", str(run.path), "--max-steps", "8"]) == 2
    assert not (tmp_path / "other").exists()


def test_events_are_written_through_no_link_in_the_run(run, tmp_path, capsys):
    trusted.remember_source(run.path, run.config.flat())
    (tmp_path / "elsewhere").mkdir()
    (run.path / "tensorboard").symlink_to(tmp_path / "elsewhere")
    assert resume(run) == 1
    assert "tensorboard: it must be a folder of the run's own, got a link" in capsys.readouterr().err
    assert not list((tmp_path / "elsewhere").iterdir())
