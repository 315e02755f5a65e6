"""Components and experiment keep the contract: the suites of icl_models and icl_train, subclassed once for each."""

import pytest
from icl_plugin_example._embedder import MyEmbedderConfig
from icl_plugin_example._sequence_model import LinearAttentionConfig

from icl_models import ModelConfig
from icl_models.testing import EmbedderConformance, SequenceModelConformance
from icl_train.testing import ExperimentConformance, LauncherConformance

VECTORS = {"num_classes": 12, "example_kind": "vector", "example_shape": (7,), "emb_dim": 16, "num_layers": 2}


class TestMyEmbedder(EmbedderConformance):
    config = ModelConfig(**VECTORS, embedder="my-embedder", embedder_config=MyEmbedderConfig(width=24))


class TestLinearAttention(SequenceModelConformance):
    batch_size = 24  # so that every label occurs
    config = ModelConfig(**VECTORS, embedder="vector", sequence_model="linear-attention")


class TestLinearAttentionWithoutGate(SequenceModelConformance):
    batch_size = 24
    config = ModelConfig(
        **VECTORS,
        embedder="vector",
        sequence_model="linear-attention",
        sequence_model_config=LinearAttentionConfig(gated=False, expansion=2),
    )


class TestGate(ExperimentConformance):
    name = "linear-attention-gate"


class TestMyLauncher(LauncherConformance):
    name = "my-launcher"


def test_heads_must_divide_the_width():
    with pytest.raises(ValueError, match="num_heads must divide the tokens' width, 16, got 3"):
        ModelConfig(**VECTORS, embedder="vector", sequence_model="linear-attention", num_heads=3)
