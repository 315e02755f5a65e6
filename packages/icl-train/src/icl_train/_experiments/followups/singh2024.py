"""Singh et al. 2024: how induction heads form, what each can do alone, and what they wait for."""

from __future__ import annotations

from collections.abc import Mapping

from icl_models import Axis, ExperimentSpec, Point, Scale

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


def _at(label: str) -> Mapping[str, str]:
    return {"given": label}


SINGH2024 = ExperimentSpec(
    name="singh2024-induction",
    paper="Singh et al. 2024, What needs to go right for an induction head? (arXiv 2404.07129)",
    section="figures 3, 4b and 5b: the whole model, one head of layer 2 alone, and parts that are given",
    tests="Several induction heads form at once, each can do it alone but later, and given parts bring it earlier.",
    axes=(Axis(name="given", points=(_point("nothing"), *_SINGLE, *_CLAMPS)),),
    scales={
        "paper": Scale(
            preset="singh2024",
            settings={"optim.max_lr": 1e-5},
            seeds=(0, 1, 2),
            note="The paper's rate; Gaussian vectors in place of the features of its image network.",
        ),
        "laptop": Scale(
            preset="singh2024",
            settings={"train.max_steps": 12_500},
            seeds=(0, 1, 2),
            note="Ten times the paper's rate and 0.4 of its sequences.",
        ),
    },
    claims=(),
    figures=("singh2024-induction",),
)
