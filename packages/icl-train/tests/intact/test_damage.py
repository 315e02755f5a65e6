"""Damage to the files of a run is seen where they are read, and a run goes on from what is intact."""

import io
import json
import os
import random
import re
import shutil
import warnings
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load, save

from icl_data.foundation.command_line import run_command
from icl_data.foundation.sealed import Damaged, seal_object, unseal_object
from icl_train import PlainReporter, RunError, RunFolder, load_model_weights, smoke, train
from icl_train._commands.main import _main
from icl_train._intact.checkpoints import read_state
from icl_train._intact.errors import RunDamaged
from icl_train._intact.markers import read_done
from icl_train._intact.objects import object_in
from icl_train._task import Task

LAST = 20
CLOCK = re.compile(rb'"sequences_per_second": [^,}]*|"crc32": "[^"]*"')


def config():
    base = smoke()
    return replace(
        base,
        train=replace(base.train, max_steps=LAST, checkpoint_interval=5, log_interval=5),
        eval=replace(base.eval, interval=5, batches=1),
    )


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    run = RunFolder.create(tmp_path_factory.mktemp("finished") / "run", config(), device="cpu", threads=1)
    train(run, PlainReporter(io.StringIO()))
    return run


@pytest.fixture
def done(finished, tmp_path):
    shutil.copytree(finished.path, tmp_path / "run")
    return RunFolder.open(tmp_path / "run")


class Stops(PlainReporter):
    """Ends a run, as a kill would, when records of a step come."""

    def __init__(self, step):
        super().__init__(io.StringIO())
        self._step = step

    def records(self, records):
        if records[0]["step"] == self._step and records[0]["split"] != "train":
            raise KeyboardInterrupt


@pytest.fixture(scope="module")
def killed(tmp_path_factory):
    """It was killed after the evaluation of its last step, before the checkpoint."""
    run = RunFolder.create(tmp_path_factory.mktemp("killed") / "run", config(), device="cpu", threads=1)
    with pytest.raises(KeyboardInterrupt):
        train(run, Stops(LAST))
    return run


@pytest.fixture
def interrupted(killed, tmp_path):
    shutil.copytree(killed.path, tmp_path / "run")
    return RunFolder.open(tmp_path / "run")


def flipped(content, bit):
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << (bit % 8)
    return bytes(changed)


def flip(file, bit):
    file.write_bytes(flipped(file.read_bytes(), bit))


def contents(run):
    return {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file() and path.name != ".lock"}


def resumed(run):
    """Exit code, and each line on stderr."""
    err = io.StringIO()
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patched:
        warnings.simplefilter("default")
        patched.setattr("sys.stderr", err)
        code = run_command(_main, "icl-train", ["resume", str(run.path)])
    return code, err.getvalue().splitlines()


def assert_same(run, finished):
    ours, theirs = (CLOCK.sub(b"", (one.path / "metrics.jsonl").read_bytes()) for one in (run, finished))
    assert ours == theirs
    for step in finished.checkpoint_steps():
        ours, theirs = (one.checkpoints / f"step_{step:07d}" / "model.safetensors" for one in (run, finished))
        assert ours.read_bytes() == theirs.read_bytes()
    assert RunFolder.open(run.path).status() == "done"


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


