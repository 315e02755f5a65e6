"""A finished run, one that was killed, and copies of them to break."""

import io
import shutil

import pytest
from broken_runs import LAST, Stops, config

from icl_train import PlainReporter, RunFolder, train


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    run = RunFolder.create(tmp_path_factory.mktemp("finished") / "run", config(), device="cpu", threads=1)
    train(run, PlainReporter(io.StringIO()))
    return run


@pytest.fixture
def done(finished, tmp_path):
    shutil.copytree(finished.path, tmp_path / "run")
    return RunFolder.open(tmp_path / "run")


@pytest.fixture(scope="session")
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
