"""Training in this process, as ``run`` and ``resume`` do it."""

from __future__ import annotations

import shlex
import sys
import traceback
from collections.abc import Sequence

from icl_data.foundation.printable import printable
from icl_train._runs.folder import RunFailed, RunFolder

__all__ = ["train_here", "train_together_here"]


def train_here(run: RunFolder) -> int:
    """Train a run to its end; the exit code.

    PyTorch is imported now, when there is something to train.
    """
    if run.config.train.engine == "ensemble":
        return train_together_here([run])
    try:
        from icl_train._commands.allocator import keep_freed_memory
        from icl_train._loop import train
        from icl_train._runs.progress import reporter_for

        keep_freed_memory()
        train(run, reporter_for(sys.stdout))
    except KeyboardInterrupt:
        print(printable(f"interrupted; go on with: icl-train resume {shlex.quote(str(run.path))}"), file=sys.stderr)
        return 130
    print(f"{printable(run.path)}: done")
    return 0


def train_together_here(runs: Sequence[RunFolder]) -> int:
    """Train runs of one shape as an ensemble; the exit code, 1 if one of them has failed."""
    try:
        from icl_train._commands.allocator import keep_freed_memory
        from icl_train._ensemble.reporter import reporter_of_each
        from icl_train._ensemble.together import train_together

        keep_freed_memory()
        failures = train_together(runs, reporter_of_each(runs, sys.stdout))
    except KeyboardInterrupt:
        folders = " ".join(shlex.quote(str(run.path)) for run in runs)
        print(printable(f"interrupted; go on with: icl-train resume {folders}"), file=sys.stderr)
        return 130
    for error in failures.values():
        if isinstance(error, RunFailed):
            print(printable(f"error: {error}"), file=sys.stderr)
        else:  # a fault of the program
            traceback.print_exception(error)
    for run in runs:
        if run.path not in failures:
            print(f"{printable(run.path)}: done")
    return 1 if failures else 0
