"""The embedders other than the residual net: a table of ids, a linear layer on images, a linear map of vectors, or
these as they are; and vectors that are never trained."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from icl_models._initialize import fan_in_normal_, truncated_normal_


class EmbeddingEmbedder(nn.Module):
    """One learned vector per id: (B, S) int64 to (B, S, emb_dim)."""

    def __init__(self, num_ids: int, emb_dim: int) -> None:
        super().__init__()
        self.table = nn.Embedding(num_ids, emb_dim)
        truncated_normal_(self.table.weight, 1.0)

    def forward(self, ids: Tensor) -> Tensor:
        embedded: Tensor = self.table(ids)
        return embedded


class LinearEmbedder(nn.Module):
    """Flatten an example, then one affine layer: (B, S, *example_shape) to (B, S, emb_dim)."""

    def __init__(self, in_features: int, emb_dim: int) -> None:
        super().__init__()
        self.linear = nn.Linear(in_features, emb_dim)
        fan_in_normal_(self.linear.weight)
        nn.init.zeros_(self.linear.bias)

    def forward(self, examples: Tensor) -> Tensor:
        embedded: Tensor = self.linear(examples.flatten(2))
        return embedded


class VectorEmbedder(nn.Module):
    """A linear map of vectors, (B, S, D) to (B, S, emb_dim), also where D equals emb_dim. It has no bias, so that
    Gaussian classes centred at zero (Reddy 2023, section 3) stay centred at zero."""

    def __init__(self, in_features: int, emb_dim: int) -> None:
        super().__init__()
        self.projection = nn.Linear(in_features, emb_dim, bias=False)
        fan_in_normal_(self.projection.weight)

    def forward(self, vectors: Tensor) -> Tensor:
        embedded: Tensor = self.projection(vectors)
        return embedded


class RawEmbedder(nn.Module):
    """Vectors (B, S, emb_dim) as they are."""

    def forward(self, vectors: Tensor) -> Tensor:
        return vectors


class FixedTable(nn.Module):
    """One vector of N(0, I / emb_dim) per number, drawn once: saved with the model, and never trained."""

    weight: Tensor

    def __init__(self, num_rows: int, emb_dim: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.randn(num_rows, emb_dim) * emb_dim**-0.5)

    def forward(self, numbers: Tensor) -> Tensor:
        return F.embedding(numbers, self.weight)
