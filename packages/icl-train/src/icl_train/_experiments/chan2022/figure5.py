"""Figure 5: variation within a class, and burstiness."""

from __future__ import annotations

from icl_models import Axis, Claim, ExperimentSpec, Point
from icl_train._experiments.chan2022.sizes import CHAN_2022, laptop, omniglot28, paper

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
            {"data.n_rare_classes": 390},
            axes=(_GAUSSIAN_NOISE,),
            note="400 classes; variation is noise on the class vector; full: as much as there is between classes.",
        ),
    },
    claims=(
        Claim(
            says="What never varies is not learned in context where 9 sequences of 10 are bursty.",
            measure="fewshot_holdout",
            where={"variation": "none", "data.p_bursty": "0.9"},
            below=0.6,
            scales=("paper", "laptop"),
        ),
        Claim(
            says="Variation within classes raises in-context learning.",
            measure="fewshot_holdout",
            where={"variation": "full", "data.p_bursty": "0.9"},
            than={"variation": "none", "data.p_bursty": "0.9"},
            above=0.1,
            scales=("paper", "laptop"),
        ),
        Claim(
            says="Variation within classes lowers in-weights learning.",
            measure="no_support_zipfian",
            where={"variation": "none", "data.p_bursty": "0.9"},
            than={"variation": "full", "data.p_bursty": "0.9"},
            above=0.5,
            scales=("paper", "laptop"),
        ),
    ),
    figures=("figure5",),
)
