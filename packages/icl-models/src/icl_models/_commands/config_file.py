"""A model's configuration from a file and from assignments on the command line."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from icl_data.foundation.paths import errors_about
from icl_data.foundation.regular_file import read_file
from icl_data.foundation.shown import kind_in_words, shown
from icl_models._config import ModelConfig
from icl_models._saved_config import saved_config

_MOST_BYTES = 2**20  # of a config; the largest has a list of its layers


def add_set_option(parser: argparse.ArgumentParser, purpose: str) -> None:
    """The option `--set KEY=VALUE`."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        dest="assignments",
        metavar="KEY=VALUE",
        help=f"{purpose}; the value is JSON or, failing that, text; may be repeated",
    )


def read_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """Settings by name from KEY=VALUE. ValueError for anything else."""
    settings: dict[str, Any] = {}
    for assignment in assignments:
        key, equals, text = assignment.partition("=")
        if not equals:
            raise ValueError(f"--set must be KEY=VALUE, got {assignment!r}")
        try:
            settings[key] = json.loads(text)
        except ValueError:
            settings[key] = text
        except RecursionError as error:
            raise ValueError(f"--set {shown(key)} must have a value that is not nested so deep") from error
    return settings


def read_config(path: Path, settings: dict[str, Any]) -> ModelConfig:
    """The configuration in a JSON file or in a saved model, with some settings changed.

    Raises:
        ValueError: where the file holds no configuration or a setting is refused, in one line.
        OSError: when the file cannot be read.
    """
    if path.is_dir() or path.suffix == ".safetensors":
        held: Any = saved_config(path).to_dict()
    else:
        with errors_about(path):
            content = read_file(path, most_bytes=_MOST_BYTES)
        try:
            held = json.loads(content.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise ValueError(f"a config must be a JSON file or a saved model, got {path}: {error}") from error
        if not isinstance(held, dict):
            raise ValueError(f"a config must be a JSON object, got {kind_in_words(held)} in {path}")
    return ModelConfig.from_dict({**held, **settings})
