"""The pages of results and figures say what the files beside them hold, those of options what the code has. A word that
the command of a page does not know writes nothing.
"""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


SCRIPTS = ["results/fill.py", "tools/cite.py", "docs/how-to/build.py", "docs/reliability/build.py"]


@pytest.mark.parametrize("script", ["results/fill.py", "docs/gallery/build.py", "docs/how-to/build.py"])
def test_a_page_has_the_numbers_of_its_files(script):
    checked = subprocess.run([sys.executable, ROOT / script, "--check"], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize("script", SCRIPTS)
@pytest.mark.parametrize(("word", "code"), [("--chek", 2), ("check", 2), ("--help", 0)])
def test_a_word_that_asks_for_no_page_writes_none(script, word, code, tmp_path):
    if script == "tools/cite.py":
        pytest.importorskip("yaml")
    copy = tmp_path / script  # what it wrote would be beside it
    copy.parent.mkdir(parents=True)
    shutil.copy(ROOT / script, copy)
    said = subprocess.run([sys.executable, copy, word], capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr.count("Traceback")) == (code, 0), said.stderr
    assert "usage: " in (said.stderr if code else said.stdout)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [copy]
