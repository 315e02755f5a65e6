"""A run that cannot go on is left as it is: what was finished stays finished."""

import io
import json
import shutil
from dataclasses import replace

import pytest
from broken_runs import contents, reseal, resumed, verified

from icl_data.foundation.sealed import seal_object, unseal_object
from icl_train import PlainReporter, RunFailed, train


@pytest.mark.parametrize("content", [None, b"", b'{"split": "train", "step": 5}\n'])
@pytest.mark.parametrize("options", [[], ["--max-steps", "25"]])
def test_without_its_records_a_finished_run_stays_finished(content, options, done):
    file = done.path / "metrics.jsonl"
    file.unlink() if content is None else file.write_bytes(content)
    before = contents(done)
    code, lines = resumed(done, *options)
    assert (code, len(lines)) == (1, 1)
    assert "metrics.jsonl: " in lines[0]
    assert contents(done) == before


def test_without_its_checkpoints_a_finished_run_stays_finished(done):
    shutil.rmtree(done.checkpoints)
    before = contents(done)
    code, lines = resumed(done)
    assert code == 1
    assert "its checkpoints are gone: DONE names that of step 20" in lines[-1]
    assert contents(done) == before


@pytest.mark.parametrize("kind", ["file", "loop"])
def test_what_is_no_folder_in_the_place_of_a_checkpoint_is_refused_before_training(kind, done):
    place = done.checkpoints / "step_0000020"
    shutil.rmtree(place)
    place.write_text("") if kind == "file" else place.symlink_to(place)
    before = contents(done)
    code, lines = resumed(done, "--max-steps", "25")
    assert code == 1
    assert "checkpoints/step_0000020: it must be a folder" in lines[-1]
    assert contents(done) == before


STATES = [
    ({"sums": [10**400] * 4}, "its sums must be finite numbers"),
    ({"sums": [float("inf")] * 4}, "its sums must be finite numbers"),
    ({"sums": [float("nan")] * 4}, "its sums must be finite numbers"),
    ({"sums": [1.0]}, "its sums must be 4 numbers"),
    ({"files": {"model.safetensors": "0" * 64}}, "its files must be model.safetensors and optimizer.safetensors"),
    ({"files": {"../../../etc/passwd": "0" * 64, "a\0b": "0" * 64}}, "its files must be model.safetensors and opt"),
    ({"before": 99}, "its before must be an earlier step, got 99"),
    ({"run": "mine"}, "it must say of which run it is"),
    ({"classes": 3}, "it must hold the sha256 of classes.json"),
]


@pytest.mark.parametrize(("change", "named"), STATES, ids=lambda value: str(value)[:40])
def test_a_state_that_cannot_be_gone_on_from_is_named_before_anything_is_lost(change, named, done):
    for step in done.checkpoint_steps():
        reseal(done.checkpoints / f"step_{step:07d}" / "state.json", **change)
    before = contents(done)
    code, lines = resumed(done, "--max-steps", "25")
    assert (code, len(lines)) == (1, 1)
    assert f"step 20: state.json: {named}" in lines[0]
    assert contents(done) == before
    assert verified(done.path)[0] == 1 or change == {"sums": [1.0]}


def test_weights_that_do_not_fit_leave_a_finished_run_as_it_is(done):
    """Its DONE is there until weights are loaded that training can go on from."""
    for step in done.checkpoint_steps():
        folder = done.checkpoints / f"step_{step:07d}"
        (folder / "model.safetensors").write_bytes(b"x")
    before = contents(done)
    longer = replace(done.config, train=replace(done.config.train, max_steps=25))
    with pytest.raises(RunFailed):
        train(replace(done, config=longer), PlainReporter(io.StringIO()))
    assert contents(done) == before


@pytest.mark.parametrize("damage", ["cut", "flip", "type", "gone"])
def test_damaged_settings_are_a_damaged_run_and_no_mistake_of_the_command(damage, done):
    file = done.path / "config.json"
    content = file.read_bytes()
    if damage == "type":
        stored = unseal_object(content) | {"starts": 3}
        file.write_text(seal_object(json.dumps(stored, indent=1) + "\n"))
    elif damage == "gone":
        file.unlink()
    else:
        file.write_bytes(content[:200] if damage == "cut" else content.replace(b'"p_bursty": 0.9', b'"p_bursty": 0.1'))
    code, lines = resumed(done)
    assert (code, len(lines)) == (1, 1)
    assert "config.json" in lines[0]


def test_a_folder_that_is_no_run_is_a_mistake_of_the_command(tmp_path):
    (tmp_path / "empty").mkdir()

    class Empty:
        path = tmp_path / "empty"

    assert resumed(Empty)[0] == 2
