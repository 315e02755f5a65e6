"""The command ``icl-train run``: train one model."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from icl_train._check_settings import check_settings
from icl_train._commands.choice import choice
from icl_train._commands.defaults import with_components
from icl_train._commands.training import train_here
from icl_train._runs.folder import RunError, RunFolder, available_cores
from icl_train._sweeps.sweep import run_name
from icl_train.command_line import parse
from icl_train.config import RunConfig
from icl_train.presets import PRESETS

__all__ = ["run"]

Flat = tyro.conf.arg(name="")


@dataclass(frozen=True, kw_only=True)
class RunCommand:
    """Train one model."""

    root: Path = Path("runs")
    """Folder that the run folder is made in."""
    name: str | None = None
    """Name of the run folder; default: from the preset and the settings."""
    config: Annotated[RunConfig, Flat] = field(default_factory=RunConfig)


def run(args: Sequence[str]) -> int:
    """Run the command; the exit code."""
    if not args or (args[0].startswith("-") and args[0] not in ("-h", "--help")):
        raise ValueError(f"icl-train run needs a preset, one of {', '.join(PRESETS)}")
    if args[0] in ("-h", "--help"):
        print(f"usage: icl-train run PRESET [options], PRESET one of {', '.join(PRESETS)}")
        print("options: icl-train run PRESET --help")
        return 0
    preset = PRESETS[choice("preset", args[0], PRESETS)]()
    default = RunCommand(config=with_components(preset, args))
    command = parse(RunCommand, args[1:], prog=f"icl-train run {args[0]}", default=default)
    config = command.config
    path = command.root / (command.name or f"{config.preset}-{run_name(config)}")
    if path.exists():
        raise RunError(
            f"a new run needs a folder that does not exist, got {path} "
            f"(go on with it: icl-train resume {shlex.quote(str(path))}; or give another --name)"
        )
    check_settings(config)
    from icl_train._check import check_model, device_of  # a mistake above shows before PyTorch is imported

    check_model(config)
    threads = config.train.threads or available_cores()
    return train_here(RunFolder.create(path, config, device=device_of(config), threads=threads))
