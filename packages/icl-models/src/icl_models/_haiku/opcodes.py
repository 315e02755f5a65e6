"""Build what a pickle describes, opcode by opcode, with nothing of it run.

Python's own reader believes what a file says: it makes a table as long as the largest number in it, and ends the
process where it hashes tuples that are a hundred thousand deep in each other. Here memory grows with the file alone:
values are counted, nothing is hashed but texts and numbers, and stand-ins make what names stand for, and know how much.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from typing import Any

from icl_data.foundation.shown import kind_in_words
from icl_models._haiku.pickled_array import BFloat16, CheckpointError, PickledArray, PickledDtype
from icl_models._haiku.stand_ins import ONLY, StandIn

# The released experiment's whole state has some 20,000; a value that one of them makes takes up to 216 bytes, a set.
_MOST_OPCODES = 1_000_000
_MOST_BITS = 4096  # of a whole number
_MOST_BITS_OF_A_KEY = 60
_LONGEST_NAME = 1000  # characters of a key, and of what is to be looked up
_NEWEST_PROTOCOL = 5
_LONG = 4096  # bytes of a buffer that is worth a view
_BEFORE_BYTES = {"BINBYTES": 5, "BINBYTES8": 9}  # the opcode, and the length


def build(content: bytes, find: Callable[[str, str], StandIn | BFloat16]) -> Any:
    """The value of a pickle, made of plain containers and of what stand-ins make.

    Args:
        content: the whole pickle.
        find: module, name → what stands for it; raises for all others.

    Raises:
        CheckpointError: for what no checkpoint needs.
        Exception: of any kind, for a damaged pickle.
    """
    machine = _Machine(len(content), find)
    for count, (opcode, argument, position) in enumerate(pickletools.genops(content)):
        if count >= _MOST_OPCODES:
            raise CheckpointError(f"a checkpoint must have at most {_MOST_OPCODES:,} opcodes, got more")
        step = _STEPS.get(opcode.name)
        if step is None:
            raise CheckpointError(f"{ONLY}the opcode {opcode.name}")
        if type(argument) is bytes and len(argument) > _LONG:  # kept as a part of the file, not beside it
            start = (position or 0) + _BEFORE_BYTES[opcode.name]
            argument = memoryview(content)[start : start + len(argument)]
        step(machine, argument)
    return machine.stack[-1]


_Step = Callable[["_Machine", Any], None]


class _Machine:
    """The stack of a pickle, those below its marks, and the values that it has numbered."""

    def __init__(self, n_bytes: int, find: Callable[[str, str], StandIn | BFloat16]) -> None:
        self.n_bytes = n_bytes
        self.find = find
        self.stack: list[Any] = []
        self.below: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    def _value(self, value: Any) -> None:
        self.stack.append(value)

    def _number(self, number: int) -> None:
        if number.bit_length() > _MOST_BITS:
            raise CheckpointError(
                f"a checkpoint's numbers must have at most {_MOST_BITS} bits, got {number.bit_length()}"
            )
        self.stack.append(number)

    def _get(self, place: int) -> None:
        self.stack.append(self.memo[place])

    def _remember_next(self, _: Any) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def _remember(self, place: int) -> None:
        if not 0 <= place < self.n_bytes:
            raise CheckpointError(
                f"a checkpoint's values must be numbered within its {self.n_bytes} bytes, got {place}"
            )
        self.memo[place] = self.stack[-1]

    def _last(self, count: int) -> list[Any]:
        """The topmost values of the stack, which stay there."""
        if len(self.stack) < count:
            raise CheckpointError("a checkpoint must not take more values than it has given")
        return self.stack[-count:]

    def _mark(self, _: Any) -> None:
        self.below.append(self.stack)
        self.stack = []

    def _since_mark(self) -> list[Any]:
        """The values that came behind the last mark, taken away with it."""
        values, self.stack = self.stack, self.below.pop()
        return values

    def _pop(self, _: Any) -> None:
        if self.stack:
            self.stack.pop()
        else:
            self._since_mark()

    def _pop_mark(self, _: Any) -> None:
        self._since_mark()

    def _tuple(self, _: Any) -> None:
        values = self._since_mark()
        self.stack.append(tuple(values))

    def _list(self, _: Any) -> None:
        values = self._since_mark()
        self.stack.append(values)

    def _dict(self, _: Any) -> None:
        values = self._since_mark()
        self.stack.append({})
        self._set_items(values)

    def _frozenset(self, _: Any) -> None:
        values = self._since_mark()
        self.stack.append(frozenset(map(_checked_key, values)))

    def _append(self, _: Any) -> None:
        (_, value) = self._last(2)
        self.stack.pop()
        self._top(list).append(value)

    def _appends(self, _: Any) -> None:
        values = self._since_mark()
        self._top(list).extend(values)

    def _set_item(self, _: Any) -> None:
        (_, *pair) = self._last(3)
        del self.stack[-2:]
        self._set_items(pair)

    def _set_items_since_mark(self, _: Any) -> None:
        self._set_items(self._since_mark())

    def _set_items(self, values: list[Any]) -> None:
        mapping = self._top(dict)
        for key, value in zip(values[::2], values[1::2], strict=True):
            mapping[_checked_key(key)] = value

    def _add_items(self, _: Any) -> None:
        values = self._since_mark()
        self._top(set).update(map(_checked_key, values))

    def _top(self, kind: type[Any]) -> Any:
        """The container that is to be filled."""
        if type(self.stack[-1]) is not kind:
            raise CheckpointError(f"a checkpoint must fill its containers only, got {kind_in_words(self.stack[-1])}")
        return self.stack[-1]

    def _global(self, argument: str) -> None:
        module, _, name = argument.partition(" ")
        self._look_up(module, name)

    def _stack_global(self, _: Any) -> None:
        module, name = self._last(2)
        del self.stack[-2:]
        self._look_up(module, name)

    def _look_up(self, module: Any, name: Any) -> None:
        if not all(isinstance(text, str) and len(text) <= _LONGEST_NAME for text in (module, name)):
            raise CheckpointError(f"a checkpoint's names must be texts of at most {_LONGEST_NAME} characters")
        self.stack.append(self.find(module, name))

    def _call(self, _: Any) -> None:
        function, arguments = self._last(2)
        del self.stack[-2:]
        if not isinstance(function, StandIn) or type(arguments) is not tuple:
            raise CheckpointError(f"a checkpoint must call what it names, got {kind_in_words(function)}")
        self.stack.append(function(arguments))

    def _call_with_names(self, _: Any) -> None:
        if self.stack.pop() != {}:
            raise CheckpointError(f"{ONLY}a call with names for its arguments")
        self._call(None)

    def _set_state(self, _: Any) -> None:
        made, state = self._last(2)
        self.stack.pop()
        if not isinstance(made, PickledArray | PickledDtype) or not isinstance(state, tuple):
            what = f"{kind_in_words(state)} for {kind_in_words(made)}"
            raise CheckpointError(f"a checkpoint must not alter what it names, got a state: {what}")
        made.set_state(state)

    def _duplicate(self, _: Any) -> None:
        self.stack.append(self.stack[-1])

    def _check_protocol(self, protocol: int) -> None:
        if protocol > _NEWEST_PROTOCOL:
            raise CheckpointError(f"a checkpoint must be a pickle of protocol 0 to {_NEWEST_PROTOCOL}, got {protocol}")

    def _nothing(self, _: Any) -> None:
        """The length of a frame is known by what is in it, and the end by being the end."""


def _constant(value: Any) -> _Step:
    return lambda machine, _: machine.stack.append(value)


def _empty(kind: Callable[[], Any]) -> _Step:
    return lambda machine, _: machine.stack.append(kind())


def _tuple_of(count: int) -> _Step:
    def step(machine: _Machine, _: Any) -> None:
        machine.stack[-count:] = [tuple(machine._last(count))]

    return step


_STEPS: dict[str, _Step] = {
    **dict.fromkeys(("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4"), _Machine._number),
    **dict.fromkeys(("FLOAT", "BINFLOAT", "STRING", "BINSTRING", "SHORT_BINSTRING"), _Machine._value),
    **dict.fromkeys(("UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"), _Machine._value),
    **dict.fromkeys(("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"), _Machine._value),
    **dict.fromkeys(("PUT", "BINPUT", "LONG_BINPUT"), _Machine._remember),
    **dict.fromkeys(("GET", "BINGET", "LONG_BINGET"), _Machine._get),
    **{name: _constant(value) for name, value in (("NONE", None), ("NEWTRUE", True), ("NEWFALSE", False))},
    **{f"EMPTY_{kind.__name__.upper()}": _empty(kind) for kind in (dict, list, set, tuple)},
    **{f"TUPLE{count}": _tuple_of(count) for count in (1, 2, 3)},
    "MEMOIZE": _Machine._remember_next,
    "MARK": _Machine._mark,
    "POP": _Machine._pop,
    "POP_MARK": _Machine._pop_mark,
    "DUP": _Machine._duplicate,
    "TUPLE": _Machine._tuple,
    "LIST": _Machine._list,
    "DICT": _Machine._dict,
    "FROZENSET": _Machine._frozenset,
    "APPEND": _Machine._append,
    "APPENDS": _Machine._appends,
    "SETITEM": _Machine._set_item,
    "SETITEMS": _Machine._set_items_since_mark,
    "ADDITEMS": _Machine._add_items,
    "GLOBAL": _Machine._global,
    "STACK_GLOBAL": _Machine._stack_global,
    "REDUCE": _Machine._call,
    "NEWOBJ": _Machine._call,
    "NEWOBJ_EX": _Machine._call_with_names,
    "BUILD": _Machine._set_state,
    "PROTO": _Machine._check_protocol,
    "FRAME": _Machine._nothing,
    "STOP": _Machine._nothing,
}


def _checked_key(key: Any) -> Any:
    """A key, if it is one whose hash nobody can choose or make long to compute."""
    text = isinstance(key, str | bytes) and len(key) <= _LONGEST_NAME
    number = isinstance(key, float) or (isinstance(key, int) and key.bit_length() <= _MOST_BITS_OF_A_KEY)
    if not (key is None or text or number):
        what = f"numbers of {_MOST_BITS_OF_A_KEY} bits or texts of {_LONGEST_NAME} characters at most"
        raise CheckpointError(f"a checkpoint's keys must be {what}, got {kind_in_words(key)}")
    return key
