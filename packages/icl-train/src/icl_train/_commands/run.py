"""The command ``icl-train run``: train one model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from icl_train._check_settings import check_settings
from icl_train._commands.defaults import default_config
from icl_train._commands.few_options import few_options
from icl_train._commands.training import train_here
from icl_train._making.others import with_other_weights
from icl_train._making.trusted import remember_source
from icl_train._making.whole import check_place, require_new
from icl_train._options.choice import choice
from icl_train._plans.called import safe_word
from icl_train._plans.labels import run_name
from icl_train._runs.folder import RunFolder, available_cores
from icl_train.command_line import Page, given, parse
from icl_train.config import RunConfig
from icl_train.presets import PRESETS, described_presets

__all__ = ["run"]

Flat = tyro.conf.arg(name="")


@dataclass(frozen=True, kw_only=True)
class RunCommand:
    """Train one model."""

    root: Path = Path("runs")
    """Folder that the run folder is made in."""
    name: str | None = None
    """Name of the run folder; default: from the preset and the settings."""
    config_file: Annotated[Path | None, tyro.conf.arg(name="config")] = None
    """File of settings (JSON, TOML, YAML), or a run, whose settings are taken; options go on top."""
    config: Annotated[RunConfig, Flat] = field(default_factory=RunConfig)


def run(args: Sequence[str]) -> int:
    """Run the command; the exit code."""
    preset = args[0] if args and not args[0].startswith("-") else None
    options = args if preset is None else args[1:]
    if preset is None and given(args, "--config") is None and not {"-h", "--help", "--help-all"} & set(args):
        raise ValueError(f"icl-train run needs a preset, one of {', '.join(PRESETS)}, or a file of settings: --config")
    base = None if preset is None else PRESETS[choice("preset", preset, PRESETS)]()
    default = RunCommand(config=default_config(options, base))
    prog = "icl-train run" if preset is None else f"icl-train run {preset}"
    command = parse(RunCommand, options, prog=prog, default=default, page=_page(preset, options))
    config = with_other_weights(command.config)
    path = command.root / (_folder_name(command.name) or f"{safe_word(config.preset)}-{run_name(config)}")
    require_new(path)
    check_place(path)
    check_settings(config)
    from icl_train._check import check_model, device_of  # a mistake above shows before PyTorch is imported

    check_model(config)
    threads = config.train.threads or available_cores()
    made = RunFolder.create(path, config, device=device_of(config), threads=threads)
    remember_source(path, config.flat())
    return train_here(made)


def _folder_name(name: str | None) -> str | None:
    """``--name``, which cannot lead out of ``--root`` nor to where `status` does not look."""
    if name is None:
        return None
    parts = name.split("/")
    if Path(name).is_absolute() or any(part.startswith(".") or not part for part in parts):
        raise ValueError(f"name must be of a folder in --root, and not begin with a dot, got {name!r}")
    return name


def _page(preset: str | None, options: Sequence[str]) -> Page:
    example = preset or "laptop"
    return Page(
        usage=[f"icl-train run {preset} [options]"]
        if preset
        else ["icl-train run PRESET [options]", "icl-train run --config FILE [options]"],
        listed=[] if preset else described_presets(),
        examples=[
            f"icl-train run {example} --data.p-bursty 0.5 --seeds.init 1",
            f"icl-train show-config {example} --format toml > mine.toml",
            "icl-train run --config mine.toml --name mine",
        ],
        few=few_options(options),
        defaults=preset is not None,
    )
