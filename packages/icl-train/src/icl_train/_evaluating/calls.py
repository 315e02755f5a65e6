"""Calls of a model beside each other, each in one thread."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import TypeVar

import torch

__all__ = ["Calls"]

Item = TypeVar("Item")
Result = TypeVar("Result")


class Calls:
    """Within ``with Calls(2, device) as calls``, ``calls.map`` does so, in torch's inference mode.

    On a CPU a product of matrices that several threads share is rounded otherwise than by one, and otherwise again with
    more rows. In one thread, a row has the same numbers whatever is beside it. Elsewhere calls follow one another.

    Args:
        workers: calls at a time, on a CPU.
        device: where the model is.
    """

    def __init__(self, workers: int, device: torch.device) -> None:
        self._workers = workers if device.type == "cpu" else 1
        self._on_cpu = device.type == "cpu"
        self._pool: ThreadPoolExecutor | None = None

    def __enter__(self) -> Calls:
        self._threads = torch.get_num_threads()
        if self._on_cpu:
            torch.set_num_threads(1)
        if self._workers > 1:
            self._pool = ThreadPoolExecutor(self._workers, initializer=torch.set_num_threads, initargs=(1,))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
        if self._on_cpu:
            torch.set_num_threads(self._threads)

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """What the function makes of each item, in order.

        Args:
            function: called in inference mode.
            items: arguments.
        """

        def call(item: Item) -> Result:
            with torch.inference_mode():
                return function(item)

        return list(map(call, items) if self._pool is None else self._pool.map(call, items))
