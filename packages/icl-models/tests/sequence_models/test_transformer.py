"""The variants of the transformer's block: what each changes, and what it leaves alone."""

import json
from typing import Any

import pytest
import torch
from small_models import IDS

from icl_models import (
    ComponentConfig,
    InContextModel,
    ModelConfig,
    TransformerConfig,
    build_model,
    capture,
    count_parameters,
)
from icl_models._sequence_models.positions import RelativePositions, RotaryPositions

WIDTH, HEADS = 16, 4
MLP = 8 * WIDTH**2 + 5 * WIDTH + 2 * WIDTH  # two matrices with biases, and a norm


def build(seed: int = 0, **own: Any) -> InContextModel:
    return build_model(ModelConfig(**IDS, sequence_model_config=TransformerConfig(**own)), seed=seed)


def ids_and_labels(seq_len: int = 5, seed: int = 0) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.randint(12, (2, 3, seq_len), generator=torch.Generator().manual_seed(seed))
    return draw[0], draw[1]


def test_the_default_settings_are_the_model_without_settings() -> None:
    plain = build_model(ModelConfig(**IDS), seed=0)
    explicit = build(norm="pre", positions="sinusoidal", mlp_layers=(0, 1))
    assert plain.state_dict().keys() == explicit.state_dict().keys()
    assert torch.equal(plain(*ids_and_labels()), explicit(*ids_and_labels()))


@pytest.mark.parametrize(
    ("own", "difference"),
    [
        ({"mlp_layers": ()}, -2 * MLP),
        ({"mlp_layers": (1,)}, -MLP),
        ({"norm": "post"}, -2 * WIDTH),
        ({"positions": "rotary"}, 0),
        ({"positions": "learned"}, 64 * WIDTH),
        ({"positions": "learned", "num_positions": 9}, 9 * WIDTH),
        ({"positions": "relative"}, 2 * 64 * HEADS),
        ({"positions": "relative", "num_positions": 5}, 2 * 5 * HEADS),
    ],
)
def test_a_variant_has_the_parameters_that_it_needs(own: dict[str, Any], difference: int) -> None:
    assert count_parameters(build(**own)) - count_parameters(build()) == difference


def test_attention_only_has_no_mlp() -> None:
    names = [name for name, _ in build(mlp_layers=()).named_parameters()]
    assert not [name for name in names if "mlp" in name]
    assert [name for name in names if "attention" in name]


@pytest.mark.parametrize("own", [{"positions": "rotary"}, {"norm": "post"}])
def test_a_variant_that_draws_nothing_new_starts_from_the_default_weights(own: dict[str, Any]) -> None:
    default = build().state_dict()
    assert all(torch.equal(tensor, default[name]) for name, tensor in build(**own).state_dict().items())


@pytest.mark.parametrize("own", [{"positions": "rotary"}, {"norm": "post"}, {"mlp_layers": (0,)}, {"mlp_layers": ()}])
def test_a_variant_computes_something_else_with_the_same_weights(own: dict[str, Any]) -> None:
    default, variant = build(), build(**own)
    variant.load_state_dict(
        {name: tensor for name, tensor in default.state_dict().items() if name in variant.state_dict()}
    )
    assert not torch.allclose(variant(*ids_and_labels()), default(*ids_and_labels()), atol=1e-3)


def test_the_features_of_a_post_norm_block_are_normalised() -> None:
    model = build(norm="post")
    with capture(model, "blocks.*.residual_mid", "blocks.*.residual_post") as trace:
        model(*ids_and_labels())
    assert len(trace) == 4
    for value in trace.values():
        torch.testing.assert_close(value.mean(-1), torch.zeros(3, 9), rtol=0, atol=1e-5)
        torch.testing.assert_close(value.var(-1, correction=0), torch.ones(3, 9), rtol=0, atol=1e-3)


def test_a_pre_norm_block_adds_its_branches_to_the_residual_stream() -> None:
    model = build()
    with capture(model, "blocks.*") as trace:
        model(*ids_and_labels())
    for block in ("blocks.0", "blocks.1"):
        middle = trace[f"{block}.residual_pre"] + trace[f"{block}.attention"]
        torch.testing.assert_close(trace[f"{block}.residual_mid"], middle)
        torch.testing.assert_close(trace[f"{block}.residual_post"], middle + trace[f"{block}.mlp"])


