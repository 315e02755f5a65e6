"""The command ``icl-train convert-config``: a configuration of the released code as one of ours."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from icl_data.foundation.command_line import DONE
from icl_data.foundation.paths import user_path
from icl_data.foundation.printable import one_line
from icl_data.foundation.whole_file import write_text
from icl_train._commands.configs.text import config_text
from icl_train._converting.reading import read_released
from icl_train._converting.settings import Converted, Note, converted
from icl_train.command_line import parse

__all__ = ["convert_config"]

_ENDINGS = {".json": "json", ".toml": "toml", ".yaml": "yaml", ".yml": "yaml"}


@dataclass(frozen=True)
class ConvertConfigCommand:
    """Turn a configuration of the released code of Chan et al. 2022 (a Python file) into one of ours.

    The file is read, never run. Each option becomes a setting, or is named on stderr with its line and the reason: it
    does nothing there, its work is done otherwise here, or it is not carried over. `icl-train run --config` takes what
    is written.
    """

    file: tyro.conf.Positional[Path]
    """The file, such as experiment/configs/images_all_exemplars.py."""
    out: Path | None = None
    """File to write, ending in .json, .toml or .yaml; default: standard output."""
    format: Literal["json", "toml", "yaml"] | None = None
    """How it is written; default: as --out ends, or json."""
    devices: int | None = None
    """On how many devices the released code trained, each with its share of a batch and batch statistics of its own;
    default: one. The paper had 16."""
    strict: bool = False
    """Write nothing, with exit code 2, if anything is not carried over."""


def convert_config(args: Sequence[str]) -> int:
    """Run the command; the exit code."""
    command = parse(ConvertConfigCommand, args, prog="icl-train convert-config")
    form = _form(command)
    path = user_path(command.file)
    read = read_released(path)
    with _errors_about(path):
        found = converted(read, devices=1 if command.devices is None else command.devices)
    _tell(found, path)
    if command.devices is None and found.settings.get("model.embedder") == "resnet":
        _say("not in the file: on how many devices it trained, each with batch statistics of its own (--devices)")
    if command.strict and found.lost:
        raise ValueError(f"everything must be carried over with --strict, got {len(found.lost)} that is not")
    with _errors_about(path):
        config = found.config()
    text = config_text(config.to_dict(), form)
    if command.out is None:
        print(text, end="")
    else:
        write_text(user_path(command.out), text)
    return DONE


@contextmanager
def _errors_about(path: Path) -> Iterator[None]:
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error


def _form(command: ConvertConfigCommand) -> str:
    if command.out is None:
        return command.format or "json"
    ending = _ENDINGS.get(command.out.suffix)
    if ending is None:
        raise ValueError(f"--out must end in {', '.join(_ENDINGS)}, got {command.out}")
    if command.format not in (None, ending):
        raise ValueError(f"--out must end as --format says, got {command.out} with {command.format}")
    return ending


def _tell(found: Converted, path: Path) -> None:
    told = {
        "does nothing there": found.idle,
        "otherwise here": found.otherwise,
        "not carried over": found.lost,
    }
    counts = "; ".join(f"{what}: {len(notes)}" for what, notes in told.items())
    _say(f"{path}: {found.carried} options carried over; {counts}")
    for what, notes in told.items():
        for note in sorted(notes, key=_place):
            _say(f"{what}: {'' if note.line is None else f'line {note.line}: '}{note.text}")


def _say(text: str) -> None:
    print(one_line(text.replace("`", "")), file=sys.stderr)


def _place(note: Note) -> int:
    return note.line or 0
