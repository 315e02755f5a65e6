"""A transformer with one more vector, the mark, added to some of its tokens: an embedder's bias, moved and switched.

With the embedder "vector" (no bias), `target="items"` is the model that the embedder "linear" makes, and initial
weights are those of "vector" with the same seed, number by number: the mark is drawn from no shared random stream.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from icl_models import SequenceModelSpec, TransformerConfig, hookimpl

if TYPE_CHECKING:
    from torch import nn

    from icl_models import ModelFacts

__all__ = ["MarkedConfig", "icl_register_sequence_models"]

Target = Literal["items", "labels", "tokens"]


@dataclass(frozen=True, kw_only=True)
class MarkedConfig(TransformerConfig):
    """Settings of sequence model "marked-transformer"; those of "transformer" and of the mark.

    Raises:
        ValueError: an unknown target, or numbers that cannot be.
    """

    target: Target = "items"
    """Which tokens get the mark: the items, the labels, or all tokens."""
    scale: float = 1.0
    """Tokens get scale times the learned vector, so that with Adam the mark moves at scale times the learning rate."""
    since: int = 0
    """Updates before the mark is there; it is zero and does not learn until then."""
    until: int | None = None
    """Updates after which the mark is zero again."""
    fixed_norm: float = 0.0
    """If not 0: a random direction of this length that does not learn, in the place of a vector that learns from 0."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.target not in ("items", "labels", "tokens"):
            raise ValueError(f"target must be one of items, labels, tokens, got {self.target!r}")
        if self.since < 0 or self.fixed_norm < 0:
            raise ValueError(f"since and fixed_norm must not be negative, got {self.since} and {self.fixed_norm}")
        if self.until is not None and self.until <= self.since:
            raise ValueError(f"until must be above since, {self.since}, got {self.until}")


def _build(model: ModelFacts, own: MarkedConfig) -> nn.Module:
    from icl_marked_tokens.transformer import MarkedTransformer

    return MarkedTransformer(model, own)


@hookimpl
def icl_register_sequence_models() -> list[SequenceModelSpec]:
    return [
        SequenceModelSpec(name="marked-transformer", build=_build, config=MarkedConfig, accepts=("num_heads",)),
    ]
