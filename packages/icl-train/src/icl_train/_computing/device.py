"""The device behind a name."""

from __future__ import annotations

import torch

__all__ = ["resolve_device"]


def resolve_device(name: str) -> torch.device:
    """The device behind ``--device``.

    Args:
        name: cpu, cuda, cuda:1, …, or auto: cuda where there is one.

    Raises:
        ValueError: if this machine has no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    available = {"cpu": 1, "cuda": torch.cuda.device_count()}
    try:
        device = torch.device(name)
    except RuntimeError:
        device = None
    if device is None or (device.index or 0) >= available.get(device.type, 0):
        found = ", ".join(kind for kind, count in available.items() if count)
        raise ValueError(f"device must be one that this machine has ({found}), got {name!r}")
    return device
