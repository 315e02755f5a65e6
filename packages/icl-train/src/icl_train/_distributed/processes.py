"""The processes of a run, by torch.distributed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar, cast

import torch
import torch.distributed as dist
from torch import Tensor

from icl_train._computing.device import resolve_device
from icl_train._computing.launch import Launch
from icl_train._distributed.alone import Alone
from icl_train._distributed.notes import LastWords
from icl_train._distributed.parted import Parted
from icl_train._intact.errors import RunFailed

__all__ = ["Processes"]

T = TypeVar("T")

_LONG = timedelta(days=30)  # that others may wait for the first process, which evaluates


class Processes(Alone):
    """This process and the others; all must call the same methods in the same order.

    Sums of tensors go through NCCL on CUDA devices and through Gloo elsewhere. All else goes through Gloo, in a group
    of its own, where a process that is gone is noticed at once.

    Args:
        launch: what this process is told.
        words: what processes say when they end.

    Raises:
        RunFailed: from every method, in the first process, if another one has failed and said why.
        Parted: from every method, if another process is gone.
    """

    def __init__(self, launch: Launch, words: LastWords) -> None:
        self.launch, self.rank, self.size = launch, launch.rank, launch.size
        self._words, self._parent = words, os.getppid()
        self._talk: Any = dist.new_group(backend="gloo", timeout=_LONG)
        self._asked: tuple[Tensor, Any] | None = None

    def device(self, name: str) -> torch.device:
        """The device of this process: a GPU of its own, or the CPU.

        Args:
            name: auto, cpu or cuda.

        Raises:
            ValueError: if this machine has no such device, or fewer GPUs than processes.
        """
        device = resolve_device(name)
        if device.type != "cuda":
            return device
        count = torch.cuda.device_count()
        if self.launch.local_size > count:
            raise ValueError(f"each process must have a GPU of its own, got {self.launch.local_size} for {count} GPUs")
        device = torch.device("cuda", self.launch.local_rank)
        torch.cuda.set_device(device)
        return device

    def from_first(self, value: T) -> T:
        values: list[Any] = [value if self.rank == 0 else None]
        with self._together():
            dist.broadcast_object_list(values, src=0, group=self._talk)
        return cast(T, values[0])

    def wait(self) -> None:
        self.least(0)

    def heard(self, asked: bool) -> bool:
        """As `Alone.heard`, as of the call before: the answer comes while the next update is computed."""
        before = self.answered()
        vote = torch.tensor([asked or self._is_orphan()], dtype=torch.int32)
        with self._together():
            self._asked = vote, dist.all_reduce(vote, dist.ReduceOp.MAX, group=self._talk, async_op=True)
        return before

    def least(self, number: int) -> int:
        found = torch.tensor([number])
        with self._together():
            dist.all_reduce(found, dist.ReduceOp.MIN, group=self._talk)
        return int(found)

    def total(self, tensor: Tensor) -> Tensor:
        with self._together():
            dist.all_reduce(tensor)
        return tensor

    def leave(self, *, failed: bool) -> None:
        """Close the connections to the others, whatever they wait for.

        Args:
            failed: whether sums may be under way that never end.
        """
        self._talk = self._asked = None  # which keep them open
        abort = getattr(dist.distributed_c10d, "_abort_process_group", None)  # since torch 2.6
        if failed and abort is not None and torch.cuda.is_available():  # NCCL would wait for them
            abort()
        else:
            dist.destroy_process_group()

    def answered(self) -> bool:
        """The answer to the last question; before the process leaves the others, somebody must have waited for it."""
        if self._asked is None:
            return False
        (vote, work), self._asked = self._asked, None
        with self._together():
            work.wait()
        return bool(vote)

    def _is_orphan(self) -> bool:
        """Whether torchrun is gone, which signals other than SIGTERM end without a word to its processes."""
        return self.launch.by_torchrun and os.getppid() != self._parent

    @contextmanager
    def _together(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError:  # whatever the backend says of a connection that is closed, which is no reason for FAILED
            raise self._parting() from None

    def _parting(self) -> Exception:
        failed, first = self._words.failed(), self._words.of(0)
        if self.rank == 0 and failed is not None:
            rank, word = failed
            return RunFailed(f"process {rank + 1} of {self.size}: {word.reason}")
        line = f"{self.launch.name} ends because another one is gone"
        return Parted(line, None if first is None else first.code)
