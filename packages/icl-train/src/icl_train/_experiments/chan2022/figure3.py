"""Figure 3: the number of classes."""

from __future__ import annotations

from icl_models import Axis, Claim, ExperimentSpec, Point
from icl_train._experiments.chan2022.sizes import CHAN_2022, laptop, omniglot28, paper

__all__ = ["AUGMENTED", "CLASSES", "FIGURE3", "gaussian_classes", "omniglot_classes"]

_COMMON = 10

AUGMENTED = Point(
    "12800",
    {"data.augment": True, "data.n_rare_classes": 12_700, "data.n_common_classes": 100, "data.n_holdout_classes": 80},
)
"""All that eight turns and flips of Omniglot's characters give."""


def omniglot_classes(count: int) -> Point:
    """So many of Omniglot's characters: 10 of them common, and 10 others held out."""
    return Point(
        str(count),
        {"data.n_rare_classes": count - _COMMON, "data.n_common_classes": _COMMON, "data.n_holdout_classes": 10},
    )


def gaussian_classes(count: int) -> Point:
    """So many Gaussian classes, 10 of them common; as many are held out as the preset holds out."""
    return Point(str(count), {"data.n_rare_classes": count - _COMMON, "data.n_common_classes": _COMMON})


CLASSES = Axis(
    name="classes",
    points=(omniglot_classes(100), omniglot_classes(1600), AUGMENTED),
    others=tuple(map(omniglot_classes, (200, 400, 800))),
)
_SWEEP = Axis(name="classes", points=tuple(map(omniglot_classes, (100, 200, 400, 800, 1600))), others=(AUGMENTED,))
_GAUSSIAN = Axis(name="classes", points=tuple(map(gaussian_classes, (100, 400, 1600))))

FIGURE3 = ExperimentSpec(
    name="figure3",
    paper=CHAN_2022,
    section="figure 3: number of classes",
    tests="The more classes there are, the more is learned in context, and the less in weights.",
    axes=(CLASSES,),
    scales={
        "paper": paper(),
        "omniglot28": omniglot28(
            axes=(_SWEEP,),
            note="Class counts without augmentation; of 1,600 classes less is learned in context than at 105 x 105.",
        ),
        "laptop": laptop(axes=(_GAUSSIAN,)),
    },
    claims=(
        Claim(
            says="Few classes are not learned in context.",
            measure="fewshot_holdout",
            where={"classes": "100"},
            below=0.6,
            scales=("paper", "omniglot28", "laptop"),
        ),
        Claim(
            says="Few classes are learned in weights.",
            measure="no_support_zipfian",
            where={"classes": "100"},
            above=0.9,
            scales=("paper", "omniglot28", "laptop"),
        ),
        Claim(
            says="From many classes in-context learning emerges.",
            measure="fewshot_holdout",
            where={"classes": "12800"},
            above=0.85,
            scales=("paper",),
        ),
        Claim(
            says="Many classes are not learned in weights.",
            measure="no_support_zipfian",
            where={"classes": "12800"},
            below=0.1,
            scales=("paper",),
        ),
        Claim(
            says="From 1,600 classes in-context learning emerges.",
            measure="fewshot_holdout",
            where={"classes": "1600"},
            above=0.6,
            scales=("paper", "laptop"),
            tried={"omniglot28": "At 28 x 28 only some seeds learn in context, at best less than at 105 x 105."},
        ),
        Claim(
            says="Of 1,600 classes little is learned in weights.",
            measure="no_support_zipfian",
            where={"classes": "1600"},
            below=0.35,
            scales=("paper", "omniglot28", "laptop"),
        ),
    ),
    figures=("figure3", "figure3a", "figure3b"),
)
