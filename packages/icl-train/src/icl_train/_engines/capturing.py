"""Work on a CUDA device captured as a graph: the one place where that is done."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch

__all__ = ["Captured"]

_WARM_UP = 3


class Captured:
    """What a function does on the device, done again by each call. The function itself runs a few times to warm up.

    It is kept: a graph reads and writes at addresses, and would go on to do so when what was there is gone.

    Args:
        work: whose tensors keep their places from call to call.
        device: a CUDA device.
        generators: what random numbers are drawn from, beside the device's own generator.
        ready: called between warming up and capturing, as to let go of what the graph is to have memory of its own for.
    """

    def __init__(
        self,
        work: Callable[[], object],
        device: torch.device,
        *,
        generators: Iterable[torch.Generator] = (),
        ready: Callable[[], object] | None = None,
    ) -> None:
        self._work = work
        stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP):
                work()
        torch.cuda.current_stream(device).wait_stream(stream)
        self._graph = torch.cuda.CUDAGraph()
        for generator in generators:
            self._graph.register_generator_state(generator)
        if ready is not None:
            ready()
        with torch.cuda.graph(self._graph):
            work()

    def __call__(self) -> None:
        """Begin to do it again."""
        self._graph.replay()
