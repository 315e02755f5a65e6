"""Reddy (2023) from end to end: the paper's tokens in the paper's model, and the same law as a run."""

from dataclasses import replace

import torch
from oracles import make_task

from icl_data import ReddySequences
from icl_models import ModelConfig, ReddyConfig, build_model, capture
from icl_train import Task
from icl_train.config import ModelSettings
from icl_train.optim import build_optimizer, set_learning_rate

LAW = {"n_classes": 16, "n_labels": 8, "dim": 16, "pairs": 4, "max_pairs": 6, "noise_scale": 0.1}


def given_positions(made):
    own = ReddyConfig(positions="given", max_pairs=6, key_width=32, mlp_width=64)
    config = ModelConfig(
        num_classes=made.n_labels,
        example_kind="vector",
        example_shape=(made.width,),
        embedder="raw",
        emb_dim=made.width,
        sequence_model="reddy",
        sequence_model_config=own,
        num_layers=2,
    )
    return build_model(config, seed=0)


def mean_loss(model, made, steps):
    losses = []
    for step in steps:
        tokens, answer = map(torch.from_numpy, made(step))
        with torch.no_grad():
            losses.append(torch.nn.functional.cross_entropy(model.from_tokens(tokens, "query"), answer))
    return float(torch.stack(losses).mean())


def test_the_papers_model_learns_the_papers_tokens_with_the_papers_update():
    """Trained classes get their labels; other sequences of the law, from another stream, are answered as well."""
    made, test = ReddySequences(**LAW, burst=0), ReddySequences(**LAW, burst=0, stream="test")
    model = given_positions(made)
    optimizer = build_optimizer(model, optimizer="sgd", weight_decay=1e-4)
    set_learning_rate(optimizer, 0.05)
    before = mean_loss(model, test, range(4))
    for step in range(150):
        tokens, answer = map(torch.from_numpy, made(step))
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model.from_tokens(tokens, "query"), answer).backward()
        optimizer.step()
    assert mean_loss(model, test, range(4)) < before / 3


def test_a_run_lays_out_the_tokens_that_the_generator_makes():
    """One-hot positions, items as the source has them, and label vectors of the same scale, fixed."""
    settings = ModelSettings(
        embedder="raw", emb_dim=8, sequence_model="reddy", num_layers=2, fixed_labels=True, embedder_config=None
    )
    task = make_task(n_labels=8, noise_scale=0.1, seq_len=9, shots=2, ways=4, fs_shots=2, p_bursty=1.0)
    task = Task.build(replace(task.config, model=settings), device=torch.device("cpu"))
    model = task.build_model()
    batch = task.training_sampler()(0)
    examples, labels = task.bank(batch, seed=0, step=0), torch.from_numpy(batch.label).long()
    with torch.no_grad(), capture(model, "shifted_positions") as trace:
        model(examples, labels)
    tokens = trace["shifted_positions"]
    assert tokens.shape == (16, 17, 65 + 8)
    where = tokens[..., :65].argmax(-1)
    assert (tokens[..., :65].sum(-1) == 1).all()
    assert (where.diff(dim=1) == 1).all()
    assert torch.equal(tokens[:, ::2, 65:], examples)
    vectors = model.state_dict()["label_table.weight"]
    assert torch.equal(tokens[:, 1::2, 65:], vectors[labels[:, :-1]])
    assert not any("label_table" in name for name, _ in model.named_parameters())
