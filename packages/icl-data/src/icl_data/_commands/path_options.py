"""Files for figures as options: what cannot be meant, or written to, is a mistake in the command."""

from __future__ import annotations

import argparse
from pathlib import Path

from icl_data.foundation.command_line import path_option
from icl_data.foundation.paths import require_writable

_FORMATS = (".png", ".pdf", ".svg")


def figure_file(text: str) -> Path:
    """A file that a figure can be written to."""
    path = path_option(text)
    if path.suffix.lower() not in _FORMATS:
        raise argparse.ArgumentTypeError(f"must end in one of {', '.join(_FORMATS)}, got {text!r}")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"must be in a folder that exists, got {text!r}")
    if path.is_dir():
        raise argparse.ArgumentTypeError(f"must be a file, got the folder {text!r}")
    if path.exists() and not path.is_file():
        raise argparse.ArgumentTypeError(f"must be a file, got {text!r}, which is a pipe or a device")
    try:
        require_writable(path.parent)  # said now, and not when all has been measured and drawn
    except OSError as error:
        why = str(error.strerror).lower()
        raise argparse.ArgumentTypeError(f"must be in a folder that can be written to, got {text!r} ({why})") from error
    return path
