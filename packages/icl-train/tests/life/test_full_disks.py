"""Disks that are full, limited, failing or gone, at any moment of a run: one line, exit code 1, nothing half-written,
and a resumed run whose weights are those of an unbroken one."""

import errno
import os
import resource
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
from safetensors.torch import load_file

from icl_data.foundation.command_line import run_command
from icl_train import RunFolder
from icl_train._commands.main import _main

SHORT = ["--train.max-steps", "12", "--train.checkpoint-interval", "4", "--eval-batches", "1"]


@pytest.fixture
def command(capsys):
    """``command(*args)``: exit code, and the one line on stderr that a failure has."""

    def run(*args):
        capsys.readouterr()
        code = run_command(_main, "icl-train", [str(arg) for arg in args])
        error = capsys.readouterr().err
        assert error.count("\n") == (0 if code == 0 else 1), error
        return code, error.removesuffix("\n")

    return run


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Those of an unbroken run."""
    root = tmp_path_factory.mktemp("unbroken")
    assert run_command(_main, "icl-train", ["run", "smoke", "--root", str(root), "--name", "run", *SHORT]) == 0
    return last_weights(root / "run")


def last_weights(run):
    return (run / "checkpoints" / "step_0000012" / "model.safetensors").read_bytes()


def check_what_is_left(run, code):
    """Whole checkpoints, no temporary file, and a status that is true."""
    for checkpoint in (run / "checkpoints").glob("*"):
        assert not checkpoint.name.startswith(".")
        for file in checkpoint.glob("*.safetensors"):
            load_file(file)
        assert (checkpoint / "model.safetensors").exists()
        assert (checkpoint / "state.json").exists()
    assert [path.name for path in run.rglob(".*") if path.name != ".lock"] == []
    if run.exists():
        assert (RunFolder.open(run).status() == "done") == (code == 0)


@contextmanager
def largest_file(n_bytes):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    writes_none = sys.dont_write_bytecode
    sys.dont_write_bytecode = True  # half a compiled module would be read ever after
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        sys.dont_write_bytecode = writes_none


@pytest.mark.parametrize("n_bytes", [500, 2500, 3400, 9000, 17_300, 30_000])
def test_a_limit_on_files_is_one_line_and_the_run_goes_on_without_it(n_bytes, tmp_path, command, weights):
    run = tmp_path / "run"
    with largest_file(n_bytes):
        code, line = command("run", "smoke", "--root", tmp_path, "--name", "run", *SHORT)
    assert code == 1
    assert f"File too large: {run}" in line
    check_what_is_left(run, code)
    if run.exists():
        assert RunFolder.open(run).status() == "failed"
        assert command("resume", run) == (0, "")
        assert last_weights(run) == weights


@contextmanager
def disk_of(kilobytes, folder):
    """A disk of that size, where this process may mount one."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", folder], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip(f"no disk of a size can be mounted here: {mounted.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.skipif(shutil.which("mount") is None, reason="no disk of a size can be mounted here")
@pytest.mark.parametrize("kilobytes", [8, 24, 44, 80, 116, 160])
def test_a_full_disk_is_one_line_and_the_run_goes_on_with_more_room(kilobytes, tmp_path, command, weights):
    with disk_of(kilobytes, tmp_path / "disk"):
        run = tmp_path / "disk" / "run"
        code, line = command("run", "smoke", "--root", run.parent, "--name", "run", *SHORT)
        assert code == 1
        assert f"No space left on device: {run}" in line
        check_what_is_left(run, code)
        assert command("status", run.parent)[0] == 0
        subprocess.run(["mount", "-o", "remount,size=4m", run.parent], check=True)
        assert command("resume", run) == (0, "")
        assert last_weights(run) == weights


REFUSED = [("fsync", errno.EIO), ("replace", errno.EDQUOT), ("mkdir", errno.ENOSPC), ("open", errno.EMFILE)]


@pytest.mark.parametrize(("call", "code"), REFUSED, ids=[call for call, _ in REFUSED])
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "from then on"])
def test_a_call_that_fails_at_any_moment_loses_nothing(call, code, lasting, tmp_path, command, weights, monkeypatch):
    """Each moment from the first to the last is tried until a run needs no more calls than that."""
    step = {"fsync": 5, "replace": 3, "mkdir": 1, "open": 5}[call]
    real, moment = getattr(os, call), 1
    while True:
        run, count = tmp_path / f"run{moment}", 0

        def fail(path, *args, moment=moment, **more):
            nonlocal count
            if call == "open" and not args[0] & os.O_CREAT:
                return real(path, *args, **more)
            count += 1
            if count == moment or (lasting and count > moment):
                raise OSError(code, os.strerror(code), None if call == "fsync" else path)
            return real(path, *args, **more)

        with monkeypatch.context() as patch:
            patch.setattr(os, call, fail)
            ended, line = command("run", "smoke", "--root", tmp_path, "--name", run.name, *SHORT)
        check_what_is_left(run, ended)
        if count < moment:
            assert ended == 0
            break
        if ended:  # what may be missing, such as a sign of life, stops nothing
            assert ended == 1
            assert os.strerror(code) in line
        if run.exists():
            assert command("resume", run)[0] == 0
            assert last_weights(run) == weights
        moment += step
    assert moment > step


