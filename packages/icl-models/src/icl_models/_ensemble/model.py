"""`EnsembleModel`: the forward pass of many `InContextModel`s at once."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from icl_models._config import ModelConfig
from icl_models._contract.component import Positions
from icl_models._embedders.batch_norm import BatchNorm
from icl_models._embedders.resnet import SimpleResNet
from icl_models._ensemble.layout import Layout
from icl_models._ensemble.noise import Generators, dropout
from icl_models._ensemble.norms import RunningAverages, batch_norm, batch_norm_by
from icl_models._ensemble.products import linear, look_up
from icl_models._ensemble.reddy import EnsembleReddy
from icl_models._ensemble.resnet import ResNetShape, embed_images
from icl_models._ensemble.settings import check_members
from icl_models._ensemble.transformer import EnsembleTransformer
from icl_models._model import InContextModel
from icl_models._sequence_models.positions import SinusoidalPositions, sinusoidal_table

_TABLE = "label_table.weight"
_EMBEDDER = "embedder."


class EnsembleModel(nn.Module):
    """M models of one shape as one, each product a batched product over the members: on a GPU the kernels of one.

    The members' parameters are the rows of one matrix, `rows` (M, N), in the order that `layout` says: those that an
    L2 penalty is on come first, `num_matrix_numbers` of them. Members may have different numbers of classes: the label
    table and the readout have the largest, the logits of classes that a member does not have are -inf, and their
    weights are zero and take no gradient. The forward and backward pass never wait for the device.

    Args:
        models: the members, whose weights and buffers are copied; they stay as they are.

    Raises:
        ValueError: no model, one with a component that has no batched form or with weights that are kept from training,
            or models that differ in more than their number of classes.
    """

    num_classes: Tensor
    absent: Tensor
    fixed_table: Tensor | None

    def __init__(self, models: Sequence[InContextModel]) -> None:
        super().__init__()
        check_members([model.config for model in models])
        for model in models:
            for name, parameter in model.named_parameters():
                if not parameter.requires_grad:
                    raise ValueError(f"every parameter must be trained in an ensemble, got one that is not: {name}")
        self.configs: tuple[ModelConfig, ...] = tuple(model.config for model in models)
        self.config = config = max(self.configs, key=lambda one: one.num_classes)
        first = models[0]
        matrices = _matrices(first)
        self.layout = Layout([{n: tuple(p.shape) for n, p in one.named_parameters()} for one in models], matrices)
        self.num_matrix_numbers = self.layout.stop_of(matrices)
        start = next(first.parameters())
        self.rows = nn.Parameter(start.new_zeros(len(models), self.layout.size))
        norms = {name: len(part.scale) for name, part in first.named_modules() if isinstance(part, BatchNorm)}
        self.averages = RunningAverages(norms, len(models)).to(start.device, start.dtype) if norms else None
        label_rows = config.num_classes + config.concatenate_labels
        fixed = start.new_zeros(len(models), label_rows, config.emb_dim) if config.fixed_labels else None
        self.register_buffer("fixed_table", fixed)
        self._resnet = ResNetShape.of(first.embedder) if isinstance(first.embedder, SimpleResNet) else None
        self.positional_encodings = copy.deepcopy(first.positional_encodings)  # which have no parameters
        kind = EnsembleTransformer if config.sequence_model == "transformer" else EnsembleReddy
        self.sequence_model: nn.Module = kind(config).to(start.device, start.dtype)
        self.generators: Generators = None
        classes = torch.tensor([one.num_classes for one in self.configs], device=start.device)
        self.register_buffer("num_classes", classes)
        absent = torch.arange(config.num_classes, device=start.device) >= classes[:, None]
        self.register_buffer("absent", torch.zeros_like(absent, dtype=start.dtype).masked_fill_(absent, -math.inf))
        self._padded = len({one.num_classes for one in self.configs}) > 1
        for member, model in enumerate(models):
            self.load_member(member, model.state_dict())

    def forward(self, examples: Tensor, labels: Tensor, positions: Positions = "all") -> Tensor:
        """Logits of each member for its own batch of sequences, the last example being the query.

        Args:
            examples: (M, B, S, *example_shape), int64 ids or floating point.
            labels: (M, B, S) int64; the query's is not used.
            positions: "all" tokens, or the last token only: "query" is faster and gives the same values.

        Returns:
            (M, B, T, C) with T = 2S - 1, or S with `concatenate_labels`, and C the largest number of classes;
            (M, B, C) for "query".

        Raises:
            ValueError: for another shape or dtype, or an unknown `positions`.
        """
        self._check(examples, labels, positions)
        weights = self.layout.views(self.rows)
        h_x = dropout(self._embed(examples, weights), self.config.example_dropout_prob, self.generators)
        tokens = self._tokens(h_x, labels, weights)  # (M, B, T, W)
        if self.positional_encodings is not None:
            tokens = tokens + self._encodings(self.positional_encodings, tokens)
        features = self.sequence_model(tokens, weights, positions, self.generators)  # (M, B T or B, F)
        bias = weights.get("readout.bias")
        if self._padded:
            bias = self.absent if bias is None else bias + self.absent
        logits = linear(features, weights["readout.weight"], bias)
        return logits if positions == "query" else logits.view(*tokens.shape[:3], -1)

    def member_state(self, member: int) -> dict[str, Tensor]:
        """The weights and buffers of a member, as the `state_dict` of its `InContextModel` has them, copied.

        Args:
            member: from 0.
        """
        state = self.layout.take(self.rows.detach()[member], member)
        if self.averages is not None:
            state |= self.averages.member_state(member)
        if self.fixed_table is not None:
            state[_TABLE] = self.fixed_table[member, : self._label_rows(member)].clone()
        return state

    @torch.no_grad()
    def load_member(self, member: int, state: Mapping[str, Tensor]) -> None:
        """The inverse of `member_state`.

        Args:
            member: from 0.
            state: a `state_dict` of this member's `InContextModel`.
        """
        self.layout.put(self.rows[member], member, state)
        if self.averages is not None:
            self.averages.load_member(member, state)
        if self.fixed_table is not None:
            self.fixed_table[member, : self._label_rows(member)] = state[_TABLE]

    def _check(self, examples: Tensor, labels: Tensor, positions: Positions) -> None:
        shape, ids, members = self.config.example_shape, self.config.example_kind == "id", len(self.configs)
        if positions not in ("all", "query"):
            raise ValueError(f"positions must be one of all, query, got {positions!r}")
        if examples.ndim != 3 + len(shape) or tuple(examples.shape[3:]) != shape or len(examples) != members:
            expected = ", ".join([str(members), "B", "S", *map(str, shape)])
            raise ValueError(f"examples must have shape ({expected}), got {tuple(examples.shape)}")
        if examples.is_floating_point() == ids:
            raise ValueError(f"examples must be {'integers' if ids else 'floating point'}, got {examples.dtype}")
        if labels.shape != examples.shape[:3]:
            raise ValueError(f"labels must have shape {tuple(examples.shape[:3])}, got {tuple(labels.shape)}")

    def _embed(self, examples: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
        """(M, B, S, *example_shape) to (M, B, S, E)."""
        size = examples.shape[:3]
        kind = self.config.embedder
        if kind == "embedding":
            return look_up(weights["embedder.table.weight"], examples)
        if kind == "raw":
            return examples
        if kind == "vector":
            return linear(examples.flatten(1, 2), weights["embedder.projection.weight"]).view(*size, -1)
        if kind == "linear":
            flat = examples.flatten(3).flatten(1, 2)
            return linear(flat, weights["embedder.linear.weight"], weights["embedder.linear.bias"]).view(*size, -1)
        return self._embed_images(examples, weights)

    def _embed_images(self, images: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
        assert self._resnet is not None
        assert self.averages is not None
        own = {name.removeprefix(_EMBEDDER): w for name, w in weights.items() if name.startswith(_EMBEDDER)}
        num_groups, averages, seen = self._num_groups(images.shape[1]), self.averages.averages(), {}

        def normalise(name: str, x: Tensor) -> Tensor:
            scale, offset = own[f"{name}.scale"], own[f"{name}.offset"]
            if not self.training:
                return batch_norm_by(x, scale, offset, averages[_EMBEDDER + name])
            y, seen[_EMBEDDER + name] = batch_norm(x, scale, offset, num_groups)
            return y

        embedded = embed_images(images.flatten(1, 2), self._resnet, own, normalise)
        if seen:
            self.averages.update(seen)
        return embedded.view(*images.shape[:3], -1)

    def _num_groups(self, batch_size: int) -> int:
        """As `SimpleResNet` has them."""
        size = None if self._resnet is None else self._resnet.sequences_per_statistics
        if size is None or not self.training:
            return 1
        if batch_size % size:
            raise ValueError(f"sequences_per_statistics must divide the batch, {batch_size} sequences, got {size}")
        return batch_size // size

    def _tokens(self, h_x: Tensor, labels: Tensor, weights: Mapping[str, Tensor]) -> Tensor:
        """x1 y1 x2 y2 ... xq, (M, B, 2S - 1, E); or x and y side by side, (M, B, S, 2E)."""
        table = weights[_TABLE] if self.fixed_table is None else self.fixed_table
        if self.config.concatenate_labels:
            unknown = self.num_classes[:, None, None].expand(-1, labels.shape[1], 1)
            return torch.cat((h_x, look_up(table, torch.cat((labels[..., :-1], unknown), 2))), 3)
        # Any number may stand for the query's label, which gets no token.
        pairs = torch.stack((h_x, look_up(table, F.pad(labels[..., :-1], (0, 1)))), 3)  # (M, B, S, 2, E)
        return pairs.flatten(2, 3)[:, :, :-1]

    def _encodings(self, positions: SinusoidalPositions, tokens: Tensor) -> Tensor:
        length, width = tokens.shape[2:]
        if length > len(positions.table):
            positions.table = sinusoidal_table(2 * length, width).to(positions.table)
        table = positions.table[:length]
        if not (self.training and positions.dropout_prob):
            return table
        return dropout(table.expand(len(tokens), -1, -1), positions.dropout_prob, self.generators)[:, None]

    def _label_rows(self, member: int) -> int:
        """Rows of a member's label table: with `concatenate_labels` one more, for the query's."""
        config = self.configs[member]
        return config.num_classes + config.concatenate_labels


def _matrices(model: InContextModel) -> frozenset[str]:
    """Weights without biases, norms and embedding tables: what an L2 penalty is on."""
    tables = {id(part.weight) for part in model.modules() if isinstance(part, nn.Embedding)}
    return frozenset(name for name, p in model.named_parameters() if p.ndim >= 2 and id(p) not in tables)
