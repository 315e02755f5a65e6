"""The residual net: padding, channels, sizes, projections, batch normalisation."""

import math
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from icl_models import SimpleResNet
from icl_models._embedders.batch_norm import BatchNorm
from icl_models._embedders.same_padding import SameConv2d, same_max_pool, same_padding


@given(size=st.integers(1, 120), kernel=st.sampled_from([1, 3, 7]), stride=st.sampled_from([1, 2]))
def test_same_padding_gives_the_ceiling_of_size_over_stride(size: int, kernel: int, stride: int) -> None:
    before, after = same_padding(size, kernel, stride)
    assert 0 <= after - before <= 1
    covered = (size + before + after - kernel) // stride + 1
    assert covered == math.ceil(size / stride)


def test_at_105_only_the_third_groups_strided_convolution_is_padded_unevenly() -> None:
    strided = {"stem": (105, 7), "pool": (53, 3), "group 1": (27, 3), "group 2": (14, 3), "group 3": (7, 3)}
    uneven = [name for name, (size, kernel) in strided.items() if len(set(same_padding(size, kernel, 2))) == 2]
    assert uneven == ["group 2"]


@pytest.mark.parametrize("size", [1, 2, 5, 6, 13])
def test_convolution_and_pooling_agree_with_padding_written_out(size: int) -> None:
    x = torch.randn(2, 3, size, size + 1, generator=torch.Generator().manual_seed(0))
    rows, columns = same_padding(size, 3, 2), same_padding(size + 1, 3, 2)
    conv = SameConv2d(3, 4, 3, 2)
    torch.testing.assert_close(conv(x), F.conv2d(F.pad(x, (*columns, *rows)), conv.weight, stride=2))
    expected = F.max_pool2d(F.pad(x, (*columns, *rows), value=-math.inf), 3, 2)
    assert torch.equal(same_max_pool(x, 3, 2), expected)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("size", [(1, 1), (3, 1), (5, 1), (7, 1), (1, 5), (1, 6), (6, 1), (3, 3)])
@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("kernel", [3, 7])
def test_every_tap_of_a_kernel_gets_its_gradient(
    kernel: int, stride: int, size: tuple[int, int], dtype: torch.dtype
) -> None:
    conv = SameConv2d(16, 16, kernel, stride).to(dtype)
    x = torch.randn(16, 16, *size, generator=torch.Generator().manual_seed(0)).to(dtype)
    weight = conv.weight.detach().double().requires_grad_()
    rows, columns = (same_padding(length, kernel, stride) for length in size)
    expected = F.conv2d(F.pad(x.double(), (*columns, *rows)), weight, stride=stride)
    expected.sum().backward()
    freed = [torch.full((numel,), math.nan, dtype=dtype) for numel in (256, 768, 1792, 2304, 12544) * 2]
    del freed  # what is not written now reads as what was there
    found = conv(x)
    found.sum().backward()
    assert conv.weight.grad is not None
    assert weight.grad is not None
    torch.testing.assert_close(found.double(), expected, rtol=0.02, atol=0.05)
    torch.testing.assert_close(conv.weight.grad.double(), weight.grad, rtol=0.02, atol=0.3)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("size", [(105, 105), (28, 28), (33, 50), (1, 7)])
@pytest.mark.parametrize("flatten", [False, True])
def test_any_size_and_number_of_channels_gives_the_embedding_width(
    channels: int, size: tuple[int, int], flatten: bool
) -> None:
    net = SimpleResNet(image_size=size, in_channels=channels, emb_dim=64, flatten_superpixels=flatten)
    images = torch.rand(2, 3, *size, channels, generator=torch.Generator().manual_seed(0))
    embedded = net(images)
    assert embedded.shape == (2, 3, 64)
    assert embedded.isfinite().all()


@pytest.mark.parametrize(
    ("size", "flatten", "projects"),
    [((105, 105), False, False), ((28, 28), False, False), ((105, 105), True, False), ((28, 28), True, True)],
)
def test_a_projection_is_there_only_where_the_width_differs(
    size: tuple[int, int], flatten: bool, projects: bool
) -> None:
    net = SimpleResNet(image_size=size, emb_dim=64, flatten_superpixels=flatten)
    assert (net.projection is not None) is projects