def test_a_run_whose_folder_is_removed_ends_in_one_line_and_makes_no_new_one(tmp_path, command, monkeypatch):
    run, append = tmp_path / "run", RunFolder.append

    def remove(self, records):
        if records[0]["step"] == 8:
            shutil.rmtree(run)
        return append(self, records)

    monkeypatch.setattr(RunFolder, "append", remove)
    options = [*SHORT, "--train.log-interval", "4"]
    code, line = command("run", "smoke", "--root", tmp_path, "--name", "run", *options)
    assert (code, line) == (1, f"icl-train run: {run}: No such file or directory: {run / 'metrics.jsonl'}")
    assert list(tmp_path.iterdir()) == []


LIMITED = """
import os, resource, signal, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv.pop(1)),) * 2)
from icl_train._commands.main import main
sys.exit(main())
"""


@pytest.mark.parametrize("n_files", [7, 10, 20, 40])
def test_few_descriptors_are_enough_or_one_line(n_files, tmp_path):
    args = [str(n_files), "run", "smoke", "--root", str(tmp_path), "--name", "run", *SHORT]
    done = subprocess.run([sys.executable, "-c", LIMITED, *args], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    assert done.stderr.count("\n") == done.returncode, done.stderr
    check_what_is_left(tmp_path / "run", done.returncode)


def test_a_limit_on_files_ends_no_process_by_its_signal(tmp_path):
    """Whatever handler of SIGXFSZ the process was started with."""
    import signal

    args = [sys.executable, "-m", "icl_train", "run", "smoke", "--root", str(tmp_path), "--name", "run", *SHORT]

    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_FSIZE, (9000, resource.RLIM_INFINITY))

    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}  # half a compiled module would be read ever after
    done = subprocess.run(args, capture_output=True, text=True, check=False, preexec_fn=limit, env=env)
    assert done.returncode == 1, done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_every_file_of_a_run_has_the_rights_that_the_umask_leaves(umask, mode, tmp_path, command):
    previous = os.umask(umask)
    try:
        assert command("run", "smoke", "--root", tmp_path, "--name", "run", *SHORT)[0] == 0
    finally:
        os.umask(previous)
    files = [path for path in (tmp_path / "run").rglob("*") if path.is_file() and path.name != ".lock"]
    assert len(files) > 10
    assert {path.name: path.stat().st_mode & 0o777 for path in files if path.stat().st_mode & 0o777 != mode} == {}
    folders = [path for path in (tmp_path / "run").rglob("*") if path.is_dir()]
    assert {path.stat().st_mode & 0o777 for path in folders} == {0o777 & ~umask}


def test_what_killed_processes_were_writing_is_gone_after_the_next_start(tmp_path, command):
    run = tmp_path / "run"
    command("run", "smoke", "--root", tmp_path, "--name", "run", *SHORT)
    (run / "DONE").unlink()
    shutil.rmtree(run / "checkpoints" / "step_0000012")
    (run / "checkpoints" / ".writing_step_0000012").mkdir()
    (run / "checkpoints" / ".writing_step_0000012" / "model.safetensors").touch()
    for name in (".heartbeat.json.writing", ".config.json.0123abcd.writing.json", ".DONE.0123abcd.writing"):
        (run / name).touch()
    assert command("resume", run)[0] == 0
    check_what_is_left(run, 0)
    assert Path(run / "DONE").exists()
