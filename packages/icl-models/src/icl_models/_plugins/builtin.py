"""The built-in components, registered as a plugin would register its own.

What builds them is imported when one is built: settings can be read and refused without PyTorch.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from icl_models._contract.component import EmbedderSpec, SequenceModelSpec
from icl_models._contract.facts import ModelFacts
from icl_models._embedders.settings import (
    EmbeddingConfig,
    LinearConfig,
    RawConfig,
    ResNetConfig,
    VectorConfig,
    check_raw,
    check_resnet,
)
from icl_models._sequence_models.settings import (
    GRUConfig,
    LSTMConfig,
    MambaConfig,
    ReddyConfig,
    TransformerConfig,
    VanillaRNNConfig,
    check_mamba,
    check_reddy,
    check_transformer,
)
from icl_models.hookspecs import hookimpl

if TYPE_CHECKING:
    from torch import nn


def _build_resnet(model: ModelFacts, own: ResNetConfig) -> nn.Module:
    from icl_models._embedders.resnet import SimpleResNet

    return SimpleResNet(
        image_size=(model.example_shape[0], model.example_shape[1]),
        in_channels=model.example_shape[2],
        emb_dim=model.emb_dim,
        flatten_superpixels=own.flatten_superpixels,
        sequences_per_statistics=own.sequences_per_statistics,
    )


def _build_linear(model: ModelFacts, own: LinearConfig) -> nn.Module:
    from icl_models._embedders.simple import LinearEmbedder

    return LinearEmbedder(math.prod(model.example_shape), model.emb_dim)


def _build_embedding(model: ModelFacts, own: EmbeddingConfig) -> nn.Module:
    from icl_models._embedders.simple import EmbeddingEmbedder

    return EmbeddingEmbedder(model.resolved_num_ids, model.emb_dim)


def _build_vector(model: ModelFacts, own: VectorConfig) -> nn.Module:
    from icl_models._embedders.simple import VectorEmbedder

    return VectorEmbedder(model.example_shape[0], model.emb_dim)


def _build_raw(model: ModelFacts, own: RawConfig) -> nn.Module:
    from icl_models._embedders.simple import RawEmbedder

    return RawEmbedder()


def _build_transformer(model: ModelFacts, own: TransformerConfig) -> nn.Module:
    from icl_models._sequence_models.transformer import Transformer

    return Transformer(model, own)


def _build_recurrent(model: ModelFacts, own: LSTMConfig | VanillaRNNConfig | GRUConfig) -> nn.Module:
    from icl_models._sequence_models.recurrent import build_gru, build_lstm, build_vanilla_rnn

    if isinstance(own, LSTMConfig):
        return build_lstm(model, own)
    return build_gru(model, own) if isinstance(own, GRUConfig) else build_vanilla_rnn(model, own)


def _build_mamba(model: ModelFacts, own: MambaConfig) -> nn.Module:
    from icl_models._sequence_models.mamba import build_mamba

    return build_mamba(model, own)


def _build_reddy(model: ModelFacts, own: ReddyConfig) -> nn.Module:
    from icl_models._sequence_models.reddy import Reddy

    return Reddy(model, own)


@hookimpl
def icl_register_embedders() -> list[EmbedderSpec]:
    return [
        EmbedderSpec(
            name="resnet", build=_build_resnet, config=ResNetConfig, example_kinds=("image",), check=check_resnet
        ),
        EmbedderSpec(name="linear", build=_build_linear, config=LinearConfig, example_kinds=("image", "vector")),
        EmbedderSpec(name="embedding", build=_build_embedding, config=EmbeddingConfig, example_kinds=("id",)),
        EmbedderSpec(name="vector", build=_build_vector, config=VectorConfig, example_kinds=("vector",)),
        EmbedderSpec(name="raw", build=_build_raw, config=RawConfig, example_kinds=("vector",), check=check_raw),
    ]


@hookimpl
def icl_register_sequence_models() -> list[SequenceModelSpec]:
    recurrent = {"lstm": LSTMConfig, "vanilla_rnn": VanillaRNNConfig, "gru": GRUConfig}
    return [
        SequenceModelSpec(
            name="transformer",
            build=_build_transformer,
            config=TransformerConfig,
            accepts=("num_heads",),
            check=check_transformer,
        ),
        *(
            SequenceModelSpec(name=name, build=_build_recurrent, config=config, accepts=("hidden_size",))
            for name, config in recurrent.items()
        ),
        SequenceModelSpec(name="mamba", build=_build_mamba, config=MambaConfig, check=check_mamba),
        SequenceModelSpec(name="reddy", build=_build_reddy, config=ReddyConfig, check=check_reddy),
    ]
