"""The suite shipped to plugin authors holds for every built-in component."""

import itertools

import pytest

from icl_models import ModelConfig, ReddyConfig, ResNetConfig, TransformerConfig
from icl_models.testing import EmbedderConformance, SequenceModelConformance

IDS = {"num_classes": 12, "example_kind": "id", "example_shape": (), "embedder": "embedding", "emb_dim": 16}

VARIANTS = [
    TransformerConfig(norm=norm, positions=positions, mlp_layers=mlp_layers)
    for norm, positions, mlp_layers in itertools.product(
        ("pre", "post"), ("sinusoidal", "learned", "relative", "rotary"), (None, (1,), ())
    )
]


class TestResNet(EmbedderConformance):
    config = ModelConfig(num_classes=12, example_shape=(28, 28, 1), emb_dim=16, num_layers=1)


class TestResNetFlattened(EmbedderConformance):
    config = ModelConfig(
        num_classes=12,
        example_shape=(40, 33, 3),
        emb_dim=64,
        num_layers=1,
        embedder_config=ResNetConfig(flatten_superpixels=True),
    )


class TestLinear(EmbedderConformance):
    config = ModelConfig(num_classes=12, example_shape=(9, 7, 2), embedder="linear", emb_dim=16, num_layers=1)


class TestEmbedding(EmbedderConformance):
    config = ModelConfig(**IDS, num_layers=1)
    batch_size = 24  # so that every id occurs


class TestVector(EmbedderConformance):
    config = ModelConfig(
        num_classes=12, example_kind="vector", example_shape=(7,), embedder="vector", emb_dim=16, num_layers=1
    )


class TestRaw(EmbedderConformance):
    config = ModelConfig(
        num_classes=12, example_kind="vector", example_shape=(16,), embedder="raw", emb_dim=16, num_layers=1
    )


class _ManyExamples(SequenceModelConformance):
    batch_size = 24  # so that every id and every label occurs


class TestTransformer(_ManyExamples):
    config = ModelConfig(**IDS, num_layers=2)


class TestTransformerConcatenated(_ManyExamples):
    config = ModelConfig(**IDS, num_layers=2, num_heads=4, concatenate_labels=True)


class TestTransformerVariants(_ManyExamples):
    @pytest.fixture(autouse=True, params=VARIANTS, ids=lambda own: f"{own.norm}-{own.positions}-{own.mlp_layers}")
    def variant(self, request: pytest.FixtureRequest) -> None:
        self.config = ModelConfig(**IDS, num_layers=2, sequence_model_config=request.param)


class TestLSTM(_ManyExamples):
    config = ModelConfig(**IDS, sequence_model="lstm", num_layers=2, hidden_size=24)


class TestVanillaRNN(_ManyExamples):
    config = ModelConfig(**IDS, sequence_model="vanilla_rnn", num_layers=2, hidden_size=24)


class TestGRU(_ManyExamples):
    config = ModelConfig(**IDS, sequence_model="gru", num_layers=2, hidden_size=24)


class TestReddy(_ManyExamples):
    config = ModelConfig(**IDS, sequence_model="reddy", num_layers=2)


class TestReddyGivenPositions(_ManyExamples):
    own = ReddyConfig(positions="given", max_pairs=5, key_width=7, mlp_width=24, mlp_layers=2)
    config = ModelConfig(**IDS, sequence_model="reddy", sequence_model_config=own, num_layers=3)


class TestFixedLabels(_ManyExamples):
    config = ModelConfig(**IDS, num_layers=2, fixed_labels=True)
