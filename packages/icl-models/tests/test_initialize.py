"""Initial weights have the released distributions.

Each test compares a sample standard deviation to its expectation within five standard errors, with fixed seeds: were
the seeds drawn anew, each comparison would fail by chance less than once in a million runs.
"""

import math

import pytest
import torch
from torch import nn

from icl_models import ModelConfig, build_model

CUT = 0.87962566  # standard deviation of a unit normal cut at two


def assert_truncated_normal(weight: torch.Tensor, scale: float) -> None:
    """A normal of standard deviation `scale`, cut at twice that."""
    values = weight.detach().flatten().double()
    assert values.abs().max() <= 2 * scale * (1 + 1e-6)
    expected = scale * CUT
    standard_error = expected / math.sqrt(2 * values.numel())  # of the deviation; the cut makes it smaller yet
    assert abs(values.std() - expected) < 5 * standard_error
    assert abs(values.mean()) < 5 * expected / math.sqrt(values.numel())


@pytest.fixture(scope="module")
def transformer() -> nn.Module:
    return build_model(ModelConfig(num_classes=1623, num_layers=2), seed=0)


def test_label_table_has_deviation_0_02_before_the_cut(transformer: nn.Module) -> None:
    assert_truncated_normal(transformer.get_parameter("label_table.weight"), 0.02)


@pytest.mark.parametrize(
    ("name", "fan_in"),
    [
        ("sequence_model.blocks.0.attention.qkv.weight", 64),
        ("sequence_model.blocks.1.attention.out.weight", 64),
        ("sequence_model.blocks.0.mlp_in.weight", 64),
        ("sequence_model.blocks.1.mlp_out.weight", 256),
        ("readout.weight", 64),
    ],
)
def test_transformer_weights_have_unit_variance_scaling_after_the_cut(
    transformer: nn.Module, name: str, fan_in: int
) -> None:
    assert_truncated_normal(transformer.get_parameter(name), fan_in**-0.5 / CUT)


@pytest.mark.parametrize(
    ("name", "fan_in"),
    [
        ("embedder.stem.weight", 49),
        ("embedder.groups.0.0.shortcut_conv.weight", 64),
        ("embedder.groups.3.1.conv_1.weight", 144),
        ("embedder.groups.3.1.conv_2.weight", 16),
    ],
)
def test_convolutions_have_fan_in_scaling_before_the_cut(transformer: nn.Module, name: str, fan_in: int) -> None:
    assert_truncated_normal(transformer.get_parameter(name), fan_in**-0.5)


def test_biases_start_at_zero_and_norms_at_one_but_the_last_of_a_block_at_zero(transformer: nn.Module) -> None:
    for name, parameter in transformer.named_parameters():
        if parameter.ndim > 1:
            continue
        zero = name.endswith(("bias", "offset")) or "norm_2.scale" in name
        assert torch.equal(parameter, torch.zeros_like(parameter) if zero else torch.ones_like(parameter)), name


def test_an_embedding_table_has_unit_deviation_before_the_cut() -> None:
    config = ModelConfig(num_classes=300, example_kind="id", example_shape=(), embedder="embedding", num_layers=1)
    assert_truncated_normal(build_model(config, seed=0).get_parameter("embedder.table.weight"), 1.0)


def test_linear_and_vector_embedders_have_fan_in_scaling_before_the_cut() -> None:
    linear = ModelConfig(num_classes=9, example_shape=(8, 9, 1), embedder="linear", num_layers=1)
    assert_truncated_normal(build_model(linear, seed=0).get_parameter("embedder.linear.weight"), 72**-0.5)
    vector = ModelConfig(num_classes=9, example_kind="vector", example_shape=(63,), embedder="vector", num_layers=1)
    assert_truncated_normal(build_model(vector, seed=0).get_parameter("embedder.projection.weight"), 63**-0.5)


def test_recurrent_weights_have_fan_in_scaling_before_the_cut() -> None:
    ids = {"num_classes": 9, "example_kind": "id", "example_shape": (), "embedder": "embedding", "num_layers": 1}
    lstm = build_model(ModelConfig(**ids, sequence_model="lstm", hidden_size=100), seed=0)
    assert_truncated_normal(lstm.get_parameter("sequence_model.layers.0.input_weight"), 164**-0.5)
    assert_truncated_normal(lstm.get_parameter("sequence_model.layers.0.hidden_weight"), 164**-0.5)
    plain = build_model(ModelConfig(**ids, sequence_model="vanilla_rnn", hidden_size=100), seed=0)
    assert_truncated_normal(plain.get_parameter("sequence_model.layers.0.input_weight"), 64**-0.5)
    assert_truncated_normal(plain.get_parameter("sequence_model.layers.0.hidden_weight"), 100**-0.5)
