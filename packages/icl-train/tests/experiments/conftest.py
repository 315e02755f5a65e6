"""An experiment of a plugin, of runs that take seconds."""

import pytest

EXPERIMENT = """
from icl_models import Axis, Claim, ExperimentSpec, Heads, Point, Range, Scale, hookimpl

SHORT = {{"train.max_steps": 20, "eval.batches": 1}}
RATE = Range(setting="optim.max_lr", low=1e-4, high=1e-2, log=True)

def width(label, emb_dim):
    return Point(label, {{"model.emb_dim": emb_dim}})

@hookimpl
def icl_register_experiments():
    return [ExperimentSpec(
        name="mine", paper="Nobody 2026", section="figure 1", tests="Width matters.",
        axes=(
            Axis(name="width", points=(width("narrow", 8), width("wide one", 32)), others=(width("wider", 64),)),
            Axis.of("data.p_bursty", 0.0, 1.0),
        ),
        scales={{
            "small": Scale(
                preset={preset!r}, settings=SHORT | {{{setting!r}: 8}}, axes=(Axis.of("data.p_bursty", 1.0),)
            ),
            "drawn": Scale(preset="smoke", settings=SHORT, seeds=(0, 1), draws=3, ranges=(RATE,)),
        }},
        claims=(
            Claim(says="It trains.", measure="weight_l2", where={{"width": "narrow"}}, above=0.0, scales=("small",)),
            Claim(says="A head copies.", measure="induction", heads=Heads(layer={layer}, more_than=0.3),
                  where={{"width": "narrow"}}, above=0.0, scales=("small",)),
        ),
        figures=("figure3a",),
    )]
"""


@pytest.fixture
def mine(plugins):
    """Installs the experiment ``mine``, with another preset, setting or layer of heads where given."""

    def install(preset="smoke", setting="data.dim", layer=0):
        plugins.install("mine", EXPERIMENT.format(preset=preset, setting=setting, layer=layer))

    return install
