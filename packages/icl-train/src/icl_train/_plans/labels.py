"""What runs are called by class count and seed: as folders, and on screen, side by side."""

from __future__ import annotations

from collections.abc import Sequence

from icl_data.foundation.printable import one_line
from icl_train._runs.departures import departures
from icl_train._settings.source import source_label
from icl_train.config import RunConfig

__all__ = ["labels", "run_name"]


def labels(configs: Sequence[RunConfig]) -> list[str]:
    """A label for each configuration: class count and seed, then every other setting that departs from the usual.

    ``64 classes, s0``; ``64 classes, s0, optim.max_lr=0.1``. Configurations that differ have labels that differ.

    Args:
        configs: what is on screen together.
    """
    told = {"data.n_rare_classes", "seeds.data"}
    if all(config.seeds.init == config.seeds.data for config in configs):
        told.add("seeds.init")
    others = departures(configs, left_out=told)
    return [
        one_line(
            ", ".join(
                [
                    f"{config.data.n_trained_classes} classes",
                    f"s{config.seeds.data}",
                    *(f"{name}={value}" for name, value in departing.items()),
                ]
            )
        )
        for config, departing in zip(configs, others, strict=True)
    ]


def run_name(config: RunConfig) -> str:
    """Folder name of a run in a sweep: readable, and another one for every other configuration."""
    source = source_label(config.data.source)
    return f"{source}-c{config.data.n_trained_classes:05d}-s{config.seeds.data}-{config.digest()}"
