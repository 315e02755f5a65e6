"""Every built-in experiment keeps the contract at every scale, and at scale paper it is the paper's."""

import pytest

from icl_models import find_experiment, known_experiments
from icl_train import PRESETS, experiment_runs
from icl_train._experiments.built_in import icl_register_experiments
from icl_train.testing import ExperimentConformance

BUILT_IN = {spec.name: spec for spec in icl_register_experiments()}
CHAN = [name for name, spec in BUILT_IN.items() if spec.paper.startswith("Chan et al. 2022")]
ON_OMNIGLOT = [*CHAN, "singh2023-transience"]


@pytest.mark.parametrize("name", BUILT_IN)
class TestBuiltIn(ExperimentConformance):
    @pytest.fixture(autouse=True)
    def named(self, name, monkeypatch):
        monkeypatch.setattr(type(self), "name", name, raising=False)


def settings(name, scale):
    """Of each run, the settings in which it departs from what the scale starts from."""
    start = PRESETS[BUILT_IN[name].scales[scale].preset]().flat()
    departures = []
    for run in experiment_runs(BUILT_IN[name], scale):
        flat = run.config.flat()
        departures.append({key: value for key, value in flat.items() if value != start.get(key)})
    return departures


def test_they_are_registered_by_the_hook():
    assert set(BUILT_IN) <= set(known_experiments())
    assert find_experiment("figure2") == BUILT_IN["figure2"]


@pytest.mark.parametrize("name", BUILT_IN)
def test_all_have_the_paper_a_laptop_and_where_there_are_images_small_ones(name):
    assert list(BUILT_IN[name].scales) == ["paper", *(["omniglot28"] if name in ON_OMNIGLOT else []), "laptop"]


@pytest.mark.parametrize("name", CHAN)
def test_at_scale_paper_a_run_is_the_papers_but_for_its_axes_seeds_and_what_16_devices_do(name):
    varied = {key for axis in BUILT_IN[name].axes for key in axis.settings}
    own = {key for key in BUILT_IN[name].scales["paper"].settings if key.startswith(("data.", "optim.", "eval."))}
    drawn = {one.setting for one in BUILT_IN[name].scales["paper"].ranges}
    free = varied | own | drawn | {"seeds.init", "seeds.data", "model.embedder_config.sequences_per_statistics"}
    for departs in settings(name, "paper"):
        strange = {key for key in departs if key not in free and not key.startswith("model.sequence_model_config.")}
        assert strange == set()
        assert departs["model.embedder_config.sequences_per_statistics"] == 2


@pytest.mark.parametrize("name", ON_OMNIGLOT)
def test_at_scale_omniglot28_images_are_small_and_updates_at_most_50_000(name):
    for run in experiment_runs(BUILT_IN[name], "omniglot28"):
        assert run.config.data.downsample
        assert run.config.train.max_steps <= 50_000


@pytest.mark.parametrize("name", BUILT_IN)
def test_at_scale_laptop_nothing_is_to_be_downloaded(name):
    assert {run.config.data.source for run in experiment_runs(BUILT_IN[name], "laptop")} == {"gaussian"}


def values(name, *keys, scale="paper"):
    flat = [run.config.flat() for run in experiment_runs(BUILT_IN[name], scale) if run.seed == 0]
    return [tuple(one[key] for key in keys) if len(keys) > 1 else one[keys[0]] for one in flat]


def test_figure_2_varies_burstiness_over_1600_characters():
    assert values("figure2", "data.p_bursty") == [0.0, 0.5, 0.9, 1.0]
    assert set(values("figure2", "data.n_rare_classes", "data.n_common_classes", "data.n_holdout_classes")) == {
        (1590, 10, 10)
    }


@pytest.mark.parametrize("scale", ["paper", "omniglot28"])
def test_figure_2_has_the_run_of_figure_3_with_1600_classes(scale):
    seeds = BUILT_IN["figure2"].scales[scale].seeds
    assert len(digests("figure2", scale) & digests("figure3", scale)) == len(seeds)


def test_figure_3_has_the_papers_class_splits():
    keys = [f"data.n_{kind}_classes" for kind in ("rare", "common", "holdout")]
    assert values("figure3", *keys, "data.augment") == [
        (90, 10, 10, False),
        (1590, 10, 10, False),
        (12_700, 100, 80, True),
    ]


def test_figure_3_with_adamw_crosses_classes_and_decay():
    assert values("figure3-adamw", "data.n_rare_classes", "optim.weight_decay") == [
        (rare, decay) for rare in (90, 1590) for decay in (0.0, 3e-4, 1e-3, 3e-3, 1e-2)
    ]
    assert set(values("figure3-adamw", "optim.optimizer")) == {"adamw"}


def test_figure_4_has_one_two_five_and_ten_labels_a_class():
    assert [run.config.data.multiplicity for run in experiment_runs(BUILT_IN["figure4"], "paper") if run.seed == 0] == [
        1,
        2,
        5,
        10,
    ]


def test_figure_5_crosses_variation_and_burstiness():
    assert values("figure5", "data.exemplars", "data.noise_scale", "data.p_bursty") == [
        (exemplars, noise, p_bursty)
        for exemplars, noise in (("single", None), ("single", 0.1), ("single", 0.5), ("all", None))
        for p_bursty in (0.5, 0.9, 1.0)
    ]


def test_figure_6_varies_the_zipf_exponent_over_12_800_classes_of_which_ten_are_common():
    assert values("figure6", "data.zipf_exponent") == [0.0, 0.5, 1.0, 1.5, 2.0, 3.0]
    assert set(values("figure6", "data.n_rare_classes", "data.n_common_classes", "data.augment")) == {
        (12_790, 10, True)
    }


def test_figure_7_draws_the_same_fifteen_hyper_parameters_for_each_architecture_and_depth():
    found = values("figure7", "model.sequence_model", "model.num_layers", "optim.max_lr", "optim.warmup_steps")
    by_place = {}
    for model, layers, *drawn in found:
        by_place.setdefault((model, layers), []).append(drawn)
    assert set(by_place) == {(model, layers) for model in ("transformer", "vanilla_rnn", "lstm") for layers in (2, 12)}
    first = next(iter(by_place.values()))
    assert len(first) == 15
    assert all(drawn == first for drawn in by_place.values())


def test_transience_is_trained_ten_times_as_long_with_and_without_l2():
    assert values("singh2023-transience", "optim.l2", "train.max_steps") == [(0.0, 5_000_000), (1e-4, 5_000_000)]
    assert set(values("singh2023-transience", "data.n_rare_classes")) == {1590}  # 1,600 classes, as Singh et al. 2023 say


def digests(name, scale):
    return {run.config.digest() for run in experiment_runs(BUILT_IN[name], scale)}


@pytest.mark.parametrize("scale", ["paper", "omniglot28", "laptop"])
def test_the_trade_off_is_seen_in_the_very_runs_of_figure_2(scale):
    assert digests("tradeoff", scale) == digests("figure2", scale)


def test_on_a_laptop_experiments_share_the_runs_that_they_have_in_common():
    assert len(digests("figure2", "laptop") & digests("figure3", "laptop")) == len(
        BUILT_IN["figure2"].scales["laptop"].seeds
    )
