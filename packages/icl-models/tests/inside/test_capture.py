"""A trace holds what was computed, under names that say what it is, and nothing is left behind."""

import math
from typing import Any

import pytest
import torch
from small_models import VARIANTS, build_lopsided, ids_and_labels
from torch import nn

from icl_models import (
    InContextModel,
    TransformerConfig,
    capture,
    capture_attention,
    site_names,
)

SHAPES = {
    "embeddings": (3, 5, 16),
    "tokens": (3, 9, 16),
    "blocks.0.residual_pre": (3, 9, 16),
    "blocks.0.residual_mid": (3, 9, 16),
    "blocks.0.residual_post": (3, 9, 16),
    "blocks.0.attention": (3, 9, 16),
    "blocks.0.attention.queries": (3, 4, 9, 4),
    "blocks.0.attention.keys": (3, 4, 9, 4),
    "blocks.0.attention.values": (3, 4, 9, 4),
    "blocks.0.attention.weights": (3, 4, 9, 9),
    "blocks.0.attention.heads": (3, 4, 9, 16),
    "blocks.0.mlp": (3, 9, 16),
    "norm": (3, 9, 16),
}
ONE_QUERY = {
    "blocks.1.residual_pre": (3, 9, 16),
    "blocks.1.residual_mid": (3, 1, 16),
    "blocks.1.residual_post": (3, 1, 16),
    "blocks.1.attention": (3, 1, 16),
    "blocks.1.attention.queries": (3, 4, 1, 4),
    "blocks.1.attention.keys": (3, 4, 9, 4),
    "blocks.1.attention.weights": (3, 4, 1, 9),
    "blocks.1.attention.heads": (3, 4, 1, 16),
    "blocks.1.mlp": (3, 1, 16),
}


def recurrent(sequence_model: str = "lstm") -> InContextModel:
    return build_lopsided(num_heads=None, sequence_model=sequence_model, hidden_size=7)


def test_every_name_has_the_shape_of_the_contract() -> None:
    model = build_lopsided()
    with capture(model) as trace:
        model(*ids_and_labels())
    assert set(trace) == set(site_names(model))
    assert {name: tuple(trace[name].shape) for name in SHAPES} == SHAPES


def test_every_name_has_the_shape_of_the_contract_with_query_positions() -> None:
    model = build_lopsided()
    with capture(model) as trace:
        model(*ids_and_labels(), "query")
    assert {name: tuple(trace[name].shape) for name in ONE_QUERY} == ONE_QUERY


@pytest.mark.parametrize("own", VARIANTS)
@pytest.mark.parametrize("positions", ["all", "query"])
def test_capturing_leaves_the_logits_alone(own: TransformerConfig, positions: Any) -> None:
    model = build_lopsided(own)
    plain = model(*ids_and_labels(), positions)
    with capture(model):
        captured = model(*ids_and_labels(), positions)
    torch.testing.assert_close(captured, plain, rtol=1e-4, atol=1e-5)
    assert torch.equal(model(*ids_and_labels(), positions), plain)


@pytest.mark.parametrize("own", VARIANTS)
def test_query_positions_capture_the_last_of_all_positions(own: TransformerConfig) -> None:
    model = build_lopsided(own)
    with capture(model) as everywhere:
        model(*ids_and_labels())
    with capture(model) as query:
        model(*ids_and_labels(), "query")
    assert list(query) == list(everywhere)
    for name, value in query.items():
        expected = everywhere[name][..., -value.shape[-2] :, :]
        torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-5, msg=name)


