"""The model: embed the examples, lay out the tokens, run the sequence model, read out the classes."""

from __future__ import annotations

from typing import Any, Literal, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from icl_models._build import build_embedder, build_sequence_model
from icl_models._config import ModelConfig
from icl_models._contract.component import ComponentConfig, Positions
from icl_models._embedders.simple import FixedTable
from icl_models._fused.switch import fused_for
from icl_models._fused.tokens.take import fused_tokens
from icl_models._initialize import scaled_linear, truncated_normal_
from icl_models._least_size import refuse_beyond_memory
from icl_models._sequence_models.positions import SinusoidalPositions
from icl_models._sequence_models.tap import Tapped

_LABEL_STDDEV = 0.02


class InContextModel(Tapped):
    """Sequences of examples and labels to logits over the classes (Chan et al. 2022, section 2.2).

    Weights are drawn from torch's current generator, as for any torch module; `build_model` draws them from a seed.

    Args:
        config: see `ModelConfig`.

    Raises:
        ValueError: for a component that is no longer installed.
    """

    sites = ("embeddings", "tokens")

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedder = build_embedder(config)
        # Concatenated, the query's label is an extra class; interleaved, it has no token.
        rows = config.num_classes + config.concatenate_labels
        self.label_table: nn.Module
        if config.fixed_labels:
            self.label_table = FixedTable(rows, config.emb_dim)
        else:
            self.label_table = nn.Embedding(rows, config.emb_dim)
            truncated_normal_(self.label_table.weight, _LABEL_STDDEV)
        self.positional_encodings = (
            SinusoidalPositions(config.token_width, config.positional_dropout_prob)
            if config.adds_sinusoidal_positions
            else None
        )
        self.sequence_model = build_sequence_model(config)
        self.readout = scaled_linear(
            cast(int, self.sequence_model.out_features),
            config.num_classes,
            bias=getattr(self.sequence_model, "readout_bias", True),
        )

    def forward(self, examples: Tensor, labels: Tensor, positions: Positions = "all") -> Tensor:
        """Logits for a batch of sequences, the last example being the query.

        Args:
            examples: (B, S, *example_shape), int64 ids or floating point.
            labels: (B, S) int64; the query's is not used.
            positions: "all" tokens, or the last token only: "query" is faster and gives the same values.

        Returns:
            (B, T, num_classes) with T = 2S - 1, or S with `concatenate_labels`; (B, num_classes) for "query".

        Raises:
            ValueError: for another shape or dtype, or an unknown `positions`.
        """
        return self.from_embeddings(self.embed_examples(examples), labels, positions)

    def embed_examples(self, examples: Tensor) -> Tensor:
        """Embed examples, before `example_dropout_prob`.

        Args:
            examples: (B, S) integer ids, or (B, S, *example_shape) floating-point vectors or images.

        Returns:
            (B, S, E) embeddings.

        Raises:
            ValueError: examples of another shape or sort of number.
        """
        shape, ids = self.config.example_shape, self.config.example_kind == "id"
        if examples.ndim != 2 + len(shape) or tuple(examples.shape[2:]) != shape:
            expected = ", ".join(["B", "S", *map(str, shape)])
            raise ValueError(f"examples must have shape ({expected}), got {tuple(examples.shape)}")
        if examples.is_floating_point() == ids:
            raise ValueError(f"examples must be {'integers' if ids else 'floating point'}, got {examples.dtype}")
        embedded: Tensor = self.embedder(examples)
        return embedded

    def from_embeddings(self, h_x: Tensor, labels: Tensor, positions: Positions = "all") -> Tensor:
        """The rest of `forward`, from embedded examples.

        Args:
            h_x: (B, S, E) embedded examples, which may have been kept from an earlier call.
            labels: (B, S) labels of the examples; the query's is not looked at.
            positions: "all", or "query" for the last position alone.

        Returns:
            Logits, as `forward` gives them.

        Raises:
            ValueError: unknown positions, or embeddings or labels of another shape.
        """
        _check_positions(positions)
        if h_x.ndim != 3 or h_x.shape[2] != self.config.emb_dim:
            raise ValueError(f"embeddings must have shape (B, S, {self.config.emb_dim}), got {tuple(h_x.shape)}")
        if labels.shape != h_x.shape[:2]:
            raise ValueError(f"labels must have shape {tuple(h_x.shape[:2])}, got {tuple(labels.shape)}")
        if self.config.example_dropout_prob:  # noise on the examples, so in evaluation too
            h_x = F.dropout(h_x, self.config.example_dropout_prob, training=True)
        h_x = self.tap("embeddings", h_x)
        tokens = self._concatenate(h_x, labels) if self.config.concatenate_labels else self._interleave(h_x, labels)
        return self.from_tokens(tokens, positions)

    def from_tokens(self, tokens: Tensor, positions: Positions = "all") -> Tensor:
        """The rest of `from_embeddings`, from tokens that somebody else laid out: nothing is embedded.

        Args:
            tokens: (B, T, W) floating point, W the config's `token_width`, the query last.
            positions: "all", or "query" for the last position alone.

        Returns:
            (B, T, num_classes) logits; (B, num_classes) for "query".

        Raises:
            ValueError: unknown positions, or tokens of another shape.
        """
        _check_positions(positions)
        if tokens.ndim != 3 or tokens.shape[2] != self.config.token_width:
            raise ValueError(f"tokens must have shape (B, T, {self.config.token_width}), got {tuple(tokens.shape)}")
        if self.positional_encodings is not None:
            tokens = self.positional_encodings(tokens)
        logits: Tensor = self.readout(self.sequence_model(self.tap("tokens", tokens), positions))
        return logits

    def _interleave(self, h_x: Tensor, labels: Tensor) -> Tensor:
        """x1 y1 x2 y2 ... xq: (B, 2S - 1, E)."""
        if fused_for(h_x):
            fused = fused_tokens(h_x, labels, self.label_table)
            if fused is not None:
                return fused
        context = F.pad(labels[:, :-1], (0, 1))  # any number may stand for the query's label, which gets no token
        pairs = torch.stack((h_x, self.label_table(context)), 2)  # (B, S, 2, E)
        return pairs.flatten(1, 2)[:, :-1]

    def _concatenate(self, h_x: Tensor, labels: Tensor) -> Tensor:
        """x and y side by side: (B, S, 2E)."""
        unknown = labels.new_full((labels.shape[0], 1), self.config.num_classes)
        return torch.cat((h_x, self.label_table(torch.cat((labels[:, :-1], unknown), 1))), 2)


