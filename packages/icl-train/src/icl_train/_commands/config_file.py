"""Settings from a file: JSON, TOML or YAML, or the config.json that a run has."""

from __future__ import annotations

import importlib
import shlex
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from icl_data.foundation.extras import import_extra
from icl_data.foundation.paths import user_path
from icl_data.foundation.plain_json import read_json
from icl_data.foundation.printable import one_line
from icl_data.foundation.regular_file import open_file
from icl_data.foundation.sealed import Damaged
from icl_train._by_name.settings import with_settings
from icl_train._intact.errors import RunUnreadable
from icl_train._intact.objects import object_in
from icl_train._making.trusted import is_trusted, why_not_trusted
from icl_train._options.typed import short_json
from icl_train._runs.stored import CONFIG, left_of_a_run
from icl_train._settings.identity import flattened
from icl_train.config import RunConfig

__all__ = ["read_settings", "with_file_settings"]

_FORMATS = (".json", ".toml", ".yaml", ".yml")
_LARGEST = 10_000_000  # bytes; a configuration has some thousand
_MOST_DOTS = 200
_MOST, _DEEPEST = 1_000_000, 50  # of its values, some hundred in three groups


def read_settings(path: Path, *, source: str | None = None) -> tuple[Path, dict[str, Any]]:
    """The settings in a file, under their dotted names: ``{"data.p_bursty": 0.9, …}``.

    Args:
        path: the file, or a run folder, whose config.json it then is.
        source: ``data.source`` as the command line has it, which is trusted, whatever code it runs.

    Returns:
        The file itself, and its settings.

    Raises:
        ValueError: if it cannot be read, or is no group of settings, or is of a run whose source is code that is not
            trusted. What a user has written into a file is.
        OSError: if it is not there.
    """
    path = user_path(path)
    if path.is_dir():
        if not (path / CONFIG).is_file():
            raise ValueError(f"a folder of settings must be a run folder, which holds {CONFIG}, got {path}")
        path = path / CONFIG
    if path.suffix not in _FORMATS:
        raise ValueError(f"a file of settings must end in {', '.join(_FORMATS)}, got {path}")
    with open_file(path) as file:
        data = file.read(_LARGEST + 1)
    if len(data) > _LARGEST:
        raise ValueError(f"a file of settings must have at most {_LARGEST} bytes, got {path}")
    try:
        stored = _read(data.decode("utf-8-sig"), path.suffix)
        _require_moderate(stored)
    except (ValueError, RecursionError) as error:
        of_a_run = path.name == CONFIG and left_of_a_run(path.parent) is not None
        kind = RunUnreadable if of_a_run else ValueError
        raise kind(f"cannot read {path}: {one_line(error)}") from error
    if not isinstance(stored, dict):
        raise ValueError(f"{path} must hold groups of settings by name, got {short_json(stored)}")
    if path.name != CONFIG and not isinstance(stored.get("config"), dict):
        return path, _by_name(stored, path)
    _require_of_a_run(path, data, stored)
    settings = _by_name(stored["config"], path)
    _require_trusted(path.parent, settings, flattened(stored["config"]), source)
    return path, settings


def with_file_settings(config: RunConfig, settings: Mapping[str, Any], *, of: Path) -> RunConfig:
    """A configuration with the settings of a file on top.

    A file that names another source or component gets their defaults, as the options of the command line do.

    Args:
        config: what they go on top of.
        settings: dotted name → value.
        of: the file, which complaints begin with.

    Raises:
        ValueError: for an unknown setting, a value of another type, or values that the configuration refuses.
    """
    preset = str(settings.get("preset", config.preset))
    try:
        others = {name: value for name, value in settings.items() if name != "preset"}
        return replace(with_settings(config, others), preset=preset)
    except ValueError as error:
        raise ValueError(f"{of}: {error}") from error


def _require_moderate(stored: Any) -> None:
    """A few lines of YAML can name each other into billions of values, or go round."""
    left, seen = [(stored, 0)], 0
    while left:
        value, depth = left.pop()
        seen += 1
        if seen > _MOST or depth > _DEEPEST:
            raise ValueError(f"it must have at most {_MOST:,} values, nested at most {_DEEPEST} deep, got more")
        inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
        left += [(one, depth + 1) for one in inner]


def _require_of_a_run(path: Path, data: bytes, stored: Mapping[str, Any]) -> None:
    """That a config.json is one of a run, as it was written; a copy under another name may be changed if it claims no
    hash any more.
    """
    if path.name == CONFIG and not isinstance(stored.get("config"), dict):
        raise ValueError(f"{path} must be of a run, with its settings in 'config': settings of yours need another name")
    if path.name != CONFIG and "sha256" not in stored:
        return
    try:
        object_in(data)
    except Damaged as damage:
        raise RunUnreadable(f"cannot read {path}: {damage}") from damage


def _require_trusted(run: Path, settings: Mapping[str, Any], stored: Mapping[str, Any], source: str | None) -> None:
    """That opening the source of a run's file, as it will be opened, runs no code of somebody else's."""
    own = settings.get("data.source")
    if own is not None and not isinstance(own, str):  # made a text of later on, it could name code after all
        raise ValueError(f"data.source of {run} must be text, got {short_json(own)}")
    if own is not None and own != source and not is_trusted(run, {**stored, "data.source": own}):
        raise ValueError(why_not_trusted(run, own, allowed_by=f"--data.source {shlex.quote(own)}"))


def _read(text: str, suffix: str) -> Any:
    if suffix == ".json":
        return read_json(text.encode())
    if suffix == ".toml":
        # The reader remembers each beginning of a dotted name, so that a long one takes memory by its square.
        if any(line.count(".") > _MOST_DOTS for line in text.splitlines()) or text.count(".") > 100 * _MOST_DOTS:
            raise ValueError(f"TOML must have at most {_MOST_DOTS} dots on a line, and a hundred times that in all")
        return tomllib.loads(text)
    yaml = import_extra("yaml", "icl-train[yaml]", "a file of settings in YAML")
    try:
        return yaml.safe_load(text)
    except importlib.import_module("yaml").YAMLError as error:
        raise ValueError(str(error)) from error


def _by_name(stored: Mapping[Any, Any], path: Path) -> dict[str, Any]:
    """Dotted name → value, each once."""
    settings: dict[str, Any] = {}
    for name, value in _flat(stored, ""):
        if name in settings:
            raise ValueError(f"{path} must have each setting once, got {name} twice")
        settings[name] = value
    return settings


def _flat(settings: Mapping[Any, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        name = prefix + str(key).replace("-", "_")
        if isinstance(value, dict):
            yield from _flat(value, f"{name}.")
        else:
            yield name, value
