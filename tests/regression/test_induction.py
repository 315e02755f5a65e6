"""A short training in which induction heads must form: after a plateau, with a previous-token head below them."""

import json
import math
import subprocess
import sys

import pytest

from icl_eval import measure_heads
from icl_train import RunFolder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Preset singh2024 for 5,000 updates."""
    root = tmp_path_factory.mktemp("induction")
    options = ("--max-steps", "5000", "--root", str(root), "--name", "run", "--train.log-spaced-checkpoint-steps", "10")
    subprocess.run([sys.executable, "-m", "icl_train", "run", "singh2024", *options], check=True, stdout=sys.stderr)
    return RunFolder.open(root / "run")


def losses(run):
    lines = map(json.loads, (run.path / "metrics.jsonl").read_text().splitlines())
    return {line["step"]: line["loss"] for line in lines if line["split"] == "train"}


def test_the_loss_stays_near_log_2_and_drops(run):
    found = losses(run)
    plateau = [found[step] for step in range(500, 1250, 50)]
    assert min(plateau) > math.log(2) - 0.05
    assert max(plateau) < math.log(2) + 0.2
    assert found[5000] < 0.15


def test_heads_of_layer_2_look_at_the_right_label_and_one_below_at_the_token_before(run):
    scores = measure_heads(run, steps=[0, 5000], split="novel_label_trained", sequences=500)
    heads = scores[scores["kind"] == "head"].groupby(["measure", "layer", "step"])["value"]
    assert heads.get_group(("induction", 1, 0)).abs().max() < 0.1
    assert (heads.get_group(("induction", 1, 5000)) > 0.3).sum() >= 4
    assert heads.get_group(("previous_token", 0, 5000)).max() > 0.5
