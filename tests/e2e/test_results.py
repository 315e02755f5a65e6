"""The pages of results and figures say what the files beside them hold, those of options what the code has."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("script", ["results/fill.py", "docs/gallery/build.py", "docs/how-to/build.py"])
def test_a_page_has_the_numbers_of_its_files(script):
    checked = subprocess.run([sys.executable, ROOT / script, "--check"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
