"""Which models an ensemble can batch, and which of them together: from their configurations, without PyTorch."""

from __future__ import annotations

from collections.abc import Sequence

from icl_data.foundation.shown import shown
from icl_models._config import ModelConfig

BATCHED_EMBEDDERS = ("embedding", "linear", "raw", "resnet", "vector")
BATCHED_SEQUENCE_MODELS = ("reddy", "transformer")
_MAY_DIFFER = ("num_classes", "num_ids")


def check_ensemble(embedder: str, sequence_model: str) -> None:
    """Refuse components that have no batched form, without PyTorch.

    Args:
        embedder, sequence_model: names of the members' components.

    Raises:
        ValueError: for another name than those that have one.
    """
    for component, name, known in (
        ("embedder", embedder, BATCHED_EMBEDDERS),
        ("sequence_model", sequence_model, BATCHED_SEQUENCE_MODELS),
    ):
        if name not in known:
            raise ValueError(f"{component} must be one of {', '.join(known)} in an ensemble, got {shown(name)}")


def check_members(configs: Sequence[ModelConfig]) -> None:
    """Refuse configurations that cannot be one ensemble.

    Args:
        configs: of the members.

    Raises:
        ValueError: no member; a component that has no batched form; or a setting other than the number of classes
            that is not the same for all.
    """
    if not configs:
        raise ValueError("an ensemble must have at least one member, got none")
    first = configs[0]
    check_ensemble(first.embedder, first.sequence_model)
    shared = first.to_dict()
    for other in configs[1:]:
        for setting, value in other.to_dict().items():
            if setting not in _MAY_DIFFER and value != shared[setting]:
                raise ValueError(
                    f"{setting} must be the same for all members of an ensemble, "
                    f"got {shown(shared[setting])} and {shown(value)}"
                )
