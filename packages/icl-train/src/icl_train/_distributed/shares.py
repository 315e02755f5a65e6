"""What several processes cannot share out."""

from __future__ import annotations

from icl_train._computing.launch import launched
from icl_train.config import RunConfig

__all__ = ["check_shares"]

_ENGINES = ("auto", "eager", "compiled")


def check_shares(config: RunConfig) -> None:
    """Refuse settings that several processes cannot share out, where there are several.

    Raises:
        ValueError: as said.
    """
    launch = launched()
    if launch is None:
        return
    train, size = config.train, launch.size
    if train.batch_size % size:
        raise ValueError(f"train.batch_size must be a multiple of the {size} processes, got {train.batch_size}")
    grouped = getattr(config.model.embedder_config, "sequences_per_statistics", None)
    if isinstance(grouped, int) and (share := train.batch_size // size) % grouped:
        raise ValueError(
            "model.embedder_config.sequences_per_statistics must divide the share of each process "
            f"({train.batch_size} / {size} = {share} sequences), got {grouped}"
        )
    if train.engine not in _ENGINES:
        raise ValueError(f"train.engine must be one of {', '.join(_ENGINES)} in {size} processes, got {train.engine}")
    if ":" in train.device:
        raise ValueError(
            f"train.device must be one of auto, cpu, cuda in {size} processes, each of which takes a GPU of its own, "
            f"got {train.device}"
        )
