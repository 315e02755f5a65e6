"""Settings as files hold them: what has another type is refused by the setting's name; what is right comes back."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from icl_models import component_owner, find_experiment, known_experiments
from icl_train import PRESETS, RunConfig, RunError, RunFolder, experiment_runs, smoke
from icl_train._settings.plain_value import value_of_type

NAMES = {part for name in RunConfig().flat() for part in (name, name.rpartition(".")[0]) if part} | {"config"}


def with_setting(name, value):
    config = smoke().to_dict()
    group = config
    *groups, last = name.split(".")
    for one in groups:
        group = group[one]
    group[last] = value
    return config


WRONG = [
    ("train.max_steps", 54.5, "train.max_steps must be a whole number, got 54.5"),
    ("train.max_steps", float("inf"), "train.max_steps must be a whole number, got Infinity"),
    ("train.max_steps", True, "train.max_steps must be a whole number, got true"),
    ("train.max_steps", "40", 'train.max_steps must be a whole number, got "40"'),
    ("train.max_steps", None, "train.max_steps must be a whole number, got null"),
    ("train.max_steps", 10**15, "train.max_steps must be at most 2147483647, got 1000000000000000"),
    ("train.batch_size", 10**12, "train.batch_size must be at most 2147483647, got 1000000000000"),
    ("train.threads", -5, "train.threads must be from 1 to 4096, got -5"),
    ("train.threads", [1], "train.threads must be a whole number or null, got a list"),
    ("train.device", None, "train.device must be a text, got null"),
    ("train.tracker_config", {}, "train.tracker must be a text, got null"),
    ("model.num_layers", 10**9 * 3, "model.num_layers must be at most 2147483647, got 3000000000"),
    ("model.num_layers", -1, "model.num_layers must be at least 1, got -1"),
    ("model.num_heads", 0, "model.num_heads must be at least 1, got 0"),
    ("model.dropout_prob", 1, r"model.dropout_prob must be in [0, 1), got 1"),
    ("model.embedder", 3, "model.embedder must be a text, got 3"),
    ("model.embedder", "nope", "model.embedder: embedder must be one of"),
    ("model.embedder_config", "wide", 'model.embedder_config must be a group of settings or null, got "wide"'),
    ("model.sequence_model_config.norm", 1, "model.sequence_model_config.norm must be one of pre, post, got 1"),
    ("model.sequence_model_config.mlp_layers", [0.5], "mlp_layers[0] must be a whole number, got 0.5"),
    ("model.sequence_model_config.num_positions", 3, "model.sequence_model_config: num_positions must be None"),
    ("model.concatenate_labels", 1, "model.concatenate_labels must be true or false, got 1"),
    ("data.n_rare_classes", 10**18, "data.n_rare_classes must be at most 2147483647, got 1000000000000000000"),
    ("data.zipf_exponent", False, "data.zipf_exponent must be a number, got false"),
    ("data.zipf_exponent", -(10**400), "data.zipf_exponent must be a number, got -1000"),
    ("data.zipf_exponent", -(10**20), "data.zipf_exponent must be at least -2147483647, got -1000"),
    ("data.sequence", None, "data.sequence must be one of bursty"),
    ("data.omniglot", {}, "data.omniglot must be a path or null, got an object"),
    ("data.colour", 1, "settings must be ones that this version knows, got data.colour"),
    ("eval.steps", [1, "2"], 'eval.steps[1] must be a whole number, got "2"'),
    ("eval.steps", 5, "eval.steps must be a list or null, got 5"),
    ("eval.evaluations", "flip", 'eval.evaluations must be a list or null, got "flip"'),
    ("seeds.data", 1e3, "seeds.data must be a whole number, got 1000.0"),
    ("data", [], "data must be a group of settings, got a list"),
    ("model", None, "model must be a group of settings, got null"),
    ("preset", {}, "preset must be a text, got an object"),
]


@pytest.mark.parametrize(("name", "value", "message"), WRONG, ids=[f"{name} {value!r:.20}" for name, value, _ in WRONG])
def test_a_setting_of_another_type_is_refused_by_its_name(name, value, message):
    with pytest.raises(ValueError) as caught:
        RunConfig.from_dict(with_setting(name, value))
    assert str(caught.value).startswith(message) or message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("values", [[], None, "smoke", 3])
def test_what_is_no_group_of_settings_does_not_become_the_defaults(values):
    with pytest.raises(ValueError, match=r"^config must be a group of settings, got"):
        RunConfig.from_dict(values)


def test_of_many_unknown_settings_a_few_are_named():
    with pytest.raises(ValueError, match=r"got seeds\.a0, .* and 9995 more$") as caught:
        RunConfig.from_dict({"seeds": {f"a{number}": 1 for number in range(10_000)}})
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([1, 2], None),
        ([1], r"x must be a list of 2, got one of 1"),
        ([1, 2, 3], r"x must be a list of 2, got one of 3"),
        ([1, 2.5], r"x\[1\] must be a whole number, got 2.5"),
    ],
)
def test_a_list_of_fixed_length_must_have_that_length(values, message):
    if message is None:
        assert value_of_type(tuple[int, int], values, "x") == tuple(values)
        return
    with pytest.raises(ValueError, match=f"^{message}$"):
        value_of_type(tuple[int, int], values, "x")


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.just(-(10**400))
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
)


def outcome(read, *args, **named):
    """What is read, and what is said against it."""
    try:
        return read(*args, **named), ""
    except ValueError as error:
        return None, str(error)


@given(name=st.sampled_from(sorted(NAMES - {"config"})), value=anything)
@settings(deadline=None, max_examples=300)
def test_any_value_of_any_setting_gives_a_configuration_or_a_refusal_that_names_one(name, value):
    config, refusal = outcome(RunConfig.from_dict, with_setting(name, value))
    if config is None:
        assert any(known in refusal for known in NAMES)
    else:
        assert RunConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


@given(value=anything)
@settings(deadline=None)
def test_any_value_in_the_place_of_all_settings_gives_a_configuration_or_a_refusal_that_names_one(value):
    config, refusal = outcome(RunConfig.from_dict, value)
    assert config == RunConfig() or refusal.startswith(("config must be", "settings must be ones that"))


@pytest.mark.parametrize("preset", PRESETS)
def test_the_settings_of_a_preset_are_those_of_a_whole_run(preset):
    config = PRESETS[preset]()
    assert RunConfig.from_dict(json.loads(json.dumps(config.to_dict())), whole=True) == config


def _of_experiments():
    for name in known_experiments():
        if component_owner("experiment", name).built_in:
            spec = find_experiment(name)
            yield from ((name, scale) for scale in spec.scales)


@pytest.mark.parametrize(("name", "scale"), list(_of_experiments()))
def test_the_settings_of_an_experiments_runs_come_back_from_json(name, scale):
    for config in {run.config for run in experiment_runs(find_experiment(name), scale)}:
        assert RunConfig.from_dict(json.loads(json.dumps(config.to_dict())), whole=True) == config


def stored():
    return {
        "format": 1,
        "config": smoke().to_dict(),
        "environment": {"threads": 1, "versions": {"torch": "2.4"}, "plugins": {}},
        "starts": [{"time": "2026-01-01T00:00:00Z", "from_step": 0, "threads": 1}],
    }


def opened(tmp_path, **changes):
    (tmp_path / "config.json").write_text(json.dumps(stored() | changes))
    return RunFolder.open(tmp_path)


def test_such_a_file_is_a_run(tmp_path):
    assert opened(tmp_path).config == smoke()


PARTS = {
    "threads of -5": ({"environment": {"threads": -5}}, "environment.threads must be from 1 to 4096, got -5"),
    "threads in words": ({"environment": {"threads": "two"}}, "environment.threads must be a whole number or null"),
    "no threads": ({"environment": {}}, "environment must have threads"),
    "an environment that is a list": ({"environment": []}, "environment must be an object, got a list"),
    "versions in a list": ({"environment": {"threads": 1, "versions": [1]}}, "environment.versions must be an object"),
    "a version that is a number": (
        {"environment": {"threads": 1, "versions": {"torch": 2}}},
        "environment.versions.torch must be a text or null, got 2",
    ),
    "plugins in a list": ({"environment": {"threads": 1, "plugins": []}}, "environment.plugins must be an object"),
    "a plugin without a version": (
        {"environment": {"threads": 1, "plugins": {"embedder": {"name": "x"}}}},
        "environment.plugins.embedder must have name, distribution, version",
    ),
    "a device that is a number": ({"environment": {"threads": 1, "device": 0}}, "environment.device must be a text"),
    "starts in an object": ({"starts": {}}, "starts must be a list, got an object"),
    "a start that is a number": ({"starts": [3]}, "starts[0] must be an object, got 3"),
    "a start before the first": ({"starts": [{"from_step": -1}]}, "starts[0].from_step must be from 0 to 2147483647"),
    "a start at half a step": ({"starts": [{}, {"from_step": 0.5}]}, "starts[1].from_step must be a whole number"),
    "no settings": ({"config": {}}, "a run's settings must all be there, got none for "),
    "settings in a list": ({"config": []}, "config must be a group of settings, got a list"),
}


@pytest.mark.parametrize(("changes", "message"), PARTS.values(), ids=PARTS)
def test_a_part_of_config_json_of_another_type_is_refused_by_its_name(changes, message, tmp_path):
    with pytest.raises(RunError) as caught:
        opened(tmp_path, **changes)
    assert message in str(caught.value)


@given(name=st.sampled_from(["environment", "starts", "config"]), value=anything)
@settings(deadline=None)
def test_any_value_of_a_part_of_config_json_gives_a_run_or_one_line(name, value, tmp_path_factory):
    folder = tmp_path_factory.mktemp("run", numbered=True)
    run, refusal = outcome(opened, folder, **{name: value})
    assert "\n" not in refusal
    assert run is None or run.threads >= 1
