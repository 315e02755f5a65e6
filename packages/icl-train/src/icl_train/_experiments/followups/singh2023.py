"""Singh et al. 2023: in-context learning that comes and goes."""

from __future__ import annotations

from icl_models import Axis, Claim, ExperimentSpec, Scale
from icl_train._experiments.chan2022.figure3 import omniglot_classes
from icl_train._experiments.chan2022.sizes import omniglot28, paper
from icl_train._experiments.followups.singh2025 import LAPTOP, LAPTOP_NOTE

__all__ = ["SINGH2023"]

_BURSTY = {**omniglot_classes(1600).settings, "data.p_bursty": 1.0}

SINGH2023 = ExperimentSpec(
    name="singh2023-transience",
    paper="Singh et al. 2023, The Transient Nature of Emergent In-Context Learning in Transformers (arXiv 2311.08360)",
    section="in-context learning over long training, without and with L2 in the loss",
    tests="Whether in-context learning peaks and falls again in long training, and less so with L2 in the loss.",
    axes=(Axis.of("optim.l2", 0.0, 1e-4),),
    scales={
        "paper": paper({**_BURSTY, "train.max_steps": 5_000_000}, note="Ten times the updates of Chan et al. 2022."),
        "omniglot28": omniglot28(_BURSTY, note="Too short for the fall that the paper shows."),
        "laptop": Scale(
            preset="singh2025",
            settings=LAPTOP,
            axes=(Axis.of("optim.l2", 0.0, 1e-3),),
            seeds=(0, 1, 2),
            note=LAPTOP_NOTE,
        ),
    },
    claims=(
        Claim(
            says="In-context learning emerges.",
            measure="fewshot_holdout",
            where={"optim.l2": "0"},
            at="peak",
            above=0.7,
            scales=("paper", "laptop"),
        ),
        Claim(
            says="In-context learning is lost again.",
            measure="fewshot_holdout",
            where={"optim.l2": "0"},
            at="fall",
            above=0.08,
            scales=("paper", "laptop"),
        ),
        Claim(
            says="With L2 less of it is lost.",
            measure="fewshot_holdout",
            where={"optim.l2": "0"},
            than={"optim.l2": "0.0001"},
            at="fall",
            above=0.05,
            scales=("paper",),
        ),
        Claim(
            says="With L2 less of it is lost.",
            measure="fewshot_holdout",
            where={"optim.l2": "0"},
            than={"optim.l2": "0.001"},
            at="fall",
            above=0.03,
            scales=("laptop",),
        ),
        Claim(
            says="and less is learned in weights of what the context has the label of.",
            measure="ciwl",
            where={"optim.l2": "0"},
            than={"optim.l2": "0.001"},
            above=0.08,
            scales=("laptop",),
        ),
    ),
    figures=("transience",),
)
