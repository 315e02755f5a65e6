"""Figure 5: variation within a class, and burstiness."""

from __future__ import annotations

from icl_models import Axis, Claim, ExperimentSpec, Point
from icl_train._experiments.sizes import CHAN_2022, laptop, omniglot28, paper

__all__ = ["FIGURE5", "VARIATION"]

_SINGLE = {"data.exemplars": "single"}

VARIATION = Axis(
    name="variation",
    points=(
        Point("none", _SINGLE),
        Point("noise .1", {**_SINGLE, "data.noise_scale": 0.1}),
        Point("noise .5", {**_SINGLE, "data.noise_scale": 0.5}),
        Point("full", {"data.exemplars": "all"}),
    ),
)
_GAUSSIAN_NOISE = Axis(
    name="variation",
    points=(
        Point("none", {"data.noise_scale": 0.0}),
        Point("noise .1", {"data.noise_scale": 0.1}),
        Point("noise .5", {"data.noise_scale": 0.5}),
        Point("full", {"data.noise_scale": 1.0}),
    ),
)

FIGURE5 = ExperimentSpec(
    name="figure5",
    paper=CHAN_2022,
    section="figure 5: variation within a class",
    tests="The more the examples of a class vary, the more is learned in context.",
    axes=(VARIATION, Axis.of("data.p_bursty", 0.5, 0.9, 1.0)),
    scales={
        "paper": paper(),
        "omniglot28": omniglot28(),
        "laptop": laptop(
            axes=(_GAUSSIAN_NOISE,),
            note="Variation is noise on the class vector; full: as much as between classes.",
        ),
    },
    claims=(
        Claim(
            says="What never varies is learned in weights alone.",
            measure="fewshot_holdout",
            where={"variation": "none"},
            below=0.6,
            scales=("paper",),
        ),
        Claim(
            says="With full variation more is learned in context than without any.",
            measure="fewshot_holdout",
            where={"variation": "full", "data.p_bursty": "1"},
            than={"variation": "none", "data.p_bursty": "1"},
            above=0.15,
            scales=("paper",),
        ),
    ),
    figures=("figure5",),
)
