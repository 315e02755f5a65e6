"""A configuration as the text of a file that can be edited and given back to ``--config``."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["FORMATS", "config_text"]

_BARE_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_-]*")


def config_text(settings: Mapping[str, Any], form: str) -> str:
    """Nested groups of settings as text.

    Args:
        settings: name → value or group, as ``RunConfig.to_dict`` gives them.
        form: one of ``FORMATS``.
    """
    return FORMATS[form](settings)


def _json(settings: Mapping[str, Any]) -> str:
    return json.dumps(settings, indent=2) + "\n"


def _toml(settings: Mapping[str, Any]) -> str:
    """TOML has no null: such a setting is the text None, as on the command line."""
    return "\n".join(_toml_groups(settings, "")).lstrip("\n") + "\n"


def _toml_groups(settings: Mapping[str, Any], name: str) -> list[str]:
    lines = ["", f"[{name}]"] if name else []
    lines += [f"{_key(key)} = {_toml_value(value)}" for key, value in settings.items() if not isinstance(value, dict)]
    for key, value in settings.items():
        if isinstance(value, dict):
            lines += _toml_groups(value, f"{name}.{_key(key)}" if name else _key(key))
    return lines


def _toml_value(value: Any) -> str:
    if value is None:
        return '"None"'
    if isinstance(value, list):
        return f"[{', '.join(map(_toml_value, value))}]"
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, str):
        if any("\ud800" <= letter <= "\udfff" for letter in value):  # of a file whose name is no UTF-8
            raise ValueError(f"TOML must have whole letters alone, which JSON need not (--format json), got {value!a}")
        return _quoted(value)
    return json.dumps(value)  # of numbers and truth values, what TOML has


def _yaml(settings: Mapping[str, Any]) -> str:
    """YAML has JSON's values: groups are indented, values are JSON's, but for how letters are escaped."""
    return "\n".join(_yaml_groups(settings, "")) + "\n"


def _yaml_groups(settings: Mapping[str, Any], indent: str) -> list[str]:
    lines = []
    for key, value in settings.items():
        if isinstance(value, dict) and value:
            lines += [f"{indent}{_key(key)}:", *_yaml_groups(value, f"{indent}  ")]
        else:
            lines.append(f"{indent}{_key(key)}: {_yaml_value(value)}")
    return lines


def _yaml_value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_yaml_value, value))}]"
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    """As JSON has it, but for letters that it writes as two halves: TOML and YAML read each half as a letter."""
    letters = (rf"\U{ord(one):08x}" if ord(one) > 0xFFFF else json.dumps(one)[1:-1] for one in text)
    return f'"{"".join(letters)}"'


def _key(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else _quoted(key)


FORMATS: dict[str, Callable[[Mapping[str, Any]], str]] = {"json": _json, "toml": _toml, "yaml": _yaml}
"""Name of a format → what writes it."""
