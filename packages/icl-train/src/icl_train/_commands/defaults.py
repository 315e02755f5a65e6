"""The configuration that a command's options start from: a preset, a file of settings on top, chosen components."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from icl_train._by_name.components import with_components
from icl_train._commands.config_file import read_settings, with_file_settings
from icl_train.command_line import given, nearest
from icl_train.config import RunConfig
from icl_train.presets import PRESETS

__all__ = ["chosen_by", "default_config", "named_config", "source_given"]

_OPTIONS = {
    "data.source": ("--data.source", "--example-type"),
    "data.omniglot": ("--data.omniglot",),
    "model.embedder": ("--model.embedder",),
    "model.sequence_model": ("--model.sequence-model",),
    "train.tracker": ("--train.tracker",),
}


def chosen_by(args: Sequence[str]) -> dict[str, str]:
    """The settings among the options that others hang on: dotted name → value."""
    chosen = {name: given(args, *options) for name, options in _OPTIONS.items()}
    return {name: value for name, value in chosen.items() if value is not None}


def source_given(args: Sequence[str]) -> str | None:
    """The source that the options name, if they do."""
    chosen = chosen_by(args)
    return chosen.get("data.source") or ("omniglot" if "data.omniglot" in chosen else None)


def named_config(name: str, args: Sequence[str]) -> RunConfig:
    """The configuration behind a name.

    Args:
        name: a preset, a file of settings, or a run folder.
        args: the options; a source that they name is trusted.

    Raises:
        ValueError: if there is nothing of that name, or it cannot be read.
    """
    if name in PRESETS:
        return PRESETS[name]()
    if not Path(name).expanduser().exists():
        raise ValueError(
            f"a configuration must be a preset ({', '.join(PRESETS)}), or a file or run folder that exists, "
            f"got {name!r}{nearest(name, PRESETS)}"
        )
    path, settings = read_settings(Path(name), source=source_given(args))
    return with_file_settings(RunConfig(), settings, of=path)


def default_config(args: Sequence[str], preset: RunConfig | None) -> RunConfig:
    """What the options that are not given are to be.

    Args:
        args: the options; of them, `--config` and those on which other defaults hang are read.
        preset: where to start; None for the defaults of the settings.

    Raises:
        ValueError: if the file, or a component, cannot be used.
        OSError: if the file is not there.
    """
    config = preset or RunConfig()
    file = given(args, "--config")
    if file is not None:
        try:
            path, settings = read_settings(Path(file), source=source_given(args))
        except FileNotFoundError:
            raise ValueError(
                f"--config must be a file of settings or a run folder, got {file}, which is not there"
            ) from None
        config = with_file_settings(config, settings, of=path)
        if preset is not None:  # a run is called after the preset that the command names, whatever the file says
            config = replace(config, preset=preset.preset)
    return with_components(config, chosen_by(args))
