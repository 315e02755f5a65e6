"""1x1 convolutions to few channels are those of torch."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from icl_models._embedders import same_padding
from icl_models._embedders.pointwise import narrowing
from icl_models._embedders.same_padding import SameConv2d


def images(channels: int, dtype: torch.dtype = torch.float32) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(5, 6, 7, channels, generator=generator, dtype=dtype).permute(0, 3, 1, 2)


def test_value_and_gradients_are_those_of_a_convolution() -> None:
    conv, x = SameConv2d(16, 4, 1), images(16).requires_grad_()
    found = conv(x)
    expected = F.conv2d(x, conv.weight)
    assert torch.equal(found, expected)
    for ours, theirs in zip(
        torch.autograd.grad(found.sin().sum(), (x, conv.weight)),
        torch.autograd.grad(expected.sin().sum(), (x, conv.weight)),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-5)


def test_first_and_second_derivatives_are_right() -> None:
    x, weight = images(9, torch.float64)[:1, :, :2, :2].requires_grad_(), torch.randn(2, 9, 1, 1).double()
    weight.requires_grad_()
    assert torch.autograd.gradcheck(narrowing, (x, weight))
    assert torch.autograd.gradgradcheck(narrowing, (x, weight))


@pytest.mark.parametrize(
    ("layer", "taken"), [((16, 4, 1, 1), True), ((16, 16, 1, 1), False), ((16, 4, 3, 1), False), ((16, 4, 1, 2), False)]
)
def test_only_1x1_convolutions_to_few_channels_take_this_way(
    layer: tuple[int, int, int, int], taken: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def told(x: Tensor, weight: Tensor) -> Tensor:
        calls.append(1)
        return narrowing(x, weight)

    monkeypatch.setattr(same_padding, "narrowing", told)
    SameConv2d(*layer)(images(16))
    assert bool(calls) is taken
