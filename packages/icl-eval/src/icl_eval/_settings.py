"""A run's settings under their dotted names."""

from __future__ import annotations

from typing import Any

from icl_train import RunConfig

__all__ = ["flat_settings"]


def flat_settings(config: RunConfig) -> dict[str, Any]:
    """``{"data.p_bursty": 0.9, …}``, as the command line names them (with underscores)."""
    return _flat(config.to_dict(), "")


def _flat(settings: dict[str, Any], prefix: str) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return flat
