"""How several processes end: asked to, killed, or because something failed in one of them."""

import json
import signal
from dataclasses import replace

import pytest
import several

from icl_train import RunFolder, smoke
from icl_train._intact.checkpoints import checkpoint_steps

RESUME_HINT = "interrupted; go on with: icl-train resume"

SOURCE = """
import os
import numpy as np

class Source:
    kind, example_shape, n_classes, n_exemplars, noise_scale = "vector", (8,), 80, 1, 0.0
    class_keys = np.arange(80)
    asked = 0

    def gather(self, class_index, exemplar_index, noise=None):
        self.asked += 1
        if os.environ.get("RANK") == "1" and self.asked > 5:
            raise OSError("the disk is gone")
        return np.ones((*np.broadcast(class_index, exemplar_index).shape, 8), dtype=np.float32)

make = Source
"""


@pytest.fixture
def endless(tmp_path):
    """A run that nobody waits for."""
    config = smoke()
    config = replace(
        config,
        train=replace(config.train, max_steps=10**7, checkpoint_interval=10**7, batch_size=12),
        eval=replace(config.eval, batches=1, interval=10**7),
    )
    return RunFolder.create(tmp_path / "run", config, device="cpu", threads=1)


def is_under_way(run):
    """Whether updates have been made since the start."""
    return run.path.joinpath("metrics.jsonl").exists() and len(run.path.joinpath("metrics.jsonl").read_bytes()) > 5000


def require_one_whole_checkpoint(run):
    assert len(checkpoint_steps(run.checkpoints)) == 1
    assert run.status() == "interrupted"
    assert run.damage() is None
    assert max(line["step"] for line in run.records()) <= checkpoint_steps(run.checkpoints)[0]
    assert not (run.path / "heartbeat.json").exists()


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_to_torchrun_leaves_one_checkpoint(endless, name):
    with several.running(several.torchrun(2, "resume", endless.path)) as (process,):
        several.wait_for(lambda: is_under_way(endless))
        process.send_signal(getattr(signal, name))
        ((code, out, _),) = several.ended([process])
    assert code != 0
    assert out.count(RESUME_HINT) == 1
    require_one_whole_checkpoint(endless)


def test_processes_whose_torchrun_is_gone_end_with_a_checkpoint(endless):
    with several.running(several.torchrun(2, "resume", endless.path)) as (process,):
        several.wait_for(lambda: is_under_way(endless))
        process.send_signal(signal.SIGUSR1)  # which torchrun does not pass on
        several.wait_for(lambda: endless.status() != "running")
        out, _ = process.communicate(timeout=60)
    assert out.count(RESUME_HINT) == 1
    require_one_whole_checkpoint(endless)


@pytest.mark.parametrize(("rank", "name"), [(0, "SIGUSR1"), (1, "SIGTERM")])
def test_a_signal_to_any_process_ends_all_after_the_same_update(endless, rank, name):
    with several.running(several.icl_train("resume", endless.path), size=2) as processes:
        several.wait_for(lambda: is_under_way(endless))
        processes[rank].send_signal(getattr(signal, name))
        first, second = several.ended(processes)
    assert (first[0], second[0]) == (130, 130)
    assert first[2].startswith(RESUME_HINT)
    assert second[1:] == ("", "")
    require_one_whole_checkpoint(endless)


@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_that_is_killed_ends_the_other_within_seconds(endless, rank):
    with several.running(several.icl_train("resume", endless.path), size=2) as processes:
        several.wait_for(lambda: is_under_way(endless))
        processes[rank].kill()
        other = several.ended(processes)[1 - rank]
    assert other[0] == 1
    line = f"icl-train resume: process {2 - rank} of 2 ends because another one is gone"
    hint = f"; go on with: icl-train resume {endless.path}" if rank == 1 else ""
    assert other[2].splitlines()[-1] == line + hint  # PyTorch may have its own to say
    assert endless.status() == "interrupted"


def test_what_fails_in_one_process_is_the_reason_of_all(tmp_path):
    (tmp_path / "failing.py").write_text(SOURCE)
    options = ["--data.source", "failing:make", "--batch-size", "12", "--name", "run"]
    command = several.icl_train("run", "smoke", *options)
    first, second = several.ended(several.start(2, command, cwd=tmp_path))
    assert (first[0], second[0]) == (1, 1)
    assert first[2] == "icl-train run: runs/run: process 2 of 2: the disk is gone\n"
    assert second[2] == "icl-train run: runs/run: the disk is gone\n"
    assert json.loads((tmp_path / "runs" / "run" / "FAILED").read_text())["reason"].endswith("the disk is gone")


def test_a_loss_that_is_no_number_is_told_once(tmp_path):
    command = several.icl_train("run", "smoke", "--batch-size", "12", "--optim.max-lr", "1e30", "--name", "run")
    first, second = several.ended(several.start(2, command, cwd=tmp_path))
    assert (first[0], second[0]) == (1, 1)
    assert "must stay finite, got nan by step" in first[2]
    assert second[1:] == ("", "")
    assert RunFolder.open(tmp_path / "runs" / "run").status() == "failed"
