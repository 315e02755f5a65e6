"""The launcher "commands": prints the command of each job, for whatever else starts processes on other machines."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from icl_models import ComponentConfig, Job, JobState

__all__ = ["CommandsLauncher"]


class CommandsLauncher:
    """Hands jobs over to whoever reads, as `icl_models.Launcher` has it; of what becomes of them it knows nothing."""

    def __init__(self, own: ComponentConfig, jobs: int | None) -> None:
        if jobs is not None:
            raise ValueError(f"jobs must be left out with --launcher commands, which starts none, got {jobs}")

    def submit(self, jobs: Sequence[Job]) -> list[str]:
        """Print a line for each on stdout, which can be run from any folder."""
        for job in jobs:
            print(shlex.join(["icl-train", "resume", *(str(folder.absolute()) for folder in job.folders)]))
        return ["" for _ in jobs]

    def states(self, ids: Sequence[str]) -> list[JobState]:
        """None of them is known."""
        return [JobState(stage="gone") for _ in ids]

    def end(self, ids: Sequence[str], *, at_once: bool) -> None:
        """There is nothing that could be ended."""

    def close(self) -> None:
        """There is nothing to close."""
