"""What the parser behind refuses, in one line without its frame."""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["reason_of"]

_COMPONENT = re.compile(r"(\w+\.[\w-]+-config)$")
_RULE = re.compile(r"[─-]+")


def reason_of(stop: SystemExit, printed: str) -> str:
    """Why a command line was refused: the words of the rule itself.

    Args:
        stop: what the parser raised; the ValueError of the dataclass that refused its values is among its causes.
        printed: what it printed, for a refusal of its own.
    """
    causes = list(_causes(stop))
    rules = [error for error in causes if isinstance(error, ValueError)]
    where = [getattr(error, "arg", "") for error in causes]
    if not rules or any(not isinstance(one, str) for one in where):  # its own, or one about the value of an option
        return _without_frame(printed).removeprefix("Error parsing ")
    # A component's own rule does not say whose it is; the other groups of settings do.
    groups = [match for one in where if (match := _COMPONENT.search(one))]
    whose = f"{groups[-1][1]}: " if groups else ""
    return whose + " ".join(str(rules[-1]).split())


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error's causes, the first one last."""
    while error is not None:
        error = error.__cause__ or error.__context__
        if error is not None:
            yield error


def _without_frame(text: str) -> str:
    """What stands between the title and the help of the option."""
    lines = [line.strip("│| ") for line in text.splitlines() if not re.match(r"^\s*[╭╰]", line)]
    if (
        "╭" not in text and len(lines) > 1 and _RULE.fullmatch(lines[1])
    ):  # without frames, the title stands above a rule
        lines = lines[2:]
    rules = [number for number, line in enumerate(lines) if _RULE.fullmatch(line)]
    return " ".join(" ".join(lines[: rules[0]] if rules else lines).split())
