"""Whose code a run's source may run: the user's own, for runs that the user's own commands made."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from icl_data.foundation.own_modules import modules_here, place_of_module
from icl_data.foundation.sealed import seal_object
from icl_train import RunFolder, smoke
from icl_train._commands.main import _main
from icl_train._making import trusted

MODULE = """\
from pathlib import Path
import numpy as np
from icl_data import ArraySource
Path(__file__).with_name("imported").touch()
def make():
    return ArraySource(np.random.default_rng(0).normal(size=(80, 9, 4)).astype("float32"))
"""
SHORT = ["--max-steps", "4", "--eval-batches", "1", "--train.checkpoint-interval", "2"]


@pytest.fixture
def here(tmp_path, monkeypatch):
    """The current folder, with a source in it, and nothing remembered."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ICL_STATE", str(tmp_path / "state"))
    monkeypatch.setattr(trusted, "_MADE_HERE", {})
    (tmp_path / "their_own.py").write_text(MODULE)
    yield tmp_path
    sys.modules.pop("their_own", None)


@pytest.fixture
def run(here, monkeypatch, capsys):
    assert _main(["run", "smoke", "--data.source", "their_own:make", "--name", "run", *SHORT]) == 0
    capsys.readouterr()
    forget(here)
    monkeypatch.setattr(trusted, "_MADE_HERE", {})
    (here / "runs" / "run" / "DONE").unlink()
    return here / "runs" / "run"


def forget(here):
    """What a new process would not know."""
    sys.modules.pop("their_own", None)
    (here / "imported").unlink(missing_ok=True)


def imported(here):
    return (here / "imported").exists()


def refusal(*args):
    with pytest.raises(ValueError) as caught:
        _main([str(arg) for arg in args])
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_run_of_ones_own_is_trusted_by_another_process(run, here):
    assert _main(["resume", str(run)]) == 0
    assert imported(here)
    assert str(here) not in sys.path


def test_a_folder_that_was_moved_is_a_strangers_and_the_refusal_says_what_would_be_imported(run, here):
    moved = run.rename(here / "moved")
    assert refusal("resume", moved) == (
        "a source of somebody's own code must be trusted before it is run, got data.source 'their_own:make' "
        f"of {moved}, which no command of yours made there: it would import their_own, from {here / 'their_own.py'}, "
        "and call make() (--trust allows it)"
    )
    assert not imported(here)
    assert _main(["resume", str(moved), "--trust"]) == 0
    assert imported(here)


def edited(run, **changes):
    stored = json.loads((run / "config.json").read_text())
    stored["config"]["data"] |= changes
    del stored["sha256"]  # which whoever edits it on purpose can write as well
    (run / "config.json").write_text(seal_object(json.dumps(stored, indent=1) + "\n"))


@pytest.mark.parametrize("changes", [{"p_bursty": 0.5}, {"source": "their_own:other"}])
def test_a_run_whose_settings_were_edited_is_a_strangers(run, here, changes):
    edited(run, **changes)
    assert not RunFolder.open(run).trusted


def test_a_module_of_the_same_name_in_another_folder_is_a_strangers(run, here, monkeypatch):
    (here / "elsewhere").mkdir()
    shutil.copy(here / "their_own.py", here / "elsewhere")
    monkeypatch.chdir(here / "elsewhere")
    assert f"from {here / 'elsewhere' / 'their_own.py'}" in refusal("resume", run)
    assert not (here / "elsewhere" / "imported").exists()


def test_a_module_that_is_not_found_from_another_folder_is_asked_for_and_not_trust(run, here, monkeypatch):
    (here / "elsewhere").mkdir()
    monkeypatch.chdir(here / "elsewhere")
    said = (
        f"the module of data.source 'their_own:make' of {run} must be found, got no their_own here: run the command "
        f"from {here}, or name that folder in PYTHONPATH"
    )
    for args in (["resume", run], ["show-config", run]):
        assert refusal(*args) == said
    (here / "state").rename(here / "forgotten")
    assert "run the command from the folder that holds it, or" in refusal("resume", run)


def test_a_module_that_trust_is_given_to_and_that_is_not_found_is_asked_for_too(run, here, monkeypatch):
    (here / "elsewhere").mkdir()
    monkeypatch.chdir(here / "elsewhere")
    said = refusal("resume", run, "--trust")
    assert "module 'their_own' must be found, got no their_own here: run the command from the folder" in said
    assert "Error" not in said


