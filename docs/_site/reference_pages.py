"""Pages of the reference: one for each public module, and names of signatures led to where they are documented.

Public are the modules of the four packages whose names do not start with an underscore. What their signatures name must
be installed, PyTorch as well; a module whose extra is not is left out, and named.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
import sys
import typing
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.ext.napoleon import Config, GoogleDocstring
from sphinx.util import logging
from sphinx.util.nodes import make_refnode

PACKAGES = ("icl_data", "icl_models", "icl_train", "icl_eval")
FOLDER = Path(__file__).parents[1] / "reference"
GOOGLE = Config(napoleon_use_rtype=False, napoleon_use_ivar=True)
TOGETHER = re.compile(r"^ +(?!\w*Error)(\w+, )+\w+(?=: )")
WHERE: dict[str, str] = {}  # any name under which something public may be spoken of → the name it is documented by


def public_modules() -> Iterator[ModuleType]:
    """The public modules that can be imported, a package before what is in it."""
    for package in PACKAGES:
        module = importlib.import_module(package)
        yield module
        for found in pkgutil.walk_packages(module.__path__, f"{package}."):
            if any(part.startswith("_") for part in found.name.split(".")):
                continue
            try:
                yield importlib.import_module(found.name)
            except ImportError as error:
                if 'pip install "icl-' not in str(error):
                    raise
                logging.getLogger(__name__).info("without %s: %s", found.name, error)


def public_names(module: ModuleType) -> list[str]:
    """What a module offers: its ``__all__``, or what it has made itself."""
    own = [name for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__]
    return [str(name) for name in getattr(module, "__all__", [name for name in own if not name.startswith("_")])]


def note(name: str, value: Any) -> bool:
    """Remember where a public name is documented; whether this is the place, and not an earlier module."""
    origin = f"{getattr(value, '__module__', '')}.{getattr(value, '__qualname__', '')}"
    if not (inspect.isclass(value) or inspect.isfunction(value)):
        origin = f"{id(value)}"  # a table or an alias does not know its name
    first = WHERE.setdefault(origin, name)
    WHERE[name] = first
    WHERE.setdefault(name.rpartition(".")[2], first)
    return first == name


def page(module: ModuleType) -> str:
    """The page of a module: a table of its names, then each in full; what another page has is linked."""
    title = module.__name__
    here = [name for name in public_names(module) if not inspect.ismodule(getattr(module, name))]
    own = [name for name in here if note(f"{title}.{name}", getattr(module, name))]
    lines = [title, "=" * len(title), "", f".. automodule:: {title}", "   :no-members:", "", ".. autosummary::", ""]
    described = [name for name in here if kind_of(getattr(module, name)) != "data"]
    lines += [f"   {WHERE[f'{title}.{name}'].removeprefix(f'{title}.')}" for name in described]
    for name in own:
        kind = kind_of(getattr(module, name))
        if kind == "data":
            lines += ["", f".. py:data:: {title}.{name}", "", f"   {text_below(module, name)}"]
            continue
        lines += ["", f".. auto{kind}:: {title}.{name}"]
        lines += ["   :members:", "   :show-inheritance:"] if kind in ("class", "exception") else []
    return "\n".join(lines) + "\n"


def kind_of(value: Any) -> str:
    """The kind of a public value, as autodoc calls it."""
    if inspect.isclass(value) and not typing.get_args(value):
        return "exception" if issubclass(value, BaseException) else "class"
    return "function" if inspect.isroutine(value) else "data"


def text_below(module: ModuleType, name: str) -> str:
    """The string below a table or an alias in its source, which a package imports from a module of its own."""
    value = getattr(module, name)
    sources = [module, *(sys.modules[one] for one in sorted(sys.modules) if one.startswith(PACKAGES))]
    for source in [one for one in sources if vars(one).get(name) is value]:
        body = ast.parse(inspect.getsource(source)).body
        for statement, below in pairwise(body):
            made = getattr(statement, "targets", [getattr(statement, "target", getattr(statement, "name", None))])
            named = any(ast.unparse(one) == name for one in made if isinstance(one, ast.AST))
            if named and isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant):
                return " ".join(str(below.value.value).split())
    raise ValueError(f"{module.__name__}.{name} must have a docstring below it")


def write_pages(app: Sphinx) -> None:
    """Write the pages anew where they have changed."""
    pages = {f"{module.__name__}.rst": page(module) for module in public_modules()}
    for old in FOLDER.glob("*.rst"):
        if old.name not in pages:
            old.unlink()
    for name, text in pages.items():
        file = FOLDER / name
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")


def lead(app: Sphinx, env: BuildEnvironment, node: pending_xref, text: nodes.TextElement) -> nodes.Element | None:
    """The page of what is ours under another name: its private module, another public one, or none at all."""
    if node.get("refdomain") != "py":
        return None
    target = str(node["reftarget"])
    whole, _, member = target.rpartition(".")
    for known, rest in ((target, ""), (f"{node.get('py:module')}.{target}", ""), (whole, f".{member}")):
        if known in WHERE and (name := WHERE[known] + rest) != target:
            domain = env.domains.python_domain
            if name in domain.objects:
                entry = domain.objects[name]
                return make_refnode(app.builder, str(node["refdoc"]), entry.docname, entry.node_id, text, name)
    return None


def google(app: Sphinx, what: str, name: str, value: object, options: object, lines: list[str]) -> None:
    """Sections of a docstring (Args, Raises, …) as fields; an attribute has none, and may have colons."""
    if what not in ("attribute", "data", "property"):
        # Sphinx takes the first of two names for a type: `low, high: bounds` is spelled `low/high` on a page.
        lines[:] = [TOGETHER.sub(lambda names: names[0].replace(", ", "/"), line) for line in lines]
        lines[:] = GoogleDocstring("\n".join(lines), GOOGLE, app, what, name, value, options).lines()
    # A star alone, as in a shape (batch, *example), begins no emphasis.
    lines[:] = [re.sub(r"(?<![\\*])\*(?=\w)", r"\*", line) if line.count("*") == 1 else line for line in lines]


def setup(app: Sphinx) -> dict[str, bool]:
    """Connect to Sphinx."""
    app.connect("builder-inited", write_pages)
    app.connect("autodoc-process-docstring", google)
    app.connect("missing-reference", lead)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
