"""A run whose two processes were killed goes on in one or in three, and is then what it had been in one."""

import io
import shutil
from dataclasses import replace

import pytest
import several
from safetensors.torch import load_file

from icl_train import PlainReporter, RunFolder, smoke, train

STEPS = 600


def trained_alone(run):
    train(run, PlainReporter(io.StringIO()))
    return RunFolder.open(run.path)


@pytest.fixture(scope="module")
def config():
    small = smoke()
    return replace(
        small,
        optim=replace(small.optim, max_lr=1e-4),
        train=replace(small.train, batch_size=12, max_steps=STEPS, log_interval=15, checkpoint_interval=20),
        eval=replace(small.eval, batches=1, interval=STEPS),
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory, config):
    return trained_alone(RunFolder.create(tmp_path_factory.mktemp("whole") / "run", config, device="cpu", threads=1))


@pytest.fixture(scope="module")
def killed(tmp_path_factory, config):
    run = RunFolder.create(tmp_path_factory.mktemp("killed") / "run", config, device="cpu", threads=1)
    with several.running(several.icl_train("resume", run.path), size=2) as processes:
        several.wait_for(lambda: 20 in several.steps_of(run.path))
        for process in processes:
            process.kill()
    assert run.status() == "interrupted"
    return run


@pytest.mark.parametrize("size", [1, 3])
def test_it_goes_on_in_another_number_of_processes(tmp_path, whole, killed, size):
    shutil.copytree(killed.path, tmp_path / "run")
    run = RunFolder.open(tmp_path / "run")
    if size == 1:
        trained_alone(run)
    else:
        several.all_of(size, [["resume", run.path]])
    again = RunFolder.open(run.path)
    assert again.status() == "done"
    assert [start["processes"] for start in again.starts] == [2, size]
    assert again.starts[1]["from_step"] >= 20
    losses, expected = ([line.get("loss", line.get("loss_query")) for line in one.records()] for one in (again, whole))
    assert losses == pytest.approx(expected, rel=1e-5)
    found, weights = (load_file(one.checkpoints / f"step_{STEPS:07d}" / "model.safetensors") for one in (again, whole))
    for name, weight in weights.items():
        if not name.endswith("attention.qkv.bias"):  # see test_equal.py
            assert float((found[name] - weight).norm()) <= 1e-5 * float(weight.norm()) + 1e-7, name


def test_a_run_that_is_done_is_done_in_all_processes(whole):
    ((code, out, _), (other, nothing, _)) = several.ended(several.start(2, several.icl_train("resume", whole.path)))
    assert (code, other) == (0, 0)
    assert out == f"{whole.path}: done already\n"
    assert nothing == ""
