"""What a process ends with when another one of its run has ended."""

from __future__ import annotations

from icl_data.foundation.command_line import CommandFailed

__all__ = ["Parted"]


class Parted(CommandFailed):
    """Another process of the run is gone, and the run can go on from its newest checkpoint.

    Args:
        line: what is said of it.
        code: with which the first process has left, if it has, and said why; None if nobody knows.
    """

    def __init__(self, line: str, code: int | None) -> None:
        super().__init__(line)
        self.code = code
