"""Which runs can be trained as one ensemble: decided here alone, from their settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from icl_data.foundation.shown import shown
from icl_models import check_ensemble
from icl_train.config import RunConfig

__all__ = ["check_member", "check_together", "groups_of"]

SHARED_SETTINGS = frozenset(
    {
        "data.source",
        "data.omniglot",
        "data.dim",
        "data.augment",
        "data.downsample",
        "data.seq_len",
        "optim.optimizer",
        "optim.w_interim_predictions",
        "train.batch_size",
        "train.precision",
        "train.device",
    }
)
"""What, beside the model's settings, gives batches their shape, or is done to all members in one call. All else may
differ: seeds, rates, decays, penalties, clipping, numbers of classes and labels, what sequences are drawn, how long a
run is and what is written down when."""

_Run = TypeVar("_Run")


def check_member(config: RunConfig) -> None:
    """That a run can be a member of an ensemble.

    Raises:
        ValueError: if it has interventions, or a component that has no batched form.
    """
    if config.model.interventions:
        raise ValueError("model.interventions must be None for train.engine ensemble, got some")
    check_ensemble(config.model.embedder, config.model.sequence_model)


def check_together(configs: Sequence[RunConfig]) -> None:
    """That runs can be one ensemble.

    Args:
        configs: of the members.

    Raises:
        ValueError: as `check_member`, or for a setting that must be the same and is not.
    """
    for config in configs:
        check_member(config)
    first = _shared(configs[0])
    for config in configs[1:]:
        other = _shared(config)
        for name in sorted(first.keys() | other.keys()):
            if first.get(name) != other.get(name):
                both = f"{shown(first.get(name))} and {shown(other.get(name))}"
                raise ValueError(f"{name} must be the same for runs that are trained together, got {both}")


def groups_of(runs: Sequence[tuple[RunConfig, _Run]]) -> list[list[_Run]]:
    """Runs by ensemble: together what `check_together` allows, in their order.

    Args:
        runs: settings, and what they are of.
    """
    groups: list[tuple[dict[str, Any], list[_Run]]] = []
    for config, run in runs:
        shared = _shared(config)
        for known, group in groups:
            if known == shared:
                group.append(run)
                break
        else:
            groups.append((shared, [run]))
    return [group for _, group in groups]


def _shared(config: RunConfig) -> dict[str, Any]:
    return {
        name: value for name, value in config.flat().items() if name in SHARED_SETTINGS or name.startswith("model.")
    }
