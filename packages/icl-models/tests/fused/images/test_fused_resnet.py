"""The residual net as fused kernels gives the modules' values, gradients and running averages."""

import copy
from typing import Any

import pytest
import torch
from torch import Tensor

from icl_models import SimpleResNet
from icl_models._embedders import resnet
from icl_models._fused.images import shapes
from icl_models._fused.switch import fused_kernels

IMAGE_SIZE = (20, 18)
TOLERANCE = 1e-4  # of each tensor's norm; float32 is at 1e-5 from float64 here


def net_for(**settings: Any) -> SimpleResNet:
    torch.manual_seed(0)
    net = SimpleResNet(image_size=IMAGE_SIZE, **settings)
    for parameter in net.parameters():
        if parameter.ndim == 1:  # so that no scale is zero, and no offset
            parameter.data.add_(torch.randn_like(parameter) * 0.3)
    return net


def images_for(device: torch.device, shades: bool = False, sequences: int = 2) -> Tensor:
    images = torch.rand(sequences, 2, *IMAGE_SIZE, 1, generator=torch.Generator().manual_seed(1))
    return (images if shades else (images > 0.7).float()).to(device)


def results(net: SimpleResNet, images: Tensor, fused: bool) -> dict[str, Tensor]:
    """Everything that a pass computes, by name."""
    net = copy.deepcopy(net).to(images.device, images.dtype).train()
    with fused_kernels(fused):
        embedded = net(images)
    weights = torch.randn(embedded.shape, generator=torch.Generator().manual_seed(2)).to(embedded)
    (embedded * weights).sum().backward()
    gradients = {f"gradient of {name}": parameter.grad for name, parameter in net.named_parameters()}
    return {"embedded": embedded.detach(), **gradients, **dict(net.named_buffers())}


@pytest.fixture(autouse=True)
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What has run fused."""
    made: list[str] = []
    features = resnet.fused_features

    def counted(*arguments: Any) -> Tensor:
        made.append("features")
        return features(*arguments)

    monkeypatch.setattr(resnet, "fused_features", counted)
    return made


@pytest.mark.parametrize(
    ("shades", "settings"),
    [
        (False, {}),
        (True, {}),
        (False, {"flatten_superpixels": True}),
        (False, {"sequences_per_statistics": 2}),
        (True, {"sequences_per_statistics": 2}),
    ],
    ids=["bits", "shades", "superpixels", "statistics of bits", "statistics of shades"],
)
def test_everything_is_as_the_modules_have_it(
    device: torch.device, calls: list[str], shades: bool, settings: dict[str, Any]
) -> None:
    net, images = net_for(**settings), images_for(device, shades, 6 if "sequences_per_statistics" in settings else 2)
    exact, fused = results(net, images.double(), fused=False), results(net, images, fused=True)
    assert calls == ["features"]
    largest = max(float(value.norm()) for name, value in exact.items() if "gradient" in name)
    for name, value in exact.items():
        around = float(value.double().norm()) + (1e-3 * largest if "gradient" in name else 1e-3)
        assert float((fused[name].double() - value.double()).norm()) < TOLERANCE * around, name


@pytest.mark.parametrize("settings", [{}, {"sequences_per_statistics": 1}], ids=["all", "each"])
def test_a_second_pass_goes_on_with_the_running_averages(device: torch.device, settings: dict[str, Any]) -> None:
    net, images = net_for(**settings).to(device), images_for(device)
    exact = copy.deepcopy(net).double()  # a GPU's convolutions of float32 may be rounded to TF32
    for _ in range(2):
        exact(images.double())
        with fused_kernels():
            net(images)
    found = {name: value.to(exact.get_buffer(name).dtype) for name, value in net.named_buffers()}
    torch.testing.assert_close(found, dict(exact.named_buffers()), rtol=1e-4, atol=1e-5)


def test_results_repeat_to_the_last_bit(device: torch.device) -> None:
    net, images = net_for(), images_for(device)
    first, second = results(net, images, fused=True), results(net, images, fused=True)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_the_modules_run_where_nobody_asked(device: torch.device, calls: list[str]) -> None:
    net_for().to(device)(images_for(device))
    assert calls == []


def test_evaluation_is_the_modules(device: torch.device, calls: list[str]) -> None:
    with fused_kernels():
        net_for().to(device).eval()(images_for(device))
    assert calls == []


def test_statistics_of_more_parts_than_a_program_adds_up_are_the_modules(
    device: torch.device, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shapes, "_NUMBERS", 64)
    with fused_kernels():
        net_for(sequences_per_statistics=1).to(device)(images_for(device))
    assert calls == []


def test_statistics_of_several_processes_are_the_modules(device: torch.device, calls: list[str]) -> None:
    net = net_for().to(device)
    net.spread_statistics(lambda value: value, 1)
    with fused_kernels():
        net(images_for(device))
    assert calls == []


def test_gradients_of_images_are_the_modules(device: torch.device, calls: list[str]) -> None:
    images = images_for(device).requires_grad_()
    with fused_kernels():
        net_for().to(device)(images).sum().backward()
    assert images.grad is not None
    assert calls == []


def test_who_watches_a_module_sees_it(device: torch.device, calls: list[str]) -> None:
    net, seen = net_for().to(device), []
    net.groups[0][0].conv_0.register_forward_hook(lambda *_: seen.append("conv"))
    with fused_kernels():
        net(images_for(device))
    assert seen == ["conv"]
    assert calls == []


def test_autocast_is_the_modules(device: torch.device, calls: list[str]) -> None:
    with fused_kernels(), torch.autocast(device.type, torch.bfloat16):
        net_for().to(device)(images_for(device))
    assert calls == []
