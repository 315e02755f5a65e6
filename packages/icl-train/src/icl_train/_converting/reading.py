"""The options in a configuration of the released code, read from its lines; the file is parsed, never run."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from icl_data.foundation.paths import user_path
from icl_data.foundation.printable import one_line
from icl_data.foundation.regular_file import read_file
from icl_train._converting.statements import Follower
from icl_train._converting.values import Function, Group, Library, Unknown

__all__ = ["Found", "ReadFile", "read_released"]

_LARGEST = 1_000_000  # bytes; a configuration has some thousand
_MOST, _DEEPEST = 10_000, 20  # options, some hundred in four groups
_OF_THE_EXPERIMENT = "experiment_kwargs.config."


@dataclass(frozen=True)
class Found:
    """An option in the file.

    Attributes:
        value: what it is set to; an `Unknown` if only running the file would tell.
        line: where.
    """

    value: Any
    line: int


@dataclass(frozen=True)
class ReadFile:
    """What a file says.

    Attributes:
        options: dotted name → option, without ``experiment_kwargs.config.``.
        passed_over: line → what stands there and was not followed.
    """

    options: dict[str, Found]
    passed_over: dict[int, str]


def read_released(path: Path) -> ReadFile:
    """The options that ``get_config()`` of a file returns, of which no line is run.

    Args:
        path: the file.

    Raises:
        ValueError: if it is no Python, too large, or has no ``get_config`` that returns ``experiment_kwargs``.
        OSError: if it cannot be read.
    """
    path = user_path(path)
    if path.suffix != ".py":
        raise ValueError(f"a configuration of the released code must end in .py, got {path}")
    data = read_file(path, most_bytes=_LARGEST)
    try:
        return _read(_parsed(data))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"cannot read {path}: {one_line(error)[:300]}") from error


def _parsed(data: bytes) -> ast.Module:
    try:
        with warnings.catch_warnings():  # of escapes in its texts
            warnings.simplefilter("ignore")
            return ast.parse(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise ValueError(f"it must be UTF-8, got byte {error.object[error.start]:#04x} at {error.start}") from error
    except SyntaxError as error:
        raise ValueError(f"line {error.lineno or 1} is no Python: {error.msg}") from error
    except (RecursionError, MemoryError) as error:
        raise ValueError("it must not be nested as deeply as it is") from error


def _read(module: ast.Module) -> ReadFile:
    follower = Follower()
    function = follower.file(module).names.get("get_config")
    if not isinstance(function, Function):
        said = " (it imports one: give the file that it is in)" if isinstance(function, Library) else ""
        raise ValueError(f"it must define get_config(){said}")
    config = follower.returned(function, debug=False)
    if not isinstance(config, Group):
        why = f", because of {config.why} on line {config.line}" if isinstance(config, Unknown) else ""
        raise ValueError(f"get_config() must return a configuration, got what is none{why}")
    options = dict(_options(config, "", 0))
    if not any(name.startswith(_OF_THE_EXPERIMENT) for name in options):
        raise ValueError(
            "get_config() must set config.experiment_kwargs with a group 'config', as the released code reads it, got "
            f"{', '.join(options)[:200] or 'no options'}"
        )
    return ReadFile(
        options={name.removeprefix(_OF_THE_EXPERIMENT): found for name, found in options.items()},
        passed_over=follower.passed_over,
    )


def _options(group: Group, prefix: str, depth: int) -> Iterator[tuple[str, Found]]:
    """All options, dotted name by dotted name."""
    left = [(group, prefix, depth)]
    count = 0
    while left:
        group, prefix, depth = left.pop()
        if depth > _DEEPEST:
            raise ValueError(f"its groups must be nested at most {_DEEPEST} deep, got more")
        for name, value in group.items():
            count += 1
            if count > _MOST:
                raise ValueError(f"it must have at most {_MOST:,} options, got more")
            if isinstance(value, Group):
                left.append((value, f"{prefix}{name}.", depth + 1))
            else:
                yield prefix + name, Found(value, group.lines[name])
