"""Figure 7: transformers and recurrent models."""

from __future__ import annotations

from icl_models import Axis, Claim, ExperimentSpec, Point, Range
from icl_train._experiments.sizes import CHAN_2022, laptop, omniglot28, paper

__all__ = ["FIGURE7"]

MODELS = Axis(
    name="model.sequence_model",
    points=(
        Point("transformer", {"model.sequence_model": "transformer"}),
        Point("rnn", {"model.sequence_model": "vanilla_rnn"}),
        Point("lstm", {"model.sequence_model": "lstm"}),
    ),
)
_RANGES = (
    Range(setting="optim.max_lr", low=1e-4, high=1e-3, log=True),
    Range(setting="optim.warmup_steps", choices=(1000, 4000, 10_000)),
)
_LAPTOP_RANGES = (
    Range(setting="optim.max_lr", low=3e-4, high=3e-3, log=True),
    Range(setting="optim.warmup_steps", choices=(500, 1000, 2000)),
)
_RANGES_NOTE = "The ranges are this project's: the paper says how many draws there were, not from what."

FIGURE7 = ExperimentSpec(
    name="figure7",
    paper=CHAN_2022,
    section="figure 7: architectures",
    tests="Transformers learn in context, recurrent models of as many layers do not.",
    axes=(MODELS, Axis.of("model.num_layers", 2, 12)),
    scales={
        "paper": paper(draws=15, ranges=_RANGES, seeds=(0,), note=_RANGES_NOTE),
        "omniglot28": omniglot28(draws=15, ranges=_RANGES, note=_RANGES_NOTE),
        "laptop": laptop(axes=(Axis.of("model.num_layers", 2),), draws=3, ranges=_LAPTOP_RANGES, note=_RANGES_NOTE),
    },
    claims=(
        Claim(
            says="The best transformer learns in context.",
            measure="fewshot_holdout",
            where={"model.sequence_model": "transformer", "model.num_layers": "12"},
            over="best",
            above=0.75,
            scales=("paper",),
        ),
        Claim(
            says="The best transformer learns in context.",
            measure="fewshot_holdout",
            where={"model.sequence_model": "transformer", "model.num_layers": "2"},
            over="best",
            above=0.75,
            scales=("laptop",),
        ),
        Claim(
            says="No RNN learns in context.",
            measure="fewshot_holdout",
            where={"model.sequence_model": "rnn"},
            over="best",
            below=0.6,
            scales=("paper",),
        ),
        Claim(
            says="No LSTM learns in context.",
            measure="fewshot_holdout",
            where={"model.sequence_model": "lstm"},
            over="best",
            below=0.6,
            scales=("paper",),
        ),
    ),
    figures=("figure7",),
)
