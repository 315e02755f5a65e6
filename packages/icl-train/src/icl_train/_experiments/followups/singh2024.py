"""Singh et al. 2024: how induction heads form, what each can do alone, and what they wait for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from icl_models import Axis, Claim, ExperimentSpec, Heads, Point, Scale

__all__ = ["SINGH2024"]

_HEADS = 8
_ALONE = "blocks.1.attention.heads:ablate,but={}"
_MEASURE = "novel_label_trained"


def _point(label: str, *interventions: str) -> Point:
    return Point(label, {"model.interventions": list(interventions) or None})


_SINGLE = tuple(_point(f"head {head} alone", _ALONE.format(head)) for head in range(_HEADS))
# The paper's clamps, each with one head of the second layer alone (section 4 and figure 5b).
_CLAMPS = (
    _point("previous token", _ALONE.format(0), "blocks.0.attention.weights.0:pattern=previous"),
    _point(
        "perfect layer 1",
        _ALONE.format(0),
        "blocks.0.attention.heads:ablate",
        "blocks.1.attention.weights.0:pattern=shifted",
    ),
    _point("perfect match", _ALONE.format(0), "blocks.1.attention.weights.0:pattern=induction"),
    _point("perfect copy", "blocks.1.attention.weights.0:copy"),
)


_CHECKPOINTS: Mapping[str, Any] = {"train.log_spaced_checkpoint_steps": 40}
_NOTHING, _ALONE_0, _PREVIOUS, _LAYER_1, _MATCH, _COPY = (
    {"given": label}
    for label in ("nothing", "head 0 alone", "previous token", "perfect layer 1", "perfect match", "perfect copy")
)
_LEARNED = math.log(2) / 2  # half of what answering one of two labels costs


def _learned_alone(head: int) -> Iterator[Claim]:
    where = {"given": f"head {head} alone"}
    yield Claim(
        says=f"Head {head} of layer 2 alone learns it.", measure=_MEASURE, where=where, above=0.95, scales=("laptop",)
    )
    yield _by_then(f"Head {head} alone learns it later than all heads together.", where, than=_NOTHING, above=1.0)


def _by_then(
    says: str,
    where: Mapping[str, str],
    *,
    than: Mapping[str, str] = _ALONE_0,
    above: float | None = None,
    below: float | None = None,
) -> Claim:
    """Of the update at which the loss is half of what the plateau costs, as a share of that of others."""
    return Claim(
        says=says,
        measure="loss",
        where=where,
        than=than,
        quotient=True,
        at="reached",
        level=_LEARNED,
        above=above,
        below=below,
        scales=("laptop",),
    )


SINGH2024 = ExperimentSpec(
    name="singh2024-induction",
    paper="Singh et al. 2024, What needs to go right for an induction head? (arXiv 2404.07129)",
    section="figures 3, 4b and 5b: the whole model, one head of layer 2 alone, and parts that are given",
    tests="Several induction heads form at once; each alone can do it, but later; given parts bring it earlier.",
    axes=(Axis(name="given", points=(_point("nothing"), *_SINGLE, *_CLAMPS)),),
    scales={
        "paper": Scale(
            preset="singh2024",
            settings={**_CHECKPOINTS, "optim.max_lr": 1e-5},
            seeds=(0, 1, 2),
            note="The paper's rate; Gaussian vectors in place of the features of its image network.",
        ),
        "laptop": Scale(
            preset="singh2024",
            settings={**_CHECKPOINTS, "train.max_steps": 12_500},
            seeds=(0, 1, 2),
            note="Ten times the paper's rate and 0.4 of its sequences.",
        ),
    },
    claims=(
        Claim(
            says="The loss stays on a plateau near log 2 = .69, of answering one of the two labels there.",
            measure="loss",
            where=_NOTHING,
            at=1200,
            above=0.6,
            below=0.85,
            scales=("laptop",),
        ),
        Claim(says="Then it drops.", measure="loss", where=_NOTHING, below=0.05, scales=("laptop",)),
        Claim(
            says="Labels that were never together in training are answered too.",
            measure="relabel",
            where=_NOTHING,
            above=0.9,
            scales=("laptop",),
        ),
        Claim(
            says="At least five of the eight heads of layer 2 are induction heads.",
            measure="induction",
            heads=Heads(layer=1, more_than=0.3, split=_MEASURE),
            where=_NOTHING,
            above=4.5,
            scales=("laptop",),
        ),
        Claim(
            says="The strongest previous-token head of layer 1 is one, in the mean over seeds.",
            measure="previous_token",
            heads=Heads(layer=0, split=_MEASURE),
            where=_NOTHING,
            above=0.6,
            scales=("laptop",),
        ),
        *(claim for head in range(_HEADS) for claim in _learned_alone(head)),
        _by_then("A perfect previous-token head brings it earlier.", _PREVIOUS, below=0.8),
        _by_then("A perfect layer 1 brings it earlier.", _LAYER_1, below=0.25),
        _by_then("A perfect layer 1 does more than one such head.", _LAYER_1, than=_PREVIOUS, below=0.5),
        _by_then("A perfect match brings it earlier.", _MATCH, below=0.25),
        _by_then("A perfect copy brings it earlier.", _COPY, below=0.5),
    ),
    figures=("singh2024-induction",),
)
