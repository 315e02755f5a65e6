"""What is said of the fields of a dataclass: in docstrings below them, in its own docstring, or in comments."""

from __future__ import annotations

import ast
import inspect
import itertools
import re
import textwrap
from functools import cache

__all__ = ["field_doc"]


def field_doc(owner: type, field: str) -> str:
    """What is said of a field, on one line; empty where nothing is, or there is no source to read it in."""
    for base in owner.__mro__:
        if field in _docs(base):
            return _docs(base)[field]
    return ""


@cache
def _docs(owner: type) -> dict[str, str]:
    try:
        source = textwrap.dedent(inspect.getsource(owner))
        body = ast.parse(source).body[0]
    except (OSError, TypeError, SyntaxError):
        return {}
    if not isinstance(body, ast.ClassDef):
        return {}
    found = _arguments(ast.get_docstring(body) or "")
    lines = source.splitlines()
    for node, below in itertools.pairwise([*body.body, ast.Pass()]):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            text = _docstring(below) or _comment(lines[(node.end_lineno or node.lineno) - 1], node.end_col_offset)
            if text:
                found[node.target.id] = " ".join(text.split())
    return found


def _docstring(node: ast.stmt) -> str:
    value = node.value.value if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) else None
    return value if isinstance(value, str) else ""


def _comment(line: str, end: int | None) -> str:
    return line.encode()[end:].decode().partition("#")[2]


def _arguments(docstring: str) -> dict[str, str]:
    """The names and texts of a section `Args:`."""
    section = re.search(r"^Args:\n((?:[ \t]+.*\n?|\n)*)", docstring, re.MULTILINE)
    if not section:
        return {}
    entries = re.findall(r"^(\w+)[^:\n]*: (.*(?:\n[ \t]+.*)*)", textwrap.dedent(section[1]), re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in entries}
