"""Edits act where they are named, on nothing else, and only inside their block."""

from typing import Any

import pytest
import torch
from small_models import VARIANTS, build_lopsided, ids_and_labels

from icl_models import (
    TransformerConfig,
    ablate,
    capture,
    edit,
    freeze,
    patch,
)


def same(a: torch.Tensor, b: torch.Tensor) -> bool:
    return torch.allclose(a, b, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("own", VARIANTS)
@pytest.mark.parametrize("positions", ["all", "query"])
def test_without_its_heads_attention_gives_its_bias(own: TransformerConfig, positions: Any) -> None:
    model = build_lopsided(own)
    edits = {f"blocks.0.attention.heads.{head}": ablate() for head in range(4)}
    with edit(model, edits), capture(model, "blocks.0.attention") as trace:
        model(*ids_and_labels(), positions)
    bias = model.get_parameter("sequence_model.blocks.0.attention.out.bias")
    torch.testing.assert_close(trace["blocks.0.attention"], bias.expand(3, 9, 16))


def test_one_ablated_head_takes_what_it_adds_from_the_attention_output() -> None:
    model = build_lopsided()
    with capture(model) as plain:
        model(*ids_and_labels())
    with edit(model, {"blocks.1.attention.heads.3": ablate()}), capture(model) as ablated:
        model(*ids_and_labels())
    lost = plain["blocks.1.attention"] - ablated["blocks.1.attention"]
    torch.testing.assert_close(lost, plain["blocks.1.attention.heads.3"], rtol=1e-4, atol=1e-5)
    assert torch.equal(ablated["blocks.1.attention.heads.2"], plain["blocks.1.attention.heads.2"])


def test_a_head_with_ablated_weights_adds_nothing() -> None:
    model = build_lopsided()
    with edit(model, {"blocks.0.attention.weights.1": ablate()}), capture(model, "blocks.0.attention.heads") as trace:
        model(*ids_and_labels())
    assert torch.equal(trace["blocks.0.attention.heads.1"], torch.zeros(3, 9, 16))
    assert trace["blocks.0.attention.heads.0"].abs().sum() > 0


def test_without_attention_and_mlp_a_block_passes_the_residual_stream_on() -> None:
    model = build_lopsided()
    with edit(model, {"blocks.1.attention": ablate(), "blocks.1.mlp": ablate()}), capture(model, "blocks.1.*") as trace:
        model(*ids_and_labels())
    assert torch.equal(trace["blocks.1.residual_post"], trace["blocks.1.residual_pre"])


def test_a_mean_ablated_value_is_the_batchs_mean_at_every_position() -> None:
    model = build_lopsided()
    with capture(model, "blocks.0.mlp") as plain:
        model(*ids_and_labels())
    with edit(model, {"blocks.0.mlp": ablate("mean")}), capture(model, "blocks.0.mlp") as trace:
        model(*ids_and_labels())
    torch.testing.assert_close(trace["blocks.0.mlp"], plain["blocks.0.mlp"].mean(0).expand(3, 9, 16))


@pytest.mark.parametrize("own", VARIANTS)
@pytest.mark.parametrize("positions", ["all", "query"])
def test_frozen_to_its_own_values_a_model_computes_the_same(own: TransformerConfig, positions: Any) -> None:
    model = build_lopsided(own)
    with capture(model) as trace:
        logits = model(*ids_and_labels(), positions)
    with edit(model, {"*": freeze(trace)}):
        torch.testing.assert_close(model(*ids_and_labels(), positions), logits, rtol=1e-4, atol=1e-5)


def test_frozen_patterns_are_those_of_the_other_sequences() -> None:
    model = build_lopsided()
    with capture(model, "blocks.*.attention.weights") as other:
        model(*ids_and_labels(seed=1))
    with edit(model, {"blocks.*.attention.weights": freeze(other)}), capture(model, "*.weights") as trace:
        model(*ids_and_labels(seed=0))
    assert all(torch.equal(trace[name], other[name]) for name in other)


def test_one_head_can_be_frozen_to_a_trace_of_all() -> None:
    model = build_lopsided()
    with capture(model, "blocks.0.attention.weights") as other:
        model(*ids_and_labels(seed=1))
    name = "blocks.0.attention.weights.2"
    with edit(model, {name: freeze(other)}), capture(model, "blocks.0.attention.weights") as trace:
        model(*ids_and_labels(seed=0))
    assert torch.equal(trace[name], other[name])
    assert not same(trace["blocks.0.attention.weights.1"], other["blocks.0.attention.weights.1"])


@pytest.mark.parametrize("own", VARIANTS)
@pytest.mark.parametrize("positions", ["all", "query"])
def test_the_clean_residual_stream_of_the_last_layer_gives_the_clean_logits(
    own: TransformerConfig, positions: Any
) -> None:
    model = build_lopsided(own)
    with capture(model, "blocks.1.residual_post") as clean:
        logits = model(*ids_and_labels(seed=0), positions)
    assert not same(model(*ids_and_labels(seed=1), positions), logits)
    with edit(model, {"blocks.1.residual_post": freeze(clean)}):
        assert torch.equal(model(*ids_and_labels(seed=1), positions), logits)


def test_a_patched_position_leaves_those_before_it_alone() -> None:
    model = build_lopsided()
    with capture(model, "blocks.0.residual_post") as clean:
        model(*ids_and_labels(seed=1))
    before = model(*ids_and_labels(seed=0))
    with edit(model, {"blocks.0.residual_post": freeze(clean, positions=[4])}), capture(model, "blocks.*") as trace:
        after = model(*ids_and_labels(seed=0))
    assert torch.equal(trace["blocks.0.residual_post"][:, 4], clean["blocks.0.residual_post"][:, 4])
    assert same(after[:, :4], before[:, :4])
    assert not any(same(after[:, t], before[:, t]) for t in range(4, 9))


@pytest.mark.parametrize("positions", ["all", "query"])
def test_positions_from_the_end_mean_the_same_with_query_positions(positions: Any) -> None:
    model = build_lopsided()
    with edit(model, {"blocks.1.attention.heads.0": ablate(positions=[-1])}), capture(model, "*.heads.0") as trace:
        model(*ids_and_labels(), positions)
    added = trace["blocks.1.attention.heads.0"]
    assert torch.equal(added[:, -1], torch.zeros(3, 16))
    assert bool(added[:, :-1].abs().sum() > 0) == (positions == "all")


def test_positions_of_a_patch_may_be_several_in_any_order() -> None:
    model = build_lopsided()
    with capture(model, "tokens") as plain:
        model(*ids_and_labels())
    value = torch.arange(9.0)[:, None].expand(9, 16)
    with edit(model, {"tokens": patch(value, positions=[-1, 2])}), capture(model, "tokens") as trace:
        model(*ids_and_labels())
    expected = plain["tokens"].clone()
    expected[:, 2], expected[:, 8] = 2.0, 8.0
    assert torch.equal(trace["tokens"], expected)


@pytest.mark.parametrize("value", [2, 2.0, torch.tensor(2.0, dtype=torch.float64), torch.full((9, 1), 2.0)])
def test_a_patch_may_be_a_number_or_anything_that_broadcasts(value: Any) -> None:
    model = build_lopsided()
    with edit(model, {"blocks.0.mlp": patch(value)}), capture(model, "blocks.0.mlp") as trace:
        model(*ids_and_labels())
    assert torch.equal(trace["blocks.0.mlp"], torch.full((3, 9, 16), 2.0))


def test_a_patch_may_be_a_function_of_what_it_replaces() -> None:
    model = build_lopsided()
    plain = model(*ids_and_labels())
    with edit(model, {"readout": patch(lambda logits: -2 * logits)}):
        assert torch.equal(model(*ids_and_labels()), -2 * plain)


def test_edits_of_one_place_act_from_the_outer_to_the_inner() -> None:
    model = build_lopsided()
    inner = edit(model, {"tokens": patch(lambda x: x + 1)})
    with edit(model, {"tokens": patch(0.0)}), inner, capture(model, "tokens") as trace:
        model(*ids_and_labels())
    assert torch.equal(trace["tokens"], torch.ones(3, 9, 16))


def test_a_trace_has_the_edited_values_whichever_block_is_the_outer_one() -> None:
    model = build_lopsided()
    for site in ("blocks.0.mlp", "blocks.0.mlp_out"):
        change = edit(model, {site: patch(1.0)})
        with capture(model, site) as outer, change, capture(model, site) as inner:
            model(*ids_and_labels())
        assert torch.equal(outer[site], torch.ones(3, 9, 16))
        assert torch.equal(inner[site], outer[site])


def test_after_the_block_the_model_is_as_before() -> None:
    model = build_lopsided()
    plain = model(*ids_and_labels())
    with edit(model, {"blocks.*.attention.heads": ablate(), "readout": patch(0.0)}):
        model(*ids_and_labels())
    assert torch.equal(model(*ids_and_labels()), plain)
    assert not any(getattr(module, "stations", None) or module._forward_hooks for module in model.modules())


def test_an_exception_in_the_block_is_passed_on_and_ends_the_edits() -> None:
    model = build_lopsided()
    plain = model(*ids_and_labels())
    with pytest.raises(RuntimeError, match="mine"), edit(model, {"*": patch(0.0), "readout": patch(0.0)}):
        raise RuntimeError("mine")
    assert torch.equal(model(*ids_and_labels()), plain)


def test_gradients_flow_through_what_is_computed_and_around_what_is_not() -> None:
    model = build_lopsided().train()
    with edit(model, {"blocks.1.attention.heads": ablate(), "blocks.0.mlp": patch(lambda x: 2 * x)}):
        model(*ids_and_labels()).square().sum().backward()
    doubled = model.get_parameter("sequence_model.blocks.0.mlp_in.weight").grad
    assert doubled is not None
    assert doubled.abs().sum() > 0
    assert model.get_parameter("sequence_model.blocks.1.attention.qkv.weight").grad is None


def test_a_patched_value_can_be_learned() -> None:
    model = build_lopsided()
    steer = torch.zeros(16, requires_grad=True)
    with edit(model, {"blocks.0.residual_post": patch(lambda x: x + steer, positions=[-1])}):
        model(*ids_and_labels(), "query").square().sum().backward()
    assert steer.grad is not None
    assert steer.grad.abs().sum() > 0


def test_a_recurrent_layer_can_be_patched() -> None:
    model = build_lopsided(num_heads=None, sequence_model="lstm", hidden_size=7)
    with capture(model, "layers.0") as clean:
        logits = model(*ids_and_labels(seed=0))
    with edit(model, {"layers.0": freeze(clean)}):
        assert torch.equal(model(*ids_and_labels(seed=1)), logits)


def test_the_first_of_several_outputs_is_edited() -> None:
    model = torch.nn.Sequential(torch.nn.GRU(4, 6, batch_first=True))
    with edit(model, {"0": ablate()}):
        outputs, state = model(torch.ones(2, 3, 4))
    assert torch.equal(outputs, torch.zeros(2, 3, 6))
    assert state.abs().sum() > 0


def test_an_edit_that_no_forward_pass_reached_is_an_error() -> None:
    """In the last layer the query alone is projected, so that the module `qkv` is not called as such."""
    model = build_lopsided()
    with (
        pytest.raises(ValueError, match=r"must come by every edit, got none at blocks\.1\.attention\.qkv"),
        edit(model, {"blocks.1.attention.qkv": ablate(), "blocks.0.attention.qkv": ablate()}),
    ):
        model(*ids_and_labels(), "query")


@pytest.mark.parametrize(
    ("edits", "message"),
    [
        ({"blocks.0.mpl": ablate()}, r"a name must be one of .* \(did you mean 'blocks\.0\.mlp'\?\)"),
        ({"blocks.0.mlp": 0.0}, r"an edit of blocks\.0\.mlp must come from ablate, freeze or patch, got 0\.0"),
        (
            {"blocks.0.mlp": patch(torch.zeros(5))},
            r"the value for blocks\.0\.mlp must have, or broadcast to, shape \(3, 9, 16\), got \(5,\)",
        ),
        ({"blocks.0.mlp": patch(0.0, positions=[9])}, r"positions in blocks\.0\.mlp must be from -9 to 8, got 9"),
        (
            {"blocks.0.mlp": freeze({"blocks.0.attention": torch.zeros(1), "blocks.1.attention": torch.zeros(1)})},
            r"the trace that blocks\.0\.mlp is frozen to must have it, got blocks\.\*\.attention",
        ),
        (
            {"blocks.0.mlp": freeze({"blocks.0.mlp": torch.zeros(3, 1, 16)})},
            r"the trace's blocks\.0\.mlp must have shape \(3, 9, 16\), got \(3, 1, 16\)",
        ),
    ],
)
def test_an_edit_that_does_not_fit_is_refused(edits: dict[str, Any], message: str) -> None:
    model = build_lopsided()
    with pytest.raises(ValueError, match=message) as error, edit(model, edits):
        model(*ids_and_labels())
    assert "\n" not in str(error.value)


def test_wrong_arguments_of_an_edit_are_refused() -> None:
    with pytest.raises(ValueError, match="to must be one of zero, mean, got 'noise'"):
        ablate("noise")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="value must be a tensor, a number or a function, got '0'"):
        patch("0")  # type: ignore[arg-type]
    for positions in ([], [1.5], [True]):
        with pytest.raises(ValueError, match="positions must be integers, got "):
            ablate(positions=positions)  # type: ignore[arg-type]
