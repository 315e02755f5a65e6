"""Values of settings: in what order they come, and how they are written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["few", "in_order", "is_number", "plain", "sentence", "short_setting", "shown"]

_FEW = 8
_WORDS = {
    "classes": "trained classes",
    "labels_per_class": "labels per class",
    "variation": "within-class variation",
    "data.downsample": "images",
    "data.p_bursty": "p(bursty)",
    "data.zipf_exponent": "Zipf exponent",
    "model.sequence_model": "model",
    "model.num_layers": "layers",
    "model.embedder_config.sequences_per_statistics": "sequences per statistics",
    "optim.weight_decay": "weight decay",
    "optim.l2": "L2",
    "train.max_steps": "updates",
}
_VALUES = {("data.downsample", True): "28x28", ("data.downsample", False): "full size"}


def plain(value: Any) -> Any:
    """A cell of the table as a setting's value: None for what is missing, numbers of Python, lists as tuples."""
    if isinstance(value, list | tuple):
        return tuple(value)
    if hasattr(value, "item"):
        value = value.item()
    if value is None or type(value).__name__ == "NAType" or value != value:
        return None
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**53 else value


def is_number(value: Any) -> bool:
    """Whether it is a number, and not a truth value."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def in_order(values: Iterable[Any]) -> list[Any]:
    """Each value once: what is not set, then truth values, numbers as numbers, the rest by letters."""
    return sorted(dict.fromkeys(values), key=_place)


def _place(value: Any) -> tuple[int, float, str]:
    if value is None:
        return 0, 0.0, ""
    if isinstance(value, bool):
        return 1, float(value), ""
    return (2, float(value), "") if is_number(value) else (3, 0.0, str(value))


def shown(value: Any, setting: str = "") -> str:
    """A value in titles and labels: ``1,600``, ``0.001``, ``default`` for what is not set; in words if its setting has
    them.
    """
    if isinstance(value, bool) and (setting, value) in _VALUES:
        return _VALUES[setting, value]
    if value is None:
        return "default"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:g}"
    return " ".join(map(shown, value)) if isinstance(value, tuple) else str(value)


def few(values: Sequence[Any]) -> str:
    """Values with commas; of many, the first ones and the last."""
    told = list(map(shown, values))
    return ", ".join(told if len(told) <= _FEW else [*told[:4], "…", told[-1]])


def short_setting(name: str, among: Iterable[str] = ()) -> str:
    """A setting's name in titles: its words, else its last part unless another one ``among`` them has that, too."""
    if name in _WORDS:
        return _WORDS[name]
    last = name.rpartition(".")[2]
    return name if any(other != name and other.rpartition(".")[2] == last for other in among) else last


def sentence(settings: Mapping[str, Any], among: Sequence[str] = ()) -> str:
    """Settings and their values: ``p(bursty) 0.9, max_lr 0.001``."""
    return ", ".join(f"{short_setting(name, among)} {shown(value, name)}" for name, value in settings.items())
