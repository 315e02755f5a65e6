"""The residual net's layers in training as one function of their parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor
from torch.autograd import Function
from torch.autograd.function import once_differentiable

from icl_models._fused.images.launch_blocks import Layer, blocks_backward, blocks_forward
from icl_models._fused.images.launch_stem import stem_backward, stem_forward
from icl_models._fused.images.shapes import BlockShape, StemShape


@dataclass(frozen=True)
class FusedNet:
    """A residual net's layers with what kernels need to know of them."""

    stem_shape: StemShape
    stem: Layer
    shapes: tuple[BlockShape, ...]
    blocks: tuple[tuple[Layer, ...], ...]

    @property
    def layers(self) -> list[Layer]:
        return [self.stem, *(layer for block in self.blocks for layer in block)]


def residual_net(net: FusedNet, images: Tensor) -> Tensor:
    """Images (N, H, W) to features (N, H', W', C), normalised by their own statistics; running averages are updated."""
    parameters = [value for layer in net.layers for value in (layer.weight, layer.norm.scale, layer.norm.offset)]
    rows: Tensor = _ResidualNet.apply(net, images, *parameters)  # type: ignore[no-untyped-call]
    shape = net.shapes[-1]
    return rows.view(shape.images, shape.out_height, shape.out_width, shape.out_channels)


class _ResidualNet(Function):
    @staticmethod
    def forward(ctx: Any, net: FusedNet, images: Tensor, *parameters: Tensor) -> Tensor:
        x, ctx.stem = stem_forward(images, net.stem_shape, net.stem)
        y, ctx.blocks = blocks_forward(x, net.shapes, net.blocks)
        ctx.net = net
        ctx.save_for_backward(y, *parameters)
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        y, *parameters = ctx.saved_tensors
        stem, blocks = _with(ctx.net, parameters)
        of_x, of_blocks = blocks_backward(gradient.contiguous(), y, ctx.net.shapes, blocks, ctx.blocks)
        of_stem = stem_backward(of_x, ctx.net.stem_shape, stem, ctx.stem)
        return None, None, *of_stem, *(value for block in of_blocks for layer in block for value in layer)


def _with(net: FusedNet, parameters: Sequence[Tensor]) -> tuple[Layer, list[list[Layer]]]:
    """The layers with these parameters, which autograd has held against changes since the forward pass."""
    values = iter(parameters)

    def taken(layer: Layer) -> Layer:
        weight, scale, offset = next(values), next(values), next(values)
        return Layer(weight, replace(layer.norm, scale=scale, offset=offset))

    return taken(net.stem), [[taken(layer) for layer in block] for block in net.blocks]
