"""Embedders and sequence models for in-context learning, bit-compatible with Chan et al. 2022."""

from icl_models._capture import Trace, capture, capture_attention
from icl_models._component import ComponentConfig, EmbedderSpec, SequenceModelSpec
from icl_models._config import ModelConfig
from icl_models._edit import Edit, ablate, edit, freeze, patch
from icl_models._embedders import EmbeddingConfig, LinearConfig, VectorConfig
from icl_models._model import InContextModel, TransformerICL, build_model, count_parameters
from icl_models._places import site_names
from icl_models._recurrent import LSTMConfig, VanillaRNNConfig
from icl_models._registry import (
    PluginError,
    PluginWarning,
    find_embedder,
    find_sequence_model,
    known_embedders,
    known_sequence_models,
)
from icl_models._resnet import ResNetConfig, SimpleResNet
from icl_models._transformer import TransformerConfig
from icl_models.hookspecs import hookimpl

__all__ = [
    "ComponentConfig",
    "Edit",
    "EmbedderSpec",
    "EmbeddingConfig",
    "InContextModel",
    "LSTMConfig",
    "LinearConfig",
    "ModelConfig",
    "PluginError",
    "PluginWarning",
    "ResNetConfig",
    "SequenceModelSpec",
    "SimpleResNet",
    "Trace",
    "TransformerConfig",
    "TransformerICL",
    "VanillaRNNConfig",
    "VectorConfig",
    "ablate",
    "build_model",
    "capture",
    "capture_attention",
    "count_parameters",
    "edit",
    "find_embedder",
    "find_sequence_model",
    "freeze",
    "hookimpl",
    "known_embedders",
    "known_sequence_models",
    "patch",
    "site_names",
]
