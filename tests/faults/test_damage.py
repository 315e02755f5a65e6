"""Of a damaged run nothing wrong is shown, measured or trained on; one that is killed loses nothing."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

# Of each of the two runs, a finished one and one that was interrupted: together 500 flips and 100 truncations.
FLIPS = {"short": 16, "usual": 50, "long": 250}
TRUNCATIONS = {"short": 8, "usual": 15, "long": 50}
KILLS = {"short": 3, "usual": 30, "long": 200}
SEED = 1


def counted(file, *args):
    """What the campaign has counted, in a process of its own, which has no threads when it forks."""
    program = Path(__file__).parent / "damaging.py"
    subprocess.run([sys.executable, program, *map(str, args), file], check=True)
    told = json.loads(file.read_text())
    return told["rows"], told["faults"]


@pytest.mark.parametrize("run", ["finished", "interrupted"])
def test_damage_is_named_or_harmless_for_every_command(run, size, count, tmp_path):
    rows, faults = counted(tmp_path / "told.json", run, FLIPS[size], TRUNCATIONS[size], SEED)
    count("damage", rows)
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)


def test_a_killed_run_ends_as_one_that_was_never_broken(size, count, tmp_path):
    rows, faults = counted(tmp_path / "told.json", "killed", KILLS[size], SEED)
    count("kills", rows)
    if faults:
        pytest.fail("\n".join(faults), pytrace=False)
