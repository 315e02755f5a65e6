"""The command ``icl-train show-config``: a full configuration, to be saved, edited and given back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

import tyro

from icl_train._by_name.components import with_components
from icl_train._commands.configs.text import config_text
from icl_train._commands.defaults import chosen_by, named_config
from icl_train._commands.few_options import few_options
from icl_train.command_line import Page, parse
from icl_train.config import RunConfig
from icl_train.presets import PRESETS, described_presets

__all__ = ["show_config"]

Flat = tyro.conf.arg(name="")


@dataclass(frozen=True, kw_only=True)
class ShowConfigCommand:
    """Print a full configuration, with the options on top."""

    format: Literal["json", "toml", "yaml"] = "toml"
    """How it is written."""
    config: Annotated[RunConfig, Flat] = field(default_factory=RunConfig)


def show_config(args: Sequence[str]) -> int:
    """Run the command; the exit code."""
    name = args[0] if args and not args[0].startswith("-") else None
    if name is None and not {"-h", "--help", "--help-all"} & set(args):
        raise ValueError(
            f"icl-train show-config needs a preset, one of {', '.join(PRESETS)}, a file of settings, or a run folder"
        )
    options = args if name is None else args[1:]
    config = with_components(RunConfig() if name is None else named_config(name, options), chosen_by(options))
    command = parse(
        ShowConfigCommand,
        options,
        prog=f"icl-train show-config {name or 'NAME'}",
        default=ShowConfigCommand(config=config),
        page=_page(options),
    )
    print(config_text(command.config.to_dict(), command.format), end="")
    return 0


def _page(options: Sequence[str]) -> Page:
    return Page(
        usage=[f"icl-train show-config {what} [options]" for what in ("PRESET", "FILE", "RUN")],
        listed=described_presets(),
        examples=[
            "icl-train show-config laptop --data.p-bursty 0.5 > mine.toml",
            "icl-train run --config mine.toml --name mine",
        ],
        few=["--format", *few_options(options)],
        defaults=False,
    )
