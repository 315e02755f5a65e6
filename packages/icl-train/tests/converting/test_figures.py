"""Configurations with the values of the paper's figures, converted: the runs of our experiments, field by field."""

import pytest
from released_configs import released_config

from icl_train._converting.reading import read_released
from icl_train._converting.settings import converted
from icl_train._experiments.built_in import icl_register_experiments
from icl_train._experiments.runs import experiment_runs
from icl_train.presets import chan2022

EXPERIMENTS = {spec.name: spec for spec in icl_register_experiments()}

# What the released code does and the presets, which follow the paper, do not.
AS_RELEASED = {"data.protocol", "eval.protocol"}
ON_PURPOSE = {"preset", "eval.evaluations", *AS_RELEASED}

EIGHTFOLD = {"rare": 12_700, "common": 100, "holdout": 80, "augment": True, "block": "TURNS"}
FIGURES = {
    "figure2": [({"data.p_bursty": str(p)}, {"rare": 1590, "p_bursty": p}) for p in (0, 0.5, 0.9, 1)],
    "figure3": [
        ({"classes": "100"}, {"rare": 90}),
        ({"classes": "1600"}, {"rare": "1623 - 33"}),
        ({"classes": "12800"}, EIGHTFOLD),
    ],
    "figure3-adamw": [
        (
            {"classes": "100", "optim.weight_decay": "0.001"},
            {
                "rare": 90,
                "optimizer": "dict(name='adamw', kwargs=dict(weight_decay=1e-3), max_lr=3e-4, warmup_steps=4000)",
            },
        )
    ],
    "figure4": [({"labels": "1"}, {}), ({"labels": "5"}, {"labeling": "ordered_polysemy5"})],
    "figure5": [
        ({"variation": "none", "data.p_bursty": "0.5"}, {"exemplars": "single", "p_bursty": 0.5}),
        ({"variation": "noise .1", "data.p_bursty": "0.9"}, {"exemplars": "single", "noise": 0.1}),
        ({"variation": "full", "data.p_bursty": "1"}, {"p_bursty": 1.0}),
    ],
    "figure6": [
        ({"data.zipf_exponent": str(z)}, EIGHTFOLD | {"rare": 12_790, "common": 10, "zipf": z}) for z in (0, 0.5, 2)
    ],
    "figure7": [
        ({"model.sequence_model": "lstm", "model.num_layers": "2"}, {"model": "lstm", "layers": 2}),
        ({"model.sequence_model": "rnn", "model.num_layers": "12"}, {"model": "vanilla_rnn"}),
        ({"model.sequence_model": "transformer", "model.num_layers": "2"}, {"layers": 2}),
    ],
}
CASES = [(figure, where, different) for figure, cases in FIGURES.items() for where, different in cases]
NAMES = ["-".join([figure, *where.values()]) for figure, where, _ in CASES]


def convert(tmp_path, devices=1, **different):
    file = tmp_path / "config.py"
    file.write_text(released_config(**different))
    return converted(read_released(file), devices=devices)


def differences(one, other):
    one, other = one.flat(), other.flat()
    return {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}


def test_the_main_configuration_is_the_preset(tmp_path):
    made = convert(tmp_path)
    assert differences(made.config(), chan2022()) == ON_PURPOSE
    assert not made.lost


@pytest.mark.parametrize(("figure", "where", "different"), CASES, ids=NAMES)
def test_a_configuration_of_a_figure_is_the_run_of_the_experiment(figure, where, different, tmp_path):
    made = convert(tmp_path, devices=16, **different)
    runs = experiment_runs(EXPERIMENTS[figure], "paper")
    drawn = {"optim.max_lr", "optim.warmup_steps"} if figure == "figure7" else set()
    (run, *_) = [run for run in runs if where.items() <= run.where.items() and run.seed == 0]
    protocols = {"eval.protocol"} if "labels" in where and where["labels"] != "1" else AS_RELEASED
    assert differences(made.config(), run.config) - drawn == {"preset", "eval.evaluations", *protocols}
    assert not made.lost


def test_small_images_are_the_scale_of_28_pixels(tmp_path):
    made = convert(tmp_path, devices=16, rare=90, downsample=True, steps=5e4)
    runs = experiment_runs(EXPERIMENTS["figure3"], "omniglot28")
    (run, *_) = [run for run in runs if run.where["classes"] == "100" and run.seed == 0]
    assert differences(made.config(), run.config) == ON_PURPOSE


def test_batch_statistics_are_over_the_share_of_a_device(tmp_path):
    config = convert(tmp_path, devices=16).config()
    assert config.model.embedder_config.sequences_per_statistics == 2
