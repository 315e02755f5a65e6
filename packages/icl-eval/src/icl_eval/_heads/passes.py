"""Forward passes of a model that is looked into, a few sequences at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from icl_models import InContextModel, capture, site_names
from icl_train import Acting, EmbeddedSequences

__all__ = [
    "Asked",
    "answers",
    "attention_sites",
    "heads_at",
    "is_place",
    "looking_into",
    "require_sequences",
]

SEQUENCES_PER_CALL = 256
_WEIGHTS = ".weights"


@dataclass(frozen=True, eq=False)
class Asked:
    """Sequences that a model is asked about, and what is done to it meanwhile.

    Args:
        embedded: (N, L, E) examples, the last one the query.
        labels: (N, L); the query's is the right answer.
        acting: interventions that are in the model.
        theirs: model of another run that these hold it to → (N, L, E) examples as it embeds them.
        per_call: how many are answered in a call.
    """

    embedded: Tensor
    labels: Tensor
    acting: Acting | None = None
    theirs: Mapping[InContextModel, Tensor] = field(default_factory=dict)
    per_call: int = SEQUENCES_PER_CALL

    @classmethod
    def of(cls, given: EmbeddedSequences) -> Asked:
        """The sequences of an evaluation; under interventions, which may take a mean, in its very calls."""
        per_call = SEQUENCES_PER_CALL if given.acting is None else given.per_call
        return cls(given.embedded, given.labels, given.acting, given.theirs, per_call)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, rows: slice | Tensor) -> Asked:
        """Some of the sequences."""
        return self.changed(lambda embedded: embedded[rows], self.labels[rows])

    def changed(self, change: Callable[[Tensor], Tensor], labels: Tensor) -> Asked:
        """Other sequences, of the same examples.

        Args:
            change: of (N, L, E) examples, whoever embeds them.
            labels: of the new sequences.
        """
        theirs = {other: change(embedded) for other, embedded in self.theirs.items()}
        return Asked(change(self.embedded), labels, self.acting, theirs, self.per_call)

    def calls(self) -> list[Asked]:
        """The sequences of each call."""
        return [self[start : start + self.per_call] for start in range(0, len(self), self.per_call)]

    def answering(self) -> AbstractContextManager[None]:
        """What a call of the model with these very sequences is made within."""
        return nullcontext() if self.acting is None else self.acting.on(self.labels, self.theirs.__getitem__)


def attention_sites(model: InContextModel) -> list[str]:
    """The attention of each layer, ``blocks.0.attention`` and so on, from the first up.

    Raises:
        ValueError: for a model without any.
    """
    found = [name.removesuffix(_WEIGHTS) for name in site_names(model) if name.endswith("attention.weights")]
    if not found:
        raise ValueError(f"sequence_model must be one with attention to have heads, got {model.config.sequence_model}")
    return found


def heads_at(model: InContextModel, asked: Asked) -> dict[str, int]:
    """How many heads the attention of each layer has, seen on a single sequence.

    Args:
        model: with attention.
        asked: sequences.
    """
    sites = attention_sites(model)
    with capture(model, *(f"{name}{_WEIGHTS}" for name in sites)) as trace:
        answers(model, asked[:1])
    return {name: trace[f"{name}{_WEIGHTS}"].shape[1] for name in sites}


def is_place(model: InContextModel, name: str) -> bool:
    """Whether values can be seen under a name: of a site, a head, or any module's output."""
    try:
        with capture(model, name):
            return True
    except ValueError:
        return False


def require_sequences(model: InContextModel, asked: Asked) -> None:
    """ValueError unless there are sequences of embeddings of the model's width, with as many labels."""
    embedded, labels = asked.embedded, asked.labels
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


def answers(model: InContextModel, asked: Asked, positions: Literal["all", "query"] = "all") -> Tensor:
    """(N, C) float32 logits at the query, in one call.

    Args:
        model: that answers.
        asked: the sequences.
        positions: "all": every block computes all of its tokens, and only the query is read out.
    """
    if positions == "query":
        with asked.answering():
            return model.from_embeddings(asked.embedded, asked.labels, positions="query").float()
    query_alone = model.readout.register_forward_pre_hook(lambda readout, features: (features[0][:, -1],))
    try:
        with asked.answering():
            return model.from_embeddings(asked.embedded, asked.labels, positions="all").float()
    finally:
        query_alone.remove()
