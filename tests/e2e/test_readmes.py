"""Every Python example runs: those of the READMEs in the order they are written, and those of examples/."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
READMES = [ROOT / "README.md", *sorted(ROOT.glob("packages/*/README.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    root = tmp_path_factory.mktemp("trained") / "runs"
    command = ["icl_train", "sweep", "grid", "smoke", "--vary", "data.n-rare-classes", "40", "54", "--root", str(root)]
    subprocess.run([sys.executable, "-m", *command], check=True, capture_output=True)
    return root


@pytest.mark.parametrize(
    "readme", [path for path in READMES if BLOCK.search(path.read_text())], ids=lambda p: p.parent.name
)
def test_its_python_examples_run(readme, runs, tmp_path):
    (tmp_path / "runs").symlink_to(runs)  # what examples call the folder of runs
    script = tmp_path / "example.py"
    script.write_text("\n".join(BLOCK.findall(readme.read_text())))
    result = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


def test_the_source_of_ones_own_can_be_drawn_from_and_trained_on(tmp_path):
    examples = ROOT / "examples"
    subprocess.run([sys.executable, "own_source.py"], cwd=examples, check=True, capture_output=True)
    options = [
        "--data.source",
        "own_source:sinusoids",
        "--data.n-rare-classes",
        "490",
        "--data.n-holdout-classes",
        "100",
    ]
    command = [
        sys.executable,
        "-m",
        "icl_train",
        "run",
        "laptop",
        *options,
        "--max-steps",
        "2",
        "--root",
        str(tmp_path),
    ]
    subprocess.run(command, cwd=examples, check=True, capture_output=True)
    assert len(list(tmp_path.glob("*/DONE"))) == 1
