"""Whether this process is one of several that torchrun has started for one command; asked without PyTorch."""

from __future__ import annotations

import os
from dataclasses import dataclass

__all__ = ["Launch", "launched", "share_of", "threads_here"]

_NAMES = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
_PLACES = ("MASTER_ADDR", "MASTER_PORT")  # where they find each other


@dataclass(frozen=True, kw_only=True)
class Launch:
    """One of several processes.

    Attributes:
        rank: its number, of all from 0.
        size: how many there are, at least two.
        local_rank, local_size: the same, of those on its machine.
        by_torchrun: whether torchrun, which ends all of them when one fails, has started it.
    """

    rank: int
    size: int
    local_rank: int
    local_size: int
    by_torchrun: bool = False

    @property
    def name(self) -> str:
        """As people count."""
        return f"process {self.rank + 1} of {self.size}"


def launched() -> Launch | None:
    """What torchrun's environment variables say; None without them, and where it has started one process alone.

    Raises:
        ValueError: if they are no numbers, or none that can be.
    """
    if any(name not in os.environ for name in (*_NAMES, *_PLACES)):
        return None
    texts = {name: os.environ[name] for name in _NAMES}
    told = ", ".join(f"{name}={text}" for name, text in texts.items())
    rule = "a process must be one of those that torchrun counts, got"
    try:
        rank, size, local_rank, local_size = (int(text) for text in texts.values())
    except ValueError:
        raise ValueError(f"{rule} {told}") from None
    if not (0 <= rank < size and 0 <= local_rank < local_size <= size):
        raise ValueError(f"{rule} {told}")
    if size == 1:
        return None
    by_torchrun = "TORCHELASTIC_RUN_ID" in os.environ
    return Launch(rank=rank, size=size, local_rank=local_rank, local_size=local_size, by_torchrun=by_torchrun)


def share_of(batch_size: int) -> int:
    """Sequences of a batch that a process takes; all of them where it is alone."""
    launch = launched()
    return batch_size if launch is None else batch_size // launch.size


def threads_here(threads: int, *, cores: int, are_given: bool) -> int:
    """CPU threads of this process: those of the run, or the share of the cores where it has none of its own.

    Args:
        threads: the run's.
        cores: of this machine, which its processes share.
        are_given: whether they are a setting, which is left as it is.
    """
    launch = launched()
    if launch is None or are_given:
        return threads
    return max(1, min(threads, cores // launch.local_size))
