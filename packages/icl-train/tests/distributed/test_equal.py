"""Two processes train what one trains: losses and weights to 1e-5 over 40 updates."""

import io
from dataclasses import replace

import numpy as np
import pytest
import several
from safetensors.torch import load_file

from icl_models import ResNetConfig
from icl_train import DataConfig, ModelSettings, PlainReporter, RunFolder, smoke, train

STEPS = 40
COUNTS = {"n_rare_classes": 20, "n_common_classes": 4, "n_holdout_classes": 8}
GAUSSIAN = DataConfig(source="gaussian", dim=16, noise_scale=0.5, p_new=0.3, n_labels=8, **COUNTS)
SYMBOLIC = DataConfig(source="symbolic", **COUNTS)
SMALL = {"emb_dim": 16, "num_layers": 2, "num_heads": 2}
BY_ID = ModelSettings(embedder="embedding", **SMALL)
OPTIM = {"l2": 1e-3, "clip_norm": 1.0, "w_interim_predictions": 0.5, "optimizer": "adamw", "weight_decay": 0.01}
ACTING = ("blocks.0.attention:fix,start=10,stop=25", "blocks.1.attention.weights:pattern=previous,start=5,stop=30")


def config_of(data=SYMBOLIC, model=BY_ID, **optim):
    config = smoke()
    return replace(
        config,
        data=data,
        model=model,
        optim=replace(config.optim, **optim),
        train=replace(config.train, max_steps=STEPS, batch_size=12),
        eval=replace(config.eval, batches=1),
    )


def configs(file):
    images = DataConfig(source=str(file), n_rare_classes=6, n_common_classes=4, n_holdout_classes=4)
    grouped = ResNetConfig(sequences_per_statistics=2)
    return {
        "symbolic": config_of(),
        "noise": config_of(GAUSSIAN, ModelSettings(embedder="vector", **SMALL)),
        "optim": config_of(**OPTIM),
        "interventions": config_of(model=replace(BY_ID, interventions=ACTING)),
        "images": config_of(images, ModelSettings(embedder="resnet", **SMALL), max_lr=1e-4),
        "groups": config_of(images, ModelSettings(embedder="resnet", embedder_config=grouped, **SMALL), max_lr=1e-4),
    }


NAMES = list(configs("images.npz"))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """name → the runs of one process and of two."""
    folder = tmp_path_factory.mktemp("equal")
    np.savez(folder / "images.npz", images=np.random.default_rng(0).integers(0, 255, (20, 6, 28, 28), dtype=np.uint8))
    made = {
        (name, size): RunFolder.create(folder / f"{name}_{size}", config, device="cpu", threads=1)
        for name, config in configs(folder / "images.npz").items()
        for size in (1, 2)
    }
    several.all_of(2, [["resume", made[name, 2].path] for name in NAMES])
    for name in NAMES:
        train(made[name, 1], PlainReporter(io.StringIO()))
    return {name: (made[name, 1], RunFolder.open(made[name, 2].path)) for name in NAMES}


def weights(run):
    """All that updates change in one way: keys' biases have a gradient of nothing but rounding, which Adam blows up."""
    found = load_file(run.checkpoints / f"step_{STEPS:07d}" / "model.safetensors")
    return {name: one.double() for name, one in found.items() if not name.endswith("attention.qkv.bias")}


@pytest.mark.parametrize("name", NAMES)
def test_weights(runs, name):
    one, two = (weights(run) for run in runs[name])
    distance = sum(float((one[key] - two[key]).square().sum()) for key in one) ** 0.5
    assert distance < 1e-5 * sum(float(weight.square().sum()) for weight in one.values()) ** 0.5


@pytest.mark.parametrize("name", NAMES)
def test_losses_and_norms(runs, name):
    one, two = (run.records() for run in runs[name])
    assert [(line["split"], line["step"]) for line in one] == [(line["split"], line["step"]) for line in two]
    for expected, found in zip(one, two, strict=True):
        for key in expected.keys() & {"loss", "loss_query", "loss_interim", "weight_l2", "weight_l2_all"}:
            assert found[key] == pytest.approx(expected[key], rel=1e-5), (key, expected["step"])
        if "grad_l2" in expected:
            assert found["grad_l2"] == pytest.approx(expected["grad_l2"], rel=1e-4)


@pytest.mark.parametrize("name", ["symbolic", "noise", "optim", "interventions"])
def test_accuracies_in_training_are_of_the_whole_batch(runs, name):
    one, two = ([line["accuracy_query"] for line in run.records() if line["split"] == "train"] for run in runs[name])
    assert two == pytest.approx(one, abs=1e-12)


def test_the_start_says_how_many_processes(runs):
    assert [run.starts[-1]["processes"] for run in map(RunFolder.open, (run.path for run in runs["symbolic"]))] == [
        1,
        2,
    ]


def test_a_folder_has_what_that_of_one_process_has(runs):
    one, two = ({file.relative_to(run.path) for file in run.path.rglob("*")} for run in runs["symbolic"])
    assert one == two
    assert runs["symbolic"][1].status() == "done"
