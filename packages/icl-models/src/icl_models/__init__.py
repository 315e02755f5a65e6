"""Embedders and sequence models for in-context learning, bit-compatible with Chan et al. 2022."""

from icl_models._config import ModelConfig
from icl_models._embedders.resnet import ResNetConfig, SimpleResNet
from icl_models._embedders.simple import EmbeddingConfig, LinearConfig, VectorConfig
from icl_models._inside.capture import Trace, capture, capture_attention
from icl_models._inside.edit import Edit, ablate, edit, freeze, patch
from icl_models._inside.places import site_names
from icl_models._model import InContextModel, TransformerICL, build_model, count_parameters
from icl_models._plugins.component import ComponentConfig, EmbedderSpec, SequenceModelSpec
from icl_models._plugins.origin import unusable_component
from icl_models._plugins.registry import (
    PluginError,
    PluginRecord,
    PluginWarning,
    component_owner,
    find_embedder,
    find_sequence_model,
    find_tracker,
    known_embedders,
    known_sequence_models,
    known_trackers,
)
from icl_models._plugins.tracker import Outcome, Tracker, TrackerSpec
from icl_models._saved_model import load_model, save_model
from icl_models._sequence_models.mamba import MambaConfig
from icl_models._sequence_models.recurrent import GRUConfig, LSTMConfig, VanillaRNNConfig
from icl_models._sequence_models.transformer import TransformerConfig
from icl_models._summary import ModelSummary, PartSummary, summarize
from icl_models.hookspecs import hookimpl

__all__ = [
    "ComponentConfig",
    "Edit",
    "EmbedderSpec",
    "EmbeddingConfig",
    "GRUConfig",
    "InContextModel",
    "LSTMConfig",
    "LinearConfig",
    "MambaConfig",
    "ModelConfig",
    "ModelSummary",
    "Outcome",
    "PartSummary",
    "PluginError",
    "PluginRecord",
    "PluginWarning",
    "ResNetConfig",
    "SequenceModelSpec",
    "SimpleResNet",
    "Trace",
    "Tracker",
    "TrackerSpec",
    "TransformerConfig",
    "TransformerICL",
    "VanillaRNNConfig",
    "VectorConfig",
    "ablate",
    "build_model",
    "capture",
    "capture_attention",
    "component_owner",
    "count_parameters",
    "edit",
    "find_embedder",
    "find_sequence_model",
    "find_tracker",
    "freeze",
    "hookimpl",
    "known_embedders",
    "known_sequence_models",
    "known_trackers",
    "load_model",
    "patch",
    "save_model",
    "site_names",
    "summarize",
    "unusable_component",
]
