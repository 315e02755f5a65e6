"""What an ensemble cannot batch is refused in one line that says what can."""

from typing import Any

import pytest
import torch

from icl_models import EnsembleModel, ModelConfig, build_model

_IDS = {"num_classes": 5, "example_kind": "id", "example_shape": (), "embedder": "embedding", "emb_dim": 8}


def _model(**settings: Any) -> Any:
    return build_model(ModelConfig(**_IDS | {"num_layers": 1} | settings), seed=0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ([], "an ensemble must have at least one member, got none"),
        ([{"sequence_model": "lstm"}], "sequence_model must be one of reddy, transformer in an ensemble, got 'lstm'"),
        ([{}, {"num_layers": 2}], "num_layers must be the same for all members of an ensemble, got 1 and 2"),
    ],
)
def test_models_that_cannot_be_one_are_refused(settings: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        EnsembleModel([_model(**one) for one in settings])


def test_weights_that_are_kept_from_training_are_refused() -> None:
    model = _model()
    model.readout.weight.requires_grad_(False)
    with pytest.raises(ValueError, match=r"every parameter must be trained in an ensemble, got .*: readout\.weight"):
        EnsembleModel([model])


@pytest.mark.parametrize(
    ("examples", "labels", "positions", "message"),
    [
        ((1, 2, 3), (2, 2, 3), "all", r"examples must have shape \(2, B, S\), got \(1, 2, 3\)"),
        ((2, 2, 3), (2, 2, 4), "all", r"labels must have shape \(2, 2, 3\), got \(2, 2, 4\)"),
        ((2, 2, 3), (2, 2, 3), "last", "positions must be one of all, query, got 'last'"),
    ],
)
def test_batches_of_another_shape_are_refused(examples: Any, labels: Any, positions: Any, message: str) -> None:
    ensemble = EnsembleModel([_model(), _model()])
    with pytest.raises(ValueError, match=message):
        ensemble(torch.zeros(examples, dtype=torch.int64), torch.zeros(labels, dtype=torch.int64), positions)
