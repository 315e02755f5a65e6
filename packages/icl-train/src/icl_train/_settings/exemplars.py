"""Which exemplars of each class are drawn from, as a setting says it: start:stop."""

from __future__ import annotations

import re

from icl_train._settings.option import LARGEST, require

__all__ = ["check_exemplars", "exemplar_range"]


def check_exemplars(name: str, setting: str | None) -> None:
    """Raise ValueError unless a setting is None or start:stop with 0 <= start < stop."""
    if setting is None:
        return
    match = re.fullmatch(r"(\d+):(\d+)", setting)
    rule = f"{name} must be start:stop with 0 <= start < stop (0:16 for the first 16)"
    require(match is not None and int(match[1]) < int(match[2]) <= LARGEST, rule, repr(setting))


def exemplar_range(name: str, setting: str | None, n_exemplars: int) -> range | None:
    """The exemplars that a setting means, or None for all.

    Raises:
        ValueError: if the source does not have them.
    """
    if setting is None:
        return None
    start, stop = map(int, setting.split(":"))
    require(
        stop <= n_exemplars, f"{name} must be within 0:{n_exemplars}, the exemplars of the source's classes", setting
    )
    return range(start, stop)