def as_format_1(run):
    """What an earlier version has left."""
    stored = unseal_object((run.path / "config.json").read_bytes())
    (run.path / "config.json").write_text(json.dumps(stored | {"format": 1}, indent=1) + "\n")
    (run.path / "classes.json").write_text(json.dumps(unseal_object((run.path / "classes.json").read_bytes())))
    lines = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        del line["crc32"]
    (run.path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    if (run.path / "DONE").exists():
        (run.path / "DONE").write_text(f"{LAST} steps\n")
    for step in run.checkpoint_steps():
        file = run.checkpoints / f"step_{step:07d}" / "state.json"
        state = unseal_object(file.read_bytes()) | {"format": 1}
        del state["files"], state["metrics"]
        file.write_text(json.dumps(state))
    return RunFolder.open(run.path)


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
    assert run_command(_main, "icl-train", args) == 2
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


PLACES = ["config.json", "metrics.jsonl", "DONE", "checkpoints/step_0000020/state.json"]


@pytest.mark.parametrize("name", [*PLACES, "checkpoints/step_0000020/model.safetensors"])
@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_what_is_no_file_is_named_and_not_waited_for(name, kind, done, capsys):
    (done.path / name).unlink()
    os.mkfifo(done.path / name) if kind == "pipe" else (done.path / name).mkdir()
    code = run_command(_main, "icl-train", ["verify", str(done.path.parent)])
    printed = capsys.readouterr()
    if (name, kind) == ("config.json", "folder"):
        assert "no runs found" in printed.out + printed.err or code == 1
        return
    assert code == 1
    assert "must be a file, got a " + kind in printed.out
    assert run_command(_main, "icl-train", ["status", str(done.path.parent)]) == 0


STATES = [
    {"sums": [1.0]},
    {"sums": "many"},
    {"sums": [None] * 4},
    {"summed": -1},
    {"summed": 10**400},
    {"summed": True},
    {"step": "15"},
    {"step": 14},
    {"files": {}},
    {"files": []},
    {"metrics": [{"bytes": "1", "crc32": "00000000"}]},
    {"metrics": []},
]


@pytest.mark.parametrize("change", STATES, ids=str)
def test_a_state_of_another_shape_is_passed_over_with_a_line(change, interrupted, finished):
    file = interrupted.checkpoints / "step_0000015" / "state.json"
    state = unseal_object(file.read_bytes()) | change
    file.write_text(seal_object(json.dumps(state, indent=1) + "\n"))
    code, lines = resumed(interrupted)
    assert (code, len(lines)) == (0, 1)
    assert "the checkpoint of step 15 cannot be used, state.json: " in lines[0]
    assert_same(interrupted, finished)


RECORDS = [b"[]", b"1", b"{}", b'{"split": "train"}', b'{"split": 1, "step": 1}', b'{"split": "train", "step": "1"}']
NUMBERS = [b"1.5", b"1e400", b"NaN", b"true", b"-1", b"null", b"[" * 100_000]


@pytest.mark.parametrize("line", [*RECORDS, *(b'{"split": "train", "step": ' + number + b"}" for number in NUMBERS)])
def test_a_line_that_is_no_record_is_named_and_never_an_exception_of_another_kind(line, interrupted):
    old = as_format_1(interrupted)
    content = (old.path / "metrics.jsonl").read_bytes()
    (old.path / "metrics.jsonl").write_bytes(line + b"\n" + content)
    with pytest.raises(RunError, match=r"metrics\.jsonl: line 1 "):
        old.records()
    code, lines = resumed(old)
    assert (code, len(lines)) == (1, 1)
    assert "metrics.jsonl: line 1 " in lines[0]


CONFIGS = [
    {"config": []},
    {"config": None},
    {"environment": []},
    {"environment": {"threads": "many"}},
    {"environment": {"threads": True}},
    {"environment": {"threads": None, "plugins": []}},
    {"starts": 3},
    {"starts": [1]},
]


@pytest.mark.parametrize("change", CONFIGS, ids=str)
def test_a_config_json_of_another_shape_is_one_line(change, done):
    stored = unseal_object((done.path / "config.json").read_bytes()) | change
    (done.path / "config.json").write_text(seal_object(json.dumps(stored, indent=1) + "\n"))
    with pytest.raises(RunError, match=r"^cannot read .*config\.json: ") as refused:
        RunFolder.open(done.path)
    assert "\n" not in str(refused.value)


def evaluation(step, *splits):
    return [
        {"split": f"eval_{split}", "step": step, "sequences": 0, "accuracy_closed": step / 100, "chance": 0.5}
        for split in splits
    ]


def test_a_last_evaluation_without_some_of_its_splits_is_no_record(tmp_path):
    run = RunFolder.create(tmp_path / "run", config(), device="cpu", threads=1)
    run.append(evaluation(10, "a", "b"))
    run.append(evaluation(20, "a"))
    assert [(record["split"], record["step"]) for record in run.records()] == [("eval_a", 10), ("eval_b", 10)]
    run.append(evaluation(20, "b"))
    assert len(run.records()) == 4


def test_settings_are_not_taken_from_a_damaged_config_json(done, tmp_path, capsys):
    content = (done.path / "config.json").read_bytes()
    (done.path / "config.json").write_bytes(content.replace(b'"p_bursty": 0.9', b'"p_bursty": 0.1'))
    args = ["run", "--config", str(done.path), "--root", str(tmp_path), "--name", "again"]
    assert run_command(_main, "icl-train", args) == 2
    assert "must have the sha256 that it was written with" in capsys.readouterr().err


def verified(capsys, folder, *options):
    code = run_command(_main, "icl-train", ["verify", str(folder), *options])
    return code, capsys.readouterr().out


def test_verify_says_of_an_intact_run_that_it_is(done, capsys):
    code, printed = verified(capsys, done.path.parent)
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
    code, printed = verified(capsys, done.path.parent, "--json")
    assert code == 1
    (found,) = json.loads(printed)["runs"]
    assert found["state"] == "damaged"
    assert set(found["damaged"]) >= set(names)
    assert contents(done) == before


def test_verify_says_what_an_earlier_version_has_written_without_hashes(done, capsys):
    as_format_1(done)
    code, printed = verified(capsys, done.path.parent)
    assert code == 0
    assert "not covered: " in printed
    assert "1 run: 1 not covered" in printed


def test_verify_finds_weights_that_are_no_numbers(done, capsys):
    folder = done.checkpoints / f"step_{LAST:07d}"
    old = as_format_1(done)
    tensors = load((folder / "model.safetensors").read_bytes())
    name = next(iter(tensors))
    (folder / "model.safetensors").write_bytes(save(tensors | {name: tensors[name] * float("nan")}))
    code, printed = verified(capsys, old.path)
    assert code == 1
    assert f"model.safetensors: it must hold finite numbers alone, got others in {name}" in printed


def test_verify_finds_what_is_missing(done, capsys):
    (done.checkpoints / f"step_{LAST:07d}" / "optimizer.safetensors").unlink()
    (done.path / "classes.json").unlink()
    code, printed = verified(capsys, done.path)
    assert code == 1
    assert printed.count("damaged: ") == 2


def test_verify_counts_a_run_whose_settings_are_damaged(done, capsys):
    flip(done.path / "config.json", 1000)
    code, printed = verified(capsys, done.path.parent)
    assert code == 1
    assert printed.endswith("1 run: 1 damaged\n")


def test_the_status_of_a_damaged_run_is_that_it_is_damaged_and_why(done, capsys):
    flip(done.path / "metrics.jsonl", 3000)
    assert _main(["status", str(done.path.parent), "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["runs"]
    assert row["state"] == "damaged"
    assert "metrics.jsonl: line " in row["reason"]
    assert row["scores"] == {}
