"""Training in this process, as ``run`` and ``resume`` do it."""

from __future__ import annotations

import shlex
import sys

from icl_data.foundation.printable import printable
from icl_train._runs.folder import RunFolder

__all__ = ["train_here"]


def train_here(run: RunFolder) -> int:
    """Train a run to its end; the exit code.

    PyTorch is imported now, when there is something to train.
    """
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
