"""Mamba, where the extra icl-models[ssm] is installed."""

import logging
from typing import Any

import pytest
import torch

from icl_models import MambaConfig, ModelConfig, build_model, summarize
from icl_models.testing import SequenceModelConformance

transformers = pytest.importorskip("transformers")

# Of the library's own look at torch's version, when the suite compiles the model.
pytestmark = pytest.mark.filterwarnings("ignore:Dynamo detected a call to a `functools.lru_cache`:UserWarning")

IDS: dict[str, Any] = {"num_classes": 12, "example_kind": "id", "example_shape": (), "embedder": "embedding"}


def config(**settings: Any) -> ModelConfig:
    return ModelConfig(**{"emb_dim": 16, "num_layers": 2, "sequence_model": "mamba"} | IDS | settings)


class TestMamba(SequenceModelConformance):
    config = config()
    batch_size = 24  # so that every id and every label occurs


class TestMambaOfOtherSizes(SequenceModelConformance):
    config = config(
        concatenate_labels=True,
        sequence_model_config=MambaConfig(state_size=3, conv_width=2, expand=1, time_step_rank=5),
    )
    batch_size = 24


@pytest.mark.parametrize(
    ("setting", "parameter", "shape"),
    [
        ({}, "A_log", (32, 16)),
        ({"state_size": 3}, "A_log", (32, 3)),
        ({"expand": 3}, "A_log", (48, 16)),
        ({"conv_width": 2}, "conv1d.weight", (32, 1, 2)),
        ({}, "dt_proj.weight", (32, 1)),
        ({"time_step_rank": 5}, "dt_proj.weight", (32, 5)),
    ],
)
def test_a_setting_sets_the_size_it_names(setting: dict[str, int], parameter: str, shape: tuple[int, ...]) -> None:
    model = build_model(config(sequence_model_config=MambaConfig(**setting)), seed=0)
    assert model.sequence_model.layers[0].mixer.get_parameter(parameter).shape == shape


def test_it_computes_what_the_library_computes() -> None:
    model = build_model(config(), seed=0).sequence_model
    library = transformers.MambaModel(transformers.MambaConfig(vocab_size=1, hidden_size=16, num_hidden_layers=2))
    library.layers.load_state_dict(model.layers.state_dict())
    tokens = torch.randn(2, 7, 16, generator=torch.Generator().manual_seed(0))
    expected = library(inputs_embeds=tokens, use_cache=False).last_hidden_state
    torch.testing.assert_close(model(tokens), expected, rtol=1e-5, atol=1e-6)


def test_a_layer_has_the_operations_of_its_parts() -> None:
    parts = {part.name: part for part in summarize(config()).parts}
    layer, mixer = parts["sequence_model.layers.0"], parts["sequence_model.layers.0.mixer"]
    assert layer.flops == mixer.flops > 0
    assert layer.parameters == mixer.parameters + 16


def test_dropout_acts_in_training_only() -> None:
    model = build_model(config(dropout_prob=0.5), seed=0)
    ids = torch.arange(5)[None] % 12
    assert not torch.equal(model(ids, ids), model(ids, ids))
    model.eval()
    assert torch.equal(model(ids, ids), model(ids, ids))


def test_the_first_batch_is_silent(caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]) -> None:
    transformers.utils.logging.enable_propagation()
    transformers.utils.logging.warning_once.cache_clear()
    with caplog.at_level(logging.WARNING):
        build_model(config(), seed=0)(torch.zeros(1, 3, dtype=torch.int64), torch.zeros(1, 3, dtype=torch.int64))
    transformers.utils.logging.disable_propagation()
    assert not caplog.records
    assert capfd.readouterr().err == ""
