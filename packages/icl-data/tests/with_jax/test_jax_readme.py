"""The README's examples for JAX run: those in blocks that begin with ```python jax, which no other test runs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("jax")

README = Path(__file__).parents[2] / "README.md"


def test_examples_for_jax_run(tmp_path: Path) -> None:
    blocks = re.findall(r"^```python jax\n(.*?)^```", README.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    assert blocks
    done = subprocess.run([sys.executable, "-c", "\n".join(blocks)], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
