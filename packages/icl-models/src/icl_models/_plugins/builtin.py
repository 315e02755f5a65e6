"""The built-in components, registered as a plugin would register its own."""

import math

from icl_models._embedders.resnet import ResNetConfig, SimpleResNet, check_resnet
from icl_models._embedders.simple import (
    EmbeddingConfig,
    EmbeddingEmbedder,
    LinearConfig,
    LinearEmbedder,
    VectorConfig,
    VectorEmbedder,
)
from icl_models._plugins.component import EmbedderSpec, SequenceModelSpec
from icl_models._sequence_models.mamba import MambaConfig, build_mamba, check_mamba
from icl_models._sequence_models.recurrent import (
    GRUConfig,
    LSTMConfig,
    VanillaRNNConfig,
    build_gru,
    build_lstm,
    build_vanilla_rnn,
)
from icl_models._sequence_models.transformer import Transformer, TransformerConfig, check_transformer
from icl_models.hookspecs import hookimpl


@hookimpl
def icl_register_embedders() -> list[EmbedderSpec]:
    return [
        EmbedderSpec(
            name="resnet",
            build=lambda model, own: SimpleResNet(
                image_size=(model.example_shape[0], model.example_shape[1]),
                in_channels=model.example_shape[2],
                emb_dim=model.emb_dim,
                flatten_superpixels=own.flatten_superpixels,
                sequences_per_statistics=own.sequences_per_statistics,
            ),
            config=ResNetConfig,
            example_kinds=("image",),
            check=check_resnet,
        ),
        EmbedderSpec(
            name="linear",
            build=lambda model, own: LinearEmbedder(math.prod(model.example_shape), model.emb_dim),
            config=LinearConfig,
            example_kinds=("image", "vector"),
        ),
        EmbedderSpec(
            name="embedding",
            build=lambda model, own: EmbeddingEmbedder(model.resolved_num_ids, model.emb_dim),
            config=EmbeddingConfig,
            example_kinds=("id",),
        ),
        EmbedderSpec(
            name="vector",
            build=lambda model, own: VectorEmbedder(model.example_shape[0], model.emb_dim),
            config=VectorConfig,
            example_kinds=("vector",),
        ),
    ]


@hookimpl
def icl_register_sequence_models() -> list[SequenceModelSpec]:
    return [
        SequenceModelSpec(
            name="transformer",
            build=Transformer,
            config=TransformerConfig,
            accepts=("num_heads",),
            check=check_transformer,
        ),
        SequenceModelSpec(name="lstm", build=build_lstm, config=LSTMConfig, accepts=("hidden_size",)),
        SequenceModelSpec(
            name="vanilla_rnn", build=build_vanilla_rnn, config=VanillaRNNConfig, accepts=("hidden_size",)
        ),
        SequenceModelSpec(name="gru", build=build_gru, config=GRUConfig, accepts=("hidden_size",)),
        SequenceModelSpec(name="mamba", build=build_mamba, config=MambaConfig, check=check_mamba),
    ]
