"""Which runs a plan has: products, pairs, draws and seeds around one configuration."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icl_models import Axis, Point, Range
from icl_train import configurations, figure3a, laptop, planned, smoke

NUMBERS = {
    "data.p_bursty": st.floats(0, 1).map(lambda x: round(x, 3)),
    "optim.max_lr": st.floats(1e-5, 1e-1),
    "model.num_layers": st.integers(1, 30),
    "train.max_steps": st.integers(100, 10_000),
}
A_FEW = settings(max_examples=25, deadline=None)


def value_of(config, name):
    return config.flat()[name]


@st.composite
def axes(draw, *, length=None):
    names = draw(st.lists(st.sampled_from(sorted(NUMBERS)), min_size=1, max_size=3, unique=True))
    size = {"min_size": length or 1, "max_size": length or 3}
    return [Axis.of(name, *draw(st.lists(NUMBERS[name], unique_by="{:g}".format, **size))) for name in names]


@A_FEW
@given(axes(), st.lists(st.integers(0, 9), min_size=1, max_size=3, unique=True))
def test_a_product_has_every_combination_once_with_every_seed(varied, seeds):
    found = [
        (tuple(value_of(config, axis.name) for axis in varied), config.seeds.init, config.seeds.data)
        for config in configurations(smoke(), varied, seeds=seeds)
    ]
    wanted = [()]
    for axis in varied:
        wanted = [(*one, point.settings[axis.name]) for one in wanted for point in axis.points]
    assert found == [(one, seed, seed) for one in wanted for seed in seeds]


@A_FEW
@given(axes(length=3))
def test_pairs_take_the_first_values_together_and_so_on(varied):
    found = [
        tuple(value_of(config, axis.name) for axis in varied) for config in configurations(smoke(), varied, zipped=True)
    ]
    assert found == [tuple(axis.points[place].settings[axis.name] for axis in varied) for place in range(3)]


@A_FEW
@given(axes())
def test_all_else_is_as_it_was(varied):
    names = {axis.name for axis in varied}
    rest = {name: one for name, one in smoke().flat().items() if name not in names}
    for config in configurations(smoke(), varied):
        assert {name: one for name, one in config.flat().items() if name not in names} == rest


@A_FEW
@given(axes(), st.randoms())
def test_folders_are_called_the_same_whatever_the_order_of_the_axes(varied, random):
    plan = planned(smoke(), varied, seeds=(0, 1))
    shuffled = list(varied)
    random.shuffle(shuffled)
    assert sorted(planned(smoke(), shuffled, seeds=(0, 1)).names) == sorted(plan.names)


@A_FEW
@given(axes())
def test_labels_and_names_tell_all_runs_apart(varied):
    plan = planned(smoke(), varied, seeds=(0, 1))
    assert len(set(plan.labels)) == len(set(plan.names)) == len(plan.configs)


def test_draws_are_multiplied_with_points_and_seeds_and_are_the_same_at_each_point():
    drawn = Range(setting="optim.max_lr", low=1e-4, high=1e-2, log=True)
    configs = configurations(smoke(), [Axis.of("data.p_bursty", 0, 1)], ranges=[drawn], draws=3, seeds=(0, 1))
    rates = [config.optim.max_lr for config in configs]
    assert len(configs) == 2 * 3 * 2
    assert rates[:6] == rates[6:]
    assert len(set(rates)) == 3


def test_spellings_are_one_setting():
    written = [("--data.p-bursty", "1e0"), ("data.p_bursty", 1), ("data.p-bursty", "1.0")]
    plans = [planned(smoke(), [Axis.of(name, value)]) for name, value in written]
    assert {plan.names for plan in plans} == {plans[0].names}
    (short,) = configurations(smoke(), [Axis.of("max-steps", "1e3")])
    assert short.train.max_steps == 1000


@pytest.mark.parametrize(
    ("name", "values", "read"),
    [
        ("data.n_labels", ["None", "8"], [None, 8]),
        ("eval.steps", ["0,10", [0, 20], "None"], [[0, 10], [0, 20], None]),
        ("data.all_unique", ["false", True], [False, True]),
        ("data.context_order", ["shuffled", "Query-First"], ["shuffled", "query_first"]),
        ("model.sequence_model_config.mlp_layers", ["0", "None"], [[0], None]),
    ],
)
def test_values_are_of_the_settings_type(name, values, read):
    base = replace(smoke(), data=replace(smoke().data, sequence="fewshot_rare")) if "order" in name else smoke()
    if name == "data.all_unique":
        base = replace(smoke(), data=replace(smoke().data, sequence="random_rare"))
    assert [value_of(config, name) for config in configurations(base, [Axis.of(name, *values)])] == read


def test_another_component_gets_its_own_defaults():
    transformer, lstm = configurations(smoke(), [Axis.of("model.sequence_model", "transformer", "lstm")])
    assert transformer == smoke()
    assert (lstm.model.num_heads, type(lstm.model.sequence_model_config).__name__) == (None, "LSTMConfig")


def test_another_source_gets_its_embedder():
    configs = configurations(laptop(), [Axis.of("data.source", "gaussian", "symbolic")])
    assert [config.model.embedder for config in configs] == ["vector", "embedding"]


def test_what_was_asked_for_stays_with_every_source_and_component():
    asked = {"model.num_heads": 4, "data.dim": 16}
    base = replace(smoke(), model=replace(smoke().model, num_heads=4), data=replace(smoke().data, dim=16))
    points = (Point("a", {"model.sequence_model": "transformer"}), Point("b", {"data.source": "gaussian"}))
    for config in configurations(base, [Axis(name="kind", points=points)], fixed=asked):
        assert (config.model.num_heads, config.data.dim) == (4, 16)


def test_counts_that_were_asked_for_are_not_fitted_to_a_file(tmp_path):
    np.save(tmp_path / "many.npy", np.random.default_rng(0).normal(size=(90, 6, 4)).astype("float32"))
    base = replace(smoke(), data=replace(smoke().data, n_rare_classes=20))
    axis = Axis.of("data.source", str(tmp_path / "many.npy"))
    (fitted,) = configurations(base, [axis])
    (asked,) = configurations(base, [axis], fixed={"data.n_rare_classes": 20})
    assert (fitted.data.n_rare_classes, asked.data.n_rare_classes) == (71, 20)


def test_a_components_own_setting_goes_with_that_component_alone():
    asked = {"model.sequence_model_config.norm": "post"}
    own = replace(smoke().model.sequence_model_config, norm="post")
    base = replace(smoke(), model=replace(smoke().model, sequence_model_config=own))
    transformer, lstm = configurations(base, [Axis.of("model.sequence_model", "transformer", "lstm")], fixed=asked)
    assert transformer.model.sequence_model_config.norm == "post"
    assert not hasattr(lstm.model.sequence_model_config, "norm")


def test_pairs_may_leave_out_what_a_component_has_not():
    models = Axis.of("model.sequence_model", "transformer", "lstm")
    norms = Axis.of("model.sequence_model_config.norm", "post", "None")
    transformer, lstm = configurations(smoke(), [models, norms], zipped=True)
    assert transformer.model.sequence_model_config.norm == "post"
    assert lstm.model.sequence_model == "lstm"


def test_the_same_run_twice_is_there_once_and_told():
    plan = planned(smoke(), [Axis.of("data.p_bursty", "0.5", ".50", 1)])
    assert plan.labels == ("p_bursty 0.5, s0", "p_bursty 1, s0")
    assert plan.repeated == ("p_bursty 0.5, s0",)


def test_figure_3a_is_one_of_them():
    axis = Axis.of("data.n_rare_classes", 54, 20)
    assert configurations(smoke(), [axis], seeds=(0, 7)) == figure3a(smoke(), class_counts=(64, 30), seeds=(0, 7))


def test_initial_weights_that_are_varied_are_written_in_full(tmp_path):
    for name, content in (("a", b"1"), ("b", b"2")):
        (tmp_path / f"{name}.safetensors").write_bytes(content)
    files = [str(tmp_path / f"{name}.safetensors") for name in "ab"]
    plan = planned(smoke(), [Axis.of("train.init_from", *files)])
    assert all("#sha256:" in config.train.init_from for config in plan.configs)
    assert plan.labels == ("a.safetensors, s0", "b.safetensors, s0")


BURSTY = Axis.of("data.p_bursty", 0, 1)


@pytest.mark.parametrize(
    ("varied", "options", "message"),
    [
        ([], {}, "a sweep needs something to vary, got nothing"),
        ([Axis.of("data.p_bursty")], {}, "data.p_bursty must have at least one value"),
        ([Axis.of("data.p_busty", 1)], {}, "setting data.p_busty does not exist; did you mean data.p_bursty?"),
        ([BURSTY, Axis.of("data.p-bursty", 0.5)], {}, "data.p_bursty is varied twice"),
        ([BURSTY], {"fixed": {"data.p_bursty": 0.9}}, "data.p_bursty is varied, and cannot be set to 0.9"),
        ([BURSTY, Axis.of("model.emb_dim", 16)], {"zipped": True}, "equally many values, got data.p_bursty 2, mod"),
        ([Axis.of("seeds.init", 0, 1)], {"seeds": (0, 1)}, "seeds.init is set by the seeds of the runs"),
        ([BURSTY], {"seeds": ()}, "at least one seed"),
        ([BURSTY], {"draws": 2}, "2 draws need at least one range"),
        ([BURSTY], {"ranges": [Range(setting="optim.max_lr", low=0, high=1)]}, "say how often"),
        ([Axis.of("train.threads", 1, 2)], {}, "train.threads decides where a run is computed"),
        ([Axis.of("data.p_bursty", *range(10_001))], {}, "at most 10000 runs, got 10001: 10001 p_bursty"),
    ],
)
def test_what_cannot_be_varied_is_refused_with_the_reason(varied, options, message):
    with pytest.raises(ValueError) as caught:
        planned(smoke(), varied, **options)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_combination_that_cannot_be_is_named_with_how_many_there_are():
    varied = [Axis.of("data.p_bursty", 0, 1.5), Axis.of("model.sequence_model", "transformer", "lstm", "gru")]
    message = r"got 1\.5 \(in 3 of 6 combinations, the first: data\.p_bursty 1\.5, model\.sequence_model transformer\)$"
    with pytest.raises(ValueError, match=message):
        planned(smoke(), varied)


def test_a_value_that_none_can_have_is_refused_without_combinations():
    with pytest.raises(ValueError, match=r"^data\.p_bursty must be a number, got 'high'$"):
        planned(smoke(), [Axis.of("data.p_bursty", "high"), Axis.of("model.emb_dim", 16, 32)])


def test_a_setting_that_another_component_has_is_refused_with_the_component():
    varied = [
        Axis.of("model.sequence_model", "transformer", "lstm"),
        Axis.of("model.sequence_model_config.norm", "post"),
    ]
    with pytest.raises(ValueError, match=r"norm must be None for sequence_model 'lstm', got post \(in 1 of 2 comb"):
        planned(smoke(), varied)


def test_every_setting_of_a_run_can_be_varied_but_those_that_make_no_other_run():
    from icl_train._by_name.settings import settings_of
    from icl_train._settings.identity import NEUTRAL_SETTINGS

    flat = smoke().flat()
    for name in settings_of(smoke()):
        if name in NEUTRAL_SETTINGS:
            continue
        (config,) = configurations(smoke(), [Axis.of(name, flat[name])])
        assert json.dumps(config.flat()) == json.dumps(flat), name
