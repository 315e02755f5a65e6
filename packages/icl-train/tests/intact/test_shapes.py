"""Files of a run that are no files, or hold other values than are written, are one line."""

import json
import os

import pytest
from broken_runs import as_format_1, assert_same, config, resumed

from icl_data.foundation.command_line import run_command
from icl_data.foundation.sealed import seal_object, unseal_object
from icl_train import RunError, RunFolder
from icl_train._commands.main import _main

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
