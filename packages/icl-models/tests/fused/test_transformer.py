"""The transformer's layers as fused kernels do what the layers do: on a GPU, or interpreted."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from icl_models import ModelConfig, TransformerConfig, build_model
from icl_models._fused.switch import fused_for, fused_kernels, has_triton
from icl_models._sequence_models.transformer import Transformer

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
TOLERANCE = 5e-6  # of the largest number of a tensor; plain float32 is up to 1e-6 off

pytestmark = pytest.mark.skipif(not has_triton(), reason="needs triton")


def transformer(own: TransformerConfig | None = None, *, width: int = 64, **settings: Any) -> Transformer:
    """With scales, offsets and biases that are not what they begin as."""
    config = ModelConfig.from_dict(
        {
            "num_classes": 3,
            "example_kind": "vector",
            "example_shape": (width,),
            "embedder": "vector",
            "emb_dim": width,
            "num_layers": 2,
            "num_heads": 8,
            "sequence_model_config": own or TransformerConfig(),
        }
        | settings
    )
    model = build_model(config, seed=0).sequence_model.to(DEVICE)
    assert isinstance(model, Transformer)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 1:
                parameter += 0.2 * torch.randn(parameter.shape, generator=generator).to(DEVICE)
    return model


def tokens(length: int = 5, width: int = 64, batch: int = 2) -> Tensor:
    drawn = torch.randn(batch, length, width, generator=torch.Generator().manual_seed(2))
    return drawn.to(DEVICE).requires_grad_()


def is_fused(features: Tensor) -> bool:
    return type(features.grad_fn).__name__ == "_StackBackward"


def outcome(model: nn.Module, x: Tensor, positions: str) -> dict[str, Tensor]:
    """Features and all gradients, by name."""
    features = model(x, positions)
    assert is_fused(features) is (x.dtype == torch.float32)
    weights = torch.randn(features.shape, generator=torch.Generator().manual_seed(3)).to(features)
    wanted = {"tokens": x, **dict(model.named_parameters())}
    gradients = torch.autograd.grad(features, list(wanted.values()), weights)
    return {"features": features.detach(), **dict(zip(wanted, gradients, strict=True))}


@pytest.mark.parametrize(
    ("own", "length", "positions", "settings"),
    [
        ({}, 17, "query", {}),
        ({}, 5, "all", {"num_layers": 1}),
        ({"mlp_layers": ()}, 5, "query", {"num_layers": 3}),
        ({"mlp_layers": (1,)}, 5, "query", {"num_layers": 3}),
        ({"positions": "learned"}, 2, "query", {"num_layers": 1, "num_heads": 1}),
        ({"mlp_layers": (0,)}, 5, "all", {"width": 32}),
        ({}, 3, "query", {"num_layers": 1, "width": 128}),
    ],
)
def test_features_and_gradients_are_those_of_the_layers(
    own: dict[str, Any], length: int, positions: str, settings: dict[str, Any]
) -> None:
    model = transformer(TransformerConfig(**own), **settings)
    x = tokens(length, settings.get("width", 64))
    with fused_kernels():
        found = outcome(model, x, positions)
    exact = outcome(model.double(), x.detach().double().requires_grad_(), positions)
    for name, value in exact.items():
        assert (found[name] - value).abs().max() < TOLERANCE * value.abs().max(), name


def test_a_batch_of_more_sequences_than_blocks_of_rows_is_added_up_whole() -> None:
    model, x = (
        transformer(TransformerConfig(mlp_layers=()), num_layers=1, width=32),
        tokens(length=2, width=32, batch=9),
    )
    with fused_kernels():
        found = outcome(model, x, "all")
    exact = outcome(model.double(), x.detach().double().requires_grad_(), "all")
    for name in ("norm.weight", "norm.bias", "blocks.0.norm_attention.weight"):
        assert (found[name] - exact[name]).abs().max() < TOLERANCE * exact[name].abs().max()


def test_gradients_of_parameters_are_taken_without_a_copy() -> None:
    model = transformer(TransformerConfig(mlp_layers=()))
    with fused_kernels():
        model(tokens(), "query").sum().backward()
    one, other = (block.attention.qkv.weight.grad.untyped_storage().data_ptr() for block in model.blocks)
    assert one == other


@pytest.mark.parametrize(
    ("own", "settings"),
    [
        ({"norm": "post"}, {}),
        ({"positions": "relative"}, {}),
        ({"positions": "rotary"}, {}),
        ({}, {"dropout_prob": 0.1}),
        ({}, {"width": 48, "num_heads": 3}),
        ({}, {"width": 256}),
    ],
)
def test_other_transformers_are_left_as_they_are(own: dict[str, Any], settings: dict[str, Any]) -> None:
    model = transformer(TransformerConfig(**own), **settings)
    with fused_kernels():
        assert not is_fused(model(tokens(width=settings.get("width", 64)), "query"))


def test_nothing_is_fused_where_no_gradient_is_wanted() -> None:
    model, x = transformer(num_layers=1), tokens()
    with torch.no_grad():
        plain = model(x)
        with fused_kernels():
            assert torch.equal(model(x), plain)


def test_nothing_is_fused_where_somebody_looks() -> None:
    model, seen = transformer(), []
    model.blocks[1].attention.register_forward_hook(lambda *arguments: seen.append(arguments))
    with fused_kernels():
        model(tokens())
    assert seen


def test_nothing_is_fused_under_autocast() -> None:
    with fused_kernels(), torch.autocast(DEVICE, torch.bfloat16):
        assert not is_fused(transformer()(tokens()))


def test_nothing_is_fused_in_float64() -> None:
    with fused_kernels():
        assert not is_fused(transformer().double()(tokens().double()))


def test_a_switch_that_is_off_fuses_nothing() -> None:
    assert not fused_for(tokens())
    assert not is_fused(transformer()(tokens()))
