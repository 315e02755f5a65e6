"""Bad input: one clear line, exit code 2, nothing written."""

import os
import subprocess
import sys

import pytest

OWN = "--model.sequence-model-config"
MISTAKES = {
    "a probability above 1": (["run", "smoke", "--data.p-bursty", "1.3"], r"p_bursty must be in [0, 1], got 1.3"),
    "more classes than the source has": (
        ["run", "smoke", "--data.source", "{few}", "--data.n-labels", "None"],
        "must be at most the source's 20 classes, got 54 + 10 + 10 = 74 (for instance --data.n-rare-classes 9",
    ),
    "an unknown embedder": (
        ["run", "smoke", "--model.embedder", "resnett"],
        "embedding, linear, raw, resnet, vector",
    ),
    "an embedder for other examples": (["run", "smoke", "--model.embedder", "resnet"], "example_kind must be"),
    "a missing Omniglot folder": (
        ["run", "chan2022", "--data.omniglot", "{root}/nowhere"],
        "images_background.zip",
    ),
    "no Omniglot folder, and none fetched": (["run", "chan2022"], "run icl-data omniglot fetch"),
    "a corrupt zip": (["run", "chan2022", "--data.omniglot", "{corrupt}"], "images_background.zip"),
    "a sequence too short": (["run", "smoke", "--data.seq-len", "6"], "seq_len must be at least"),
    "an unknown option": (["run", "smoke", "--data.p-busty", "1"], "did you mean --data.p-bursty?"),
    "an option without its prefix": (["run", "smoke", "--num-layers", "1"], "did you mean --model.num-layers?"),
    "a value that is no number": (["run", "smoke", "--max-steps", "many"], "--max-steps"),
    "an unknown preset": (
        ["run", "labtop"],
        "preset must be one of chan2022, laptop, reddy2023, singh2024, singh2025, smoke, got 'labtop'; did you mean "
        "laptop?",
    ),
    "an unknown command": (
        ["trian"],
        "command must be one of run, sweep, experiments, resume, status, verify, show-config, convert-config, profile, "
        "got 'trian'",
    ),
    "an unknown sweep": (["sweep", "figure3x"], "got 'figure3x'; did you mean figure3"),
    "too few classes": (["sweep", "figure3a", "--class-counts", "10"], "class counts must be above"),
    "a decay without AdamW": (["run", "smoke", "--weight-decay", "0.1"], "needs optim.optimizer adamw"),
    "heads that do not divide": (
        ["run", "smoke", "--model.num-heads", "3"],
        "num_heads must divide emb_dim, 16, got 3",
    ),
    "sequences longer than the learned positions": (
        ["run", "smoke", f"{OWN}.positions", "learned", f"{OWN}.num-positions", "5"],
        "sequences must have at most num_positions, 5, tokens, got 17",
    ),
    "a device that is not there": (
        ["run", "smoke", "--device", "cuda:99"],
        "device must be one that this machine has",
    ),
    "a source that is not there": (["run", "smoke", "--data.source", "nowhere:make"], "nowhere"),
    "a file that is not there": (["run", "smoke", "--data.source", "{root}/nowhere.npz"], "nowhere.npz"),
    "a name that no source has": (
        ["run", "smoke", "--data.source", "gausian"],
        "data.source must be one of symbolic, gaussian, omniglot, an array file",
    ),
    "a rate without end": (["run", "smoke", "--optim.max-lr", "inf"], "optim.max_lr must be a finite number, got inf"),
    "more steps than can be counted": (
        ["run", "smoke", "--max-steps", "100000000000000000000"],
        "train.max_steps must be at most 2147483647, got 100000000000000000000",
    ),
    "a batch beyond all memory": (
        ["run", "smoke", "--batch-size", "2000000000", "--device", "cpu"],
        "a run must fit into memory, got train.batch_size 2,000,000,000",
    ),
    "an evaluation after the last step": (
        ["run", "smoke", "--eval.steps", "10", "41"],
        "eval.steps must be at most train.max_steps (40), got 41",
    ),
    "a checkpoint before the first step": (
        ["run", "smoke", "--train.checkpoint-steps", "-1"],
        "train.checkpoint_steps must be whole numbers of at least 0 (before the first update), got -1",
    ),
    "a warm-up that leaves nothing": (
        ["run", "smoke", "--optim.schedule", "cosine", "--optim.warmup-steps", "40"],
        "optim.warmup_steps must be below train.max_steps (40) with optim.schedule cosine, got 40",
    ),
    "momentum without SGD": (["run", "smoke", "--optim.momentum", "0.9"], "optim.momentum needs optim.optimizer sgd"),
    "a profile of nothing": (["profile", "labtop"], "a configuration must be a preset"),
    "a profile without updates": (["profile", "smoke", "--steps", "0"], "steps must be in 1..1000, got 0"),
    "a folder that is no run": (["resume", "{root}"], "a run folder holds config.json"),
    "a folder without runs": (["status", "{root}/nowhere"], "it does not exist"),
}

SOURCE = """\
import numpy as np
from icl_data import ArraySource

def make():
    return ArraySource(np.zeros((20, 9, 4), "float32"))
"""


def command(module, args, root):
    return subprocess.run(
        [sys.executable, "-m", module, *args],
        capture_output=True,
        text=True,
        cwd=root,
        env={**os.environ, "ICL_CACHE": str(root / "cache")},
        check=False,
    )


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_training_is_one_line_and_leaves_nothing(mistake, tmp_path):
    args, expected = MISTAKES[mistake]
    (tmp_path / "few_classes.py").write_text(SOURCE)
    corrupt = tmp_path / "corrupt"
    corrupt.mkdir()
    for name in ("images_background.zip", "images_evaluation.zip"):
        (corrupt / name).write_bytes(b"PK\x03\x04 not a zip")
    places = {"root": tmp_path, "corrupt": corrupt, "few": "few_classes:make"}
    result = command("icl_train", [arg.format(**places) for arg in args], tmp_path)
    assert result.returncode == 2, result.stderr
    assert result.stdout == ""
    assert expected in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stderr.startswith(f"icl-train {args[0]}: error: ")
    assert not (tmp_path / "runs").exists()


def test_a_run_folder_that_exists_is_refused_and_left_alone(tmp_path):
    (tmp_path / "runs" / "mine").mkdir(parents=True)
    result = command("icl_train", ["run", "smoke", "--name", "mine"], tmp_path)
    assert result.returncode == 2
    assert "a folder that does not exist, got runs/mine" in result.stderr
    assert result.stderr.count("\n") == 1
    assert list((tmp_path / "runs" / "mine").iterdir()) == []


@pytest.mark.parametrize(
    ("args", "expected"),
    [
        (["figure3c", "runs"], "did you mean figure3"),
        (["figure3a", "nowhere"], "it does not exist"),
        (["figure3a", "."], "needs at least one finished run"),
        (["figure3a", ".", "--unfnished"], "did you mean --unfinished?"),
        (["evaluate", "."], "a run folder holds config.json"),
        (["heads", "."], "a run folder holds config.json"),
        (["report", "."], "needs at least one run with evaluations"),
        (["report", ".", "--out", "page.png"], "--out must end in .html or .htm"),
        (["patch", ".", "--out", "new"], "a run folder holds config.json"),
    ],
)
def test_a_mistake_in_evaluation_is_one_line_and_leaves_nothing(args, expected, tmp_path):
    result = command("icl_eval", args, tmp_path)
    assert result.returncode == 2
    assert expected in result.stderr
    assert result.stderr.count("\n") == 1
    assert list(tmp_path.iterdir()) == []
