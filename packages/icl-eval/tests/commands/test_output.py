"""Where output goes: formats by suffix, JSON on stdout, places that cannot be written, disks that fill up."""

import csv
import errno
import json
import os
import resource
import shutil
import subprocess
import sys

import pytest
import torch

from icl_data.foundation.command_line import CommandFailed, run_command
from icl_eval import FIGURES, evaluate_run
from icl_eval._commands.main import _main
from icl_eval._tables.files import TABLE_WRITERS

QUICK = ["--batches", "1", "--device", "cpu"]
READ_ONLY = os.strerror(errno.EROFS)


@pytest.fixture
def run(trained, tmp_path):
    shutil.copytree(trained / "c30-s0", tmp_path / "runs" / "c30-s0")
    return tmp_path / "runs" / "c30-s0"


@pytest.fixture
def never_measured(monkeypatch):
    def fail(*arguments, **keywords):
        raise AssertionError("measured before the output was tried")

    monkeypatch.setattr("icl_eval._evaluate.evaluate_run", fail)


def below(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_evaluate_writes_json_or_csv_by_the_suffix_with_the_same_rows(trained, tmp_path):
    for name in ("a.json", "b.csv", "C.JSON"):
        assert _main(["evaluate", str(trained / "c30-s0"), *QUICK, "--out", str(tmp_path / name)]) == 0
    (row,) = json.loads((tmp_path / "a.json").read_text())
    with (tmp_path / "b.csv").open(newline="") as file:
        (text,) = csv.DictReader(file)
    assert {name: str(value) for name, value in row.items()} == text
    assert (tmp_path / "C.JSON").read_bytes() == (tmp_path / "a.json").read_bytes()


@pytest.mark.parametrize("name", ["a.txt", "a", "a.csv.gz", ".json"])
def test_evaluate_refuses_a_suffix_it_does_not_know_and_names_those_it_does(trained, tmp_path, never_measured, name):
    with pytest.raises(ValueError, match=r"^--out must end in \.csv or \.json, got "):
        _main(["evaluate", str(trained / "c30-s0"), "--out", str(tmp_path / name)])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a.png", "a.PDF", "a.csv", "a.json"])
def test_a_figures_out_with_a_files_name_is_refused_instead_of_making_such_a_folder(trained, tmp_path, name):
    with pytest.raises(ValueError, match=r"^--out must be the folder of the figure's files, got "):
        _main(["figure3a", str(trained), "--out", str(tmp_path / name)])
    assert list(tmp_path.iterdir()) == []


def test_evaluate_with_json_prints_the_rows_and_nothing_else_on_stdout(run, tmp_path, capsys):
    out = tmp_path / "a.json"
    assert _main(["evaluate", str(run), *QUICK, "--all-checkpoints", "--json", "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert json.loads(printed) == json.loads(out.read_text())
    assert [row["step"] for row in json.loads(printed)] == [10, 20]


def test_evaluate_with_csv_prints_the_file_and_nothing_else_on_stdout(run, tmp_path, capsys):
    out = tmp_path / "a.csv"
    assert _main(["evaluate", str(run), *QUICK, "--all-checkpoints", "--csv", "--out", str(out)]) == 0
    assert capsys.readouterr().out == out.read_text()


@pytest.mark.parametrize("name", ["figure3a", "figure3b"])
def test_a_figure_with_json_prints_the_rows_of_its_metrics_file_and_nothing_else(trained, tmp_path, capsys, name):
    assert _main([name, str(trained), "--out", str(tmp_path), "--json"]) == 0
    with (tmp_path / f"{name}_metrics.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [{key: str(value) for key, value in row.items()} for row in json.loads(capsys.readouterr().out)] == rows


def test_the_list_of_figures_is_there_as_json(capsys):
    assert _main(["figures", "--json"]) == 0
    assert [one["name"] for one in json.loads(capsys.readouterr().out)] == list(FIGURES)


def test_evaluate_on_a_read_only_run_says_so_before_measuring_and_prints_the_table(run, read_only, capsys, monkeypatch):
    told = []

    def measure(*arguments, **keywords):
        told.append(capsys.readouterr().err)
        return evaluate_run(*arguments, **keywords)

    monkeypatch.setattr("icl_eval._evaluate.evaluate_run", measure)
    read_only(run)
    before = below(run)
    assert _main(["evaluate", str(run), *QUICK]) == 0
    file = run / "evaluation.csv"
    assert told == [
        f"icl-eval evaluate: cannot write {file} ({READ_ONLY}); "
        "--out FILE takes the rows, and the table is printed all the same\n"
    ]
    printed = capsys.readouterr().out
    assert "ICL two-way accuracy" in printed
    assert str(file) not in printed
    assert below(run) == before


def test_evaluate_refuses_an_out_that_cannot_be_written_before_measuring(run, tmp_path, read_only, never_measured):
    (tmp_path / "closed").mkdir()
    read_only(tmp_path / "closed")
    out = tmp_path / "closed" / "a.csv"
    with pytest.raises(ValueError) as refused:
        _main(["evaluate", str(run), "--out", str(out)])
    assert str(refused.value) == f"--out must be a file that can be written, got {out} ({READ_ONLY})"


def test_a_figure_of_read_only_runs_says_so_prints_the_table_and_fails(run, read_only, capsys):
    read_only(run.parent)
    assert _main(["figure3a", str(run.parent)]) == 1
    printed = capsys.readouterr()
    assert printed.err == (
        f"icl-eval figure3a: nothing is drawn: {run.parent} cannot be written to ({READ_ONLY}); "
        "--out FOLDER takes the files\n"
    )
    assert "ICL two-way accuracy" in printed.out
    assert "figure3a.png" not in printed.out


def test_a_comparison_of_read_only_runs_says_so_prints_the_tables_and_fails(run, tmp_path, read_only, capsys):
    archived = tmp_path / "archived.csv"
    archived.write_text("step,metric,value\n0,train/loss,3\n10,train/loss,2\n20,train/loss,1\n")
    read_only(run.parent)
    assert _main(["compare", str(run), "--with", str(archived), "--unfinished"]) == 1
    printed = capsys.readouterr()
    assert f"nothing is drawn: {run} cannot be written to ({READ_ONLY}); --out FOLDER" in printed.err
    assert "difference" in printed.out
    assert "compare.png" not in printed.out


def test_a_figure_refuses_an_out_that_cannot_be_written_before_reading(run, tmp_path, read_only, monkeypatch):
    monkeypatch.setattr("icl_eval._commands.drawn.load_runs", lambda *arguments, **keywords: 1 / 0)
    (tmp_path / "closed").mkdir()
    read_only(tmp_path / "closed")
    out = tmp_path / "closed" / "new" / "out"
    with pytest.raises(ValueError) as refused:
        _main(["figure3a", str(run.parent), "--out", str(out)])
    assert str(refused.value) == f"--out must be a folder, or one that can be made, got {out} ({READ_ONLY})"


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder that the system keeps for itself")
def test_a_place_where_the_system_makes_no_files_is_found_by_trying(run):
    with pytest.raises(ValueError, match=r"^--out must be a file that can be written, got /proc/a\.csv"):
        _main(["evaluate", str(run), "--out", "/proc/a.csv"])


def limited(bytes_per_file):
    """What a process does first so that no file may grow beyond that: writing fails as on a full disk."""
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_per_file, bytes_per_file))


def test_a_figure_of_which_one_file_does_not_reach_the_disk_leaves_none_of_them(run, tmp_path, monkeypatch):
    real = os.fsync

    def fsync(descriptor):
        if "figure3a.svg" in os.readlink(f"/proc/self/fd/{descriptor}"):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with pytest.raises(CommandFailed) as failed:
        _main(["figure3a", str(run.parent), "--out", str(tmp_path / "figure")])
    assert str(failed.value).startswith(f"{os.strerror(errno.EIO)}: {tmp_path / 'figure' / 'figure3a.svg'} (")
    assert below(tmp_path / "figure") == {}


@pytest.mark.parametrize("ending", ["csv", "parquet", "json", "md"])
def test_a_table_that_does_not_fit_on_the_disk_fails_in_one_line_and_leaves_nothing(run, tmp_path, ending, monkeypatch):
    pytest.importorskip("polars")
    out = tmp_path / f"a.{ending}"
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # half a compiled module would be read ever after
    resource.setrlimit(resource.RLIMIT_FSIZE, (200, before[1]))
    try:
        with pytest.raises(CommandFailed) as failed:
            _main(["table", str(run.parent), "--out", str(out)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert str(failed.value).startswith(f"{os.strerror(errno.EFBIG)}: {out} (files may not")
    assert [path.name for path in tmp_path.iterdir()] == ["runs"]


def test_a_full_disk_is_no_mistake_of_the_place_that_was_asked_for(run, tmp_path, monkeypatch, never_measured, capsys):
    def full(*arguments, **keywords):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(tmp_path / "a.csv"))

    monkeypatch.setattr("icl_eval._commands.output.try_file", full)
    assert run_command(_main, "icl-eval", ["evaluate", str(run), "--out", str(tmp_path / "a.csv")]) == 1
    assert capsys.readouterr().err.startswith("icl-eval evaluate: No space left on device: ")


def test_a_figure_that_does_not_fit_on_the_disk_fails_in_one_line_and_leaves_the_older_files(run, tmp_path):
    assert _main(["figure3a", str(run.parent)]) == 0
    before = below(tmp_path)
    command = [sys.executable, "-m", "icl_eval", "figure3a", str(run.parent)]
    env = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, preexec_fn=limited(2000), env=env)
    assert done.returncode == 1
    assert done.stderr.startswith(f"icl-eval figure3a: {os.strerror(errno.EFBIG)}: {run.parent / 'figure3a.'}")
    assert "choose a folder elsewhere" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert below(tmp_path) == before


def test_evaluate_on_a_disk_that_fills_up_prints_the_table_fails_and_names_the_file(run, tmp_path, monkeypatch, capsys):
    def full(path, rows):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setitem(TABLE_WRITERS, ".csv", full)
    out = tmp_path / "a.csv"
    with pytest.raises(CommandFailed) as failed:
        _main(["evaluate", str(run), *QUICK, "--out", str(out)])
    assert str(failed.value).startswith(f"{os.strerror(errno.ENOSPC)}: {out} (free some space")
    printed = capsys.readouterr().out
    assert "ICL two-way accuracy" in printed
    assert str(out) not in printed
    assert not out.exists()


def test_a_damaged_checkpoint_fails_before_measuring_and_is_named(run, monkeypatch, capsys):
    weights = run / "checkpoints" / "step_0000020" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    monkeypatch.setattr("icl_eval._evaluate.eval_record", lambda *arguments, **keywords: 1 / 0)
    with pytest.raises(CommandFailed, match=r"^cannot load .*step_0000020: model\.safetensors must have"):
        _main(["evaluate", str(run), *QUICK, "--all-checkpoints"])
    assert not (run / "evaluation.csv").exists()


def test_a_device_with_too_little_memory_fails_in_one_line(run, monkeypatch):
    def out_of_memory(*arguments, **keywords):
        raise torch.cuda.OutOfMemoryError("CUDA out of memory.\nTried to allocate 2 GiB")

    monkeypatch.setattr("icl_eval._evaluate.Evaluator", out_of_memory)
    with pytest.raises(CommandFailed) as failed:
        _main(["evaluate", str(run), *QUICK])
    assert str(failed.value) == (
        f"{run} needs more memory than its device has (--device cpu?): CUDA out of memory. Tried to allocate 2 GiB"
    )


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs /dev/full")
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_standard_output_that_is_full_fails_in_one_line(unbuffered):
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "icl_eval", "figures"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
        )
    assert done.returncode == 1
    assert done.stderr == f"icl-eval figures: cannot write to standard output: {os.strerror(errno.ENOSPC)}\n"


def test_a_reader_that_goes_away_ends_the_command_with_141(trained, tmp_path):
    command = f'"{sys.executable}" -m icl_eval figure3a "{trained}" --out "{tmp_path}" | true; exit ${{PIPESTATUS[0]}}'
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (141, "")
