"""Training on several devices in Haiku, with `jax.pmap` as the released trainer has it, and the golden file of it.

Each device has an equal part of the batch and normalises it by that part's own statistics; gradients are averaged over
the devices, running averages are each device's own. `python tests/parity/live_devices.py` writes the golden file again.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import haiku_model
import jax
import numpy as np
import optax

from icl_models import ModelConfig, build_model
from icl_models.haiku import export_variables

GOLDEN = Path(__file__).parents[2] / "packages" / "icl-models" / "tests" / "golden"
SETTINGS = {  # as the golden files of the released models have them
    "num_classes": 10,
    "batch": 4,
    "devices": 2,
    "seq_len": 9,
    "image": [28, 28],
    "seq_model": "transformer",
    "model": {"num_layers": 1, "num_heads": 2},
    "optimizer": "adam",
    "weight_decay": 0.0,
    "max_lr": 0.003,
    "warmup": 10,
    "embedding": {"emb_dim": 16, "example_encoding": "resnet", "concatenate_labels": False},
}
CONFIG = ModelConfig(
    num_classes=SETTINGS["num_classes"], example_shape=(28, 28, 1), emb_dim=16, num_layers=1, num_heads=2
)
BATCHES = 2


@dataclass(frozen=True, kw_only=True)
class OnDevices:
    """What some steps of training gave; nested dicts have Haiku's names."""

    logits_training: np.ndarray  # of the first step, (B, T, C)
    gradients: dict  # of the first step, averaged over the devices
    states_after_1: dict  # arrays (devices, ...)
    logits_evaluation: dict  # after the first step, with its weights: by the "first" device's averages, by the "mean"
    losses: np.ndarray  # of all steps, averaged over the devices


def train_on_devices(config, params, state, batches, *, devices, max_lr, warmup_steps, optimizer="adam"):
    """Train from these variables on batches (examples, labels), one step for each."""
    _, apply = haiku_model.transformed(config)
    update_rule = haiku_model.optimizer(optimizer, max_lr=max_lr, warmup_steps=warmup_steps)

    def loss(params, state, examples, labels):
        logits, state = apply(params, state, examples, labels, True)
        at_examples = haiku_model.example_logits(config, logits)
        return haiku_model.sequence_loss(at_examples, labels), (logits, state)

    def update(params, state, opt_state, examples, labels):
        (value, (logits, state)), grads = jax.value_and_grad(loss, has_aux=True)(params, state, examples, labels)
        value, grads = jax.lax.pmean((value, grads), "devices")
        updates, opt_state = update_rule.update(grads, opt_state, params)
        return value, logits, grads, optax.apply_updates(params, updates), state, opt_state

    on_each = jax.pmap(update, axis_name="devices", devices=jax.devices()[:devices])
    everywhere = jax.tree.map(lambda a: np.stack([np.asarray(a)] * devices), (params, state, update_rule.init(params)))
    losses, first = [], None
    for examples, labels in batches:
        parts = [np.asarray(array).reshape(devices, -1, *array.shape[1:]) for array in (examples, labels)]
        value, logits, grads, *everywhere = on_each(*everywhere, *parts)
        losses.append(float(value[0]))
        if first is None:
            states = jax.tree.map(np.asarray, everywhere[1])
            averages = {"first": first_of(states), "mean": mean_of(states)}
            first = {
                "logits_training": np.asarray(logits).reshape(-1, *logits.shape[2:]),
                "gradients": jax.tree.map(lambda a: np.asarray(a[0]), grads),
                "states_after_1": states,
                "logits_evaluation": {
                    name: np.asarray(jax.jit(apply, static_argnums=4)(params, some, examples, labels, False)[0])
                    for name, some in averages.items()
                },
            }
    return OnDevices(**first, losses=np.array(losses))


def first_of(states):
    return jax.tree.map(lambda a: a[0], states)


def mean_of(states):
    """Counters are equal everywhere."""
    return jax.tree.map(lambda a: a.mean(0).astype(a.dtype), states)


def first_variables(config, seed=1):
    """(params, state), with no bias 0, no scale 0 or 1, and numbers that half precision has."""
    params, state = export_variables(build_model(config, seed=seed))
    rng = np.random.default_rng(seed)

    def perturbed(w):
        return (w + 0.05 * rng.standard_normal(w.shape, np.float32)).astype(np.float16).astype(np.float32)

    return jax.tree.map(perturbed, params), state


def batches(config, sequences, count):
    """Drawings of a few strokes, which differ in how much ink they have, so that groups of them differ as well."""
    rng = np.random.default_rng(0)
    for _ in range(count):
        ink = rng.uniform(0.05, 0.5, size=(sequences, 9, 1, 1, 1))
        images = (rng.random((sequences, 9, *config.example_shape)) < ink).astype(np.float32)
        yield images, rng.integers(config.num_classes, size=(sequences, 9))


def flat(variables):
    """The numbers of all variables in one row, by module and name in order."""
    arrays = [variables[module][name] for module in sorted(variables) for name in sorted(variables[module])]
    return np.concatenate([np.ravel(array) for array in arrays])


def main():
    params, state = first_variables(CONFIG)
    given = list(batches(CONFIG, SETTINGS["batch"], BATCHES))
    optim = {"max_lr": SETTINGS["max_lr"], "warmup_steps": SETTINGS["warmup"]}
    trained = train_on_devices(CONFIG, params, state, given * 5, devices=SETTINGS["devices"], **optim)
    gradients = flat(trained.gradients)
    scale = np.abs(gradients).max()
    states = [jax.tree.map(lambda a, i=i: a[i], trained.states_after_1) for i in range(SETTINGS["devices"])]
    arrays = {
        "params": flat(params).astype(np.float16),  # exactly: they are rounded so
        "grads": (gradients / scale).astype(np.float16),  # tests compare to 5e-2 of the largest
        "grads_scale": scale,
        "states_after_1": np.stack([flat(state) for state in states]).astype(np.float32),
        "logits_train": trained.logits_training,
        "trajectory_loss": trained.losses,
        "examples_shape": np.array(given[0][0].shape),
    }
    arrays |= {f"logits_eval_after_1_{name}": logits for name, logits in trained.logits_evaluation.items()}
    for i, (images, labels) in enumerate(given):
        arrays |= {f"batch{i}_examples": np.packbits(images.astype(bool)), f"batch{i}_labels": labels}
    path = GOLDEN / "devices_resnet28.npz"
    np.savez_compressed(path, **arrays)
    path.with_suffix(".json").write_text(json.dumps(SETTINGS, indent=1) + "\n")


if __name__ == "__main__":
    main()
