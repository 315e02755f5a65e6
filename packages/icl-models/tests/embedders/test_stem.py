"""Batch normalisation in the weights of the residual net's first convolution is batch normalisation."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from icl_models import SimpleResNet
from icl_models._embedders import stem as stem_module
from icl_models._embedders.batch_norm import BatchNorm
from icl_models._embedders.mark_moments import mark_moments, marks
from icl_models._embedders.patch_moments import patch_moments
from icl_models._embedders.pooled_convolution import pooled_convolution
from icl_models._embedders.same_padding import SameConv2d, same_max_pool, same_pad
from icl_models._embedders.stem import stem

SIZES = [(105, 105), (28, 28), (27, 27), (33, 50), (9, 6), (1, 1)]


@pytest.fixture(autouse=True)
def _images_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stem_module, "_PIXELS", 0)


def drawings(*shape: int, dtype: torch.dtype = torch.float64) -> Tensor:
    """Mostly paper, channels last in memory."""
    drawing = torch.rand(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = torch.where(drawing < 0.9, 0.99, drawing - 0.9).to(dtype)
    return x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)


def layers(channels: int = 1, dtype: torch.dtype = torch.float64) -> tuple[SameConv2d, BatchNorm]:
    """With scales of either sign, of which pooling must not take the wrong end."""
    torch.manual_seed(0)
    conv, norm = SameConv2d(channels, 64, 7, 2), BatchNorm(64)
    with torch.no_grad():
        norm.scale.copy_(torch.linspace(-1.5, 2.0, 64))
        norm.offset.copy_(torch.linspace(-1.0, 1.0, 64))
    return conv.to(dtype), norm.to(dtype)


def plain(x: Tensor, conv: SameConv2d, norm: BatchNorm) -> Tensor:
    return F.relu(same_max_pool(norm(conv(x)), 3, 2))


def with_gradients(call: Any, x: Tensor, conv: SameConv2d, norm: BatchNorm) -> tuple[Tensor, ...]:
    y = call(x, conv, norm)
    slope = torch.randn(y.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64).to(y.dtype)
    return y, *torch.autograd.grad((y.sin() * slope).sum(), [conv.weight, norm.scale, norm.offset])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("channels", [1, 3])
def test_output_gradients_and_averages_are_those_of_the_layers_in_turn(channels: int, size: tuple[int, int]) -> None:
    x = drawings(17, channels, *size)
    conv, norm = layers(channels)
    _, same = layers(channels)
    found = with_gradients(lambda *given: stem(*given, 1), x, conv, norm)
    for ours, theirs in zip(found, with_gradients(plain, x, conv, same), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)
    for (name, ours), (_, theirs) in zip(norm.named_buffers(), same.named_buffers(), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12, msg=name)


def test_float32_is_at_least_as_exact_as_the_layers_in_turn() -> None:
    x = drawings(32, 1, 53, 53)
    exact = with_gradients(plain, x, *layers())[1:]
    small = x.float()
    folded = with_gradients(lambda *given: stem(*given, 1), small, *layers(dtype=torch.float32))[1:]
    in_turn = with_gradients(plain, small, *layers(dtype=torch.float32))[1:]

    def error(found: tuple[Tensor, ...]) -> float:
        return max(float((ours - theirs).norm() / theirs.norm()) for ours, theirs in zip(found, exact, strict=True))

    assert error(folded) < 1.5 * error(in_turn) + 1e-6


def test_second_derivatives_are_those_of_the_layers_in_turn() -> None:
    x = drawings(9, 1, 14, 14)

    def second(call: Any) -> tuple[Tensor, ...]:
        conv, norm = layers()
        y = call(x, conv, norm)
        parameters = [conv.weight, norm.scale, norm.offset]
        first = torch.autograd.grad(y.square().sum(), parameters, create_graph=True)
        return torch.autograd.grad(sum(part.square().sum() for part in first), parameters)

    for ours, theirs in zip(second(lambda *given: stem(*given, 1)), second(plain), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-8, atol=1e-8)


class TestWhichWay:
    """Whether the convolution's module was called, and so the layers in turn."""

    @pytest.fixture
    def calls(self, monkeypatch: pytest.MonkeyPatch) -> list[str]:
        made: list[str] = []
        monkeypatch.setattr(stem_module, "pooled_convolution", self._told(pooled_convolution, "few images", made))
        monkeypatch.setattr(SameConv2d, "forward", self._told(SameConv2d.forward, "layer", made))
        return made

    def _told(self, function: Any, name: str, made: list[str]) -> Any:
        def told(*given: Any) -> Any:
            made.append(name)
            return function(*given)

        return told

    def test_training_on_images_normalises_by_the_weights(self, calls: list[str]) -> None:
        stem(drawings(2, 1, 28, 28), *layers(), 1)
        assert calls == ["few images"]

    @pytest.mark.parametrize(
        "change", ["evaluation", "groups", "images with a gradient", "autocast", "several channels"]
    )
    def test_all_else_goes_through_the_layers(self, calls: list[str], change: str) -> None:
        channels = 3 if change == "several channels" else 1
        x = drawings(2, channels, 28, 28, dtype=torch.float32)
        conv, norm = layers(channels, torch.float32)
        norm.train(change != "evaluation")
        x.requires_grad_(change == "images with a gradient")
        with torch.autocast("cpu", torch.bfloat16, enabled=change == "autocast"):
            stem(x, conv, norm, 2 if change == "groups" else 1)
        assert calls == ["layer"]

    def test_who_looks_at_a_layer_sees_it(self, calls: list[str]) -> None:
        net = SimpleResNet(image_size=(28, 28), emb_dim=16)
        seen: list[torch.Size] = []
        net.stem_norm.register_forward_hook(lambda module, given, output: seen.append(output.shape))
        net(torch.rand(2, 3, 28, 28, 1))
        assert seen == [(6, 64, 14, 14)]


