"""Figure 7: transformers and recurrent models."""

from __future__ import annotations

from icl_models import Axis, Claim, ExperimentSpec, Point, Range
from icl_train._experiments.chan2022.sizes import CHAN_2022, laptop, omniglot28, paper

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
    Range(setting="optim.max_lr", low=5e-4, high=4e-3, log=True),
    Range(setting="optim.warmup_steps", choices=(200, 500, 1000)),
)
# As many units as make the parameters of a recurrent model as many as the transformer's, within a tenth: 100,096 in 2
# layers and 200,064 in 4, beside 99,846 and 218,182 of the RNN, 98,560 and 201,600 of the LSTM.
_LAPTOP_MODELS = Axis(
    name=MODELS.name,
    points=(
        Point("transformer", {"model.sequence_model": "transformer", "model.num_heads": 4, "model.hidden_size": None}),
        Point("rnn", {"model.sequence_model": "vanilla_rnn", "model.num_heads": None, "model.hidden_size": 172}),
        Point("lstm", {"model.sequence_model": "lstm", "model.num_heads": None, "model.hidden_size": 80}),
    ),
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
        "laptop": laptop(
            axes=(_LAPTOP_MODELS, Axis.of("model.num_layers", 2, 4)),
            draws=2,
            ranges=_LAPTOP_RANGES,
            note="2 and 4 layers, 2 draws; models of as many parameters as the transformer. " + _RANGES_NOTE,
        ),
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
            scales=("paper", "laptop"),
        ),
        Claim(
            says="No LSTM learns in context.",
            measure="fewshot_holdout",
            where={"model.sequence_model": "lstm"},
            over="best",
            below=0.6,
            scales=("paper", "laptop"),
        ),
        Claim(
            says="Over all draws, transformers learn more in context than RNNs.",
            measure="fewshot_holdout",
            where={"model.sequence_model": "transformer"},
            than={"model.sequence_model": "rnn"},
            above=0.3,
            scales=("laptop",),
        ),
        Claim(
            says="Over all draws, transformers learn more in context than LSTMs.",
            measure="fewshot_holdout",
            where={"model.sequence_model": "transformer"},
            than={"model.sequence_model": "lstm"},
            above=0.3,
            scales=("laptop",),
        ),
    ),
    figures=("figure7",),
)
