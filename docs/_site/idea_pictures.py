"""The pictures of the page of ideas, drawn by the commands that stand on it."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

FOLDER = Path(__file__).parents[1] / "ideas"
COMMAND = re.compile(r"^icl-data (show .* --out \w+\.png)$", re.MULTILINE)


def commands() -> list[list[str]]:
    """Arguments of `icl-data`, as the page has them."""
    return [shlex.split(found) for found in COMMAND.findall((FOLDER / "index.md").read_text(encoding="utf-8"))]


def draw(app: Sphinx | None = None) -> None:
    """Draw all of them where the page shows them, as many at a time as there are cores.

    Args:
        app: Sphinx, which passes itself; not used.

    Raises:
        subprocess.CalledProcessError: if a picture cannot be drawn.
    """
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        list(pool.map(_draw_one, commands()))


def _draw_one(arguments: list[str]) -> None:
    command = [sys.executable, "-m", "icl_data", *arguments]
    subprocess.run(command, cwd=FOLDER, stdout=subprocess.DEVNULL, check=True)


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("builder-inited", draw)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
