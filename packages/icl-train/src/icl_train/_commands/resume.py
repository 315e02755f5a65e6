"""The command ``icl-train resume``: go on with an interrupted run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from icl_data.foundation.printable import printable
from icl_train._check_settings import check_settings
from icl_train._commands.training import train_here
from icl_train._runs.folder import RunFolder
from icl_train._runs.parent import end_with_stdin
from icl_train.command_line import parse

__all__ = ["resume"]


@dataclass(frozen=True)
class ResumeCommand:
    """Go on with an interrupted run from its newest checkpoint."""

    run: tyro.conf.Positional[Path]
    """The run folder."""
    end_with_stdin: bool = False
    """End, with a checkpoint, when the standard input ends: the run cannot outlive what started it with a pipe."""


def resume(args: Sequence[str]) -> int:
    """Run the command; the exit code."""
    command = parse(ResumeCommand, args, prog="icl-train resume")
    if command.end_with_stdin:
        end_with_stdin()
    run = RunFolder.open(command.run)
    if run.status() == "done":
        print(f"{printable(run.path)}: done already")
        return 0
    run.require_components()
    check_settings(run.config)  # what cannot be trained here shows before PyTorch is imported
    return train_here(run)
