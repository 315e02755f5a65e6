"""Figures as files."""

from __future__ import annotations

import io
from pathlib import Path

from matplotlib.figure import Figure

from icl_data.foundation.whole_file import whole_file

__all__ = ["write_figure"]


def write_figure(figure: Figure, file: Path, *, dpi: float, metadata: dict[str, None] | None = None) -> None:
    """Write a figure to a file, which appears whole; its suffix is the format.

    Raises:
        OSError: what the system says of writing.
    """
    content = io.BytesIO()  # the formats' writers make errors of their own of a disk that is full, and leave files open
    figure.savefig(content, format=file.suffix.lower().removeprefix("."), dpi=dpi, metadata=metadata)
    with whole_file(file) as beside:
        beside.write_bytes(content.getbuffer())
