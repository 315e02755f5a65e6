"""The pages of results say what the files beside them hold."""

import subprocess
import sys
from pathlib import Path

RESULTS = Path(__file__).parents[2] / "results"


def test_the_tables_of_the_pages_are_those_of_their_files():
    checked = subprocess.run(
        [sys.executable, RESULTS / "fill.py", "--check"], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
