"""Figure 3 under weight decay: an extension of this project's."""

from __future__ import annotations

from icl_models import Axis, Claim, ExperimentSpec
from icl_train._experiments.chan2022.figure3 import gaussian_classes, omniglot_classes
from icl_train._experiments.chan2022.sizes import CHAN_2022, laptop, omniglot28, paper

__all__ = ["FIGURE3_ADAMW"]

_ADAMW = {"optim.optimizer": "adamw"}

FIGURE3_ADAMW = ExperimentSpec(
    name="figure3-adamw",
    paper=CHAN_2022,
    section="figure 3 with AdamW, which the paper does not have",
    tests="Whether decoupled weight decay moves what is learned from weights to context.",
    axes=(
        Axis(name="classes", points=(omniglot_classes(100), omniglot_classes(1600))),
        Axis.of("optim.weight_decay", 0.0, 3e-4, 1e-3, 3e-3, 1e-2),
    ),
    scales={
        "paper": paper(_ADAMW),
        "omniglot28": omniglot28(_ADAMW),
        "laptop": laptop(
            _ADAMW,
            axes=(
                Axis(name="classes", points=(gaussian_classes(100), gaussian_classes(1600))),
                Axis.of("optim.weight_decay", 0.0, 1.0, 3.0, 10.0),
            ),
        ),
    },
    claims=(
        Claim(
            says="Decay makes the weights smaller.",
            measure="weight_l2",
            where={"optim.weight_decay": "0.01"},
            than={"optim.weight_decay": "0"},
            below=0.0,
            scales=("paper", "omniglot28"),
        ),
        Claim(
            says="Decay makes the weights smaller.",
            measure="weight_l2",
            where={"optim.weight_decay": "10"},
            than={"optim.weight_decay": "0"},
            below=0.0,
            scales=("laptop",),
        ),
        Claim(
            says="Strong decay keeps few classes from being learned in weights.",
            measure="no_support_zipfian",
            where={"classes": "100", "optim.weight_decay": "0"},
            than={"classes": "100", "optim.weight_decay": "10"},
            above=0.5,
            scales=("laptop",),
        ),
        Claim(
            says="Decay stands in for many classes: with it, 100 classes are enough for in-context learning.",
            measure="fewshot_holdout",
            where={"classes": "100", "optim.weight_decay": "10"},
            above=0.6,
            tried={
                "laptop": "Decay that unlearns 100 classes leaves in-context learning at chance; so do a third and a "
                "tenth of it, under which they are learned in weights."
            },
        ),
    ),
    figures=("figure3-adamw",),
)
