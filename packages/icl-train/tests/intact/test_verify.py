"""``icl-train verify`` says of each run what is damaged, and changes nothing."""

import json
import re

from broken_runs import LAST, as_format_1, contents, flip, verified
from safetensors.torch import load, save

from icl_data.foundation.command_line import run_command
from icl_train._commands.main import _main


def test_settings_are_not_taken_from_a_damaged_config_json(done, tmp_path, capsys):
    content = (done.path / "config.json").read_bytes()
    (done.path / "config.json").write_bytes(content.replace(b'"p_bursty": 0.9', b'"p_bursty": 0.1'))
    args = ["run", "--config", str(done.path), "--root", str(tmp_path), "--name", "again"]
    assert run_command(_main, "icl-train", args) == 1
    assert "must have the sha256 that it was written with" in capsys.readouterr().err


def test_verify_says_of_an_intact_run_that_it_is(done, capsys):
    code, printed = verified(done.path.parent)
    assert code == 0
    assert re.fullmatch(rf"intact: {done.path}: 14 files\n1 run: 1 intact\n", printed)


def test_verify_names_every_damaged_file_and_changes_nothing(done, capsys):
    names = [
        "classes.json",
        "DONE",
        "checkpoints/step_0000005/model.safetensors",
        "checkpoints/step_0000010/state.json",
    ]
    for name in names:
        flip(done.path / name, 555)
    before = contents(done)
    code, printed = verified(done.path.parent, "--json")
    assert code == 1
    (found,) = json.loads(printed)["runs"]
    assert found["state"] == "damaged"
    assert set(found["damaged"]) >= set(names)
    assert contents(done) == before


def test_verify_says_what_an_earlier_version_has_written_without_hashes(done, capsys):
    as_format_1(done)
    code, printed = verified(done.path.parent)
    assert code == 0
    assert "not covered: " in printed
    assert "1 run: 1 not covered" in printed


def test_verify_finds_weights_that_are_no_numbers(done, capsys):
    folder = done.checkpoints / f"step_{LAST:07d}"
    old = as_format_1(done)
    tensors = load((folder / "model.safetensors").read_bytes())
    name = next(iter(tensors))
    (folder / "model.safetensors").write_bytes(save(tensors | {name: tensors[name] * float("nan")}))
    code, printed = verified(old.path)
    assert code == 1
    assert f"model.safetensors: it must hold finite numbers alone, got others in {name}" in printed


def test_verify_finds_what_is_missing(done, capsys):
    (done.checkpoints / f"step_{LAST:07d}" / "optimizer.safetensors").unlink()
    (done.path / "classes.json").unlink()
    code, printed = verified(done.path)
    assert code == 1
    assert printed.count("damaged: ") == 2


def test_verify_counts_a_run_whose_settings_are_damaged(done, capsys):
    flip(done.path / "config.json", 1000)
    code, printed = verified(done.path.parent)
    assert code == 1
    assert printed.endswith("1 run: 1 damaged\n")


def test_the_status_of_a_damaged_run_is_that_it_is_damaged_and_why(done, capsys):
    flip(done.path / "metrics.jsonl", 3000)
    assert _main(["status", str(done.path.parent), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["runs"]
    assert row["state"] == "damaged"
    assert "metrics.jsonl: line " in row["reason"]
    assert row["scores"] == {}
