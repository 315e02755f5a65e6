"""The trade-off: in-context against in-weights learning, one path a run."""

from __future__ import annotations

from icl_models import Claim, ExperimentSpec
from icl_train._experiments.chan2022.figure2 import BURSTINESS, FIGURE2
from icl_train._experiments.chan2022.sizes import CHAN_2022

__all__ = ["TRADEOFF"]

TRADEOFF = ExperimentSpec(
    name="tradeoff",
    paper=CHAN_2022,
    section="the curves of figures 2a and 2b against each other",
    tests="While a model is trained, what it gains in context it loses, or never gains, in weights.",
    axes=(BURSTINESS,),
    scales=FIGURE2.scales,  # the very runs of figure 2, which are not trained twice
    claims=(
        Claim(
            says="Where most is learned in context, least is learned in weights.",
            measure="no_support_zipfian",
            where={"data.p_bursty": "1"},
            below=0.2,
            scales=("paper", "laptop"),
        ),
    ),
    figures=("tradeoff",),
)
