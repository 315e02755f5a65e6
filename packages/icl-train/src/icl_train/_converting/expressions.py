"""Expressions of a configuration, as values: literals, earlier names, arithmetic, and functions of the file itself."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, Protocol

from icl_train._converting.arithmetic import LARGEST, TooLarge, combined, compared, listed, number_of, turned, weight
from icl_train._converting.values import Function, Group, Library, Scope, TooLong, Unknown, known

__all__ = ["Runs", "Values"]

_MOST_STEPS = 200_000
_DEEPEST = 120  # of expressions within expressions and calls within calls
_NUMBERS: dict[str, Callable[[Any], Any]] = {"int": int, "float": float, "str": str, "bool": bool}
_GROUPS = ("dict", "ConfigDict", "FrozenConfigDict", "create", "get_base_config")
_LOOKS = (  # calls that look at options and change none
    *(
        "get",
        "items",
        "keys",
        "values",
        "to_dict",
        "to_json",
        "copy_and_resolve_references",
        "is_locked",
        "lock",
        "unlock",
    ),
    *("len", "print", "isinstance", "hasattr", "getattr", "id", "type", "repr", "format"),
)


class Runs(Protocol):
    """Follows the body of a function of the file; returns what it returns."""

    def __call__(self, body: list[ast.stmt], scope: Scope) -> Any: ...


class Values:
    """What expressions are, as far as that can be known.

    Args:
        follow: what follows the statements of functions.
        note: is told of a call that was not followed, though it may change options: its line, and what it is.
    """

    def __init__(self, follow: Runs, note: Callable[[int, str], None]) -> None:
        self._follow, self._note = follow, note
        self._steps = 0
        self._depth = 0
        self._kinds: dict[type[ast.expr], Callable[[Any, Scope], Any]] = {
            ast.Constant: self._constant,
            ast.Name: lambda node, scope: scope.find(node.id, node.lineno),
            ast.Tuple: lambda node, scope: self._sequence(node, scope, tuple),
            ast.List: lambda node, scope: self._sequence(node, scope, list),
            ast.Dict: self._dict,
            ast.Attribute: self._attribute,
            ast.Subscript: self._subscript,
            ast.UnaryOp: self._unary,
            ast.BinOp: self._binary,
            ast.BoolOp: self._boolean,
            ast.Compare: self._compare,
            ast.IfExp: self._choice,
            ast.Call: self._call,
            ast.Lambda: lambda node, scope: self.defined(node, node.body, scope),
        }

    def step(self, count: int = 1) -> None:
        """Count what was followed.

        Args:
            count: how many things it is; as many as there are in a list, where all of it is looked at.

        Raises:
            TooLong: for more than any configuration has.
        """
        self._steps += count
        if self._steps > _MOST_STEPS:
            raise TooLong(f"it must take at most {_MOST_STEPS:,} steps to follow, got more")

    def of(self, node: ast.expr, scope: Scope) -> Any:
        """The value of an expression; an `Unknown` if only running it would tell.

        Args:
            node: the expression.
            scope: the names that it may use.
        """
        self.step()
        make = self._kinds.get(type(node))
        if make is None:
            return Unknown(_WHAT.get(type(node), "an expression of another kind"), node.lineno)
        if self._depth >= _DEEPEST:
            return Unknown("what is nested too deeply", node.lineno)
        self._depth += 1
        try:
            return make(node, scope)
        except TooLarge as reason:
            return Unknown(str(reason), node.lineno)
        finally:
            self._depth -= 1

    def _constant(self, node: ast.Constant, scope: Scope) -> Any:
        if isinstance(node.value, int) and not isinstance(node.value, bool) and abs(node.value) >= LARGEST:
            raise TooLarge("a number that is too large")
        if node.value is None or isinstance(node.value, int | float | str):
            return node.value
        raise TooLarge("a value that no option has")

    def _sequence(self, node: ast.Tuple | ast.List, scope: Scope, kind: type) -> Any:
        values = [self.of(element, scope) for element in node.elts]
        return _first_unknown(values) or self._listed(values, kind)

    def _listed(self, values: list[Any], kind: type) -> Any:
        made = listed(values, kind)
        self.step(weight(made))
        return made

    def _dict(self, node: ast.Dict, scope: Scope) -> Any:
        group = Group(is_plain=True)
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                self._join(group, value, scope)
                continue
            name = self.of(key, scope)
            if not isinstance(name, str):
                return Unknown("an option whose name is no text", key.lineno)
            group.put(name, self.placed(value, scope), value.lineno, count=self.step)
        return group

    def _join(self, group: Group, node: ast.expr, scope: Scope) -> None:
        other = self.of(node, scope)
        if not isinstance(other, Group):
            raise TooLarge("options that are joined from what is not known")
        self.step(len(other))
        for name, value in other.items():
            group.put(name, value, other.lines[name], count=self.step)

    def _attribute(self, node: ast.Attribute, scope: Scope) -> Any:
        owner = self.of(node.value, scope)
        if isinstance(owner, Unknown):
            return owner
        if isinstance(owner, Library):
            return Library(f"{owner.name}.{node.attr}")
        if isinstance(owner, Group) and node.attr in owner:
            return owner[node.attr]
        return Unknown(f"the attribute {node.attr[:60]}", node.lineno)

    def _subscript(self, node: ast.Subscript, scope: Scope) -> Any:
        owner, place = self.of(node.value, scope), self.of(node.slice, scope)
        unknown = _first_unknown([owner, place])
        if unknown is not None:
            return unknown
        try:
            return owner[place]
        except (TypeError, LookupError):
            return Unknown("an element that is not there", node.lineno)

    def _unary(self, node: ast.UnaryOp, scope: Scope) -> Any:
        value = known(self.of(node.operand, scope), node.lineno)
        return value if isinstance(value, Unknown) else turned(node.op, value)

    def _binary(self, node: ast.BinOp, scope: Scope) -> Any:
        one, other = self.of(node.left, scope), self.of(node.right, scope)
        self.step(weight(one) + weight(other))
        return _first_unknown([one, other]) or combined(node.op, one, other)

    def _boolean(self, node: ast.BoolOp, scope: Scope) -> Any:
        value: Any = None
        for part in node.values:
            value = known(self.of(part, scope), part.lineno)
            if isinstance(value, Unknown) or bool(value) is isinstance(node.op, ast.Or):
                return value
        return value

    def _compare(self, node: ast.Compare, scope: Scope) -> Any:
        one = known(self.of(node.left, scope), node.left.lineno)
        for kind, part in zip(node.ops, node.comparators, strict=True):
            other = known(self.of(part, scope), part.lineno)
            unknown = _first_unknown([one, other])
            if unknown is not None:
                return unknown
            self.step(weight(one) + weight(other))
            if not compared(kind, one, other):
                return False
            one = other
        return True

    def _choice(self, node: ast.IfExp, scope: Scope) -> Any:
        test = known(self.of(node.test, scope), node.test.lineno)
        return test if isinstance(test, Unknown) else self.of(node.body if test else node.orelse, scope)

    def placed(self, node: ast.expr, scope: Scope) -> Any:
        """The value of an expression that becomes an option: of a reference, that which it has there.

        Args:
            node: the expression.
            scope: the names that it may use.
        """
        if isinstance(node, ast.Call) and _shown(node.func).rpartition(".")[2] == "FieldReference":
            return self.of(node.args[0], scope) if len(node.args) == 1 and not node.keywords else self.of(node, scope)
        return self.of(node, scope)

    def _call(self, node: ast.Call, scope: Scope) -> Any:
        value = self._called(node, scope)
        name = _shown(node.func)
        if isinstance(value, Unknown) and name.rpartition(".")[2] not in _LOOKS:
            receiver = [node.func.value] if isinstance(node.func, ast.Attribute) else []
            parts = [*receiver, *node.args, *(keyword.value for keyword in node.keywords)]
            if any(
                isinstance(self.of(part, scope), Group) for part in parts if isinstance(part, ast.Name | ast.Attribute)
            ):
                self._note(node.lineno, f"a call of {name}")
        return value

    def _called(self, node: ast.Call, scope: Scope) -> Any:
        called = node.func.id if isinstance(node.func, ast.Name) else None
        target = scope.find(called, node.lineno) if called else self.of(node.func, scope)
        if isinstance(target, Function):
            return self._own_function(target, node, scope)
        if isinstance(target, Unknown) and called is None:
            return target
        if isinstance(target, Library):
            called = target.name.rpartition(".")[2]
        elif not isinstance(target, Unknown):
            called = None
        if called in _GROUPS:
            return self._group(node, scope, is_plain=called == "dict")
        if called == "placeholder":
            return None
        if called == "FieldReference":
            return Unknown("a reference, which others may change", node.lineno)
        if called in (*_NUMBERS, "tuple", "list") and len(node.args) == 1 and not node.keywords:
            return self._made(called, self.of(node.args[0], scope))
        return Unknown(f"a call of {_shown(node.func)}", node.lineno)

    def _made(self, called: str, value: Any) -> Any:
        if isinstance(value, Unknown):
            return value
        if called in _NUMBERS:
            return number_of(_NUMBERS[called], value)
        if isinstance(value, list | tuple):
            return self._listed(list(value), list if called == "list" else tuple)
        raise TooLarge(f"a call of {called}")

    def _group(self, node: ast.Call, scope: Scope, *, is_plain: bool) -> Any:
        group = Group(is_plain=is_plain)
        for argument in node.args:
            self._join(group, argument, scope)
        for keyword in node.keywords:
            if keyword.arg is None:
                self._join(group, keyword.value, scope)
            else:
                group.put(keyword.arg, self.placed(keyword.value, scope), keyword.value.lineno, count=self.step)
        return group

    def _own_function(self, function: Function, node: ast.Call, scope: Scope) -> Any:
        inside = Scope(around=function.scope)
        parameters = [*function.arguments.posonlyargs, *function.arguments.args]
        inside.names |= function.defaults
        named = {one.arg for one in (*function.arguments.args, *function.arguments.kwonlyargs)}
        given = self._keywords(node, scope)
        if (
            given is None
            or function.is_decorated
            or any(isinstance(one, ast.Starred) for one in node.args)
            or len(node.args) > len(parameters)
            or not named.issuperset(given)
        ):
            return Unknown(f"a call of {_shown(node.func)}", node.lineno)
        for parameter, argument in zip(parameters, node.args, strict=False):
            inside.names[parameter.arg] = self.of(argument, scope)
        inside.names |= given
        inside.given = tuple(inside.names.values())
        if isinstance(function.body, ast.expr):
            return self.of(function.body, inside)
        return self._follow(function.body, inside)

    def _keywords(self, node: ast.Call, scope: Scope) -> dict[str, Any] | None:
        """The arguments that a call names, those in ``**`` as well; None if these are not known."""
        given: dict[str, Any] = {}
        for keyword in node.keywords:
            value = self.of(keyword.value, scope)
            if keyword.arg is not None:
                given[keyword.arg] = value
            elif isinstance(value, Group):
                self.step(len(value))
                given |= value
            else:
                return None
        return given

    def defined(
        self,
        node: ast.FunctionDef | ast.Lambda,
        body: list[ast.stmt] | ast.expr,
        scope: Scope,
        *,
        is_decorated: bool = False,
    ) -> Function:
        """A function where it is defined, which is where its defaults are made.

        Args:
            node: its definition.
            body: its statements, or the expression of a lambda.
            scope: where it is defined.
            is_decorated: whether nobody knows what a call of it gives.
        """
        arguments = node.args
        defaults: dict[str, Any] = {}
        for rest in (arguments.vararg, arguments.kwarg):
            if rest is not None:
                defaults[rest.arg] = Unknown(f"the arguments {rest.arg[:60]}", rest.lineno)
        parameters = [*arguments.posonlyargs, *arguments.args]
        own = [None] * (len(parameters) - len(arguments.defaults)) + list(arguments.defaults)
        pairs = [
            *zip(parameters, own, strict=True),
            *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
        ]
        for parameter, default in pairs:
            missing = Unknown(f"the argument {parameter.arg[:60]}", parameter.lineno)
            defaults[parameter.arg] = missing if default is None else self.of(default, scope)
        return Function(arguments, body, scope, node.lineno, defaults, is_decorated)

    def started(self, function: Function, **given: Any) -> Scope:
        """The scope of a call: arguments that are not given and have no default are unknown.

        Args:
            function: what is called.
            given: values of arguments, of those that it has.
        """
        inside = Scope(around=function.scope)
        inside.names |= function.defaults
        inside.names |= {name: value for name, value in given.items() if name in inside.names}
        return inside


_WHAT: dict[type[ast.expr], str] = {
    ast.JoinedStr: "a formatted text",
    ast.ListComp: "a comprehension",
    ast.SetComp: "a comprehension",
    ast.DictComp: "a comprehension",
    ast.GeneratorExp: "a comprehension",
    ast.Slice: "a slice",
    ast.Starred: "a starred expression",
}


def _first_unknown(values: list[Any]) -> Unknown | None:
    return next((value for value in values if isinstance(value, Unknown)), None)


def _shown(node: ast.expr) -> str:
    """The name of what is called, for one line."""
    names: list[str] = []
    while isinstance(node, ast.Attribute) and len(names) < 4:
        names.append(node.attr[:40])
        node = node.value
    if isinstance(node, ast.Name):
        names.append(node.id[:40])
    return ".".join(reversed(names)) or "something"
