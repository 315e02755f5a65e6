"""The library that draws the page's charts: BokehJS, as the Python package bokeh ships it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from icl_data.foundation.extras import require_extra

__all__ = ["library_scripts"]

# What draws, then the calls that make figures; widgets, tables, WebGL and MathJax are left out.
_FILES = ("bokeh.min.js", "bokeh-api.min.js")


def library_scripts() -> list[str]:
    """The scripts, in the order in which they run; the package itself is not imported.

    Raises:
        ImportError: bokeh is not installed, or without its scripts.
    """
    require_extra("bokeh", "icl-eval", "report")
    spec = find_spec("bokeh")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent / "server" / "static" / "js"
    try:
        return [(folder / name).read_text(encoding="utf-8") for name in _FILES]
    except OSError as error:
        raise ImportError(f"report needs {error.filename}, which bokeh ships; install it anew") from error
