"""Tokens laid out by a fused kernel are those of the model, and so are the gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from icl_models import InContextModel, ModelConfig, build_model
from icl_models._fused.switch import fused_kernels, has_triton

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"

pytestmark = pytest.mark.skipif(not has_triton(), reason="needs triton")


def model() -> InContextModel:
    config = ModelConfig.from_dict(
        {
            "num_classes": 20,
            "example_kind": "vector",
            "example_shape": (32,),
            "embedder": "vector",
            "emb_dim": 32,
            "num_layers": 1,
            "sequence_model": "gru",
        }
    )
    return build_model(config, seed=0).to(DEVICE)


def drawn(batch: int = 5, examples: int = 4) -> tuple[Tensor, Tensor]:
    """Embedded examples, and labels of which some come often and some are the table's last."""
    generator = torch.Generator().manual_seed(1)
    labels = torch.randint(0, 6, (batch, examples), generator=generator)
    labels[0, :2] = 19
    h_x = torch.randn(batch, examples, 32, generator=generator).to(DEVICE)
    return h_x.requires_grad_(), labels.to(DEVICE)


def test_tokens_are_the_models() -> None:
    h_x, labels = drawn()
    plain = model()._interleave(h_x, labels)
    with fused_kernels():
        fused = model()._interleave(h_x, labels)
    assert type(fused.grad_fn).__name__ == "_InterleaveBackward"
    assert torch.equal(fused, plain)


@pytest.mark.parametrize("examples", [1, 4])
def test_gradients_of_examples_and_labels_are_the_models(examples: int) -> None:
    h_x, labels = drawn(batch=40, examples=examples)
    built = model()
    weights = torch.randn(40, 2 * examples - 1, 32, generator=torch.Generator().manual_seed(2)).to(DEVICE)
    table = built.label_table.weight
    plain = torch.autograd.grad(built._interleave(h_x, labels), [h_x, table], weights)
    with fused_kernels():
        fused = torch.autograd.grad(built._interleave(h_x, labels), [h_x, table], weights)
    assert torch.equal(fused[0], plain[0])
    torch.testing.assert_close(fused[1], plain[1], rtol=1e-5, atol=1e-5)


def test_a_label_that_the_table_does_not_have_shows() -> None:
    h_x, labels = drawn()
    labels[2, 1] = 20
    with fused_kernels():
        tokens = model()._interleave(h_x, labels)
    assert tokens[2, 3].isnan().all()


def test_the_querys_label_may_be_anything() -> None:
    h_x, labels = drawn()
    labels[:, -1] = 1000
    with fused_kernels():
        built = model()
        built._interleave(h_x, labels).sum().backward()
    assert built.label_table.weight.grad.isfinite().all()