def scores_of_equal_tokens(positions: str) -> torch.Tensor:
    """Scores (B, H, T, T) of the first layer, each less that of the token with itself, when all tokens are alike."""
    model = build(positions=positions, seed=1)
    block = model.sequence_model.blocks[0]
    if positions == "relative":
        torch.nn.init.normal_(block.attention.relative.bias, generator=torch.Generator().manual_seed(0))
    torch.nn.init.normal_(block.attention.qkv.bias, generator=torch.Generator().manual_seed(0))
    tokens = torch.randn(1, 1, WIDTH, generator=torch.Generator().manual_seed(0)).expand(1, 9, WIDTH)
    with capture(block, "attention.weights") as trace, torch.no_grad():
        block(tokens)
    log = trace["attention.weights"].log()
    return log - log.diagonal(dim1=2, dim2=3)[..., None]


@pytest.mark.parametrize("positions", ["relative", "rotary"])
def test_attention_depends_on_the_distance_of_two_tokens_alone(positions: str) -> None:
    scores = scores_of_equal_tokens(positions)
    for distance in range(1, 9):
        along = scores.diagonal(-distance, 2, 3)  # (B, H, T - distance)
        torch.testing.assert_close(along, along[..., :1].expand_as(along), rtol=1e-4, atol=1e-5)
    assert (scores[..., 8, :7] - scores[..., 8, 1:8]).abs().max() > 1e-2  # and it does depend on it


def test_without_relative_positions_equal_tokens_get_equal_attention() -> None:
    scores = scores_of_equal_tokens("sinusoidal")
    torch.testing.assert_close(scores.tril(), torch.zeros_like(scores), rtol=0, atol=1e-5)


def test_rotary_positions_turn_pairs_by_the_published_angles() -> None:
    """Su et al. 2021, section 3.2.2: frequencies 10000^(-2i/D), here for D = 4."""
    x = torch.randn(1, 1, 70, 4, generator=torch.Generator().manual_seed(0))
    turned = RotaryPositions(4)(x, 70)
    pairs, expected = torch.complex(turned[..., :2], turned[..., 2:]), torch.complex(x[..., :2], x[..., 2:])
    angle = torch.arange(70)[:, None] * torch.tensor([1.0, 0.01])
    torch.testing.assert_close(pairs, expected * torch.polar(torch.ones_like(angle), angle), rtol=1e-4, atol=1e-5)


def test_distances_beyond_the_last_share_a_bias() -> None:
    relative = RelativePositions(1, 3)
    with torch.no_grad():
        relative.bias.copy_(torch.tensor([[1.0, 2.0, 3.0]]))
    assert relative(5, 5)[0, 4].tolist() == [3.0, 3.0, 3.0, 2.0, 1.0]
    assert torch.equal(relative(1, 5), relative(5, 5)[:, 4:])


def test_learned_positions_are_added_to_the_tokens() -> None:
    model = build(positions="learned")
    table = model.get_parameter("sequence_model.learned_positions.table")
    with capture(model, "tokens", "blocks.0.residual_pre") as trace:
        model(*ids_and_labels())
    torch.testing.assert_close(trace["blocks.0.residual_pre"], trace["tokens"] + table[:9])


def test_a_sequence_longer_than_the_learned_positions_is_refused() -> None:
    model = build(positions="learned", num_positions=9)
    assert model(*ids_and_labels(5)).shape == (3, 9, 12)
    with pytest.raises(ValueError, match="sequences must have at most num_positions, 9, tokens, got 11"):
        model(*ids_and_labels(6))


def test_dropout_of_learned_positions_acts_in_training_only() -> None:
    own = TransformerConfig(positions="learned")
    model = build_model(ModelConfig(**IDS, sequence_model_config=own, positional_dropout_prob=0.5), seed=0)
    assert not torch.equal(model(*ids_and_labels()), model(*ids_and_labels()))
    model.eval()
    assert torch.equal(model(*ids_and_labels()), model(*ids_and_labels()))


