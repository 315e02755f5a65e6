"""What a run's files may honestly have, so that no more is read of one that somebody has made larger."""

from __future__ import annotations

import json
from pathlib import Path

from icl_data.foundation.machine_memory import machine_memory
from icl_data.foundation.regular_file import open_file
from icl_data.foundation.sealed import Damaged
from icl_train.config import RunConfig

__all__ = ["most_bytes_of_metrics", "require_size_of_tensors"]

_LINE = 1 << 13  # bytes; lines have some hundred
_BESIDE = 1 << 25  # what may have been written by settings that a run had before
_LENGTH = 8  # bytes that say how long a safetensors header is
_LONGEST_HEADER = 100_000_000  # bytes, as the format has it
_LARGE = 1 << 28  # bytes, which every machine can hold
_SHARE_OF_MEMORY = 3  # a file's content, its tensors, and all else


def most_bytes_of_metrics(config: RunConfig) -> int:
    """What metrics.jsonl of a run with these settings may have, and what memory can hold.

    Args:
        config: the run's settings.
    """
    evaluations = config.evaluations
    times = len(evaluations.listed) if evaluations.listed is not None else evaluations.last // evaluations.interval
    lines = config.train.max_steps // config.train.log_interval + (times + 3) * len(config.eval.measured)
    return min(_BESIDE + _LINE * lines, _most_in_memory())


def require_size_of_tensors(file: Path) -> None:
    """Before a large safetensors file is read: it has the bytes that its header says. A small one is told by its hash.

    Args:
        file: where it is.

    Raises:
        Damaged: if not; in one line that does not name the file.
        OSError: what the system says.
    """
    with open_file(file) as stream:
        size = stream.seek(0, 2)
        if size <= _LARGE:
            return
        stream.seek(0)
        length = int.from_bytes(stream.read(_LENGTH), "little")
        told = _LENGTH + length + _end_of_tensors(stream.read(min(length, _LONGEST_HEADER)))
    if size != told:
        raise Damaged(f"it must have the {told:,} bytes that its header says, got {size:,}")


def _end_of_tensors(header: bytes) -> int:
    try:
        entries = json.loads(header)
        return max(
            (int(entry["data_offsets"][1]) for name, entry in entries.items() if name != "__metadata__"), default=0
        )
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError):
        raise Damaged("it must be a safetensors file, got one that is damaged or none") from None


def _most_in_memory() -> int:
    memory = machine_memory()
    return 1 << 62 if memory is None else memory // _SHARE_OF_MEMORY