def test_superpixels_are_flattened_by_row_then_column_then_channel() -> None:
    net = SimpleResNet(image_size=(105, 105), emb_dim=64, flatten_superpixels=True).eval()
    grid = torch.arange(64.0).reshape(1, 4, 4, 4).permute(0, 3, 1, 2)  # (N, C, row, column)
    net.groups = _Constant(grid)
    assert torch.equal(net(torch.zeros(1, 1, 105, 105, 1))[0, 0], torch.arange(64.0))


class _Constant(torch.nn.Module):
    def __init__(self, value: torch.Tensor) -> None:
        super().__init__()
        self.value = value

    def forward(self, x: torch.Tensor, num_groups: int) -> torch.Tensor:
        return self.value


def test_the_memory_layout_of_the_images_does_not_matter() -> None:
    net = SimpleResNet(image_size=(28, 28), emb_dim=16).eval()
    images = torch.rand(2, 3, 1, 28, 28, generator=torch.Generator().manual_seed(0)).permute(0, 1, 3, 4, 2)
    torch.testing.assert_close(net(images), net(images.contiguous()), rtol=1e-4, atol=1e-5)


def test_a_new_block_starts_as_its_shortcut() -> None:
    block = SimpleResNet(emb_dim=16).groups[0][1]
    x = torch.rand(4, 16, 7, 7, generator=torch.Generator().manual_seed(0))
    assert torch.equal(block(x), x)


def test_images_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r"images must have shape \(B, S, 28, 28, 1\), got \(1, 1, 27, 28, 1\)"):
        SimpleResNet(image_size=(28, 28))(torch.zeros(1, 1, 27, 28, 1))


@pytest.mark.parametrize(
    "change", [{"emb_dim": 0}, {"emb_dim": -4}, {"in_channels": 0}, {"image_size": (28,)}, {"image_size": (0, 28)}]
)
def test_sizes_that_make_no_net_are_refused_at_construction(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="image_size must be two sizes, and they, in_channels and emb_dim at least 1"):
        SimpleResNet(**change)


@given(seed=st.integers(0, 100), steps=st.integers(1, 6))
def test_batch_norm_keeps_zero_debiased_averages_of_the_biased_variance(seed: int, steps: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    norm = BatchNorm(3)
    hidden, average = torch.zeros(2, 3), torch.zeros(2, 3)
    for t in range(1, steps + 1):
        x = 2.0 + 3.0 * torch.randn(2, 3, 4, 2, generator=generator)
        y = norm(x)
        mean, variance = x.mean((0, 2, 3)), x.var((0, 2, 3), correction=0)
        torch.testing.assert_close(y.mean((0, 2, 3)), torch.zeros(3), rtol=0, atol=1e-5)
        hidden = 0.9 * hidden + 0.1 * torch.stack([mean, variance])
        average = hidden / (1 - 0.9**t)
    torch.testing.assert_close(norm.hidden, hidden, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(norm.average, average, rtol=1e-5, atol=1e-5)
    assert norm.counter.item() == steps
    norm.eval()
    mean, variance = (row[None, :, None, None] for row in average)
    torch.testing.assert_close(norm(x), (x - mean) / (variance + 1e-5).sqrt(), rtol=1e-4, atol=1e-4)
    assert norm.counter.item() == steps


def test_an_unused_batch_norm_leaves_its_input_in_evaluation() -> None:
    x = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(BatchNorm(3).eval()(x), x, rtol=1e-4, atol=1e-4)


def test_batch_norm_is_not_spoilt_by_many_equal_numbers() -> None:
    """As a drawing's background has: added up one by one in float32, all of them are rounded in one direction."""
    drawing = torch.rand(64, 2, 53, 53, generator=torch.Generator().manual_seed(0))
    x = torch.where(drawing < 0.9, 0.3, drawing).contiguous(memory_format=torch.channels_last)
    expected = F.batch_norm(x.double(), None, None, training=True)
    norm = BatchNorm(2)
    torch.testing.assert_close(norm(x).double(), expected, rtol=0, atol=1e-5)
    torch.testing.assert_close(norm.average[1].double(), x.double().var((0, 2, 3), correction=0), rtol=1e-6, atol=0)


def test_batch_norms_gradients_are_those_of_its_definition() -> None:
    x = torch.randn(3, 2, 4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0)).requires_grad_()
    assert torch.autograd.gradcheck(BatchNorm(2).double(), (x,))
