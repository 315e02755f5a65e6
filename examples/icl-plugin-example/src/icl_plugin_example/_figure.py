"""A figure of one's own: which runs it is about, and a function from their table to what is drawn."""

from icl_models import FigureSpec, hookimpl


def picture(table, *, band="range"):
    from icl_eval import curves_picture  # the plugin is used where icl-eval is not installed, too

    return curves_picture(
        table,
        name=GATE.name,
        title=GATE.title,
        measures=GATE.measures,
        hue="model.sequence_model_config.gated",
        column="data.p_bursty",
        band=band,
    )


GATE = FigureSpec(
    name="linear-attention-gate",
    title="In-context learning with and without the gate, beside its control with swapped labels",
    picture=picture,
    measures=("fewshot_holdout", "flipped"),
    varies=("model.sequence_model_config.gated", "data.p_bursty"),
    experiment="linear-attention-gate",
)


@hookimpl
def icl_register_figures():
    return [GATE]
