"""Damage to the files of a run is seen where they are read, and a run goes on from what is intact."""

import os
import random
import re
import shutil

import pytest
import torch
from broken_runs import LAST, Stops, assert_same, contents, flip, flipped, resumed

from icl_data.foundation import regular_file
from icl_data.foundation.command_line import run_command
from icl_data.foundation.sealed import Damaged
from icl_train import RunError, RunFolder, load_model_weights, train
from icl_train._commands.main import _main
from icl_train._intact.checkpoints import read_state
from icl_train._intact.errors import RunDamaged
from icl_train._intact.markers import read_done
from icl_train._intact.objects import object_in
from icl_train._task import Task


def test_every_single_bit_of_config_json_counts(done):
    file = done.path / "config.json"
    content = file.read_bytes()
    for bit in range(len(content) * 8):
        with pytest.raises(Damaged):
            object_in(flipped(content, bit))
    for bit in range(0, len(content) * 8, 97):
        file.write_bytes(flipped(content, bit))
        with pytest.raises(RunError, match=r"config\.json"):
            RunFolder.open(done.path)


def test_every_single_bit_of_state_json_counts(done):
    file = done.checkpoints / f"step_{LAST:07d}" / "state.json"
    content = file.read_bytes()
    for bit in range(len(content) * 8):
        file.write_bytes(flipped(content, bit))
        with pytest.raises(Damaged, match=r"^state\.json"):
            read_state(done.checkpoints, LAST)


def test_every_single_bit_of_done_counts(done):
    file = done.path / "DONE"
    content = file.read_bytes()
    for bit in range(len(content) * 8):
        file.write_bytes(flipped(content, bit))
        with pytest.raises(Damaged, match=r"^DONE: "):
            read_done(done.path, run_format=2)
    assert done.status() == "damaged"


def test_every_sampled_bit_of_the_metrics_counts(done):
    file = done.path / "metrics.jsonl"
    content = file.read_bytes()
    for bit in random.Random(0).sample(range(len(content) * 8), 2000):
        file.write_bytes(flipped(content, bit))
        with pytest.raises(RunError, match=r"metrics\.jsonl: "):
            done.records()


def test_every_cut_of_the_metrics_counts(done):
    file = done.path / "metrics.jsonl"
    content = file.read_bytes()
    for end in range(0, len(content), 101):
        file.write_bytes(content[:end])
        with pytest.raises(RunError, match=r"metrics\.jsonl: it must have the [0-9,]+ bytes that it had, got "):
            done.records()
        assert done.status() == "damaged"


def test_every_sampled_bit_of_the_weights_counts(done):
    file = done.checkpoints / f"step_{LAST:07d}" / "model.safetensors"
    content = file.read_bytes()
    model = Task.build(done.config, device=torch.device("cpu")).build_model()
    for bit in random.Random(0).sample(range(len(content) * 8), 300):
        file.write_bytes(flipped(content, bit))
        with pytest.raises(ValueError, match=r"model\.safetensors must have the sha256 that it was written with"):
            load_model_weights(done.checkpoints, LAST, model)


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors", "state.json"])
def test_a_run_goes_on_from_the_checkpoint_before_a_damaged_one_and_ends_as_the_unbroken_one(
    name, interrupted, finished
):
    flip(interrupted.checkpoints / "step_0000015" / name, 999)
    code, lines = resumed(interrupted)
    assert code == 0
    (line,) = lines
    assert "goes on from step 10: the checkpoint of step 15 cannot be used, " + name in line
    assert_same(interrupted, finished)
    assert [path.name for path in interrupted.checkpoints.glob("*damaged*")] == []


def test_a_damaged_checkpoint_is_kept_until_training_has_passed_it(interrupted):
    flip(interrupted.checkpoints / "step_0000015" / "model.safetensors", 999)
    with pytest.warns(RunDamaged), pytest.raises(KeyboardInterrupt):
        train(interrupted, Stops(15))
    assert [path.name for path in interrupted.checkpoints.glob("*damaged*")] == ["step_0000015.damaged"]
    assert RunFolder.open(interrupted.path).damage() is None


def test_records_that_are_missing_before_a_checkpoint_take_the_run_back_to_where_they_are_whole(interrupted, finished):
    file = interrupted.path / "metrics.jsonl"
    content = file.read_bytes()
    ends = read_state(interrupted.checkpoints, 15).metrics[0].n_bytes
    file.write_bytes(content[: ends - 700])
    assert interrupted.status() == "damaged"
    code, lines = resumed(interrupted)
    assert (code, len(lines)) == (0, 1)
    assert "step 15 cannot be used, metrics.jsonl: it must have the " in lines[0]
    assert_same(interrupted, finished)


