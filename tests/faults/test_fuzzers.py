"""What is damaged is read, or refused by a ValueError, within a bound on memory: never another error, never a crash."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from fuzz import FUZZERS

INPUTS = {"short": 300, "usual": 10_000, "long": 100_000}
SEED = 1


@pytest.mark.parametrize("name", FUZZERS)
def test_only_value_errors_come_out_and_memory_has_a_bound(name, size, count, tmp_path):
    outcome = tmp_path / "outcome.json"
    options = ["--inputs", INPUTS[size], "--seed", SEED, "--keep", tmp_path, "--outcome", outcome]
    # In a process of its own, which has no threads when it forks.
    subprocess.run([sys.executable, Path(__file__).parent / "fuzz.py", name, *map(str, options)], check=True)
    told = json.loads(outcome.read_text())
    count("fuzzers", told["counts"])
    if told["failures"]:
        pytest.fail("\n".join(told["failures"]), pytrace=False)
