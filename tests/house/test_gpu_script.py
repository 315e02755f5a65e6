"""``benchmarks/gpu.sh`` says what it is to be given."""

import subprocess
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu.sh"


def test_without_a_folder_it_is_a_mistake_in_one_line():
    done = subprocess.run(["bash", SCRIPT], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "gpu.sh: error: the folder of the results must be given: bash benchmarks/gpu.sh RESULTS [SECONDS]\n"
    )