def _check_positions(positions: Positions) -> None:
    if positions not in ("all", "query"):
        raise ValueError(f"positions must be one of all, query, got {positions!r}")


class TransformerICL(InContextModel):
    """The transformer of the paper: an `InContextModel` whose sequence model is "transformer".

    Takes the settings of `ModelConfig` as keyword arguments. Weights are drawn from torch's current generator.

    Args:
        num_classes, example_kind, example_shape, embedder, embedder_config, emb_dim, num_layers, num_heads, settings:
            see `ModelConfig`.

    Raises:
        ValueError: as `ModelConfig`.
    """

    def __init__(
        self,
        *,
        num_classes: int,
        example_kind: Literal["id", "vector", "image"] = "image",
        example_shape: tuple[int, ...] = (105, 105, 1),
        embedder: str = "resnet",
        embedder_config: ComponentConfig | None = None,
        emb_dim: int = 64,
        num_layers: int = 12,
        num_heads: int | None = None,
        **settings: Any,
    ) -> None:
        named: dict[str, Any] = {
            "num_classes": num_classes,
            "example_kind": example_kind,
            "example_shape": example_shape,
            "embedder": embedder,
            "embedder_config": embedder_config,
            "emb_dim": emb_dim,
            "num_layers": num_layers,
            "num_heads": num_heads,
        }
        if settings.get("sequence_model", "transformer") != "transformer":
            raise ValueError(f"sequence_model must be 'transformer' here, got {settings['sequence_model']!r}")
        super().__init__(ModelConfig.from_dict(named | settings))


def build_model(config: ModelConfig, *, seed: int) -> InContextModel:
    """Build the model of `config` with weights drawn from `seed`, on the CPU; torch's own generator is left as it was.

    Args:
        config: see `ModelConfig`.
        seed: equal seeds give equal weights with one version of torch.

    Raises:
        ValueError: for a negative seed, a component that is no longer installed, or weights that this machine's memory
            cannot hold.
    """
    if seed < 0:
        raise ValueError(f"seed must not be negative, got {seed}")
    refuse_beyond_memory(config)
    with torch.device("cpu"), torch.random.fork_rng(devices=[]):
        # The generator itself, because torch.manual_seed would also reseed every GPU.
        torch.default_generator.manual_seed(seed)
        return InContextModel(config)


def count_parameters(model: nn.Module) -> int:
    """How many numbers of `model` an optimiser would train: 331,639 in the paper's model with 2 layers."""
    return sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
