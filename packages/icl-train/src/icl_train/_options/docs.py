"""What the docstrings below the fields of a dataclass say."""

from __future__ import annotations

import ast
import inspect
import itertools
import textwrap
from functools import cache

__all__ = ["field_doc"]


def field_doc(owner: type, field: str) -> str:
    """The docstring below a field, on one line; empty where there is none, or no source to read it in."""
    for base in owner.__mro__:
        if field in _docs(base):
            return _docs(base)[field]
    return ""


@cache
def _docs(owner: type) -> dict[str, str]:
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(owner)))
    except (OSError, TypeError, SyntaxError):
        return {}
    body = tree.body[0].body if isinstance(tree.body[0], ast.ClassDef) else []
    found = {}
    for node, below in itertools.pairwise(body):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and isinstance(below, ast.Expr):
            text = below.value.value if isinstance(below.value, ast.Constant) else None
            if isinstance(text, str):
                found[node.target.id] = " ".join(text.split())
    return found
