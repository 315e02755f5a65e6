"""The sequences that a model is answering, as its edits see them."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass, field

from torch import Tensor

__all__ = ["Batch", "answered", "current"]


@dataclass(eq=False)
class Batch:
    """One call of a model.

    Attributes:
        labels: (B, S), the last being the right answers; None where nobody has said.
        theirs: another run and a name → what its model computes there.
        copied: (B, C) attention to each label that this pass has copied so far.
        tokens: (B, T, W) that the first block was given in this pass, where a pattern hangs on them.
        asked: name of attention weights → what they are for other tokens, None until they are known.
    """

    labels: Tensor | None
    theirs: dict[tuple[str, str], Tensor] = field(default_factory=dict)
    copied: list[Tensor] = field(default_factory=list)
    tokens: Tensor | None = None
    asked: dict[str, Tensor | None] = field(default_factory=dict)


# Edits lie in the model, which several threads may call at a time: each has its own sequences.
current: ContextVar[Batch | None] = ContextVar("current", default=None)


def answered(why: str) -> tuple[Batch, Tensor]:
    """The batch of this call, and its labels.

    Args:
        why: what needs them.

    Raises:
        ValueError: if nobody has said which these are.
    """
    batch = current.get()
    if batch is None or batch.labels is None:
        raise ValueError(f"{why} needs the labels of the sequences, got none")
    return batch, batch.labels
