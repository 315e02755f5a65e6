"""The products of an update: what they are, how many operations, and what they take by themselves."""

import pytest
import torch
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from icl_models import ModelConfig, build_model
from icl_train._profile.products import Recorder

CPU = torch.device("cpu")


def test_a_product_is_counted_with_its_backward_pass():
    weights = torch.randn(8, 4, requires_grad=True)
    rows = torch.randn(16, 8, requires_grad=True)
    with Recorder() as recorder:
        torch.autograd.backward((rows @ weights).sum())
    assert recorder.operations == 3 * 2 * 16 * 8 * 4
    assert sorted(one.count for one in recorder.timed(CPU)) == [1, 1, 1]


def test_equal_products_are_one_kind_counted_together():
    rows, weights = torch.randn(16, 8), torch.randn(8, 4)
    with Recorder() as recorder:
        for _ in range(5):
            rows @ weights
    (one,) = recorder.timed(CPU)
    assert (one.operation, one.shapes, one.count, one.operations) == ("mm", ((16, 8), (8, 4)), 5, 2 * 16 * 8 * 4)
    assert one.rate == one.operations / one.seconds > 0


def test_what_is_no_product_is_left_out():
    with Recorder() as recorder:
        torch.randn(16, 8).exp().sum()
    assert recorder.operations == 0
    assert recorder.timed(CPU) == []


def test_it_counts_as_pytorchs_own_counter_does():
    config = ModelConfig(
        num_classes=5, example_kind="image", example_shape=(28, 28, 1), embedder="resnet", sequence_model="lstm",
        num_layers=2, emb_dim=16, num_heads=None,
    )  # fmt: skip
    model = build_model(config, seed=0)
    examples, labels = torch.rand(2, 3, 28, 28, 1), torch.randint(5, (2, 3))
    with FlopCounterMode(display=False) as counter, Recorder() as recorder:
        torch.autograd.backward(model(examples, labels).sum())
    assert recorder.operations == counter.get_total_flops() > 0


def test_attention_is_counted_on_a_cpu_too():
    query, key, value = (torch.randn(2, 4, 9, 8, requires_grad=True) for _ in range(3))
    with Recorder() as recorder:
        torch.autograd.backward(F.scaled_dot_product_attention(query, key, value).sum())
    products = 2 + 5  # scores and answers; backward they are made anew, and four gradients
    assert recorder.operations == products * 2 * (2 * 4) * 9 * 9 * 8


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_products_of_any_precision_are_timed(dtype):
    rows = torch.randn(16, 16, dtype=dtype)
    with Recorder() as recorder:
        rows @ rows
    assert recorder.timed(CPU)[0].seconds > 0