@pytest.mark.parametrize("own", VARIANTS)
@pytest.mark.parametrize("positions", ["all", "query"])
def test_heads_and_bias_sum_to_the_attention_output(own: TransformerConfig, positions: Any) -> None:
    model = build_lopsided(own)
    with capture(model) as trace:
        model(*ids_and_labels(), positions)
    with capture(model, "blocks.1.attention") as plain:  # the fused product, as no head is looked at
        model(*ids_and_labels(), positions)
    bias = model.get_parameter("sequence_model.blocks.1.attention.out.bias")
    total = trace["blocks.1.attention.heads"].sum(1) + bias
    torch.testing.assert_close(total, plain["blocks.1.attention"], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("positions", ["sinusoidal", "rotary"])
def test_weights_and_heads_follow_from_queries_keys_and_values(positions: Any) -> None:
    model = build_lopsided(TransformerConfig(positions=positions))
    with capture(model, "blocks.0.attention.*") as trace:
        model(*ids_and_labels())
    q, k, v, weights, heads = (
        trace[f"blocks.0.attention.{site}"] for site in ("queries", "keys", "values", "weights", "heads")
    )
    scores = (q @ k.transpose(-1, -2) / math.sqrt(4)).masked_fill(torch.ones(9, 9).triu(1).bool(), -math.inf)
    torch.testing.assert_close(weights, scores.softmax(-1))
    out = model.get_parameter("sequence_model.blocks.0.attention.out.weight")
    third = (weights[:, 3] @ v[:, 3]) @ out[:, 12:].T
    torch.testing.assert_close(heads[:, 3], third)


def test_attention_weights_are_causal_and_sum_to_one() -> None:
    model = build_lopsided(TransformerConfig(positions="relative"))
    with capture(model, "blocks.*.attention.weights") as trace:
        model(*ids_and_labels())
    assert list(trace) == ["blocks.0.attention.weights", "blocks.1.attention.weights"]
    for weights in trace.values():
        assert torch.equal(weights.triu(1), torch.zeros_like(weights))
        torch.testing.assert_close(weights.sum(-1), torch.ones(3, 4, 9))


def test_one_head_can_be_captured_alone() -> None:
    model = build_lopsided()
    with capture(model, "blocks.*.attention.heads.2") as one, capture(model) as trace:
        model(*ids_and_labels())
    assert list(one) == ["blocks.0.attention.heads.2", "blocks.1.attention.heads.2"]
    for name, value in one.items():
        assert torch.equal(value, trace[name.removesuffix(".2")][:, 2])
        assert torch.equal(value, trace[name])


@pytest.mark.parametrize("sequence_model", ["lstm", "vanilla_rnn"])
def test_recurrent_models_show_the_output_of_each_layer(sequence_model: str) -> None:
    model = recurrent(sequence_model)
    with capture(model) as trace:
        logits = model(*ids_and_labels())
    assert list(trace) == ["embeddings", "tokens", "layers.0", "layers.1"]
    torch.testing.assert_close(model.readout(trace["layers.1"]), logits)


def test_the_output_of_any_module_has_the_modules_name() -> None:
    model = build_lopsided()
    with capture(model, "embedder", "blocks.1.mlp_in", "sequence_model.norm", "readout") as trace:
        logits = model(*ids_and_labels())
    assert list(trace) == ["embedder", "blocks.1.mlp_in", "sequence_model.norm", "readout"]
    assert torch.equal(trace["readout"], logits)
    assert torch.equal(trace["embedder"], model.embed_examples(ids_and_labels()[0]))


def test_a_module_of_ones_own_can_be_captured() -> None:
    class Cell(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.recurrent = nn.GRU(4, 6, batch_first=True)
            self.readout = nn.Linear(6, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            out: torch.Tensor = self.readout(self.recurrent(x)[0])
            return out

    cell = Cell()
    assert site_names(cell) == ["recurrent", "readout"]
    with capture(cell) as trace:
        cell(torch.zeros(2, 3, 4))
    assert {name: tuple(value.shape) for name, value in trace.items()} == {"recurrent": (2, 3, 6), "readout": (2, 3, 2)}


def test_a_part_of_the_sequence_model_named_as_one_of_the_model_keeps_its_full_name() -> None:
    model = recurrent()
    model.sequence_model.add_module("embedder", nn.Identity())
    assert site_names(model)[-1] == "sequence_model.embedder"
    with capture(model, "embedder") as trace:
        model(*ids_and_labels())
    assert torch.equal(trace["embedder"], model.embed_examples(ids_and_labels()[0]))


def test_a_later_pass_replaces_the_values() -> None:
    model = build_lopsided()
    examples, labels = ids_and_labels()
    with capture(model, "tokens") as trace:
        model(examples, labels)
        model(examples[:1, :2], labels[:1, :2])
    assert trace["tokens"].shape == (1, 3, 16)


def test_after_the_block_nothing_is_captured() -> None:
    model = build_lopsided()
    with capture(model, "tokens", "blocks.0.attention.weights", "readout") as trace:
        pass
    model(*ids_and_labels())
    assert len(trace) == 0
    assert not any(getattr(module, "stations", None) or module._forward_hooks for module in model.modules())


def test_an_exception_leaves_nothing_behind() -> None:
    model = build_lopsided()
    with pytest.raises(RuntimeError, match="mine"), capture(model, "*", "readout"):
        raise RuntimeError("mine")
    assert not any(getattr(module, "stations", None) or module._forward_hooks for module in model.modules())


def test_captures_may_be_nested_and_left_in_any_order() -> None:
    model = build_lopsided()
    first, second = capture(model, "tokens", "norm"), capture(model, "tokens", "norm")
    outer, inner = first.__enter__(), second.__enter__()
    model(*ids_and_labels())
    assert all(torch.equal(outer[name], inner[name]) for name in ("tokens", "norm"))
    first.__exit__(None, None, None)
    before = outer["tokens"], inner["tokens"]
    model(*ids_and_labels())
    assert outer["tokens"] is before[0]
    assert inner["tokens"] is not before[1]
    second.__exit__(None, None, None)


def test_captured_values_have_their_graph() -> None:
    model = build_lopsided()
    with capture(model, "blocks.0.residual_post") as trace:
        logits = model(*ids_and_labels())
    (gradient,) = torch.autograd.grad(logits.square().sum(), trace["blocks.0.residual_post"])
    assert gradient.abs().sum() > 0


def test_inside_another_capture_of_attention_the_outer_one_goes_on() -> None:
    model = build_lopsided()
    with capture_attention(model) as outer:
        with capture_attention(model) as inner:
            model(*ids_and_labels())
        model(*ids_and_labels())
    assert (len(outer), len(inner)) == (4, 2)


def test_a_model_without_attention_has_no_attention_to_capture() -> None:
    model = recurrent()
    with capture_attention(model) as weights:
        model(*ids_and_labels())
    assert weights == []


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "blocks.0.attention.weight",
            r"a name must be one of embeddings, tokens, blocks\.\*\.residual_pre, .*, or a module's, "
            r"got 'blocks\.0\.attention\.weight' \(did you mean 'blocks\.0\.attention\.weights'\?\)",
        ),
        ("blocks.2.attention", r"a name must be one of .*, got 'blocks\.2\.attention'"),
        ("blocks", "a name must be one of .*, got 'blocks'"),
        ("blocks.0.attention.heads.4", r"heads of blocks\.0\.attention\.heads must be from 0 to 3, got 4"),
        ("tokens.1", r"a name must be one of .*, got 'tokens\.1'"),
    ],
)
def test_an_unknown_name_is_refused(name: str, message: str) -> None:
    model = build_lopsided()
    with pytest.raises(ValueError, match=message) as error, capture(model, "tokens", name):
        pass
    assert "\n" not in str(error.value)
    assert not model.stations


def test_a_value_that_was_not_captured_is_named() -> None:
    model = build_lopsided()
    with capture(model, "tokens", "blocks.*.mlp") as trace:
        model(*ids_and_labels())
    with pytest.raises(KeyError, match=r"blocks\.0\.attention was not captured, but tokens, blocks\.\*\.mlp"):
        trace["blocks.0.attention"]
    with pytest.raises(KeyError, match=r"tokens\.0 was not captured"):
        trace["tokens.0"]


def test_a_compiled_model_is_refused() -> None:
    model = build_lopsided()
    for compiled in (torch.compile(model, backend="eager"), torch.nn.Sequential(torch.compile(model, backend="eager"))):
        with pytest.raises(ValueError, match="model must not be compiled"), capture(compiled):
            pass
    model.compile(backend="eager")
    with pytest.raises(ValueError, match="model must not be compiled"), capture(model):
        pass


def test_a_trace_shows_its_names_and_shapes() -> None:
    model = build_lopsided()
    with capture(model, "tokens") as trace:
        model(*ids_and_labels())
    assert repr(trace) == "Trace({'tokens': (3, 9, 16)})"
