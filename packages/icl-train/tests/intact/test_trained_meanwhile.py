"""A run that is trained while `verify` looks at it is not called damaged."""

import io
import shutil
from dataclasses import replace

import pytest
from broken_runs import config

import icl_train._watching.verified as module
from icl_train import PlainReporter, RunFolder, train
from icl_train._watching.verified import verified


class Looks(PlainReporter):
    """Whoever trains is looked at after each line."""

    def __init__(self, run):
        super().__init__(io.StringIO())
        self.run, self.found = run, []

    def records(self, records):
        self.found.append(verified(RunFolder.open(self.run.path)).damaged)


@pytest.fixture
def run(tmp_path):
    settings = config()
    train_settings = replace(settings.train, checkpoint_interval=1, log_interval=1)
    return RunFolder.create(tmp_path / "run", replace(settings, train=train_settings), device="cpu", threads=1)


def test_a_healthy_run_is_intact_at_every_moment(run):
    looks = Looks(run)
    train(run, looks)
    assert looks.found == [{}] * len(looks.found)
    assert len(looks.found) > 20


def test_a_state_that_training_removes_between_the_list_and_the_look_is_no_damage(done, monkeypatch):
    """The list of checkpoints is taken, then a newer one comes and the older optimiser's state goes."""
    newest = done.checkpoints / "step_0000020"
    hidden = done.path.parent / "hidden"
    shutil.move(newest, hidden)
    (done.path / "DONE").unlink()
    real = module.hashed_content

    def meanwhile(checkpoints, name, state):
        if hidden.exists():
            shutil.move(hidden, newest)
            (done.checkpoints / "step_0000010" / "optimizer.safetensors").unlink(missing_ok=True)
        return real(checkpoints, name, state)

    monkeypatch.setattr(module, "hashed_content", meanwhile)
    assert verified(RunFolder.open(done.path)).damaged == {}


def test_a_checkpoint_that_is_replaced_meanwhile_is_looked_at_again(done, monkeypatch):
    """For an instant it is not there under its name."""
    place, hidden = done.checkpoints / "step_0000020", done.path.parent / "hidden"
    shutil.move(place, hidden)
    looks = []

    def look(run, real=module._look):
        found = real(run)
        looks.append(dict(found.damaged))
        if hidden.exists():
            shutil.move(hidden, place)
        return found

    monkeypatch.setattr(module, "_look", look)
    with done.lock():
        assert verified(RunFolder.open(done.path)).damaged == {}
    assert looks[0]
    assert looks[-1] == {}


def test_what_stays_damaged_is_damage_in_a_run_that_is_trained(done):
    (done.path / "classes.json").unlink()
    with done.lock():
        assert verified(RunFolder.open(done.path)).damaged == {"classes.json": "it is missing"}
