"""What a run folder is refused for."""

from __future__ import annotations

from icl_data.foundation.command_line import CommandFailed

__all__ = ["RunDamaged", "RunError", "RunFailed", "RunUnreadable"]


class RunError(ValueError):
    """A folder that is not a run, or not one that can be used as asked."""


class RunUnreadable(RunError, CommandFailed):
    """A run whose files are not as they were written, or not its own."""


class RunFailed(CommandFailed):
    """Training went wrong, for a reason worth one line."""


class RunDamaged(UserWarning):
    """Something in a run's folder is not as it was written, and training goes on without it."""