def test_records_that_no_checkpoint_can_be_gone_on_from_are_one_line(interrupted):
    flip(interrupted.path / "metrics.jsonl", 100)
    before = contents(interrupted)
    code, lines = resumed(interrupted)
    assert (code, len(lines)) == (1, 1)
    assert "none of its checkpoints can be gone on from (step 15: metrics.jsonl: its first " in lines[0]
    assert "to train it again from step 0, remove checkpoints and metrics.jsonl" in lines[0]
    after = contents(interrupted)
    assert set(after) - set(before) == {interrupted.path / "FAILED"}
    assert {path: after[path] for path in before} == before


def test_a_run_whose_checkpoints_are_gone_does_not_start_again_by_itself(interrupted, finished):
    shutil.rmtree(interrupted.checkpoints)
    code, lines = resumed(interrupted)
    assert code == 1
    assert "its checkpoints are gone: it has records of step 20, and had a checkpoint of step 5" in lines[0]
    (interrupted.path / "metrics.jsonl").unlink()
    assert resumed(interrupted)[0] == 0
    assert_same(interrupted, finished)


def test_a_finished_run_whose_marker_is_damaged_is_finished_anew(done, finished):
    flip(done.path / "DONE", 30)
    code, lines = resumed(done)
    assert (code, len(lines)) == (0, 1)
    assert "DONE: " in lines[0]
    assert_same(done, finished)


def test_a_finished_run_whose_records_are_damaged_is_not_done_already(done, finished):
    flip(done.path / "metrics.jsonl", 8 * (read_state(done.checkpoints, 15).metrics[0].n_bytes + 30))
    code, lines = resumed(done)
    assert (code, len(lines)) == (0, 1)
    assert_same(done, finished)


def test_the_classes_of_a_run_that_goes_on_are_written_again_if_they_are_damaged(interrupted, finished):
    flip(interrupted.path / "classes.json", 77)
    code, lines = resumed(interrupted)
    assert (code, len(lines)) == (0, 1)
    assert "written anew, classes.json: " in lines[0]
    assert (interrupted.path / "classes.json").read_bytes() == (finished.path / "classes.json").read_bytes()


def test_a_copy_of_the_weights_that_a_run_starts_from_is_what_was_copied(finished, tmp_path, capsys):
    args = ["--root", str(tmp_path), "--name", "next", "--init-from", str(finished.path), "--max-steps", "2"]
    assert _main(["run", "smoke", *args, "--eval-batches", "1"]) == 0
    run = RunFolder.open(tmp_path / "next")
    for name in ("DONE", "metrics.jsonl"):
        (run.path / name).unlink()
    shutil.rmtree(run.checkpoints)
    flip(run.path / "initial.safetensors", 8000)
    code, lines = resumed(run)
    assert code == 1
    assert "initial.safetensors must have sha256:" in lines[-1]


def test_a_run_does_not_start_from_a_damaged_checkpoint(done, tmp_path, capsys):
    flip(done.checkpoints / f"step_{LAST:07d}" / "model.safetensors", 9999)
    args = ["run", "smoke", "--root", str(tmp_path), "--name", "next", "--init-from", str(done.path)]
    assert run_command(_main, "icl-train", args) == 1
    assert "train.init_from must be weights as they were written" in capsys.readouterr().err


@pytest.mark.parametrize(
    "entry",
    [
        "step_99999999999999999999",
        "step_1",
        "step_000001",
        "step_00000000005",
        "step_0000020x",
        "step_\u0661\u0661\u0661\u0661\u0661\u0661\u0661",
    ],
)
def test_a_folder_that_is_not_named_as_checkpoints_are_is_none(entry, interrupted, finished):
    (interrupted.checkpoints / entry).mkdir()
    assert interrupted.checkpoint_steps() == [5, 10, 15]
    assert resumed(interrupted) == (0, [])
    assert_same(interrupted, finished)


def test_of_a_file_that_is_mostly_holes_no_more_is_read_than_it_may_have(done, capsys, monkeypatch):
    """A sparse file takes no room on a disk, and would take all memory."""
    read = []
    actual = regular_file._read
    monkeypatch.setattr(regular_file, "_read", lambda *args: read.append(args[1]) or actual(*args))
    names = ["metrics.jsonl", f"checkpoints/step_{LAST:07d}/model.safetensors", "classes.json"]
    for name in names:
        os.truncate(done.path / name, 1 << 40)
    assert run_command(_main, "icl-train", ["verify", str(done.path)]) == 1
    printed = capsys.readouterr().out
    for name in names:
        assert re.search(rf"{name}: it must have (at most |the )[0-9,]+ bytes", printed)
    for name in ("DONE", "config.json"):
        os.truncate(done.path / name, 1 << 40)
        assert run_command(_main, "icl-train", ["status", str(done.path.parent)]) in (0, 1)
        assert re.search("must have at most [0-9,]+ bytes", " ".join("".join(capsys.readouterr()).split()))
    assert max(read) < 1 << 28
