"""The state-space baseline: Mamba (Gu and Dao 2023), by the library transformers."""

from __future__ import annotations

import logging
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from icl_data.foundation.extras import import_extra
from icl_models._contract.component import Positions
from icl_models._contract.facts import ModelFacts
from icl_models._sequence_models.settings import MAMBA_LIBRARY, MambaConfig


class MambaLayer(nn.Module):
    """x + Mixer(RMSNorm(x)), (B, T, W) to (B, T, W), with dropout in training on what the mixer adds."""

    def __init__(self, norm: nn.Module, mixer: nn.Module, dropout_prob: float) -> None:
        super().__init__()
        self.norm = norm
        self.mixer = mixer
        self.dropout_prob = dropout_prob

    def forward(self, x: Tensor) -> Tensor:
        h: Tensor = self.mixer(self.norm(x))
        return x + (F.dropout(h, self.dropout_prob) if self.training and self.dropout_prob else h)


class Mamba(nn.Module):
    """Tokens (B, T, W) to normalised features (B, T, W), or the last token's (B, W) for positions="query"."""

    def __init__(self, width: int, num_layers: int, dropout_prob: float, own: MambaConfig) -> None:
        super().__init__()
        transformers = import_extra(*MAMBA_LIBRARY)
        _say_nothing_of_kernels()
        settings: dict[str, Any] = {} if own.time_step_rank is None else {"time_step_rank": own.time_step_rank}
        built = transformers.MambaModel(
            transformers.MambaConfig(
                vocab_size=1,  # its table of words is left behind
                hidden_size=width,
                num_hidden_layers=num_layers,
                state_size=own.state_size,
                conv_kernel=own.conv_width,
                expand=own.expand,
                **settings,
            )
        )
        self.out_features = width
        self.layers = nn.ModuleList(MambaLayer(block.norm, block.mixer, dropout_prob) for block in built.layers)
        self.norm = built.norm_f

    def forward(self, x: Tensor, positions: Positions = "all") -> Tensor:
        for layer in self.layers:
            x = layer(x)
        features: Tensor = self.norm(x[:, -1] if positions == "query" else x)
        return features


def build_mamba(model: ModelFacts, own: MambaConfig) -> Mamba:
    """The Mamba layers of `model`."""
    return Mamba(model.token_width, model.num_layers, model.dropout_prob, own)


def _not_about_kernels(record: logging.LogRecord) -> bool:
    return "is falling back to its reference PyTorch implementation" not in record.getMessage()


def _say_nothing_of_kernels() -> None:
    """At the first batch the library advises, three times, to install CUDA kernels; a small model needs none."""
    logging.getLogger("transformers.integrations.hub_kernels").addFilter(_not_about_kernels)
