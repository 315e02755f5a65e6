"""What config.json says beside the settings: where a run was made, and when it was started."""

from __future__ import annotations

from typing import Any

from icl_train._settings.option import LARGEST, require
from icl_train._settings.plain_value import short_value, value_of_type
from icl_train._settings.training import MOST_THREADS

__all__ = ["check_stored"]

_Versions = dict[str, str | None]
_ENVIRONMENT: dict[str, Any] = {
    "started": str,
    "python": str,
    "versions": _Versions,
    "git": str | None,
    "host": str,
    "platform": str,
    "cuda": str | None,
    "command": tuple[str, ...],
    "plugins": dict[str, dict[str, str]],
    "device": str,
    "threads": int | None,
}
_START: dict[str, Any] = {
    "time": str,
    "from_step": int,
    "max_steps": int,
    "device": str,
    "hardware": str,
    "threads": int,
    "host": str,
    "python": str,
    "versions": _Versions,
}
_RANGES = {"threads": (1, MOST_THREADS), "from_step": (0, LARGEST), "max_steps": (1, LARGEST)}
_OF_A_PLUGIN = ("name", "distribution", "version")


def check_stored(stored: Any) -> None:
    """Raise ValueError unless the parts of config.json are of their types; what later versions add is left alone.

    Args:
        stored: what the file holds.

    Raises:
        ValueError: naming the part.
    """
    value_of_type(dict[str, object], stored, "its content")
    for name in ("config", "environment"):
        require(name in stored, f"it must have {name}", f"{', '.join(map(repr, sorted(stored)[:5])) or 'nothing'}")
    environment, starts = stored["environment"], stored.get("starts", [])
    _check(environment, _ENVIRONMENT, "environment")
    require("threads" in environment, "environment must have threads", "none")
    for kind, owner in environment.get("plugins", {}).items():
        missing = [name for name in _OF_A_PLUGIN if name not in owner]
        require(not missing, f"environment.plugins.{kind} must have {', '.join(_OF_A_PLUGIN)}", "other names")
    value_of_type(tuple[dict[str, object], ...], starts, "starts")
    for place, start in enumerate(starts):
        _check(start, _START, f"starts[{place}]")


def _check(values: Any, hints: dict[str, Any], name: str) -> None:
    value_of_type(dict[str, object], values, name)
    for part, hint in hints.items():
        if part not in values:
            continue
        value = value_of_type(hint, values[part], f"{name}.{part}")
        if part in _RANGES and value is not None:
            least, most = _RANGES[part]
            require(least <= value <= most, f"{name}.{part} must be from {least} to {most}", short_value(value))
