"""Figure 2: burstiness."""

from __future__ import annotations

from icl_models import Axis, Claim, ExperimentSpec
from icl_train._experiments.chan2022.figure3 import omniglot_classes
from icl_train._experiments.chan2022.sizes import CHAN_2022, laptop, omniglot28, paper

__all__ = ["BURSTINESS", "FIGURE2"]

BURSTINESS = Axis.of("data.p_bursty", 0.0, 0.5, 0.9, 1.0)
_CLASSES = omniglot_classes(1600).settings  # so that p = .9 is the very run of figure 3

FIGURE2 = ExperimentSpec(
    name="figure2",
    paper=CHAN_2022,
    section="figure 2: burstiness",
    tests="The more of the training sequences are bursty, the more is learned in context, and the less in weights.",
    axes=(BURSTINESS,),
    scales={"paper": paper(_CLASSES), "omniglot28": omniglot28(_CLASSES), "laptop": laptop()},
    claims=(
        Claim(
            says="Without bursts nothing is learned in context.",
            measure="fewshot_holdout",
            where={"data.p_bursty": "0"},
            below=0.6,
            scales=("paper", "laptop"),
        ),
        Claim(
            says="With bursts in every sequence new classes are learned in context.",
            measure="fewshot_holdout",
            where={"data.p_bursty": "1"},
            above=0.7,
            scales=("paper", "laptop"),
        ),
        Claim(
            says="Bursts raise in-context learning.",
            measure="fewshot_holdout",
            where={"data.p_bursty": "1"},
            than={"data.p_bursty": "0"},
            above=0.2,
            scales=("paper", "laptop"),
        ),
        Claim(
            says="Bursts lower in-weights learning.",
            measure="no_support_zipfian",
            where={"data.p_bursty": "0"},
            than={"data.p_bursty": "1"},
            above=0.5,
            scales=("paper", "laptop"),
        ),
    ),
    figures=("figure2",),
)
