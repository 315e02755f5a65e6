"""How a process comes to the others of its run, and how it leaves them."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from types import FrameType

import torch
import torch.distributed as dist

# torch imports it when it first needs it. Its functions' defaults keep a group that is there then, and its connections,
# for good: the others would not hear that this process has left.
import torch.distributed.nn
from torch.distributed.rendezvous import rendezvous

from icl_data.foundation.command_line import CommandFailed
from icl_train._computing.launch import Launch
from icl_train._distributed.notes import LastWord, LastWords
from icl_train._distributed.parted import Parted
from icl_train._distributed.processes import Processes
from icl_train._life.failure import reason_of

__all__ = ["joined"]

_START = timedelta(minutes=10)


@contextmanager
def joined(launch: Launch) -> Iterator[Processes]:
    """Within the block, this process is with the others of its run. It leaves a word on how it ended, and why.

    SIGTERM is KeyboardInterrupt, where training does not hear it, and nothing once the process is ending: torchrun
    sends it as soon as another one has ended with an error, and what is left is to say why.

    Args:
        launch: what this process is told.

    Raises:
        CommandFailed: if the others do not come.
    """
    with _Terminations() as terminations:
        try:
            store, _, _ = next(iter(rendezvous("env://", launch.rank, launch.size, timeout=_START)))
            backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo"
            dist.init_process_group(backend, store=store, rank=launch.rank, world_size=launch.size, timeout=_START)
            words = LastWords(store, launch.rank, launch.size)
            processes = Processes(launch, words)
        except RuntimeError as error:
            raise CommandFailed(f"{launch.name} cannot find the others: {error}") from error
        failed, keeps_words = True, not launch.by_torchrun
        try:
            yield processes
            failed = False
            with suppress(Parted):  # the answer to a question that nobody asks any more
                processes.answered()
            words.say(LastWord(0))
        except BaseException as error:
            terminations.ignored = True
            keeps_words = keeps_words and not _is_parting(error)  # who is gone reads nothing
            words.say(_last_word(error))
            raise
        finally:
            terminations.ignored = True
            processes.leave(failed=failed)  # whoever waits for this process hears of it now
            words.wait_for_others(keeps_them=keeps_words)


def _last_word(error: BaseException) -> LastWord:
    if isinstance(error, SystemExit):
        return LastWord(error.code if isinstance(error.code, int) else 1 if error.code else 0)
    if isinstance(error, KeyboardInterrupt) or _is_parting(error):
        return LastWord(1)
    return LastWord(1, reason_of(error))


def _is_parting(error: BaseException) -> bool:
    return isinstance(error, Parted) or isinstance(error.__cause__, Parted)


class _Terminations:
    """SIGTERM, taken where nobody else has."""

    def __init__(self) -> None:
        self.ignored = False
        self._is_ours = (
            threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        )

    def __enter__(self) -> _Terminations:
        if self._is_ours:
            signal.signal(signal.SIGTERM, self._on_signal)
        return self

    def __exit__(self, *exception: object) -> None:
        """What is left is the process's own end."""
        if self._is_ours:
            signal.signal(signal.SIGTERM, signal.SIG_IGN if exception[0] is not None else signal.SIG_DFL)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        if not self.ignored:
            raise KeyboardInterrupt
