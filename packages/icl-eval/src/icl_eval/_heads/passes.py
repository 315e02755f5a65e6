"""Forward passes of a model that is looked into, a few sequences at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from icl_models import InContextModel, capture, site_names

__all__ = [
    "SEQUENCES_PER_CALL",
    "answers",
    "attention_sites",
    "calls",
    "heads_at",
    "is_place",
    "looking_into",
    "require_sequences",
]

SEQUENCES_PER_CALL = 256
_WEIGHTS = ".weights"


def attention_sites(model: InContextModel) -> list[str]:
    """The attention of each layer, ``blocks.0.attention`` and so on, from the first up.

    Raises:
        ValueError: for a model without any.
    """
    found = [name.removesuffix(_WEIGHTS) for name in site_names(model) if name.endswith("attention.weights")]
    if not found:
        raise ValueError(f"sequence_model must be one with attention to have heads, got {model.config.sequence_model}")
    return found


def heads_at(model: InContextModel, embedded: Tensor, labels: Tensor) -> dict[str, int]:
    """How many heads the attention of each layer has, seen on a single sequence.

    Args:
        model: with attention.
        embedded, labels: sequences.
    """
    sites = attention_sites(model)
    with capture(model, *(f"{name}{_WEIGHTS}" for name in sites)) as trace:
        answers(model, embedded[:1], labels[:1])
    return {name: trace[f"{name}{_WEIGHTS}"].shape[1] for name in sites}


def is_place(model: InContextModel, name: str) -> bool:
    """Whether values can be seen under a name: of a site, a head, or any module's output."""
    try:
        with capture(model, name):
            return True
    except ValueError:
        return False


def require_sequences(model: InContextModel, embedded: Tensor, labels: Tensor) -> None:
    """ValueError unless there are sequences of embeddings of the model's width, with as many labels."""
    if embedded.ndim != 3 or not len(embedded) or embedded.shape[1] < 2 or embedded.shape[2] != model.config.emb_dim:
        shape = f"(N, L, {model.config.emb_dim}) with N of at least 1 and L of at least 2"
        raise ValueError(f"embedded must have shape {shape}, got {tuple(embedded.shape)}")
    if labels.shape != embedded.shape[:2]:
        raise ValueError(f"labels must have shape {tuple(embedded.shape[:2])}, got {tuple(labels.shape)}")


@contextmanager
def looking_into(model: InContextModel) -> Iterator[None]:
    """The model as it is measured: without dropout and gradients; the same noise on examples every time."""
    was_training = model.training
    device = next(model.parameters()).device
    noisy = bool(model.config.example_dropout_prob)
    forked = torch.random.fork_rng([device] if device.type == "cuda" else [], enabled=noisy)
    model.eval()
    try:
        with forked, torch.inference_mode():
            if noisy:
                torch.manual_seed(0)
            yield
    finally:
        model.train(was_training)


def calls(n_sequences: int) -> list[slice]:
    """The sequences of each call."""
    return [slice(start, start + SEQUENCES_PER_CALL) for start in range(0, n_sequences, SEQUENCES_PER_CALL)]


def answers(model: InContextModel, embedded: Tensor, labels: Tensor) -> Tensor:
    """(N, C) float32 logits at the query; every block computes all of its tokens, and only the query is read out."""
    query_alone = model.readout.register_forward_pre_hook(lambda readout, features: (features[0][:, -1],))
    try:
        return model.from_embeddings(embedded, labels, positions="all").float()
    finally:
        query_alone.remove()
