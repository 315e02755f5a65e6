"""Figure 4: labels per class."""

from __future__ import annotations

from icl_models import Axis, Claim, ExperimentSpec, Point
from icl_train._experiments.chan2022.sizes import CHAN_2022, laptop, omniglot28, paper

__all__ = ["FIGURE4", "LABELS"]


def _labels(count: int) -> Point:
    return Point(str(count), {"data.labeling_rare": "ordered" if count == 1 else f"ordered_polysemy{count}"})


LABELS = Axis(name="labels", points=tuple(map(_labels, (1, 2, 5, 10))))

FIGURE4 = ExperimentSpec(
    name="figure4",
    paper=CHAN_2022,
    section="figure 4: labels per class",
    tests="Whether more is learned in context, the more labels a class may have.",
    axes=(LABELS,),
    scales={
        "paper": paper(),
        "omniglot28": omniglot28(),
        "laptop": laptop(
            {"data.n_labels": None, "data.n_rare_classes": 790, "data.noise_scale": 1.0},
            note="800 classes with labels of their own, and examples that vary as much as classes do.",
        ),
    },
    claims=(
        Claim(
            says="Of classes with five labels more is learned in context than of those with one.",
            measure="fewshot_holdout",
            where={"labels": "5"},
            than={"labels": "1"},
            above=0.05,
            scales=("paper", "laptop"),
        ),
        Claim(
            says="Of classes with ten labels more is learned in context than of those with one.",
            measure="fewshot_holdout",
            where={"labels": "10"},
            than={"labels": "1"},
            above=0.05,
            scales=("paper",),
            tried={
                "laptop": "800 classes have 8,000 labels then, each the answer to 16 of 128,000 sequences: accuracy is "
                "still at chance. 100 classes with noise .1 are all learned in weights first."
            },
        ),
    ),
    figures=("figure4",),
)
