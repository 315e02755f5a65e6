"""A run whose data have changed since is neither measured nor trained further: its new classes may be trained ones."""

import json

import numpy as np
import pytest
from broken_runs import contents

from icl_data import ArraySource, SymbolicSource
from icl_data.foundation.command_line import run_command
from icl_data.foundation.sealed import seal_object, unseal_object
from icl_train import RunFolder
from icl_train._commands.main import _main
from icl_train._run_data import RunData, fingerprint

SHORT = ["--max-steps", "10", "--eval-batches", "1", "--data.n-labels", "None"]


def write(path, n_classes=100, n_exemplars=6, seed=0):
    values = np.random.default_rng(seed).normal(size=(n_classes, n_exemplars, 8)).astype("float32")
    np.save(path, values)
    return values


@pytest.fixture
def run(tmp_path):
    write(tmp_path / "vectors.npy")
    args = ["run", "smoke", "--data.source", str(tmp_path / "vectors.npy"), *SHORT, "--root", str(tmp_path / "runs")]
    assert _main([*args, "--name", "run"]) == 0
    return RunFolder.open(tmp_path / "runs" / "run")


def resume(run, capsys):
    code = run_command(_main, "icl-train", ["resume", str(run.path), "--max-steps", "20"])
    return code, capsys.readouterr().err.splitlines()


OTHERS = [
    pytest.param({"n_classes": 130}, "classes 130, not 100", id="more classes"),
    pytest.param({"n_exemplars": 7}, "exemplars 7, not 6", id="more exemplars"),
    pytest.param({"seed": 1}, "other examples", id="other values"),
]


@pytest.mark.parametrize(("change", "told"), OTHERS)
def test_a_run_does_not_go_on_with_other_data(change, told, run, tmp_path, capsys):
    before = contents(run)
    write(tmp_path / "vectors.npy", **change)
    capsys.readouterr()
    code, (line,) = resume(run, capsys)
    assert code == 2
    assert "must be those that it was trained on, got " in line
    assert told in line
    assert contents(run) == before


def test_the_same_data_in_a_file_that_was_written_anew_are_the_same(run, tmp_path, capsys):
    write(tmp_path / "vectors.npy")
    assert resume(run, capsys)[0] == 0


def test_a_run_without_a_checkpoint_has_learned_nothing(run, tmp_path, capsys):
    for path in (run.path / "checkpoints").glob("*/*"):
        path.unlink()
    for path in [*(run.path / "checkpoints").iterdir(), run.path / "checkpoints"]:
        path.rmdir()
    for name in ("DONE", "metrics.jsonl"):
        (run.path / name).unlink()
    write(tmp_path / "vectors.npy", n_classes=130)
    assert resume(run, capsys)[0] == 0
    assert unseal_object((run.path / "classes.json").read_bytes())["source"]["classes"] == 130


def test_of_a_run_that_never_said_which_examples_it_had_the_split_is_compared(run, tmp_path):
    from icl_train._life.classes import require_same_data

    stored = unseal_object((run.path / "classes.json").read_bytes())
    del stored["source"]
    (run.path / "classes.json").write_text(seal_object(json.dumps(stored, indent=1) + "\n"))
    write(tmp_path / "vectors.npy", seed=1)
    require_same_data(run, RunData.build(run.config).described())
    write(tmp_path / "vectors.npy", n_classes=130)
    with pytest.raises(ValueError, match="got another split into classes"):
        require_same_data(run, RunData.build(run.config).described())


def test_a_fingerprint_is_of_keys_and_of_examples_all_over_the_source():
    values = np.random.default_rng(0).normal(size=(40, 5, 3)).astype("float32")
    known = fingerprint(ArraySource(values))
    assert known == fingerprint(ArraySource(values.copy()))
    for place in range(200):
        other = values.copy()
        other.reshape(200, 3)[place] += 1
        assert fingerprint(ArraySource(other))["sha256"] != known["sha256"]
    assert fingerprint(SymbolicSource(10**6))["classes"] == 10**6
