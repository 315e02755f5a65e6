"""The options of every other code as tables of a page."""

from __future__ import annotations

from icl_train._other_codes.dynamics import DYNAMICS
from icl_train._other_codes.option import LEFT_OUT, NEEDED, Code, OtherOption
from icl_train._other_codes.port import PORT
from icl_train._other_codes.reddy import REDDY
from icl_train._other_codes.released import RELEASED

__all__ = ["CODES", "table_of"]

CODES: dict[str, Code] = {"released": RELEASED, "port": PORT, "icl-dynamics": DYNAMICS, "reddy": REDDY}
"""Short name → code."""

_FATES = {
    "idle": "nothing: it does nothing there",
    "otherwise": "nothing: done otherwise here",
    "lost": "**not carried over**",
}


def table_of(code: Code) -> str:
    """A code's options, what they are if left out, and what becomes of them, in Markdown.

    Args:
        code: one of ``CODES``.
    """
    lines = ["| option there | left out | here | |", "|---|---|---|---|"]
    lines += [_row(option) for option in code.options]
    return f"{code.source}\n\n" + "\n".join(lines) + "\n"


def _row(option: OtherOption) -> str:
    becomes = ", ".join(f"`{name}`" for name in option.becomes) or _FATES[option.fate]
    if option.becomes and option.fate == "lost":
        becomes = f"{_FATES['lost']} ({becomes})"
    used = "; ".join(f"used with `{name} {' or '.join(map(str, values))}`" for name, values in option.only.items())
    told = ". ".join(part[:1].upper() + part[1:] for part in (option.told, used) if part)
    cells = (f"`{option.name}`", _left_out(option.default), becomes, told)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _left_out(default: object) -> str:
    if default is NEEDED:
        return "must be given"
    if default is LEFT_OUT or default == "":
        return ""
    return f"`{default}`"
