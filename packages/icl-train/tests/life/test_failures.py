"""What goes wrong on the disk, in the middle or before: which line it is, which exit code, and what is left."""

import errno
import importlib.util
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from icl_data.foundation.command_line import run_command
from icl_train import RunFailed, RunFolder, smoke, train, why_failed
from icl_train._commands.main import _main
from icl_train._life.failure import failure_of, reason_of
from icl_train._runs import checkpoint as checkpoint_module

_spec = importlib.util.spec_from_file_location("tiny_omniglot", Path(__file__).parents[1] / "tiny_omniglot.py")
tiny_omniglot = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tiny_omniglot)


class Quiet:
    def start(self, *args):
        pass

    advance = records = start

    def stop(self):
        pass


def short(**changes):
    config = smoke()
    changes = {"max_steps": 20, "checkpoint_interval": 10} | changes
    return replace(config, train=replace(config.train, **changes), eval=replace(config.eval, batches=1))


def command(capsys, *args):
    """Exit code and the one line on stderr."""
    code = run_command(_main, "icl-train", [str(arg) for arg in args])
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return code, error.removesuffix("\n")


def left(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_a_root_below_a_file_is_refused_with_its_name(tmp_path, capsys):
    (tmp_path / "file").touch()
    for root in ("file", "file/runs"):
        code, line = command(capsys, "run", "smoke", "--root", tmp_path / root)
        assert code == 2
        reason = "Not a directory: {} (a part of this path is a file: choose another one)"
        assert line == f"icl-train run: error: {reason.format(tmp_path / 'file')}"
    assert left(tmp_path) == ["file"]


def test_a_name_that_is_too_long_is_refused_with_its_path(tmp_path, capsys):
    code, line = command(capsys, "run", "smoke", "--root", tmp_path / "runs", "--name", "x" * 300)
    assert code == 2
    assert (
        line == f"icl-train run: error: File name too long: {tmp_path / 'runs' / ('x' * 300)} (choose a shorter name)"
    )
    assert left(tmp_path) == []


def test_a_name_as_long_as_the_disk_takes_is_fine(tmp_path):
    run = RunFolder.create(tmp_path / ("x" * 255), smoke(), device="cpu", threads=1)
    assert left(tmp_path) == [run.name, f"{run.name}/config.json"]


def as_somebody_else(*args):
    """Exit code and stderr of icl-train, run by a user whom rights stop: root is not."""
    code = """
import contextlib, io, os, sys
from icl_data.foundation.command_line import run_command
from icl_train._commands.main import _main, main
with contextlib.redirect_stderr(io.StringIO()):  # whoever it is then may not be able to read the modules
    assert run_command(_main, "icl-train", ["run", "smoke", "--root", os.devnull]) == 2
sys.argv[0] = "icl-train"
if os.getuid() == 0:
    os.setuid(65534)
sys.exit(main())
"""
    done = subprocess.run([sys.executable, "-c", code, *map(str, args)], capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize("root", ["locked", "locked/runs/deeper"])
def test_a_root_without_the_right_to_write_is_refused_with_its_name(root):
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        locked = folder / "locked"
        locked.mkdir(mode=0o555)
        code, error = as_somebody_else("run", "smoke", "--root", folder / root)
        reason = f"Permission denied: {locked} (choose a place that you may use, or ask for the right to)"
        assert (code, error) == (2, f"icl-train run: error: {reason}\n")
        assert left(folder) == ["locked"]


def full(*args, **kwargs):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_that_is_full_at_the_start_leaves_no_folder(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("icl_train._intact.objects.write_text", full)
    code, line = command(capsys, "run", "smoke", "--root", tmp_path / "a" / "b", "--name", "run")
    assert code == 1
    path = tmp_path / "a" / "b" / "run"
    assert line.endswith(f"No space left on device: {path} (free some space, or choose a folder on another disk)")
    assert left(tmp_path) == []


def test_a_disk_that_fills_up_while_training_fails_the_run_in_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(checkpoint_module, "save", full)
    path = tmp_path / "run"
    code, line = command(capsys, "run", "smoke", "--root", tmp_path, "--name", "run", "--max-steps", "20")
    step = path / "checkpoints" / "step_0000020"
    reason = f"No space left on device: {step} (free some space, or choose a folder on another disk)"
    assert code == 1
    assert line == f"icl-train run: {path}: {reason}"
    assert why_failed(RunFolder.open(path)) == reason
    assert left(path / "checkpoints") == []


LIMITED = """
import resource, sys
from icl_train._commands.main import main
sys.dont_write_bytecode = True  # half a compiled module would be read ever after
# The weights of the smallest model are larger; config.json, FAILED and the metrics are not.
resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, resource.RLIM_INFINITY))
sys.exit(main())
"""


def test_a_file_that_may_not_grow_fails_the_run_in_one_line(tmp_path):
    args = ["run", "smoke", "--root", tmp_path, "--name", "run", "--max-steps", "4", "--eval-batches", "1"]
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, *map(str, args)], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    path = tmp_path / "run"
    assert done.returncode == 1, done.stderr
    assert done.stderr.startswith(f"icl-train run: {path}: File too large: {path / 'checkpoints' / 'step_0000004'}")
    assert done.stderr.count("\n") == 1
    assert why_failed(RunFolder.open(path)).startswith("File too large: ")
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 12_000


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    run = RunFolder.create(tmp_path_factory.mktemp("finished") / "run", short(), device="cpu", threads=1)
    train(run, Quiet())
    return run.path


@pytest.fixture
def interrupted(finished, tmp_path):
    """A run that was stopped after its last checkpoint but one."""
    shutil.copytree(finished, tmp_path / "run")
    (tmp_path / "run" / "DONE").unlink()
    shutil.rmtree(tmp_path / "run" / "checkpoints" / "step_0000020")
    return tmp_path / "run"


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors", "state.json"])
@pytest.mark.parametrize("content", [b"", b"nonsense", None])
def test_a_damaged_checkpoint_fails_the_run_in_one_line(name, content, interrupted, capsys):
    file = interrupted / "checkpoints" / "step_0000010" / name
    file.write_bytes(file.read_bytes()[:-40] if content is None else content)
    code, line = command(capsys, "resume", interrupted)
    assert code == 1
    assert line.startswith(
        f"icl-train resume: {interrupted}: none of its checkpoints can be gone on from (step 10: {name}"
    )
    assert why_failed(RunFolder.open(interrupted)).startswith("none of its checkpoints can be gone on from ")


def test_a_failure_that_cannot_be_written_down_is_told_all_the_same(interrupted, capsys, monkeypatch):
    monkeypatch.setattr(RunFolder, "append", full)
    monkeypatch.setattr(RunFolder, "mark_failed", full)
    code, line = command(capsys, "resume", interrupted)
    advice = "free some space, or choose a folder on another disk"
    assert (code, line) == (1, f"icl-train resume: {interrupted}: No space left on device ({advice})")


OWN_SOURCE = """
import numpy as np
from icl_data import ArraySource
def vectors(): return ArraySource(np.random.default_rng(0).normal(size=(80, 9, 8)).astype("float32"))
"""


def untouched(path):
    files = [file for file in path.rglob("*") if file.is_file() and file.name != ".lock"]
    return {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in files}


def test_a_run_whose_source_is_gone_is_refused_before_it_starts_and_stays_as_it_was(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "vanishing_source.py").write_text(OWN_SOURCE)
    options = ["--data.source", "vanishing_source:vectors", "--name", "run", "--max-steps", "2", "--eval-batches", "1"]
    assert _main(["run", "smoke", "--root", str(tmp_path), *options]) == 0
    capsys.readouterr()
    path = tmp_path / "run"
    (path / "DONE").unlink()
    (path / "FAILED").write_text("before\n")
    (tmp_path / "vanishing_source.py").unlink()
    monkeypatch.delitem(sys.modules, "vanishing_source")
    before = untouched(path)
    code, line = command(capsys, "resume", path)
    assert code == 2
    assert "vanishing_source" in line
    assert untouched(path) == before


def test_a_run_whose_images_are_gone_is_refused_before_it_starts_and_stays_as_it_was(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("ICL_CACHE", str(tmp_path / "cache"))
    folder = tiny_omniglot.write_omniglot(tmp_path / "omniglot", characters=(24, 10))
    options = ["--data.omniglot", str(folder), "--data.n-rare-classes", "8", "--data.n-labels", "None"]
    settings = ["--model.embedder", "linear", "--max-steps", "2", "--eval-batches", "1", "--name", "run"]
    assert _main(["run", "smoke", "--root", str(tmp_path), *options, *settings]) == 0
    capsys.readouterr()
    path = tmp_path / "run"
    (path / "DONE").unlink()
    shutil.rmtree(folder)
    before = untouched(path)
    code, line = command(capsys, "resume", path)
    assert code == 2
    assert str(folder) in line
    assert untouched(path) == before


def test_a_sweep_below_a_file_is_refused_with_its_name(tmp_path, capsys):
    (tmp_path / "file").touch()
    args = ["--preset", "smoke", "--class-counts", "30", "--root", tmp_path / "file"]
    code, line = command(capsys, "sweep", "figure3a", *args)
    assert code == 2
    assert line.startswith(f"icl-train sweep: error: Not a directory: {tmp_path / 'file'} ")
    assert left(tmp_path) == ["file"]


def test_a_fault_of_the_program_keeps_its_traceback():
    fault = TypeError("unexpected")
    assert failure_of(Path("run"), fault) is fault


@pytest.mark.parametrize(
    "error",
    [ValueError("x"), MemoryError(), torch.cuda.OutOfMemoryError("CUDA out of memory."), OSError(errno.EIO, "x", "y")],
)
def test_what_the_world_did_is_a_failed_run_with_its_folder(error):
    failure = failure_of(Path("runs/mine"), error)
    assert isinstance(failure, RunFailed)
    assert str(failure).startswith("runs/mine: ")
    failure.__cause__ = error
    assert reason_of(failure) == reason_of(error)
    assert type(error).__name__ not in reason_of(error)


def test_the_reason_of_a_fault_names_its_class_which_is_all_that_some_say():
    assert reason_of(KeyError("emb")) == "KeyError: 'emb'"


def test_a_reason_is_stored_on_one_line_that_no_terminal_obeys(tmp_path):
    run = RunFolder.create(tmp_path / "run", smoke(), device="cpu", threads=1)
    run.mark_failed("\x1b[31mred\nand \udcff more")
    assert why_failed(run) == "\\x1b[31mred and \\udcff more"
    assert "\\\\udcff more" in (run.path / "FAILED").read_text()
