"""Batch normalisation by groups, in lower precision, and under torch's function transforms."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import functional_call, grad, stack_module_state, vmap

from icl_models._embedders.batch_norm import BatchNorm, _normalise

LOW = (torch.bfloat16, torch.float16)


def images(*shape: int, dtype: torch.dtype = torch.float32, seed: int = 0) -> Tensor:
    """Channels last in memory, of a mean that differs from image to image."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(shape, generator=generator, dtype=torch.float64) + 3.0 * torch.rand(
        shape[0], 1, 1, 1, generator=generator, dtype=torch.float64
    )
    return x.to(dtype).contiguous(memory_format=torch.channels_last)


def norm_of(channels: int, dtype: torch.dtype = torch.float32) -> BatchNorm:
    norm = BatchNorm(channels)
    with torch.no_grad():
        norm.scale.copy_(torch.linspace(0.5, 2.0, channels))
        norm.offset.copy_(torch.linspace(-1.0, 1.0, channels))
    return norm.to(dtype)


@pytest.mark.parametrize("groups", [1, 2, 3, 6, 12])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_each_group_is_normalised_as_if_it_were_alone(groups: int, layout: torch.memory_format) -> None:
    x = images(12, 3, 4, 5, dtype=torch.float64).contiguous(memory_format=layout)
    norm = norm_of(3, torch.float64)
    alone = [norm_of(3, torch.float64) for _ in range(groups)]
    expected = torch.cat([one(part) for one, part in zip(alone, x.chunk(groups), strict=True)])
    torch.testing.assert_close(norm(x, groups), expected, rtol=1e-12, atol=1e-12)
    for name in ("hidden", "average", "counter"):
        of_groups = torch.stack([one.get_buffer(name) for one in alone])
        torch.testing.assert_close(norm.get_buffer(name), of_groups.double().mean(0).to(of_groups.dtype))


@pytest.mark.parametrize("groups", [1, 2, 6])
def test_first_and_second_derivatives_are_those_of_the_definition(groups: int) -> None:
    x = images(6, 2, 2, 3, dtype=torch.float64).requires_grad_()
    norm = norm_of(2, torch.float64)

    def normalised(x: Tensor, scale: Tensor, offset: Tensor) -> Tensor:
        return _normalise(x, scale, offset, groups)[0]

    assert torch.autograd.gradcheck(normalised, (x, norm.scale, norm.offset))
    assert torch.autograd.gradgradcheck(normalised, (x, norm.scale, norm.offset))


@pytest.mark.parametrize("groups", [1, 16])
def test_groups_are_not_spoilt_by_many_equal_numbers(groups: int) -> None:
    """As a drawing's background has: added up one by one in float32, all of them are rounded in one direction."""
    drawing = torch.rand(64, 2, 53, 53, generator=torch.Generator().manual_seed(0))
    x = torch.where(drawing < 0.9, 0.3, drawing).contiguous(memory_format=torch.channels_last)
    parts = x.double().unflatten(0, (groups, -1))
    variance = parts.var((1, 3, 4), correction=0).mean(0)
    norm = BatchNorm(2)
    y = norm(x, groups).double()
    expected = torch.cat([F.batch_norm(part, None, None, training=True) for part in parts])
    torch.testing.assert_close(y, expected, rtol=0, atol=1e-5)
    torch.testing.assert_close(norm.average[1].double(), variance, rtol=1e-6, atol=0)


def test_the_memory_layout_is_kept() -> None:
    for groups in (1, 3):
        x = images(6, 4, 3, 3).requires_grad_()
        y = norm_of(4)(x, groups)
        (of_x,) = torch.autograd.grad(y.square().sum(), x)
        assert y.is_contiguous(memory_format=torch.channels_last)
        assert of_x.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("dtype", LOW)
