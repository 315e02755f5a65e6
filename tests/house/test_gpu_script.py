"""``benchmarks/gpu.sh`` says what it is to be given."""

import os
import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu.sh"


def test_without_a_folder_it_is_a_mistake_in_one_line():
    done = subprocess.run(["bash", SCRIPT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "gpu.sh: error: the folder of the results must be given: bash benchmarks/gpu.sh RESULTS [SECONDS]\n"
    )


def test_without_time_left_it_says_how_to_go_on(tmp_path):
    done = subprocess.run(
        ["bash", SCRIPT, tmp_path / "results", "0"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"ICL_OMNIGLOT": str(tmp_path)},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "not done yet: the same command goes on\n", "")
    assert list((tmp_path / "results").iterdir()) == []
