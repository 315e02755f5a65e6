"""Figure 6: skewed class frequencies."""

from __future__ import annotations

from icl_models import Axis, Claim, ExperimentSpec
from icl_train._experiments.chan2022.figure3 import AUGMENTED
from icl_train._experiments.chan2022.sizes import CHAN_2022, laptop, omniglot28, paper

__all__ = ["FIGURE6"]

_MEASURED = {"eval.evaluations": ["fewshot_holdout", "no_support_zipfian", "no_support_common", "no_support_rare"]}
# The common classes are the most frequent ones; the paper plots ten of them.
_TEN_COMMON = {**AUGMENTED.settings, "data.n_rare_classes": 12_790, "data.n_common_classes": 10}

FIGURE6 = ExperimentSpec(
    name="figure6",
    paper=CHAN_2022,
    section="figure 6: skewed class frequencies",
    tests="Under a Zipf law near exponent 1, one model learns in context, and common classes in weights.",
    axes=(Axis.of("data.zipf_exponent", 0.0, 0.5, 1.0, 1.5, 2.0, 3.0),),
    scales={
        "paper": paper({**_TEN_COMMON, **_MEASURED}),
        "omniglot28": omniglot28({**_TEN_COMMON, **_MEASURED}),
        "laptop": laptop(
            {**_MEASURED, "data.n_rare_classes": 8182, "train.max_steps": 2500},
            note="8,192 classes; with shared labels, chance of the in-weights accuracies is 1 in 32.",
        ),
    },
    claims=(
        Claim(
            says="At exponent 1 new classes are learned in context.",
            measure="fewshot_holdout",
            where={"data.zipf_exponent": "1"},
            above=0.8,
            scales=("paper", "laptop"),
        ),
        Claim(
            says="At exponent 1 the commonest classes are learned in weights.",
            measure="no_support_common",
            metric="accuracy_query",
            where={"data.zipf_exponent": "1"},
            above=0.8,
            scales=("paper", "laptop"),
        ),
        Claim(
            says="At exponent 1 rare classes are not learned in weights.",
            measure="no_support_rare",
            metric="accuracy_query",
            where={"data.zipf_exponent": "1"},
            below=0.1,
            scales=("paper", "laptop"),
        ),
        Claim(
            says="At exponent 2 nothing is learned in context.",
            measure="fewshot_holdout",
            where={"data.zipf_exponent": "2"},
            below=0.6,
            scales=("paper", "laptop"),
        ),
    ),
    figures=("figure6",),
)
