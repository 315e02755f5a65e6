"""The worked examples run, and show what they say they show."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
NO_TORCH = 'PyTorch is not installed: pip install "icl-data[torch]"'


def _run(*command: str) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    result = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False, env=environment)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stderr == ""
    return result.stdout


def test_exact_sequences_are_those_of_their_seed() -> None:
    shown = _run(str(EXAMPLES / "exact_sequences.py"))
    assert shown.count("->") == 5
    assert shown.count("True") == 3
    assert "False" not in shown


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason=NO_TORCH)
@pytest.mark.parametrize("world", ["few", "many"])
def test_training_on_skewed_bursts_lowers_the_loss_and_is_measured_both_ways(world: str) -> None:
    lines = _run(str(EXAMPLES / "skewed_bursts.py"), world, "60").splitlines()
    losses = [float(line.split()[3]) for line in lines]
    assert [line.split()[1] for line in lines] == ["50", "60"]
    assert losses[1] < losses[0]
    assert all(re.search(r"in weights 0\.\d+ .* in context 0\.\d+ ", line) for line in lines)


def test_dot_patterns_can_be_drawn_from() -> None:
    shown = _run(str(EXAMPLES / "dot_patterns.py"))
    assert "images of a training batch: (32, 9, 24, 24, 1)" in shown
    assert shown.count("o.") > 7


def test_dot_patterns_pass_the_conformance_suite_under_pytest() -> None:
    shown = _run("-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLES / "dot_patterns.py"))
    assert "passed" in shown
