"""Last words of processes: how each one ended, kept where the others can read it."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import Any

__all__ = ["LastWord", "LastWords"]

_MOST = timedelta(seconds=10)


@dataclass(frozen=True)
class LastWord:
    """How a process ended.

    Attributes:
        code: its exit code.
        reason: why it failed, in one line; empty if it did not, or only because another one did.
    """

    code: int
    reason: str = ""


class LastWords:
    """Those of all processes of a run.

    Args:
        store: a `torch.distributed.Store` where they are kept; it may be gone, with the process that had it.
        rank, size: the process's own number, of so many.
    """

    def __init__(self, store: Any, rank: int, size: int) -> None:
        self._store, self._rank, self._size = store, rank, size

    def say(self, word: LastWord) -> None:
        """That of this process."""
        with suppress(RuntimeError):
            self._store.set(_key(self._rank), json.dumps(asdict(word)))

    def of(self, rank: int) -> LastWord | None:
        """That of a process; None if it is still there, or went without one."""
        with suppress(RuntimeError, ValueError, TypeError):
            if self._store.check([_key(rank)]):
                return LastWord(**json.loads(self._store.get(_key(rank))))
        return None

    def failed(self) -> tuple[int, LastWord] | None:
        """The first of the others that says why it failed."""
        words = [(rank, self.of(rank)) for rank in range(self._size) if rank != self._rank]
        return next(((rank, word) for rank, word in words if word is not None and word.reason), None)

    def wait_for_others(self, *, keeps_them: bool) -> None:
        """Go on when those have ended that must not end after this process, or seem to be gone.

        The others wait for the first, which torchrun ends as soon as one of them has ended with an error.

        Args:
            keeps_them: whether the words are kept by the first process, which then waits until the others have read it.
        """
        with suppress(RuntimeError):
            if self._rank:
                self._store.wait([_key(0)], _MOST)
            elif keeps_them:
                self._store.wait([_key(rank) for rank in range(1, self._size)], _MOST)


def _key(rank: int) -> str:
    return f"icl/last-word/{rank}"
