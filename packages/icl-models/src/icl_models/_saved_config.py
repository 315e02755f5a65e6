"""The configuration in a saved model's file, read without PyTorch."""

from __future__ import annotations

import json
from pathlib import Path

from icl_data.foundation.machine_memory import machine_memory, readable_bytes
from icl_data.foundation.printable import one_line
from icl_data.foundation.regular_file import read_file, require_file
from icl_models._config import ModelConfig
from icl_models._saved.header import Header, read_header
from icl_models._saved.seal import check_seal

CONFIG_KEY = "icl_models.config"
FILE_NAME = "model.safetensors"


def saved_config(path: Path) -> ModelConfig:
    """The configuration in a file of `save_model`, all of which is read to see whether it is as it was written.

    Arguments and errors as `load_model`.
    """
    path = saved_file(path)
    return config_in(read_whole(path)[1], path)


def read_whole(path: Path) -> tuple[bytes, Header]:
    """A saved model's file and its header.

    Raises:
        ValueError: Damaged where it is not as it was written, or if it is no safetensors file.
        OSError: when it cannot be read.
    """
    size, memory = require_file(path).st_size, machine_memory()
    if memory is not None and size > memory:
        there = readable_bytes(memory)
        raise ValueError(f"a saved model must fit into memory, {there}, got {readable_bytes(size)} in {path}")
    content = read_file(path)
    return content, checked_header(content, str(path))


def checked_header(content: bytes, name: str) -> Header:
    """The header of a saved model's file, all of which has been read; errors, which call it `name`, as `read_whole`."""
    try:
        header = read_header(content)
    except ValueError as error:
        raise ValueError(f"a saved model must be a safetensors file, got {name}: {error}") from error
    try:
        check_seal(content, header)
    except ValueError as error:
        raise type(error)(f"a saved model must be as it was written, got {name}: {error}") from error
    return header


def config_in(header: Header, path: Path) -> ModelConfig:
    """The configuration in a header; ValueError where there is none, or a setting is refused."""
    if CONFIG_KEY not in header.metadata:
        raise ValueError(f"a saved model must have {CONFIG_KEY!r} in its metadata, got none in {path}")
    try:
        settings = json.loads(header.metadata[CONFIG_KEY])
    except (ValueError, RecursionError) as error:
        raise ValueError(f"a saved model must have a config in JSON, got {path}: {one_line(error)}") from error
    return ModelConfig.from_dict(settings)


def saved_file(path: Path) -> Path:
    """The file of a saved model, given it or its folder."""
    file = path / FILE_NAME if path.is_dir() else path
    if not file.is_file():
        raise FileNotFoundError(f"a saved model must be a file, or a folder with a {FILE_NAME}, got {path}")
    return file
