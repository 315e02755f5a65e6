"""The disentangled transformer of Reddy (2023): what it computes, how it starts, and where its tokens stand."""

from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.stats import chisquare

from icl_models import (
    InContextModel,
    ModelConfig,
    ReddyConfig,
    ablate,
    build_model,
    capture,
    capture_attention,
    count_parameters,
    edit,
    summarize,
)

PAPER = ModelConfig(
    num_classes=32,
    example_kind="vector",
    example_shape=(63,),
    embedder="raw",
    emb_dim=63,
    sequence_model="reddy",
    num_layers=2,
    fixed_labels=True,
)
GIVEN = ModelConfig(
    num_classes=32,
    example_kind="vector",
    example_shape=(128,),
    embedder="raw",
    emb_dim=128,
    sequence_model="reddy",
    sequence_model_config=ReddyConfig(positions="given"),
    num_layers=2,
)


def batch(size: int = 6) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    items = torch.randn(size, 9, 63, generator=generator) / 63**0.5
    return items, torch.randint(32, (size, 9), generator=generator)


def written_out(model: InContextModel, tokens: NDArray[Any]) -> NDArray[Any]:
    """(B, T, L) logits as the paper's equations say, token by token."""
    weights = {name: value.double().numpy() for name, value in model.state_dict().items()}
    x = tokens.astype(np.float64)
    for layer in range(2):
        place = f"sequence_model.blocks.{layer}.attention"
        q, k, v = (x @ weights[f"{place}.{part}.weight"].T for part in ("query", "key", "value"))
        added = np.zeros_like(x)
        for b, t in np.ndindex(*x.shape[:2]):
            scores = np.exp(k[b, : t + 1] @ q[b, t])
            added[b, t] = scores / scores.sum() @ v[b, : t + 1]
        x = x + added
    for layer in range(3):
        w, b = (weights[f"sequence_model.mlp.{layer}.{part}"] for part in ("weight", "bias"))
        x = np.maximum(x @ w.T + b, 0)
    logits: NDArray[Any] = x @ weights["readout.weight"].T
    return logits


