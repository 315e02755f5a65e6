"""A run that goes on from a checkpoint ends with the bits of one that was never broken, whatever its settings."""

import io
import shutil
from dataclasses import replace

import pytest
from safetensors.torch import load_file

from icl_train import PlainReporter, RunFolder, smoke, train

SETTINGS = {
    "adam": {},
    "adamw and clipping": {"optim": {"optimizer": "adamw", "weight_decay": 0.1, "clip_norm": 0.5}},
    "l2": {"optim": {"l2": 0.01}},
    "sgd": {"optim": {"optimizer": "sgd"}},
    "sgd and decay": {"optim": {"optimizer": "sgd", "weight_decay": 0.1, "momentum": 0.9}},
    "reddy": {
        "data": {"p_new": 0.3, "distinct_labels": True, "seq_len": 7},
        "model": {
            "dropout_prob": 0.0,
            "embedder": "raw",
            "embedder_config": None,
            "emb_dim": 8,
            "sequence_model": "reddy",
            "sequence_model_config": None,
            "num_heads": None,
            "fixed_labels": True,
        },
        "optim": {"optimizer": "sgd", "weight_decay": 1e-4},
    },
    "momentum": {"optim": {"optimizer": "sgd", "momentum": 0.9}},
    "nesterov": {"optim": {"optimizer": "sgd", "momentum": 0.9, "nesterov": True}},
    "constant": {"optim": {"schedule": "constant", "warmup_steps": 0}},
    "cosine": {"optim": {"schedule": "cosine", "warmup_steps": 3, "final_lr": 1e-5}},
    "linear": {"optim": {"schedule": "linear", "warmup_steps": 0, "schedule_steps": 15}},
    "bf16": {"train": {"precision": "bf16"}},
    "listed steps": {"eval": {"steps": (0, 1, 7)}, "train": {"checkpoint_steps": (0, 5, 6)}},
    "log-spaced steps": {"eval": {"log_spaced_steps": 5}, "train": {"log_spaced_checkpoint_steps": 4}},
    "statistics": {"data": {"label_noise": 0.2, "context_order": "blocked", "p_relabel": 0.3}},
}
LAST = 20


def config_of(parts):
    config = smoke()
    base = {
        "model": {"dropout_prob": 0.1},
        "train": {"max_steps": LAST, "checkpoint_interval": 8, "log_interval": 3},
        "eval": {"batches": 1, "interval": 7},
    }
    for group in ("data", "model", "optim", "train", "eval"):
        changes = base.get(group, {}) | parts.get(group, {})
        config = replace(config, **{group: replace(getattr(config, group), **changes)})
    return config


def trained(run):
    train(run, PlainReporter(io.StringIO()))
    return run


def records(run):
    """All lines without what a clock decides."""
    return [
        {name: value for name, value in record.items() if name != "sequences_per_second"} for record in run.records()
    ]


@pytest.mark.parametrize("name", SETTINGS)
def test_from_the_last_checkpoint_but_one_the_run_is_the_unbroken_one(name, tmp_path):
    run = trained(RunFolder.create(tmp_path / "run", config_of(SETTINGS[name]), device="cpu", threads=1))
    steps = run.checkpoint_steps()
    assert steps[-1] == LAST
    assert len(steps) >= 3
    go_on_from(run, steps[-2], tmp_path / "again")


def go_on_from(run, start, path):
    shutil.copytree(run.path, path)
    for step in run.checkpoint_steps():
        if step > start:
            shutil.rmtree(path / "checkpoints" / f"step_{step:07d}")
    (path / "DONE").unlink()
    again = trained(RunFolder.open(path))
    assert records(again) == records(run)
    assert again.checkpoint_steps() == run.checkpoint_steps()
    for file in ("model", "optimizer"):
        found, expected = (
            load_file(one.checkpoints / f"step_{LAST:07d}" / f"{file}.safetensors") for one in (again, run)
        )
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            assert found[key].equal(value), key


def test_a_run_goes_on_from_the_checkpoint_before_the_first_update(tmp_path):
    parts = {"eval": {"steps": (0, 5)}, "train": {"checkpoint_steps": (0,)}, "optim": SETTINGS["momentum"]["optim"]}
    run = trained(RunFolder.create(tmp_path / "run", config_of(parts), device="cpu", threads=1))
    assert run.checkpoint_steps() == [0, LAST]
    go_on_from(run, 0, tmp_path / "from0")
