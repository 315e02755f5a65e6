"""The help that fits on a screen: an example, and the few options that people use."""

from __future__ import annotations

import shutil
import textwrap
import typing
from collections.abc import Sequence
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import Any

from icl_train._options.docs import field_doc
from icl_train._options.table import Option

__all__ = ["Page", "paragraph", "short_help", "two_columns"]

_WIDEST, _NARROWEST = 110, 60
_METAVARS = {int: "N", float: "X", Path: "PATH", str: "NAME"}


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a command's short help shows.

    Attributes:
        usage: lines that say how it is called.
        examples: commands to copy.
        few: names of the options to list, or with a dot at the end what the names of a group begin with; those that the
            command does not have are left out.
        listed: names, and what they are, to show first.
        defaults: whether the options' defaults are told.
        exit_codes: code and what it means, to show last.
    """

    usage: Sequence[str]
    examples: Sequence[str]
    few: Sequence[str]
    listed: Sequence[tuple[str, str]] = ()
    defaults: bool = True
    exit_codes: Sequence[tuple[str, str]] = ()


def short_help(page: Page, table: Sequence[Option], *, all_options: str) -> str:
    """The page as text, as wide as the terminal within reason.

    Args:
        page: what it shows.
        table: the command's options.
        all_options: the command that shows the rest.
    """
    options = [option for name in page.few for option in table if _is_called(option, name)]
    rows = [(_invocation(option), _told(option) + (_default(option) if page.defaults else "")) for option in options]
    blocks = [
        "\n".join(f"{'       ' if number else 'usage: '}{line}" for number, line in enumerate(page.usage)),
        two_columns(page.listed),
        "\n".join(f"  {example}" for example in page.examples),
        two_columns(rows),
        "exit codes:\n" + two_columns(page.exit_codes) if page.exit_codes else "",
        f"all {len(table)} options: {all_options}",
    ]
    return "\n\n".join(block for block in blocks if block)


def paragraph(text: str) -> str:
    """A text wrapped as wide as the terminal within reason."""
    return textwrap.fill(text, _width(), break_long_words=False, break_on_hyphens=False)


def two_columns(rows: Sequence[tuple[str, str]]) -> str:
    """Names and what they are as lines: the texts wrapped beside the names, as wide as the terminal within reason.

    Args:
        rows: name and text.
    """
    width = _width()
    indent = max((len(name) for name, _ in rows), default=0) + 4
    return "\n".join(
        textwrap.fill(
            text,
            width,
            initial_indent=f"  {name}".ljust(indent),
            subsequent_indent=" " * indent,
            break_long_words=False,
            break_on_hyphens=False,
        )
        if text
        else f"  {name}"
        for name, text in rows
    )


def _width() -> int:
    return max(_NARROWEST, min(_WIDEST, shutil.get_terminal_size().columns))


def _is_called(option: Option, name: str) -> bool:
    return name in option.names or (name.endswith(".") and any(one.startswith(name) for one in option.names))


def _told(option: Option) -> str:
    """The first part of what is said of it; the rest is in the full help."""
    return field_doc(option.owner, option.path[-1]).partition(";")[0].rstrip(".")


def _invocation(option: Option) -> str:
    if option.switch:
        return option.shown
    kinds = [kind for kind in option.alternatives if kind is not type(None)]
    return f"{option.shown} {option.metavar or _metavar(kinds[0])}"


def _metavar(kind: Any) -> str:
    if typing.get_origin(kind) in (tuple, list):
        return f"{_metavar(typing.get_args(kind)[0])} ..."
    if typing.get_origin(kind) is typing.Literal and sum(map(len, map(str, typing.get_args(kind)))) <= 16:
        return "|".join(map(str, typing.get_args(kind)))
    return _METAVARS.get(kind, "VALUE")


def _default(option: Option) -> str:
    value = option.default
    if value is None or value is MISSING or value in ((), "") or (option.switch and not value):
        return ""
    told = " ".join(map(str, value)) if isinstance(value, tuple) else "on" if option.switch else str(value)
    return f" [{told}]"