@pytest.mark.parametrize(("channels", "kernel", "stride"), [(1, 7, 2), (2, 3, 1)])
def test_moments_are_those_of_the_patches(channels: int, kernel: int, stride: int) -> None:
    x = drawings(19, channels, 16, 11) - 0.9
    patches = F.unfold(x, kernel, stride=stride).transpose(1, 2).flatten(0, 1)
    mean, covariance = patch_moments(x.float(), kernel, stride)
    torch.testing.assert_close(mean, patches.mean(0), rtol=1e-6, atol=1e-7)
    torch.testing.assert_close(covariance, torch.cov(patches.T, correction=0), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize(("kernel", "stride"), [(7, 2), (3, 2), (5, 1), (7, 3)])
def test_moments_of_drawings_are_exact(height: int, width: int, kernel: int, stride: int) -> None:
    bits = (torch.rand(35, height, width, generator=torch.Generator().manual_seed(0)) < 0.8).float()
    patches = F.unfold(same_pad(bits[:, None].double(), kernel, stride), kernel, stride=stride)
    patches = patches.transpose(1, 2).flatten(0, 1)
    mean, covariance = mark_moments(bits, kernel, stride)
    torch.testing.assert_close(mean, patches.mean(0), rtol=0, atol=1e-14)
    torch.testing.assert_close(covariance, torch.cov(patches.T, correction=0), rtol=0, atol=1e-11)


def test_drawings_are_images_of_zero_and_one_other_value() -> None:
    bits = torch.tensor([[[0.0, 1.0], [1.0, 0.0]]])
    found = marks(bits * 0.7)
    assert found is not None
    assert torch.equal(found[0], bits)
    assert found[1] == torch.tensor(0.7)
    assert marks(torch.tensor([[[0.0, 1.0], [0.5, 0.0]]])) is None
    assert marks(torch.tensor([[[0.0, -1.0], [1.0, 0.0]]])) is None


def test_drawings_give_what_the_layers_in_turn_give() -> None:
    x = drawings(20, 1, 61, 61).gt(0.5).float() * 0.9
    conv, norm = layers(dtype=torch.float32)
    _, exact = layers()
    stem(x, conv, norm, 1)
    plain(x.double(), layers()[0], exact)
    torch.testing.assert_close(norm.average.double(), exact.average, rtol=1e-6, atol=1e-6)


def test_pooled_convolutions_derivatives_are_right() -> None:
    x = drawings(10, 1, 9, 9)
    weight = nn.Parameter(torch.randn(3, 1, 3, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))
    bias = nn.Parameter(torch.tensor([0.5, -0.2, 0.1], dtype=torch.float64))
    assert torch.autograd.gradcheck(lambda weight, bias: pooled_convolution(x, weight, bias, 2), (weight, bias))
