"""Every public name says what it is, what each of its arguments means and what it raises, and refers to what exists."""

from __future__ import annotations

import ast
import builtins
import dataclasses
import importlib
import inspect
import pkgutil
import re
import textwrap
from collections.abc import Callable, Iterator
from itertools import pairwise
from types import ModuleType
from typing import Any, NamedTuple

import pytest

PACKAGES = ("icl_data", "icl_models", "icl_train", "icl_eval")
# Names in backticks that can only mean something of ours: dotted from a package, or with capital and small letters.
REFERENCE = re.compile(r"`((?:icl_\w+(?:\.\w+)+)|(?:[A-Z]\w*[a-z]\w*(?:\.\w+)*))(?:\(\))?`")
ELSEWHERE = re.compile(r"\bsee `", re.IGNORECASE)


WITHOUT_EXTRA: list[str] = []  # modules that cannot be imported here


OTHERS = {"FlopCounterMode"}  # what other libraries call theirs


class Documented(NamedTuple):
    """Something public, with the docstring that must speak of it."""

    name: str
    docstring: str
    parameters: tuple[str, ...] = ()
    raised: tuple[type[BaseException], ...] = ()


def _modules() -> Iterator[ModuleType]:
    for package in PACKAGES:
        module = importlib.import_module(package)
        yield module
        for found in pkgutil.walk_packages(module.__path__, f"{package}."):
            if not any(part.startswith("_") for part in found.name.split(".")):
                try:
                    yield importlib.import_module(found.name)
                except ImportError as error:
                    if 'pip install "icl-' not in str(error):
                        raise
                    WITHOUT_EXTRA.append(found.name)


def _public(module: ModuleType) -> dict[str, Any]:
    own = [name for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__]
    names = getattr(module, "__all__", [name for name in own if not name.startswith("_")])
    return {name: getattr(module, name) for name in names}


def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    return tuple(name for name in inspect.signature(function).parameters if name not in ("self", "cls"))


def _tree(value: Any) -> ast.Module:
    return ast.parse(textwrap.dedent(inspect.getsource(value)))


def _raised(function: Callable[..., Any]) -> tuple[type[BaseException], ...]:
    """The exceptions that a function raises by name, in its own text, and does not catch."""
    nodes = list(ast.walk(_tree(function)))
    tried = [statement for node in nodes if isinstance(node, ast.Try) and node.handlers for statement in node.body]
    caught = {node for statement in tried for node in ast.walk(statement)}
    raised = [node.exc for node in nodes if isinstance(node, ast.Raise) and node.exc is not None and node not in caught]
    names = sorted({ast.unparse(exc.func if isinstance(exc, ast.Call) else exc) for exc in raised})
    found = [function.__globals__.get(name, getattr(builtins, name, None)) for name in names]
    return tuple(error for error in found if isinstance(error, type) and error is not NotImplementedError)


def _field_docstrings(value: type) -> str:
    """The strings below the fields of a dataclass, each behind the name of its field."""
    body = _tree(value).body[0].body
    pairs = pairwise(body)
    return "".join(
        f"\n{field.target.id}: {ast.unparse(text.value)}"
        for field, text in pairs
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant)
    )


def _class(name: str, value: type) -> Iterator[Documented]:
    members = vars(value)
    own = [members[made] for made in ("__init__", "__post_init__") if made in members]
    fields = {field.name for field in dataclasses.fields(value)} if dataclasses.is_dataclass(value) else set()
    takes = own and not getattr(value, "_is_protocol", False) and not issubclass(value, BaseException)
    written = [made for made in own if made.__module__ == value.__module__ and hasattr(made, "__code__")]
    raised = [error for made in written if made.__code__.co_filename != "<string>" for error in _raised(made)]
    docstring = (value.__doc__ or "") + (_field_docstrings(value) if fields else "")
    yield Documented(name, docstring, _parameters(value) if takes else (), tuple(raised))
    for member, found in members.items():
        function = inspect.unwrap(getattr(found, "__func__", found))
        # A test says by its name what it tests.
        if member.startswith(("_", "test_")) or member in fields:
            continue
        if isinstance(found, property):
            yield Documented(f"{name}.{member}", found.__doc__ or "")
        elif inspect.isfunction(function):
            parameters = _parameters(function)
            yield Documented(f"{name}.{member}", function.__doc__ or "", parameters, _raised(function))


def _documented() -> Iterator[Documented]:
    seen = set()
    for module in MODULES:
        yield Documented(module.__name__, module.__doc__ or "")
        for short, value in _public(module).items():
            name = f"{module.__name__}.{short}"
            if isinstance(value, ModuleType) or not callable(value) or id(value) in seen:
                continue
            seen.add(id(value))
            if inspect.isclass(value):
                yield from _class(name, value)
            elif inspect.isfunction(value):
                function = inspect.unwrap(value)
                yield Documented(name, value.__doc__ or "", _parameters(value), _raised(function))


MODULES = list(_modules())
NAMES = {**vars(builtins), **{name: value for module in MODULES for name, value in _public(module).items()}}
every_public_name = pytest.mark.parametrize("found", list(_documented()), ids=lambda found: found.name)


@every_public_name
def test_it_has_a_docstring(found: Documented) -> None:
    assert found.docstring.strip()


@every_public_name
def test_it_says_what_each_argument_means_or_where_that_is_said(found: Documented) -> None:
    unsaid = [name for name in found.parameters if not re.search(rf"\b{name}\b", found.docstring)]
    assert not unsaid or ELSEWHERE.search(found.docstring)


@every_public_name
def test_it_says_which_errors_it_raises(found: Documented) -> None:
    for error in filter(lambda error: issubclass(error, Exception), found.raised):  # SystemExit ends a command
        bases = [base.__name__ for base in error.__mro__ if issubclass(base, Exception) and base is not Exception]
        assert any(base in found.docstring for base in bases), error.__name__


@every_public_name
def test_what_it_refers_to_exists(found: Documented) -> None:
    missing = [name for name in REFERENCE.findall(found.docstring) if not _exists(name)]
    assert not missing


@pytest.mark.parametrize("name", ["Burst", "Source.gathers", "icl_data.Burst", "icl_data.torch.ExampleBanc"])
def test_reference_to_nothing_is_noticed(name: str) -> None:
    assert REFERENCE.findall(f"as `{name}` says") == [name]
    assert not _exists(name)


def _exists(name: str) -> bool:
    """Whether a dotted name leads from a package or a public name to something, be it a field without a value."""
    if name in OTHERS or name.startswith(tuple(f"{module}." for module in WITHOUT_EXTRA)):
        return True
    first, *rest = name.split(".")
    value = importlib.import_module(first) if first in PACKAGES else NAMES.get(first)
    for part in rest:
        if part in getattr(value, "__annotations__", {}):
            return part == rest[-1]
        value = getattr(value, part, None)
    return value is not None or name == "None"
