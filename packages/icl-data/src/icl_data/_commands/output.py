"""How `show` and `stats` write."""

from __future__ import annotations

import io
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from icl_data._looking.pictures import TextStyle
from icl_data.foundation.whole_file import whole_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_DOTS_PER_INCH = 110


def write_figure(figure: Figure, path: Path) -> None:
    """Write a figure; the file appears whole or not at all."""
    content = io.BytesIO()  # its writers make errors of their own of a disk that is full, and leave files open
    figure.savefig(content, format=path.suffix.lower().removeprefix("."), dpi=_DOTS_PER_INCH)
    with whole_file(path) as beside:
        beside.write_bytes(content.getbuffer())


def terminal_width() -> int:
    """Columns of the terminal (or of the variable COLUMNS), 80 without one."""
    return shutil.get_terminal_size((80, 24)).columns


def terminal_style() -> TextStyle:
    """Colours on a terminal that has them, else blocks, or ASCII where stdout's encoding has no blocks."""
    try:
        "░▒▓█▀▄▁▇┌═".encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        return "ascii"
    wanted = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"
    return "colours" if wanted else "blocks"
