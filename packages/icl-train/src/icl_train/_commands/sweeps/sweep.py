"""The command ``icl-train sweep``: many runs at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from icl_data.foundation.command_line import DONE
from icl_data.foundation.printable import printable
from icl_models import find_experiment, known_experiments
from icl_train._commands.sweeps.experiment import sweep_experiment
from icl_train._commands.sweeps.figure3a import sweep_figure3a
from icl_train._commands.sweeps.grid import sweep_grid
from icl_train._options.choice import choice
from icl_train.command_line import two_columns

__all__ = ["sweep"]

_SWEEPS: dict[str, tuple[str, Callable[[Sequence[str]], int]]] = {
    "grid": ("any settings: all combinations of their values, pairs, or draws from ranges", sweep_grid),
    "figure3a": ("a model per number of trained classes, and seed: figures 3a and 3b", sweep_figure3a),
}


def sweep(args: Sequence[str]) -> int:
    """Run the command; the exit code."""
    if not args:
        raise ValueError(
            f"what to sweep must be given: {', '.join(_SWEEPS)}, or an experiment (see icl-train sweep --help)"
        )
    if args[0] in ("-h", "--help", "--help-all"):
        print(_help())
        return DONE
    if args[0] in _SWEEPS:
        return _SWEEPS[args[0]][1](args[1:])
    return sweep_experiment(choice("sweep", args[0], [*_SWEEPS, *known_experiments()]), args[1:])


def _help() -> str:
    listed = [(name, what) for name, (what, _) in _SWEEPS.items()]
    experiments = [(printable(name), printable(find_experiment(name).tests)) for name in known_experiments()]
    return (
        "usage: icl-train sweep WHAT [options]\n\n"
        f"{two_columns(listed)}\n\n"
        f"Experiments, with --scale:\n{two_columns(experiments)}\n\n"
        "What is done is skipped, what broke is resumed.\nOptions: icl-train sweep WHAT --help"
    )
