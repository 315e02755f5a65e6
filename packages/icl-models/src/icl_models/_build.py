"""Components built from a model's configuration; one that breaks the contract is named, with whose it is."""

from __future__ import annotations

from torch import nn

from icl_models._config import ModelConfig
from icl_models._contract.component import ComponentConfig, EmbedderSpec, SequenceModelSpec
from icl_models._plugins.culprit import errors_of, whose
from icl_models._plugins.registry import Kind, PluginError, find_embedder, find_sequence_model

__all__ = ["build_embedder", "build_sequence_model"]


def build_embedder(config: ModelConfig) -> nn.Module:
    """The embedder of `config`. PluginError if a plugin's cannot be built."""
    spec = find_embedder(config.embedder)
    return _build("embedder", spec, config, config.embedder_config or spec.config())


def build_sequence_model(config: ModelConfig) -> nn.Module:
    """The sequence model of `config`, which has `out_features`. PluginError if a plugin's cannot be built."""
    spec = find_sequence_model(config.sequence_model)
    module = _build("sequence_model", spec, config, config.sequence_model_config or spec.config())
    features = getattr(module, "out_features", None)
    if not isinstance(features, int):
        owner = whose("sequence_model", spec.name)
        raise PluginError(
            f"{owner} must have an attribute out_features, the width of its output, got {features!r}"
            " (see SequenceModelSpec)"
        )
    return module


def _build(kind: Kind, spec: EmbedderSpec | SequenceModelSpec, config: ModelConfig, own: ComponentConfig) -> nn.Module:
    with errors_of(kind, spec.name, "cannot be built"):
        module: object = spec.build(config, own)
    if not isinstance(module, nn.Module):
        raise PluginError(f"{whose(kind, spec.name)} must be a torch.nn.Module, got {module!r}")
    return module
