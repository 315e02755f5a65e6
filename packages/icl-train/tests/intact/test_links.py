"""Training writes into the run's own folder, never through a link in it."""

import shutil

import pytest
from broken_runs import contents, resumed, verified

from icl_train import RunFolder

PLACES = ["checkpoints", "checkpoints/step_0000015", "checkpoints/step_0000010/state.json", "metrics.jsonl", ".lock"]


@pytest.mark.parametrize("name", PLACES)
def test_a_link_to_another_run_is_refused_and_the_other_run_stays_as_it_is(name, interrupted, tmp_path):
    shutil.copytree(interrupted.path, tmp_path / "other")
    other = RunFolder.open(tmp_path / "other")
    (other.path / ".lock").touch()
    place = interrupted.path / name
    shutil.rmtree(place) if place.is_dir() else place.unlink(missing_ok=True)
    place.symlink_to(other.path / name)
    before = contents(other)
    code, lines = resumed(interrupted)
    assert (code, len(lines)) == (1, 1)
    assert (
        f"{name}: it must be a {'folder' if (other.path / name).is_dir() else 'file'} of the run's own, got a l"
        in lines[0]
    )
    assert contents(other) == before
    assert f"{name}: it must be a" in verified(interrupted.path)[1]


def test_the_run_folder_itself_may_be_a_link(interrupted, tmp_path):
    (tmp_path / "link").symlink_to(interrupted.path)
    assert resumed(RunFolder.open(tmp_path / "link")) == (0, [])


def test_a_lock_that_is_a_folder_is_named(interrupted):
    (interrupted.path / ".lock").unlink(missing_ok=True)
    (interrupted.path / ".lock").mkdir()
    code, lines = resumed(interrupted)
    assert (code, len(lines)) == (1, 1)
    assert ".lock: it must be a file, got a folder" in lines[0]
