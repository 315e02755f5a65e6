"""Embedders and sequence models for in-context learning, bit-compatible with Chan et al. 2022."""

from icl_models._attention import capture_attention
from icl_models._component import ComponentConfig, EmbedderSpec, SequenceModelSpec
from icl_models._config import ModelConfig
from icl_models._embedders import EmbeddingConfig, LinearConfig, VectorConfig
from icl_models._mamba import MambaConfig
from icl_models._model import InContextModel, TransformerICL, build_model, count_parameters
from icl_models._recurrent import GRUConfig, LSTMConfig, VanillaRNNConfig
from icl_models._registry import (
    PluginError,
    PluginWarning,
    find_embedder,
    find_sequence_model,
    known_embedders,
    known_sequence_models,
)
from icl_models._resnet import ResNetConfig, SimpleResNet
from icl_models._saved_model import load_model, save_model
from icl_models._summary import ModelSummary, PartSummary, summarize
from icl_models._transformer import TransformerConfig
from icl_models.hookspecs import hookimpl

__all__ = [
    "ComponentConfig",
    "EmbedderSpec",
    "EmbeddingConfig",
    "GRUConfig",
    "InContextModel",
    "LSTMConfig",
    "LinearConfig",
    "MambaConfig",
    "ModelConfig",
    "ModelSummary",
    "PartSummary",
    "PluginError",
    "PluginWarning",
    "ResNetConfig",
    "SequenceModelSpec",
    "SimpleResNet",
    "TransformerConfig",
    "TransformerICL",
    "VanillaRNNConfig",
    "VectorConfig",
    "build_model",
    "capture_attention",
    "count_parameters",
    "find_embedder",
    "find_sequence_model",
    "hookimpl",
    "known_embedders",
    "known_sequence_models",
    "load_model",
    "save_model",
    "summarize",
]
