"""Embedders and sequence models for in-context learning, bit-compatible with Chan et al. 2022."""

from ._config import ModelConfig
from ._contract.axis import Axis, Point, Range
from ._contract.claim import Claim, Heads
from ._contract.component import ComponentConfig, EmbedderSpec, SequenceModelSpec
from ._contract.experiment import ExperimentSpec, Scale
from ._contract.facts import ModelFacts
from ._contract.figure import FigureSpec
from ._contract.launcher import Job, JobState, Launcher, LauncherError, LauncherSpec
from ._contract.tracker import Outcome, Tracker, TrackerSpec
from ._embedders.resnet import SimpleResNet
from ._embedders.settings import EmbeddingConfig, LinearConfig, RawConfig, ResNetConfig, VectorConfig
from ._ensemble.model import EnsembleModel
from ._ensemble.settings import check_ensemble
from ._fused.switch import fused_kernels
from ._inside.capture import Trace, capture, capture_attention
from ._inside.edit import Edit, ablate, edit, freeze, patch
from ._inside.matrices import HeadMatrices, final_norm, head_matrices
from ._inside.places import site_names
from ._least_size import least_layer_bytes, least_layer_numbers
from ._model import InContextModel, TransformerICL, build_model, count_parameters
from ._plugins.origin import unusable_component
from ._plugins.registry import (
    PluginError,
    PluginRecord,
    PluginWarning,
    component_owner,
    find_embedder,
    find_experiment,
    find_figure,
    find_launcher,
    find_sequence_model,
    find_tracker,
    known_embedders,
    known_experiments,
    known_figures,
    known_launchers,
    known_sequence_models,
    known_trackers,
)
from ._saved_model import load_model, save_model
from ._sequence_models.settings import (
    GRUConfig,
    LSTMConfig,
    MambaConfig,
    ReddyConfig,
    TransformerConfig,
    VanillaRNNConfig,
)
from ._spread_statistics import spread_statistics
from ._summary import ModelSummary, PartSummary, summarize
from ._weights import read_weights
from .hookspecs import hookimpl

__all__ = [
    "Axis",
    "Claim",
    "ComponentConfig",
    "Edit",
    "EmbedderSpec",
    "EmbeddingConfig",
    "EnsembleModel",
    "ExperimentSpec",
    "FigureSpec",
    "GRUConfig",
    "HeadMatrices",
    "Heads",
    "InContextModel",
    "Job",
    "JobState",
    "LSTMConfig",
    "Launcher",
    "LauncherError",
    "LauncherSpec",
    "LinearConfig",
    "MambaConfig",
    "ModelConfig",
    "ModelFacts",
    "ModelSummary",
    "Outcome",
    "PartSummary",
    "PluginError",
    "PluginRecord",
    "PluginWarning",
    "Point",
    "Range",
    "RawConfig",
    "ReddyConfig",
    "ResNetConfig",
    "Scale",
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
    "check_ensemble",
    "component_owner",
    "count_parameters",
    "edit",
    "final_norm",
    "find_embedder",
    "find_experiment",
    "find_figure",
    "find_launcher",
    "find_sequence_model",
    "find_tracker",
    "freeze",
    "fused_kernels",
    "head_matrices",
    "hookimpl",
    "known_embedders",
    "known_experiments",
    "known_figures",
    "known_launchers",
    "known_sequence_models",
    "known_trackers",
    "least_layer_bytes",
    "least_layer_numbers",
    "load_model",
    "patch",
    "read_weights",
    "save_model",
    "site_names",
    "spread_statistics",
    "summarize",
    "unusable_component",
]
