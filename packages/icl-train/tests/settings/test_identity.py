"""What a run is known by: settings that came later and change nothing leave it the name that it had."""

import dataclasses
import json
from dataclasses import replace

import pytest

from icl_train import PRESETS, RunConfig, RunFolder, chan2022, smoke
from icl_train._plans.labels import run_name
from icl_train.config import ADDED_LATER, NEUTRAL_SETTINGS

FIRST_NAMES = {
    "chan2022": "omniglot-c01613-s0-3a4bf595",
    "laptop": "gaussian-c08192-s0-da7e134d",
    "reddy2023": "gaussian-c01024-s0-4b9d31ec",
    "singh2024": "gaussian-c00050-s0-505b8fc2",
    "singh2025": "gaussian-c01600-s0-3feb4ebc",
    "smoke": "gaussian-c00064-s0-bf5d0526",
}
"""Names of the presets' runs when sweeps first made folders of them."""


def with_settings(config, changes):
    """Dotted name → value."""
    for name, value in changes.items():
        group, _, field = name.partition(".")
        config = replace(config, **{group: replace(getattr(config, group), **{field: value})})
    return config


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_has_the_name_that_it_had_at_first(preset):
    assert run_name(PRESETS[preset]()) == FIRST_NAMES[preset]


def test_a_run_of_changed_settings_has_the_digest_that_it_had_at_first():
    changes = {"model.dropout_prob": 0.1, "optim.optimizer": "adamw", "optim.clip_norm": 0.5}
    config = with_settings(smoke(), changes)
    config = replace(config, optim=replace(config.optim, weight_decay=0.1))
    assert config.digest() == "b2024dde"


@pytest.mark.parametrize("name", ADDED_LATER)
def test_a_setting_that_came_later_is_neutral_at_its_default(name):
    *groups, field = name.split(".")
    config = chan2022()
    for group in groups:
        config = getattr(config, group)
    (default,) = [f.default for f in dataclasses.fields(config) if f.name == field]
    assert ADDED_LATER[name] == default
    assert name not in NEUTRAL_SETTINGS


CHANGED = [
    {"data.label_noise": 0.1},
    {"data.context_order": "grouped"},
    {"data.train_exemplars": "0:1"},
    {"optim.l2": 1e-4},
    {"optim.schedule": "constant"},
    {"train.precision": "bf16"},
    {"eval.steps": (1, 2)},
    {"eval.context_order": "grouped"},
]


@pytest.mark.parametrize("changes", CHANGED, ids=lambda changes: next(iter(changes)))
def test_a_setting_that_came_later_makes_another_experiment_where_it_is_set(changes):
    assert with_settings(smoke(), changes).digest() != smoke().digest()


@pytest.mark.parametrize("changes", [{"train.checkpoint_steps": (1, 2)}, {"train.log_spaced_checkpoint_steps": 3}])
def test_when_checkpoints_are_written_makes_no_other_experiment(changes):
    assert with_settings(smoke(), changes).digest() == smoke().digest()


def test_a_run_folder_from_before_opens_and_is_the_same_experiment(tmp_path):
    run = RunFolder.create(tmp_path / "run", smoke(), device="cpu", threads=1)
    file = run.path / "config.json"
    stored = json.loads(file.read_text()) | {"format": 1}  # which had no hash
    del stored["sha256"]
    later = [name for name in ADDED_LATER if name.count(".") == 1]
    later += ["train.checkpoint_steps", "train.log_spaced_checkpoint_steps"]
    for name in later:
        group, _, field = name.partition(".")
        del stored["config"][group][field]
    file.write_text(json.dumps(stored))
    assert RunFolder.open(run.path).config == smoke()


def test_settings_that_came_later_survive_json():
    changes = {"eval.steps": (0, 3, 10), "data.train_exemplars": "0:1", "train.checkpoint_steps": (5,)}
    config = with_settings(smoke(), changes)
    assert RunConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