@pytest.mark.parametrize("positions", ["learned", "relative", "rotary"])
def test_other_positions_take_the_place_of_the_sinusoidal_ones(positions: str) -> None:
    model = build(positions=positions)
    examples, labels = ids_and_labels()
    with capture(model, "tokens") as trace:
        model(examples, labels)
    torch.testing.assert_close(trace["tokens"][:, ::2], model.embed_examples(examples))


@pytest.mark.parametrize("positions", ["relative", "rotary"])
def test_sequences_of_any_length_have_relative_positions(positions: str) -> None:
    model = build(positions=positions).eval()
    examples, labels = ids_and_labels(70)
    long = model(examples, labels)
    torch.testing.assert_close(model(examples[:, :5], labels[:, :5])[:, :8], long[:, :8], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(model(examples, labels, "query"), long[:, -1], rtol=1e-4, atol=1e-5)


def test_odd_tokens_need_no_sinusoids_where_positions_are_relative() -> None:
    own = TransformerConfig(positions="relative")
    config = ModelConfig(**IDS | {"emb_dim": 15, "num_heads": 3}, sequence_model_config=own)
    assert build_model(config, seed=0)(*ids_and_labels()).shape == (3, 9, 12)


def test_settings_survive_json_and_keep_layers_in_order() -> None:
    own = TransformerConfig(norm="post", positions="learned", num_positions=20, mlp_layers=(1, 0))
    assert own.mlp_layers == (0, 1)
    config = ModelConfig(**IDS, sequence_model_config=own)
    assert ModelConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_a_component_without_say_gets_sinusoidal_positions() -> None:
    assert not ComponentConfig().replaces_positions
    assert ModelConfig(**IDS | {"num_heads": None}, sequence_model="lstm").adds_sinusoidal_positions


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ({"norm": "both"}, "norm must be one of pre, post, got 'both'"),
        ({"positions": "alibi"}, "positions must be one of sinusoidal, learned, relative, rotary, got 'alibi'"),
        ({"mlp_layers": "all"}, "mlp_layers must be None or layers counted from 0, got 'all'"),
        ({"mlp_layers": (-1,)}, r"mlp_layers must be None or layers counted from 0, got \(-1,\)"),
        ({"mlp_layers": (0, 0)}, r"mlp_layers must name each layer once, got \(0, 0\)"),
        ({"positions": "learned", "num_positions": 0}, "num_positions must be a positive integer, got 0"),
        ({"num_positions": 5}, "num_positions must be None with sinusoidal positions, got 5"),
        ({"positions": "rotary", "num_positions": 5}, "num_positions must be None with rotary positions, got 5"),
    ],
)
def test_a_wrong_setting_is_refused_at_construction(own: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        TransformerConfig(**own)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("own", "change", "message"),
    [
        ({"mlp_layers": (0, 2)}, {}, "mlp_layers must be below num_layers, 2, got 2"),
        (
            {"positions": "rotary"},
            {"emb_dim": 20},
            "num_heads must make heads of even width with rotary positions, got 4, each 5 wide",
        ),
        (
            {"positions": "learned"},
            {"use_positional_encodings": False},
            "positions must be 'sinusoidal' without use_positional_encodings, got 'learned'",
        ),
        (
            {"positions": "relative"},
            {"positional_dropout_prob": 0.1},
            r"positional_dropout_prob must be 0 with relative positions, got 0\.1",
        ),
    ],
)
def test_a_setting_that_does_not_fit_the_model_is_refused_at_construction(
    own: dict[str, Any], change: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=message) as error:
        ModelConfig(**IDS | change, sequence_model_config=TransformerConfig(**own))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("positions", ["sinusoidal", "learned", "relative", "rotary"])
def test_a_model_compiles_whole(positions: str) -> None:
    torch.compiler.reset()  # models compiled before count towards the limit of recompilations
    model = build(positions=positions).eval()
    compiled = torch.compile(model, fullgraph=True, backend="eager")
    for where in ("all", "query"):
        torch.testing.assert_close(compiled(*ids_and_labels(), where), model(*ids_and_labels(), where))
