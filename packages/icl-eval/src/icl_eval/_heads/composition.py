"""How much of what heads write other heads read (Elhage et al. 2021)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from icl_models import HeadMatrices, InContextModel, final_norm, head_matrices

__all__ = ["Composition", "composition_scores", "why_no_composition"]


@dataclass(frozen=True, kw_only=True)
class Composition:
    """How much one head reads of what another one in a layer below writes.

    Attributes:
        kind: q, k or v: what of the reading head reads.
        layer, head: of the writing head.
        reading_layer, reading_head: of the reading one.
        value: ratio of norms, less `random`.
        random: what matrices of this size that have nothing to do with each other give.
    """

    kind: str
    layer: int
    head: int
    reading_layer: int
    reading_head: int
    value: float
    random: float


def composition_scores(model: InContextModel) -> list[Composition]:
    """Q-, K- and V-composition of every head with every head of a later layer (Elhage et al. 2021, "Three kinds of
    composition"): of the weights alone.

    The writing head has W_OV = W_O W_V, the reading one W_QK = W_Q^T W_K and a W_OV of its own, all (W, W). Then q is
    the norm of W_QK^T W_OV over the product of the norms of W_QK and W_OV; k has W_QK in the place of W_QK^T, and v the
    reading head's W_OV; norms are Frobenius. The gain of each head's layer norm, and its taking the mean away, are part
    of its W_Q, W_K and W_V; biases are left out. Where positions are rotary, W_QK is that of a token and itself. Then
    1 / sqrt(W) is taken off: if one of the two matrices is turned at random, the mean square of the ratio is exactly
    1 / W, whatever their spectra are. A head of zeros alone has NaN.

    Args:
        model: a pre-norm transformer of icl_models.

    Returns:
        For q, k and v, each pair of heads; none for a model of one layer.

    Raises:
        ValueError: for another model.
    """
    why = why_no_composition(model)
    if why:
        raise ValueError(f"the model must be a pre-norm transformer of icl_models: {why}")
    matrices = list(head_matrices(model).values())
    with torch.no_grad():
        return [
            Composition(
                kind=kind,
                layer=layer,
                head=head,
                reading_layer=reading_layer,
                reading_head=reading_head,
                value=ratio - expected,
                random=expected,
            )
            for layer, writing in enumerate(matrices)
            for reading_layer, reading in list(enumerate(matrices))[layer + 1 :]
            for kind, ratios, expected in _ratios(writing, reading)
            for head, of_head in enumerate(ratios)
            for reading_head, ratio in enumerate(of_head)
        ]


def why_no_composition(model: InContextModel) -> str:
    """Why heads of a model have no composition that can be told from their matrices; empty if they have."""
    if not head_matrices(model):
        return f"the heads of sequence_model {model.config.sequence_model} have no matrices that are known"
    if final_norm(model) is None:
        return "with post-norm, heads do not read the sum of what others write"
    return ""


def _ratios(writing: HeadMatrices, reading: HeadMatrices) -> Iterator[tuple[str, list[list[float]], float]]:
    """Kind, (writing heads, reading heads) ratios, and what is taken off."""
    written = (writing.out @ writing.values @ writing.gain).double()  # (H, W, W)
    queries, keys = reading.queries @ reading.gain, reading.keys @ reading.gain  # (H, D, W)
    scores = (queries.transpose(1, 2) @ keys).double()
    readers = {"q": scores.transpose(1, 2), "k": scores, "v": (reading.out @ reading.values @ reading.gain).double()}
    for kind, reader in readers.items():
        both: Any = torch.linalg.matrix_norm(reader[None] @ written[:, None])  # (H, H)
        alone = torch.linalg.matrix_norm(written)[:, None] * torch.linalg.matrix_norm(reader)
        yield kind, (both / alone).tolist(), written.shape[-1] ** -0.5