def laid_out(model: InContextModel, items: torch.Tensor, labels: torch.Tensor) -> NDArray[Any]:
    """Items and label vectors in turn, each behind its one-hot position; row b starts at place b."""
    vectors = model.state_dict()["label_table.weight"]
    tokens = np.zeros((len(items), 17, 65 + 63))
    for b, t in np.ndindex(*tokens.shape[:2]):
        tokens[b, t, b + t] = 1
        tokens[b, t, 65:] = items[b, t // 2] if t % 2 == 0 else vectors[labels[b, t // 2]]
    return tokens


def test_it_computes_what_the_paper_writes() -> None:
    model = build_model(PAPER, seed=0).eval()
    items, labels = batch()
    with torch.no_grad():
        logits = model(items, labels).numpy()
    np.testing.assert_allclose(logits, written_out(model, laid_out(model, items, labels)), rtol=1e-4, atol=1e-5)


def test_tokens_that_hold_their_positions_give_the_same() -> None:
    model, given = build_model(PAPER, seed=0).eval(), build_model(GIVEN, seed=1).eval()
    theirs = {name: value for name, value in model.state_dict().items() if not name.startswith("label_table")}
    given.load_state_dict(given.state_dict() | theirs)
    items, labels = batch()
    tokens = torch.from_numpy(laid_out(model, items, labels)).float()
    with torch.no_grad():
        torch.testing.assert_close(given.from_tokens(tokens), model(items, labels), rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(given.from_tokens(tokens, "query"), model(items, labels, "query"))


def test_first_weights_have_the_papers_scales() -> None:
    """Deviations of n weights within 5 / sqrt(2n) of their own, a false alarm in 2 million each; the scalar biases of
    200 layers likewise."""
    model = build_model(PAPER, seed=0)
    scales = {"query": 63**-0.5, "key": 63**-0.5, "value": 63**-0.5, "mlp": (2 / 128) ** 0.5, "readout": 128**-0.5}
    for name, parameter in model.named_parameters():
        if parameter.numel() > 1:
            expected = next(scale for part, scale in scales.items() if part in name)
            assert float(parameter.detach().std()) == pytest.approx(expected, rel=5 / (2 * parameter.numel()) ** 0.5)
    own = ReddyConfig(mlp_layers=200)
    deep = build_model(ModelConfig.from_dict(PAPER.to_dict() | {"sequence_model_config": own}), seed=0)
    biases = torch.cat([layer.bias.detach() for layer in deep.sequence_model.mlp])
    assert float(biases.square().mean().sqrt()) == pytest.approx(128**-0.5, rel=5 / 400**0.5)


def test_it_has_the_papers_parameters_and_the_summary_counts_them_and_its_products() -> None:
    parameters = 2 * 3 * 128**2 + 3 * (128**2 + 1) + 32 * 128
    assert count_parameters(build_model(PAPER, seed=0)) == parameters
    summary = summarize(PAPER, seq_len=9)
    assert summary.parameters == parameters
    attention = 2 * 17 * 3 * 128**2 + 2 * 17 * 17 * (128 + 128)
    assert summary.flops_forward == 2 * attention + 3 * 2 * 17 * 128**2 + 2 * 17 * 128 * 32


def test_in_training_every_start_is_as_likely_and_in_evaluation_rows_go_through_them() -> None:
    """49 starts of 8 pairs among 32: chi-square of 9,800 draws above p = 1e-6."""
    positions = build_model(PAPER, seed=0).sequence_model.shifted_positions
    tokens = torch.zeros(9800, 17, 63)
    torch.manual_seed(0)
    starts = positions(tokens)[:, 0, :65].argmax(-1)
    assert chisquare(np.bincount(starts, minlength=49)).pvalue > 1e-6
    assert len(np.bincount(starts)) == 49
    starts = positions.eval()(tokens[:100])[:, 0, :65].argmax(-1)
    assert starts.tolist() == [row % 49 for row in range(100)]


def test_a_sequence_of_all_positions_is_the_longest() -> None:
    config = ModelConfig.from_dict(PAPER.to_dict() | {"sequence_model_config": {"max_pairs": 8}})
    model = build_model(config, seed=0)
    items, labels = batch()
    assert model(items, labels).shape == (6, 17, 32)
    with pytest.raises(ValueError, match=r"at most 2 \* max_pairs \+ 1, 17, tokens, got 19"):
        model(torch.zeros(2, 10, 63), torch.zeros(2, 10, dtype=torch.int64))


def test_its_attention_is_captured_and_edited_as_the_transformers() -> None:
    model = build_model(PAPER, seed=0).eval()
    items, labels = batch()
    with torch.no_grad(), capture(model, "blocks.*.attention.*", "blocks.*.attention") as trace:
        plain = model(items, labels)
    assert trace["blocks.0.attention.weights"].shape == (6, 1, 17, 17)
    assert trace["blocks.1.attention.queries"].shape == (6, 1, 17, 128)
    torch.testing.assert_close(trace["blocks.1.attention.weights"].sum(-1), torch.ones(6, 1, 17))
    torch.testing.assert_close(trace["blocks.1.attention.heads"].sum(1), trace["blocks.1.attention"])
    with torch.no_grad(), capture_attention(model) as captured, edit(model, {"blocks.0.attention.heads.0": ablate()}):
        ablated = model(items, labels)
    assert len(captured) == 2
    assert not torch.allclose(plain, ablated)
    with torch.no_grad(), edit(model, {"blocks.0.attention": ablate()}):
        torch.testing.assert_close(model(items, labels), ablated)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sequence_model_config": {"positions": "random"}}, "positions must be one of shifted, given, got 'random'"),
        ({"sequence_model_config": {"key_width": 0}}, "key_width must be a positive integer, got 0"),
        ({"sequence_model_config": {"max_pairs": True}}, "max_pairs must be a positive integer, got True"),
        ({"num_heads": 2}, "num_heads must be None for sequence_model 'reddy', got 2"),
        ({"dropout_prob": 0.1}, "dropout_prob must be 0 for sequence_model 'reddy', got 0.1"),
        ({"positional_dropout_prob": 0.1}, "positional_dropout_prob must be 0 for sequence_model 'reddy', got 0.1"),
        ({"use_positional_encodings": False}, "use_positional_encodings must be True for sequence_model 'reddy'"),
        (
            {"sequence_model_config": {"positions": "given"}},
            r"emb_dim must be above 2 \* max_pairs \+ 1, 65, with given positions, got 63",
        ),
        ({"emb_dim": 64}, "emb_dim must be the vectors' width, 63, for embedder 'raw', got 64"),
    ],
)
def test_what_it_cannot_be_is_refused_in_one_line(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ModelConfig.from_dict(PAPER.to_dict() | settings)
