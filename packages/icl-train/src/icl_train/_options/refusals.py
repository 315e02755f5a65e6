"""What the parser behind refuses, in one line without its frame."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["reason_of"]

_COMPONENT = re.compile(r"(\w+\.[\w-]+-config)$")


def reason_of(stop: SystemExit, printed: str) -> str:
    """Why a command line was refused: the words of the rule itself.

    Args:
        stop: what the parser raised; the ValueError of the dataclass that refused its values is among its causes.
        printed: what it printed, for a refusal of its own.
    """
    causes = list(_causes(stop))
    rules = [error for error in causes if isinstance(error, ValueError)]
    if not rules:
        return _without_frame(printed)
    # A component's own rule does not say whose it is; the other groups of settings do.
    groups = [match for error in causes if (match := _COMPONENT.search(str(getattr(error, "arg", ""))))]
    whose = f"{groups[-1][1]}: " if groups else ""
    return whose + " ".join(str(rules[-1]).split())


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error's causes, the first one last."""
    while error is not None:
        error = error.__cause__ or error.__context__
        if error is not None:
            yield error


def _without_frame(text: str) -> str:
    lines = [line.strip("│|+ ").strip() for line in text.splitlines() if not re.match(r"^\s*([╭╰┌└]|\+-)", line)]
    message = []
    for line in lines:
        if re.fullmatch(r"[─-]+", line):  # what follows is the help of the option
            break
        message.append(line)
    return " ".join(" ".join(message).split())
