"""The runs that a root holds are found by what they are, whatever they are called."""

import json

import pytest

from icl_data.foundation.sealed import seal_object, unseal_object
from icl_models import Axis
from icl_train import RunFolder, planned, smoke
from icl_train._sweeps.existing import folders_by_digest
from icl_train._sweeps.sweep import prepare


def make(path, config):
    return RunFolder.create(path, config, device="cpu", threads=1)


def test_a_run_of_any_name_is_found(short, tmp_path):
    make(tmp_path / "mine", short())
    (run,) = prepare(planned(short(), [Axis.of("data.p_bursty", 0.9)]), tmp_path, jobs=1)
    assert run.path == tmp_path / "mine"


def test_a_run_that_has_become_longer_is_another_one(short, tmp_path):
    longer = short(train={"max_steps": 30})
    run = make(tmp_path / f"x-{short().digest()}", short())
    run.rewrite(config=longer)
    plan = planned(short(), [Axis.of("train.max_steps", 20, 30)])
    short_one, long_one = prepare(plan, tmp_path, jobs=1)
    assert long_one.path == run.path
    assert short_one.path == tmp_path / plan.names[0]


def test_of_several_the_finished_one_is_taken_then_the_one_with_the_right_name(short, tmp_path):
    first, second, third = (make(tmp_path / name, short()) for name in ("a", "b", "c"))
    digest = short().digest()
    assert folders_by_digest(tmp_path, {"b"})[digest] == second.path
    third.mark_done()
    assert folders_by_digest(tmp_path, {"b"})[digest] == third.path
    third.path.joinpath("DONE").unlink()
    assert folders_by_digest(tmp_path, set())[digest] == first.path


@pytest.mark.parametrize("text", ["{", "[]", "null", '{"config": 3}', '{"config": null}', "[" * 100_000])
def test_what_cannot_be_read_is_passed_over(tmp_path, text):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "config.json").write_text(text)
    (tmp_path / "file").write_text("")
    make(tmp_path / "whole", smoke())
    assert folders_by_digest(tmp_path, set()) == {smoke().digest(): tmp_path / "whole"}


def test_a_folder_that_is_being_made_or_was_left_by_a_killed_process_is_no_run(short, tmp_path):
    make(tmp_path / ".0123456789abcdef.making", short())
    assert folders_by_digest(tmp_path, set()) == {}
    plan = planned(short(), [Axis.of("data.p_bursty", 0.9)])
    (run,) = prepare(plan, tmp_path, jobs=1)
    assert run.path == tmp_path / plan.names[0]


def test_a_root_that_is_not_there_holds_nothing(tmp_path):
    assert folders_by_digest(tmp_path / "nowhere", set()) == {}


def test_a_run_that_an_older_version_stored_is_found(short, tmp_path):
    run = make(tmp_path / "old", short())
    stored = unseal_object((run.path / "config.json").read_bytes())
    del stored["config"]["optim"]["schedule"]
    (run.path / "config.json").write_text(seal_object(json.dumps(stored, indent=1) + "\n"))
    assert folders_by_digest(tmp_path, set()) == {short().digest(): run.path}
