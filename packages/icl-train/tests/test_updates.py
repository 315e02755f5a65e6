"""What an update does to the weights of a run: each setting against torch's own optimisers, step by step."""

import io
import math
from dataclasses import replace

import pytest
import torch
from safetensors.torch import load_file
from torch.nn.functional import cross_entropy

from icl_train import PlainReporter, RunFolder, Task, smoke, train

STEPS = 20


def config_of(**optim):
    config = smoke()
    return replace(
        config,
        optim=replace(config.optim, **optim),
        train=replace(config.train, max_steps=STEPS, checkpoint_interval=STEPS),
        eval=replace(config.eval, batches=1, interval=STEPS),
    )


def trained(path, config):
    run = RunFolder.create(path, config, device="cpu", threads=1)
    train(run, PlainReporter(io.StringIO()))
    return load_file(run.checkpoints / f"step_{STEPS:07d}" / "model.safetensors")


def by_hand(config, make_optimizer, rate, *, penalty=lambda model: 0.0, clip=None):
    """The same training written out, with torch's own optimiser and the penalty in the loss."""
    torch.set_num_threads(1)
    task = Task.build(config, device=torch.device("cpu"))
    sampler, model = task.training_sampler(), task.build_model()
    optimizer = make_optimizer(model.parameters())
    for step in range(1, STEPS + 1):
        batch = sampler(step)
        labels = torch.from_numpy(batch.label).long()
        logits = model(task.bank(batch, seed=config.seeds.data, step=step), labels, positions="query")
        loss = cross_entropy(logits, labels[:, -1]) + penalty(model)
        optimizer.zero_grad()
        loss.backward()
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
        for group in optimizer.param_groups:
            group["lr"] = rate(step)
        optimizer.step()
    return model.state_dict()


def inverse_sqrt(step):
    return 1e-3 * min(step / 10, math.sqrt(10 / step))


def cosine(step):
    if step <= 5:
        return 1e-3 * step / 5
    return 1e-4 + 9e-4 * (1 + math.cos(math.pi * (step - 5) / 15)) / 2


def matrices(model):
    return [p for name, p in model.named_parameters() if p.ndim >= 2 and "label_table" not in name]


def adam(parameters):
    return torch.optim.AdamW(parameters, lr=0.0, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, fused=True)


def test_the_default_update_is_torchs_fused_adam_bit_for_bit(tmp_path):
    config = config_of()
    found, expected = trained(tmp_path / "run", config), by_hand(config, adam, inverse_sqrt)
    for name, value in expected.items():
        assert found[name].equal(value), name


L2 = {"penalty": lambda model: 0.05 / 2 * sum(p.square().sum() for p in matrices(model))}
CASES = {
    "adamw": (
        {"optimizer": "adamw", "weight_decay": 0.2},
        lambda p: torch.optim.AdamW(p, lr=0.0, weight_decay=0.2, fused=True),
        inverse_sqrt,
        {},
    ),
    "sgd": ({"optimizer": "sgd", "max_lr": 1e-3}, lambda p: torch.optim.SGD(p, lr=0.0), inverse_sqrt, {}),
    "sgd with decay": (
        {"optimizer": "sgd", "weight_decay": 0.2, "max_lr": 1e-3},
        lambda p: torch.optim.SGD(p, lr=0.0, weight_decay=0.2),  # which is the same without momentum
        inverse_sqrt,
        {},
    ),
    "momentum": (
        {"optimizer": "sgd", "momentum": 0.9},
        lambda p: torch.optim.SGD(p, lr=0.0, momentum=0.9),
        inverse_sqrt,
        {},
    ),
    "nesterov": (
        {"optimizer": "sgd", "momentum": 0.9, "nesterov": True},
        lambda p: torch.optim.SGD(p, lr=0.0, momentum=0.9, nesterov=True),
        inverse_sqrt,
        {},
    ),
    "l2": ({"optimizer": "sgd", "l2": 0.05}, lambda p: torch.optim.SGD(p, lr=0.0), inverse_sqrt, L2),
    "l2 and clipping": (
        {"optimizer": "sgd", "l2": 0.05, "clip_norm": 0.3},
        lambda p: torch.optim.SGD(p, lr=0.0),
        inverse_sqrt,
        L2 | {"clip": 0.3},
    ),
    "constant": (
        {"optimizer": "sgd", "schedule": "constant", "warmup_steps": 0},
        lambda p: torch.optim.SGD(p, lr=0.0),
        lambda step: 1e-3,
        {},
    ),
    "cosine": (
        {"optimizer": "sgd", "schedule": "cosine", "warmup_steps": 5, "final_lr": 1e-4},
        lambda p: torch.optim.SGD(p, lr=0.0),
        cosine,
        {},
    ),
    "linear to a step": (
        {"optimizer": "sgd", "schedule": "linear", "warmup_steps": 0, "schedule_steps": 10},
        lambda p: torch.optim.SGD(p, lr=0.0),
        lambda step: 1e-3 * max(0.0, 1 - step / 10),
        {},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_the_update_is_the_one_written_out(case, tmp_path):
    settings, make_optimizer, rate, more = CASES[case]
    config = config_of(**settings)
    found = trained(tmp_path / "run", config)
    for name, value in by_hand(config, make_optimizer, rate, **more).items():
        # Twenty steps of 1e-3 move weights by up to 1e-2; what is left is the rounding of one kernel and another.
        torch.testing.assert_close(found[name], value, rtol=0, atol=2e-6, msg=name)


def test_the_loss_that_is_written_down_is_without_the_penalty(tmp_path):
    losses = []
    for name, l2 in (("with", 0.5), ("without", 0.0)):
        config = config_of(l2=l2)
        config = replace(config, train=replace(config.train, log_interval=1))
        run = RunFolder.create(tmp_path / name, config, device="cpu", threads=1)
        train(run, PlainReporter(io.StringIO()))
        losses.append(next(record for record in run.records() if record["split"] == "train")["loss"])
    assert losses[0] == losses[1]
