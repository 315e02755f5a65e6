"""A small transformer, its sequences, and a run of it, which the tests of interventions share."""

import io
from dataclasses import replace

import torch

from icl_models import ModelConfig, build_model
from icl_train import PlainReporter, RunFolder, smoke, train

BATCH, EXAMPLES, LABELS, HEADS, TOKENS = 6, 4, 5, 4, 7


def small_model(seed=0, **settings):
    """Two layers of four heads on vectors of six numbers, biases away from zero."""
    config = {"num_classes": LABELS, "example_kind": "vector", "example_shape": (6,), "embedder": "vector"}
    config |= {"emb_dim": 16, "num_layers": 2, "num_heads": HEADS} | settings
    model = build_model(ModelConfig(**config), seed=seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator), alpha=0.1)
    return model


def sequences(seed=0):
    """(B, S, 6) examples and (B, S) labels, the last of which is in the context of all sequences but the first."""
    generator = torch.Generator().manual_seed(seed)
    examples = torch.randn(BATCH, EXAMPLES, 6, generator=generator)
    labels = torch.randint(1, LABELS, (BATCH, EXAMPLES), generator=generator)
    labels[:, -1] = labels[:, 0]
    labels[0, -1] = 0
    return examples, labels


def run_config(*interventions, **parts):
    """A run of the smoke preset with two layers."""
    base = smoke()
    changes = {
        "model": {"num_layers": 2, "interventions": interventions or None},
        "train": {"max_steps": 20, "checkpoint_interval": 5, "log_interval": 1},
        "eval": {"batches": 1, "interval": 5},
    }
    for group in {*changes, *parts}:
        own = replace(getattr(base, group), **(changes.get(group, {}) | parts.get(group, {})))
        base = replace(base, **{group: own})
    return base


def trained(path, config):
    run = RunFolder.create(path, config, device="cpu", threads=1)
    train(run, PlainReporter(io.StringIO()))
    return run
