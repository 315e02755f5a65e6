"""An experiment of one's own: what is varied, at which sizes, and what should come out."""

from icl_models import Axis, Claim, ExperimentSpec, Scale, hookimpl

ATTENTION = {"model.sequence_model": "linear-attention"}

GATE = ExperimentSpec(
    name="linear-attention-gate",
    paper="Katharopoulos et al. 2020, Transformers are RNNs (arXiv 2006.16236)",
    section="equations 5 to 9, with a gate of our own",
    tests="The gate of linear attention changes what is learned in context.",
    axes=(
        Axis.of("model.sequence_model_config.gated", True, False),
        Axis.of("data.p_bursty", 0.5, 1.0),
    ),
    scales={
        "laptop": Scale(preset="laptop", settings=ATTENTION, seeds=(0, 1, 2)),
        "smoke": Scale(preset="smoke", settings=ATTENTION, note="Seconds: shows that it runs, and nothing else."),
    },
    claims=(
        Claim(
            says="In forty updates nothing is learned in context.",
            measure="fewshot_holdout",
            where={"data.p_bursty": "1"},
            below=0.7,
            scales=("smoke",),
            tried={"laptop": "5,000 updates are not forty"},
        ),
    ),
    figures=("linear-attention-gate",),
)


@hookimpl
def icl_register_experiments():
    return [GATE]