def test_a_run_that_has_become_longer_stays_trusted(run):
    assert _main(["resume", str(run), "--max-steps", "6"]) == 0
    trusted._MADE_HERE.clear()
    assert RunFolder.open(run).trusted


def test_a_longer_run_of_a_stranger_stays_a_strangers(run, here):
    moved = run.rename(here / "moved")
    assert _main(["resume", str(moved), "--max-steps", "6", "--trust"]) == 0
    trusted._MADE_HERE.clear()
    assert not RunFolder.open(moved).trusted


def test_a_sweep_trusts_its_runs_in_processes_of_their_own(here):
    args = ["sweep", "figure3a", "--preset", "smoke", "--data.source", "their_own:make", "--class-counts", "30", *SHORT]
    command = [sys.executable, "-P", "-m", "icl_train", *args]
    done = subprocess.run(command, cwd=here, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (run,) = (here / "runs").rglob("config.json")
    assert RunFolder.open(run.parent).trusted


def test_a_sweep_trusts_a_run_that_is_there_already_as_it_was_asked_for(run, here, capsys):
    (here / "state").rename(here / "forgotten")
    args = ["--data.source", "their_own:make", "--root", "runs", "--launcher", "commands", *SHORT]
    assert _main(["sweep", "grid", "smoke", "--run-seeds", "0", *args]) == 0
    assert str(Path("runs", "run")) in capsys.readouterr().out
    assert RunFolder.open(run).trusted


def test_settings_of_a_strangers_run_are_not_taken_with_its_source_until_that_is_typed(run, here):
    moved = run.rename(here / "moved")
    for args in (["show-config", moved], ["run", "--config", moved], ["sweep", "grid", "--config", moved]):
        assert "(--data.source their_own:make allows it)" in refusal(*args)
    assert not imported(here)
    assert _main(["show-config", str(moved), "--data.source", "their_own:make"]) == 0


def test_settings_that_the_user_wrote_are_trusted(here):
    (here / "mine.json").write_text('{"data": {"source": "their_own:make"}}')
    assert _main(["show-config", "mine.json"]) == 0
    assert imported(here)


def test_without_a_place_to_remember_a_run_is_made_and_one_line_says_so(here, monkeypatch):
    (here / "file").touch()
    monkeypatch.setenv("ICL_STATE", str(here / "file"))
    with pytest.warns(UserWarning, match=r"cannot write down that runs/run was made here, .* ICL_STATE") as caught:
        assert _main(["run", "smoke", "--data.source", "their_own:make", "--name", "run", *SHORT]) == 0
    assert len(caught) == 1


def test_sources_that_are_no_code_need_no_trust_and_are_not_remembered(here):
    run = RunFolder.create(here / "run", smoke(), device="cpu", threads=1)
    trusted.remember_source(run.path, run.config.flat())
    assert run.trusted
    assert not (here / "state").exists()


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"ICL_STATE": "/own"}, "/own"),
        ({"XDG_STATE_HOME": "/general"}, "/general/icl"),
        ({"XDG_STATE_HOME": "relative", "HOME": "/home/me"}, "/home/me/.local/state/icl"),
        ({"HOME": "/home/me"}, "/home/me/.local/state/icl"),
    ],
)
def test_what_is_remembered_lies_where_the_system_keeps_state(variables, expected, monkeypatch):
    for name in ("ICL_STATE", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert trusted.state_folder() == Path(expected)


def test_the_place_of_a_module_is_found_without_importing_its_package(here):
    (here / "a_package").mkdir()
    (here / "a_package" / "__init__.py").write_text("raise SystemExit('imported')")
    assert place_of_module("a_package.inner") == here / "a_package" / "__init__.py"
    assert place_of_module("nowhere_at_all.inner") is None
    assert "a_package" not in sys.modules


def test_the_current_folder_is_looked_into_last_and_only_as_long_as_it_is_asked_for(here):
    before = list(sys.path)
    with modules_here():
        assert sys.path == [*before, os.getcwd()]
    assert sys.path == before


def test_a_module_of_pythons_own_is_no_source(here):
    told = trusted.why_not_trusted(here / "run", "os:system", allowed_by="--trust")
    assert told.endswith("must name a module of somebody's own, got Python's own os")
