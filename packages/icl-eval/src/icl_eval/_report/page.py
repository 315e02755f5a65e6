"""The page: our script and style, the charting library and the data in one file that loads nothing else."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

__all__ = ["page"]

# In the order in which they run; each declares functions that later ones call.
_SCRIPTS = (
    "data.js",
    "view.js",
    "elements.js",
    "colours.js",
    "filter.js",
    "means.js",
    "tools.js",
    "figure.js",
    "curves.js",
    "final.js",
    "table.js",
    "differences.js",
    "heads.js",
    "sequences.js",
    "files.js",
    "cards.js",
    "main.js",
)


def page(title: str, data: Mapping[str, Any], library: Sequence[str]) -> str:
    """The page's text.

    Nothing of ``data`` is markup: it is JSON in which no tag can begin or end, and the script puts it into the page as
    text. A policy in the page allows these scripts alone, by their hashes, and no connection.

    Args:
        title: what it is called.
        data: what it shows.
        library: the scripts of the charting library.
    """
    assets = files("icl_eval._report") / "assets"
    own = "\n".join((assets / name).read_text(encoding="utf-8") for name in _SCRIPTS)
    scripts = [*map(_embedded, library), f'"use strict";\n(() => {{\n{own}\n}})();']
    policy = (
        f"default-src 'none'; script-src {' '.join(map(_hash, scripts))}; style-src 'unsafe-inline'; "
        "img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    parts = {
        "policy": html.escape(policy),
        "title": html.escape(title),
        "style": (assets / "page.css").read_text(encoding="utf-8"),
        "data": _as_json(data),
        "scripts": "\n".join(f"<script>{script}</script>" for script in scripts),
    }
    markup = (assets / "page.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], markup)  # once: what is put in is not looked through


def _as_json(data: Mapping[str, Any]) -> str:
    """ASCII alone, and no <, > or &: nothing that ends a script or begins a comment."""
    text = json.dumps(data, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _embedded(script: str) -> str:
    """A script that can stand in a page, without the address of a map of it, which browsers would ask for."""
    lines = [line for line in script.splitlines() if not line.startswith("//# sourceMappingURL=")]
    return "\n".join(lines).replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _hash(script: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode('ascii')}'"
