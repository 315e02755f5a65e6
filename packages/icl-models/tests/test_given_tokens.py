"""Tokens that are given: vectors as they are, labels that are never trained, a model that begins with its tokens."""

import pytest
import torch
from small_models import IDS

from icl_models import ModelConfig, build_model, capture

VECTORS = {"example_kind": "vector", "example_shape": (63,), "embedder": "raw", "emb_dim": 63, "num_classes": 3000}
FIXED = ModelConfig(**VECTORS, fixed_labels=True, sequence_model="lstm", num_layers=1, use_positional_encodings=False)


def test_fixed_labels_are_saved_and_no_optimiser_sees_them() -> None:
    model = build_model(FIXED, seed=0)
    assert "label_table.weight" in model.state_dict()
    assert not any(name.startswith("label_table") for name, _ in model.named_parameters())


def test_fixed_labels_are_normal_with_a_variance_of_one_over_the_width() -> None:
    """189,000 numbers: deviations within 5 / sqrt(2n) and 5 / sqrt(n), a false alarm in 10^6; of normal numbers 4.55%
    are beyond two deviations, of truncated ones none."""
    table = build_model(FIXED, seed=0).state_dict()["label_table.weight"]
    assert float(table.std()) == pytest.approx(63**-0.5, rel=5 / (2 * table.numel()) ** 0.5)
    assert abs(float(table.mean())) < 5 * 63**-0.5 / table.numel() ** 0.5
    assert float((table.abs() > 2 * 63**-0.5).float().mean()) == pytest.approx(0.0455, abs=0.0025)


def test_raw_vectors_and_fixed_labels_are_the_tokens_themselves() -> None:
    model = build_model(FIXED, seed=0).eval()
    examples, labels = torch.randn(2, 4, 63), torch.randint(3000, (2, 4))
    with torch.no_grad(), capture(model, "tokens") as trace:
        logits = model(examples, labels)
        again = model.from_tokens(trace["tokens"])
    assert torch.equal(trace["tokens"][:, ::2], examples)
    assert torch.equal(trace["tokens"][:, 1::2], model.state_dict()["label_table.weight"][labels[:, :-1]])
    assert torch.equal(logits, again)


def test_tokens_get_the_sinusoidal_positions_that_a_model_adds() -> None:
    model = build_model(ModelConfig(**IDS), seed=0).eval()
    tokens = torch.zeros(2, 9, 16)
    with torch.no_grad(), capture(model, "tokens") as trace:
        model.from_tokens(tokens)
    assert torch.equal(trace["tokens"], model.positional_encodings(tokens))
