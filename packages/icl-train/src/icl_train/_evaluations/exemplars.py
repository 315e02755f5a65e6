"""Which exemplars of each class are drawn from, as a setting says it: start:stop."""

from __future__ import annotations

import re

from icl_data.foundation.shown import shown

__all__ = ["check_exemplars", "exemplar_range"]

_LARGEST = 2**31 - 1


def check_exemplars(name: str, setting: str | None) -> None:
    """Raise ValueError unless a setting is None or start:stop with 0 <= start < stop."""
    if setting is None:
        return
    match = re.fullmatch(r"(\d+):(\d+)", setting) if isinstance(setting, str) else None
    if match is None or not int(match[1]) < int(match[2]) <= _LARGEST:
        raise ValueError(
            f"{name} must be start:stop with 0 <= start < stop (0:16 for the first 16), got {shown(setting)}"
        )


def exemplar_range(name: str, setting: str | None, n_exemplars: int) -> range | None:
    """The exemplars that a setting means, or None for all.

    Raises:
        ValueError: if the source does not have them.
    """
    if setting is None:
        return None
    start, stop = map(int, setting.split(":"))
    if stop > n_exemplars:
        raise ValueError(f"{name} must be within 0:{n_exemplars}, the exemplars of the source's classes, got {setting}")
    return range(start, stop)
