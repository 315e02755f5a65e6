"""The command ``icl-train``: run, sweep, experiments, resume, status, verify, show-config, convert-config, profile."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence

from icl_train._commands.configs.convert import convert_config
from icl_train._commands.configs.show import show_config
from icl_train._commands.experiments import experiments
from icl_train._commands.profile import profile
from icl_train._commands.resume import resume
from icl_train._commands.run import run
from icl_train._commands.status import status
from icl_train._commands.sweeps.sweep import sweep
from icl_train._commands.training import train_together
from icl_train._commands.verify import verify
from icl_train._computing.launch import launched
from icl_train._options.choice import choice
from icl_train.command_line import one_line_errors, two_columns
from icl_train.presets import described_presets

__all__ = ["main"]

_TOGETHER = ("run", "resume")

USAGE = """\
usage: icl-train run PRESET [options]       train one model
       icl-train sweep figure3a [options]   train one model per class count
       icl-train sweep grid PRESET [...]    train one model per combination
       icl-train sweep NAME --scale SCALE   train the models of an experiment
       icl-train experiments [NAME]         which there are, and what they take
       icl-train resume RUN                 go on with a run, or make it longer
       icl-train status RUNS                what has been trained, and how well
       icl-train verify RUNS                whether it is as it was written
       icl-train show-config PRESET         all settings, for run --config
       icl-train convert-config FILE        a released config as one of ours
       icl-train profile PRESET|RUN         where its time goes, and how long

Presets:
{presets}

Options: icl-train run PRESET --help, icl-train sweep --help"""


def main() -> int:
    """Entry point of ``icl-train``."""
    return one_line_errors(_main, "icl-train")


def _main(args: Sequence[str]) -> int:
    commands: dict[str, Callable[[Sequence[str]], int]] = {
        "run": run,
        "sweep": sweep,
        "experiments": experiments,
        "resume": resume,
        "status": status,
        "verify": verify,
        "show-config": show_config,
        "convert-config": convert_config,
        "profile": profile,
    }
    if not args:
        raise ValueError(f"a command must be given: one of {', '.join(commands)} (see icl-train --help)")
    if args[0] in ("-h", "--help", "--help-all"):
        print(USAGE.format(presets=two_columns(described_presets())))
        return 0
    name = choice("command", args[0], commands)
    if (launch := launched()) is None:
        return commands[name](args[1:])
    if name not in _TOGETHER:
        raise ValueError(f"several processes must run one of {', '.join(_TOGETHER)}, got {launch.size} for {name}")
    # PyTorch, which is not imported yet, warns of each connection that ends; what matters of that our lines say.
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    return train_together(commands[name], args[1:], launch)
