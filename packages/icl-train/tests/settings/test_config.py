"""Configurations: checked at construction, the same after config.json, fixed by their presets."""

import json
import math
from dataclasses import replace

import pytest

from icl_models import ResNetConfig
from icl_train import PRESETS, DataConfig, EvalConfig, ModelSettings, OptimConfig, RunConfig, TrainConfig, chan2022


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_is_the_same_after_json(preset):
    config = PRESETS[preset]()
    assert RunConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config
    assert config.preset == preset


def test_settings_of_a_component_survive_json():
    model = ModelSettings(embedder="resnet", embedder_config=ResNetConfig(flatten_superpixels=True))
    config = replace(chan2022(), model=model)
    again = RunConfig.from_dict(json.loads(json.dumps(config.to_dict())))
    assert again.model.embedder_config == ResNetConfig(flatten_superpixels=True)


def test_the_papers_preset_has_the_papers_settings():
    config = chan2022()
    data, model, optim, train = config.data, config.model, config.optim, config.train
    assert (data.n_rare_classes, data.n_common_classes, data.n_holdout_classes) == (1603, 10, 10)
    assert (data.seq_len, data.shots, data.ways, data.p_bursty) == (9, 3, 2, 0.9)
    assert (model.num_layers, model.emb_dim, model.embedder) == (12, 64, "resnet")
    assert (optim.optimizer, optim.max_lr, optim.warmup_steps, optim.clip_norm) == ("adam", 3e-4, 4000, None)
    assert (train.max_steps, train.batch_size) == (500_000, 32)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: DataConfig(p_bursty=1.3), "p_bursty must be in .*1.3"),
        (lambda: DataConfig(sequence="fewshot_holdout"), "data.sequence must be one of bursty, .*'fewshot_holdout'"),
        (lambda: DataConfig(protocol="papers"), "data.protocol must be one of paper, released, got 'papers'"),
        (lambda: DataConfig(source="omniglott"), "data.source must be one of .*'omniglott'"),
        (lambda: DataConfig(dim=3, source="symbolic"), "data.dim needs data.source gaussian, got symbolic"),
        (lambda: DataConfig(n_exemplars=3, source="omniglot"), "data.n_exemplars needs data.source gaussian, got omni"),
        (
            lambda: DataConfig(n_exemplars=5, p_new=0.5, n_labels=8),
            "data.n_exemplars must be left out with data.p_new, whose new classes have no exemplars, got 5",
        ),
        (lambda: DataConfig(n_exemplars=0), "data.n_exemplars must be at least 1, got 0"),
        (lambda: DataConfig(p_fewshot=0.5), "data.p_fewshot needs data.sequence mixed"),
        (lambda: DataConfig(n_holdout_classes=1), "data.n_holdout_classes must be at least data.ways"),
        (lambda: DataConfig(n_labels=4, labeling_rare="unfixed"), "data.n_labels needs"),
        (lambda: DataConfig(noise_scale=0.1, source="symbolic"), "data.noise_scale must be 0"),
        (lambda: ModelSettings(embedder="resnett"), "resnett.*resnet"),
        (lambda: OptimConfig(optimizer="lion"), "optim.optimizer must be one of adam, adamw, sgd, got 'lion'"),
        (lambda: OptimConfig(b1=1.0), r"optim.b1 must be in \[0, 1\), got 1.0"),
        (lambda: TrainConfig(max_steps=0), "train.max_steps must be at least 1, got 0"),
        (lambda: TrainConfig(device="tpu"), "train.device must be one of auto, cpu, cuda, cuda:N, got 'tpu'"),
        (lambda: TrainConfig(device="cuda:x"), "train.device must be one of auto, cpu, cuda, cuda:N, got 'cuda:x'"),
        (lambda: TrainConfig(threads=10**6), "train.threads must be from 1 to 4096, got 1000000"),
        (lambda: TrainConfig(batch_size=10**20), "train.batch_size must be at most 2147483647, got 1000000000000000"),
        (lambda: ModelSettings(emb_dim=10**20), "model.emb_dim must be at most 2147483647, got 10000000000000000000"),
        (lambda: ModelSettings(dropout_prob=math.nan), "model.dropout_prob must be a finite number, got nan"),
        (lambda: DataConfig(zipf_exponent=math.inf), "data.zipf_exponent must be a finite number, got inf"),
        (lambda: DataConfig(noise_scale=math.nan), "data.noise_scale must be a finite number, got nan"),
        (lambda: DataConfig(seq_len=1), "data.seq_len must be at least 2, got 1"),
        (lambda: DataConfig(fs_shots=0), "data.fs_shots must be at least 1, got 0"),
        (lambda: DataConfig(n_labels=10**10), "data.n_labels must be at most 2147483647, got 10000000000"),
        (lambda: EvalConfig(protocol="both"), "eval.protocol must be one of"),
    ],
)
def test_a_setting_that_breaks_a_rule_is_refused_in_one_line(make, message):
    with pytest.raises(ValueError, match=message) as caught:
        make()
    assert "\n" not in str(caught.value)


def test_where_the_data_lie_is_stored_so_that_other_folders_can_use_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert DataConfig(source="omniglot", omniglot="zips").omniglot == tmp_path / "zips"


def test_groups_of_sequences_that_do_not_divide_the_batch_are_refused():
    base = chan2022()
    groups = ResNetConfig(sequences_per_statistics=3)
    with pytest.raises(ValueError, match=r"sequences_per_statistics must divide train\.batch_size \(32\), got 3$"):
        replace(base, model=replace(base.model, embedder_config=groups))


def test_a_thousand_configurations_look_the_types_of_their_settings_up_once(monkeypatch):
    stored = chan2022().to_dict()
    RunConfig.from_dict(stored)
    monkeypatch.setattr("typing.get_type_hints", lambda *_, **__: pytest.fail("looked up again"))
    assert RunConfig.from_dict(stored) == chan2022()
