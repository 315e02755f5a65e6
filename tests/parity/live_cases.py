"""What the live comparison compares: the models, how they are trained, on what, and from which first weights."""

import functools
import os
from dataclasses import dataclass
from pathlib import Path

import jax
import numpy as np
from live_training import Differences, HaikuTrainer, Optim, train_torch

from icl_data import OmniglotSource
from icl_models import ModelConfig, ResNetConfig, build_model
from icl_models.haiku import export_variables

_FAST = Optim(max_lr=3e-3)
_PAPER = Optim()
_ALL = Optim(optimizer="adamw", weight_decay=0.03, max_lr=1e-3, warmup_steps=50, clip_norm=0.25, w_interim=0.5)
WEIGHTS = ("haiku", "torch", "perturbed")  # who drew the first ones; perturbed: no bias is 0, no scale 0 or 1


@dataclass(frozen=True, kw_only=True)
class Case:
    """A model, trained on `sequences` sequences of 9 a step."""

    name: str
    config: ModelConfig
    optim: Optim = _FAST
    sequences: int = 4
    steps: int = 20

    @property
    def has_max_pooling(self):
        return self.config.embedder == "resnet"


def _ids(**settings):
    return ModelConfig(**{"example_kind": "id", "example_shape": (), "embedder": "embedding"} | settings)


_SMALL = {"num_classes": 24, "emb_dim": 32, "num_layers": 2, "num_heads": 4}
_RECURRENT = {"num_classes": 24, "emb_dim": 32, "num_layers": 2, "hidden_size": 48}
_SUPERPIXELS = ResNetConfig(flatten_superpixels=True)

CASES = [
    Case(name="resnet 105x105, full size", config=ModelConfig(num_classes=1623), optim=_PAPER),
    Case(name="embedding, full size", config=_ids(num_classes=1623), optim=_PAPER),
    Case(name="linear 105x105, full size", config=ModelConfig(num_classes=1623, embedder="linear"), optim=_PAPER),
    Case(
        name="resnet 105x105, superpixels",
        config=ModelConfig(num_classes=24, num_layers=2, embedder_config=_SUPERPIXELS),
        optim=_PAPER,
        sequences=2,
    ),
    Case(name="resnet 28x28", config=ModelConfig(example_shape=(28, 28, 1), **_SMALL)),
    Case(
        name="embedding, AdamW",
        config=_ids(**_SMALL),
        optim=Optim(optimizer="adamw", weight_decay=0.03, max_lr=3e-3),
    ),
    Case(name="embedding, concatenated", config=_ids(**_SMALL, concatenate_labels=True)),
    Case(name="embedding, no positions", config=_ids(**_SMALL, use_positional_encodings=False)),
    Case(name="embedding, LSTM", config=_ids(**_RECURRENT, sequence_model="lstm")),
    Case(name="embedding, vanilla RNN", config=_ids(**_RECURRENT, sequence_model="vanilla_rnn")),
    Case(name="AdamW, clipped, context loss", config=_ids(**_SMALL), optim=_ALL, steps=200),
]


@functools.cache
def _omniglot():
    return OmniglotSource(Path(os.environ["ICL_OMNIGLOT"]), packed=True) if os.environ.get("ICL_OMNIGLOT") else None


def batch(case, index):
    """Examples and labels, (B, 9, ...): Omniglot where ICL_OMNIGLOT names its folder, otherwise random bits."""
    rng = np.random.default_rng(index)
    config, shape = case.config, (case.sequences, 9)
    labels = rng.integers(config.num_classes, size=shape)
    if config.example_kind == "id":
        return rng.integers(config.num_classes, size=shape), labels
    if config.example_shape == (105, 105, 1) and _omniglot():
        images = _omniglot().gather(labels.ravel(), rng.integers(20, size=labels.size))
        return images.reshape(*shape, *config.example_shape), labels
    return rng.integers(2, size=(*shape, *config.example_shape)).astype(np.float32), labels


@functools.cache
def haiku_trainer(case):
    return HaikuTrainer(case.config, case.optim)


def first_variables(case, weights, seed=1):
    """Haiku's (params, state), as numpy arrays."""
    if weights == "haiku":
        return jax.tree.map(np.asarray, haiku_trainer(case).init(seed, *batch(case, 0)))
    params, state = export_variables(build_model(case.config, seed=seed))
    if weights == "perturbed":
        rng = np.random.default_rng(seed)
        params = jax.tree.map(lambda w: w + 0.05 * rng.standard_normal(w.shape, np.float32), params)
    return params, state


@functools.cache
def differences(case, weights):
    """Train both on four batches in turn."""
    variables = first_variables(case, weights)
    batches = [batch(case, step) for step in range(4)] * (case.steps // 4)
    theirs = haiku_trainer(case)(*variables, batches)
    return Differences.of(theirs, train_torch(case.config, case.optim, *variables, batches), case.optim)
