"""docs/reliability.md says what the counts beside it hold."""

import subprocess
import sys
from pathlib import Path

BUILD = Path(__file__).parents[2] / "docs" / "reliability" / "build.py"


def test_the_page_is_what_the_counts_make():
    done = subprocess.run([sys.executable, BUILD, "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "as the files have it\n")
