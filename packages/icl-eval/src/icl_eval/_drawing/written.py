"""Figures as files."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from icl_data.foundation.whole_file import whole_file
from icl_eval._drawing.sizes import Sizes, sizes_of
from icl_eval._drawing.style import own_style

__all__ = ["draw_into", "write_figure"]

# No time of drawing in the files: the same runs give the same bytes.
_METADATA = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}


def draw_into(files: Sequence[Path], style: str, figure_of: Callable[[Sizes], Figure]) -> None:
    """Draw a figure once and write it to each of ``files``; the suffix (.png, .pdf, .svg) decides the format.

    Args:
        files: where to write it.
        style: ``paper``, ``talk`` or ``notebook``.
        figure_of: draws it at these sizes, settled.

    Raises:
        ValueError: if there is no such style.
        OSError: what the system says of writing.
    """
    sizes = sizes_of(style)
    with own_style():
        figure = figure_of(sizes)
        for file in files:
            write_figure(figure, file, dpi=sizes.dpi, metadata=_METADATA.get(file.suffix.lower()))


def write_figure(figure: Figure, file: Path, *, dpi: float, metadata: dict[str, None] | None = None) -> None:
    """Write a figure to a file, which appears whole; its suffix is the format.

    Raises:
        OSError: what the system says of writing.
    """
    content = io.BytesIO()  # the formats' writers make errors of their own of a disk that is full, and leave files open
    figure.savefig(content, format=file.suffix.lower().removeprefix("."), dpi=dpi, metadata=metadata)
    with whole_file(file) as beside:
        beside.write_bytes(content.getbuffer())