@pytest.mark.parametrize("weights", ["as the input", "float32"])
@pytest.mark.parametrize("groups", [1, 4])
def test_low_precision_is_normalised_in_float32(dtype: torch.dtype, weights: str, groups: int) -> None:
    """The output differs from that in float32 by its own rounding, the statistics not at all."""
    x = images(16, 3, 9, 9, dtype=dtype)
    norm = norm_of(3, dtype if weights == "as the input" else torch.float32)
    precise = norm_of(3).requires_grad_(False)
    y, expected = norm(x, groups), precise(x.float(), groups)
    assert y.dtype == dtype
    torch.testing.assert_close(y.float(), expected, rtol=torch.finfo(dtype).eps, atol=1e-3)
    if weights == "float32":
        torch.testing.assert_close(norm.average, precise.average, rtol=1e-6, atol=1e-6)
    assert norm.eval()(x).dtype == dtype


@pytest.mark.parametrize("dtype", LOW)
@pytest.mark.parametrize("groups", [1, 4])
def test_gradients_have_the_dtypes_of_what_they_are_of(dtype: torch.dtype, groups: int) -> None:
    x, w = images(16, 3, 9, 9, dtype=dtype).requires_grad_(), images(16, 3, 9, 9, seed=1)
    norm = norm_of(3)
    found = torch.autograd.grad((norm(x, groups).float() * w).sum(), (x, norm.scale, norm.offset))
    assert [gradient.dtype for gradient in found] == [dtype, torch.float32, torch.float32]
    precise = x.detach().float().requires_grad_()
    norm = norm_of(3)
    expected = torch.autograd.grad((norm(precise, groups) * w).sum(), (precise, norm.scale, norm.offset))
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours.float(), theirs, rtol=2e-2, atol=2e-2)


@pytest.mark.parametrize("groups", [1, 3])
class TestFunctionTransforms:
    """`torch.func` takes a module's running averages as arguments of the function, as of torch's own normalisation."""

    def values(self, groups: int) -> tuple[BatchNorm, Tensor, Any]:
        norm, x = norm_of(4), images(6, 4, 3, 3)

        def loss(parameters: dict[str, Tensor], buffers: dict[str, Tensor], x: Tensor) -> Tensor:
            y: Tensor = functional_call(norm, (parameters, buffers), (x, groups))
            return (y.sin() * torch.arange(9.0).view(3, 3)).sum()

        return norm, x, loss

    def test_grad_gives_the_gradients_of_backward(self, groups: int) -> None:
        norm, x, loss = self.values(groups)
        parameters, buffers = dict(norm.named_parameters()), {n: b.clone() for n, b in norm.named_buffers()}
        found = grad(loss)(parameters, buffers, x)
        same = norm_of(4)
        torch.autograd.backward(loss(dict(same.named_parameters()), dict(same.named_buffers()), x))
        for name, parameter in same.named_parameters():
            assert torch.equal(found[name], parameter.grad)
        assert all(torch.equal(buffers[name], moved) for name, moved in same.named_buffers())
        assert norm.counter.item() == 0  # those that were passed have moved, the module's own have not

    def test_grad_of_grad_is_the_second_derivative(self, groups: int) -> None:
        norm, x, loss = self.values(groups)
        parameters, buffers = dict(norm.named_parameters()), {n: b.clone() for n, b in norm.named_buffers()}

        def along(x: Tensor, buffers: dict[str, Tensor]) -> Tensor:
            return (grad(loss, argnums=2)(parameters, buffers, x) * x.detach().cos()).sum()

        leaf = x.clone().requires_grad_()
        (first,) = torch.autograd.grad(loss(parameters, buffers, leaf), leaf, create_graph=True)
        (expected,) = torch.autograd.grad((first * leaf.detach().cos()).sum(), leaf)
        torch.testing.assert_close(grad(along)(x, buffers), expected, rtol=1e-4, atol=1e-4)

    @pytest.mark.filterwarnings("ignore:There is a performance drop")
    def test_vmap_normalises_for_several_modules_at_once(self, groups: int) -> None:
        _, x, _ = self.values(groups)
        norms = [norm_of(4), BatchNorm(4)]
        parameters, buffers = stack_module_state(norms)
        together = vmap(lambda p, b: functional_call(norms[0], (p, b), (x, groups)))(parameters, buffers)
        for i, norm in enumerate(norms):
            torch.testing.assert_close(together[i], norm(x, groups))
            torch.testing.assert_close(buffers["average"][i], norm.average)
