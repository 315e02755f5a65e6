"""The statements of a configuration, followed without running them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Any

from icl_train._converting.expressions import Values
from icl_train._converting.values import Function, Group, Library, Scope, Unknown, known

__all__ = ["Follower"]

_DEEPEST = 40  # of statements within statements and calls within calls
_HARMLESS = {"lock", "unlock"}


class _Returned(Exception):
    def __init__(self, value: Any, line: int) -> None:
        self.value, self.line = value, line


class Follower:
    """Follows the statements of a file.

    Attributes:
        passed_over: line → what stands there and could not be followed.
    """

    def __init__(self) -> None:
        self.values = Values(self._body_of_function, self._note)
        self.passed_over: dict[int, str] = {}
        self._depth = 0
        self._binds_within = False  # whether expressions bind names: ``(n := 8)``

    def _note(self, line: int, what: str) -> None:
        self.passed_over.setdefault(line, what)

    def file(self, module: ast.Module) -> Scope:
        """The names that a file binds.

        Args:
            module: its statements.

        Raises:
            ValueError: if one of them returns, which Python itself refuses only when it compiles a file.
        """
        scope = Scope()
        self._binds_within = any(isinstance(node, ast.NamedExpr) for node in ast.walk(module))
        try:
            self._follow(module.body, scope)
        except _Returned as end:
            raise ValueError(f"line {end.line} is no Python: it returns outside of a function") from end
        return scope

    def returned(self, function: Function, **given: Any) -> Any:
        """What a function of the file returns.

        Args:
            function: the function.
            given: values of its arguments.
        """
        body, scope = function.body, self.values.started(function, **given)
        return self._body_of_function(body, scope) if isinstance(body, list) else self.values.of(body, scope)

    def _body_of_function(self, body: list[ast.stmt], scope: Scope) -> Any:
        if self._depth >= _DEEPEST:
            return Unknown("a function that calls itself", body[0].lineno)
        if self._yields(body):
            return Unknown("a function that yields", body[0].lineno)
        self._depth += 1
        try:
            self._follow(body, scope)
        except _Returned as end:
            return end.value
        finally:
            self._depth -= 1
        return None

    def _yields(self, body: list[ast.stmt]) -> bool:
        for statement in body:
            for node in _walk(statement):
                self.values.step()
                if isinstance(node, ast.Yield | ast.YieldFrom):
                    return True
        return False

    def _follow(self, body: list[ast.stmt], scope: Scope) -> None:
        for statement in body:
            self.values.step()
            try:
                self._statement(statement, scope)
            finally:
                if self._binds_within:
                    self._forget_bound(statement, scope)

    def _forget_bound(self, statement: ast.stmt, scope: Scope) -> None:
        """Names that its expressions bind: what they are from there on is not known."""
        for node in _walk(statement):
            self.values.step()
            if isinstance(node, ast.NamedExpr):
                scope.names[node.target.id] = Unknown("a name that is bound within an expression", node.lineno)

    def _statement(self, statement: ast.stmt, scope: Scope) -> None:
        match statement:
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                for one in names:
                    name = one.asname or (one.name if isinstance(statement, ast.ImportFrom) else _first(one.name))
                    scope.names[name] = Library(one.name)
            case ast.FunctionDef():
                decorators = statement.decorator_list
                for decorator in decorators:
                    self.passed_over[decorator.lineno] = "a decorator"
                function = self.values.defined(statement, statement.body, scope, is_decorated=bool(decorators))
                scope.names[statement.name] = function
            case ast.Assign():
                is_option = all(isinstance(target, ast.Attribute | ast.Subscript) for target in statement.targets)
                take = self.values.placed if is_option else self.values.of
                value = take(statement.value, scope)
                for target in statement.targets:
                    self._assign(target, value, scope, statement.value.lineno)
            case ast.AnnAssign(value=ast.expr() as assigned):
                self._assign(statement.target, self.values.of(assigned, scope), scope, assigned.lineno)
            case ast.AugAssign():
                self._assign(statement.target, self._augmented(statement, scope), scope, statement.lineno)
            case ast.If():
                self._if(statement, scope)
            case ast.With():
                self._follow_deeper(statement.body, scope)
            case ast.Return():
                value = None if statement.value is None else self.values.of(statement.value, scope)
                raise _Returned(value, statement.lineno)
            case ast.Expr(value=ast.Call() as call):
                self._call(call, scope)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                self._share(names, scope, statement)
            case ast.Expr() | ast.Pass() | ast.AnnAssign() | ast.Assert():
                pass
            case _:
                self._pass_over(statement, scope)

    def _augmented(self, statement: ast.AugAssign, scope: Scope) -> Any:
        target = statement.target
        before = scope.names.get(target.id) if isinstance(target, ast.Name) else None
        if isinstance(before, list):  # it grows in place, for the caller as well
            self.values.step(len(scope.given))
            if any(before is one for one in scope.given):
                self.passed_over[statement.lineno] = "what is added to a list of the caller"
        binary = ast.BinOp(_read(target), statement.op, statement.value)
        return self.values.of(ast.copy_location(binary, statement), scope)

    def _if(self, statement: ast.If, scope: Scope) -> None:
        test = known(self.values.of(statement.test, scope), statement.test.lineno)
        if isinstance(test, Unknown):
            self._pass_over(statement, scope, test.why)
        else:
            self._follow_deeper(statement.body if test else statement.orelse, scope)

    def _follow_deeper(self, body: list[ast.stmt], scope: Scope) -> None:
        if not body:  # an else that is not there
            return
        if self._depth >= _DEEPEST:
            self.passed_over[body[0].lineno] = "what is nested too deeply"
            return
        self._depth += 1
        try:
            self._follow(body, scope)
        finally:
            self._depth -= 1

    def _call(self, call: ast.Call, scope: Scope) -> None:
        """A call whose value nobody takes: ``config.update(…)``, or something that is not followed."""
        method = call.func.attr if isinstance(call.func, ast.Attribute) else None
        if isinstance(call.func, ast.Attribute) and method in (*_HARMLESS, "update"):
            owner = self.values.of(call.func.value, scope)
            if isinstance(owner, Group):
                if method == "update":
                    self._update(owner, call, scope)
                return
        own = isinstance(call.func, ast.Name) and isinstance(scope.find(call.func.id, call.lineno), Function)
        value = self.values.of(call, scope)
        if not own or isinstance(value, Unknown):  # as is what a call gives that was not followed to its end
            self.passed_over[call.lineno] = f"a call of {_called(call)}"

    def _share(self, names: list[str], scope: Scope, statement: ast.Global | ast.Nonlocal) -> None:
        """Names that a function binds for others as well: what they are there is not known from then on."""
        what = "a name that a function binds elsewhere"
        self.passed_over[statement.lineno] = what
        for name in names:
            around = scope.around
            while around is not None:
                self.values.step()
                if name in around.names or around.around is None:
                    around.names[name] = Unknown(what, statement.lineno)
                around = around.around

    def _update(self, owner: Group, call: ast.Call, scope: Scope) -> None:
        for argument in call.args:
            self._take(owner, argument, scope)
        for keyword in call.keywords:
            if keyword.arg is None:
                self._take(owner, keyword.value, scope)
            else:
                value = self.values.placed(keyword.value, scope)
                owner.put(keyword.arg, value, keyword.value.lineno, count=self.values.step)

    def _take(self, owner: Group, node: ast.expr, scope: Scope) -> None:
        other = self.values.of(node, scope)
        if isinstance(other, Group):
            owner.take(other, count=self.values.step)
        else:
            self.passed_over[node.lineno] = "an update by what is not known"

    def _pass_over(self, statement: ast.stmt, scope: Scope, why: str | None = None) -> None:
        """Not to follow a statement: what it may assign is not known from there on."""
        what = _WHAT.get(type(statement), "a statement of another kind")
        self.passed_over[statement.lineno] = what if why is None else f"{what} on {why}"
        for node in _walk(statement):
            self.values.step()
            for target in _assigned(node):
                self._assign(target, Unknown(what, statement.lineno), scope, target.lineno)
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                scope.names[node.name] = Unknown(what, statement.lineno)

    def _assign(self, target: ast.expr, value: Any, scope: Scope, line: int) -> None:
        match target:
            case ast.Name():
                scope.names[target.id] = value
            case ast.Attribute():
                self._put(target.value, target.attr, value, scope, line)
            case ast.Subscript():
                self._put(target.value, self.values.of(target.slice, scope), value, scope, line)
            case ast.Tuple(elts=parts) | ast.List(elts=parts):
                known = isinstance(value, list | tuple) and len(value) == len(parts)
                for place, part in enumerate(parts):
                    one = value[place] if known else Unknown("what is taken apart", line)
                    self._assign(part, one, scope, line)
            case _:
                self.passed_over[target.lineno] = "an assignment of another kind"

    def _put(self, owner: ast.expr, name: Any, value: Any, scope: Scope, line: int) -> None:
        group = self.values.of(owner, scope)
        if not isinstance(group, Group) or not isinstance(name, str):
            self.passed_over[line] = "an assignment to what is not known"
            return
        group.put(name, value, line, count=self.values.step)


_WHAT: dict[type[ast.stmt], str] = {
    ast.If: "a condition",
    ast.For: "a loop",
    ast.While: "a loop",
    ast.Try: "a try statement",
    ast.Delete: "a deletion",
    ast.ClassDef: "a class",
    ast.Raise: "an error that is raised",
}


def _read(target: ast.expr) -> ast.expr:
    """The target of ``+=`` as what it was before."""
    match target:
        case ast.Name():
            return ast.copy_location(ast.Name(target.id, ast.Load()), target)
        case ast.Attribute():
            return ast.copy_location(ast.Attribute(target.value, target.attr, ast.Load()), target)
        case _:
            return target


def _assigned(node: ast.AST) -> list[ast.expr]:
    """What a statement, by itself, gives a value or takes it from."""
    if isinstance(node, ast.Assign | ast.Delete):
        return node.targets
    return [node.target] if isinstance(node, ast.AugAssign | ast.AnnAssign | ast.For) else []


def _walk(statement: ast.stmt) -> Iterator[ast.AST]:
    """Its parts, but not those of functions that it only defines."""
    left: list[ast.AST] = [statement]
    while left:
        node = left.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Lambda):
            left += ast.iter_child_nodes(node)


def _first(dotted: str) -> str:
    return dotted.partition(".")[0]


def _called(call: ast.Call) -> str:
    function = call.func
    name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "something")
    return str(name)[:60]
