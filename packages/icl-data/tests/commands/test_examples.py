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


def _mistaken(*command: str) -> str:
    result = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout) == (2, "")
    assert "Traceback" not in result.stderr
    return result.stderr


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


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason=NO_TORCH)
def test_skewed_bursts_without_arguments_trains_on_few_classes() -> None:
    lines = _run(str(EXAMPLES / "skewed_bursts.py")).splitlines()
    assert [int(line.split()[1]) for line in lines] == [50, 100, 150, 200, 250, 300]
    assert "(chance 0.002)" in lines[-1]


@pytest.mark.skipif(importlib.util.find_spec("torch") is None, reason=NO_TORCH)
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fewer"], "argument world: invalid choice: 'fewer'"),
        (["few", "x"], "argument n_steps: invalid int value: 'x'"),
        (["few", "0"], "n_steps must be at least 1, got 0"),
        (["few", "3", "4"], "unrecognized arguments: 4"),
    ],
)
def test_arguments_that_skewed_bursts_cannot_take_are_a_usage_line(arguments: list[str], message: str) -> None:
    assert message in _mistaken(str(EXAMPLES / "skewed_bursts.py"), *arguments)


@pytest.mark.parametrize("name", ["exact_sequences.py", "dot_patterns.py"])
def test_examples_without_options_say_what_they_are_and_refuse_others(name: str) -> None:
    assert f"python {name}" in _run(str(EXAMPLES / name), "--help")
    assert "unrecognized arguments: 3" in _mistaken(str(EXAMPLES / name), "3")


def test_dot_patterns_can_be_drawn_from() -> None:
    shown = _run(str(EXAMPLES / "dot_patterns.py"))
    assert "images of a training batch: (32, 9, 24, 24, 1)" in shown
    assert shown.count("o.") > 7


def test_dot_patterns_pass_the_conformance_suite_under_pytest() -> None:
    shown = _run("-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLES / "dot_patterns.py"))
    assert "passed" in shown
