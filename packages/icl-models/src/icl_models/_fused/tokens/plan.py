"""How a stack of transformer layers is divided among programs: no tensors, no Triton."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch import Tensor

ATTENTION, MLP, NORM = 6, 6, 2
"""Parameters of a layer's attention with its norm, of an MLP with its, and of the last norm."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is computed, and in what pieces; the pieces were chosen by measuring."""

    num_heads: int
    has_mlp: tuple[bool, ...]
    """For each layer."""
    query_only: bool
    precision: str = "split"
    """How float32 is multiplied on tensor cores: "split" and "tf32x3" are as exact as float32, "tf32" is not."""
    rows: int = 16
    """Of a program of an MLP; 16 is the least that tensor cores take."""
    slice_width: int = 64
    """Hidden units of a program of an MLP."""
    tile: int = 64
    """Rows and columns of a weight's gradient for each program."""
    tile_rows: int = 32
    """Rows that such a program takes at a time."""
    attend_warps: int = 4
    attend_backward_warps: int = 8
    widen_warps: int = 8
    gradient_warps: int = 4
    overlap: bool = False
    """Whether a kernel may begin to load weights while the one before it ends (programmatic dependent launch)."""

    @property
    def num_layers(self) -> int:
        return len(self.has_mlp)

    @property
    def num_mlps(self) -> int:
        return sum(self.has_mlp)

    @property
    def num_parameters(self) -> int:
        return ATTENTION * self.num_layers + MLP * self.num_mlps + NORM

    def for_width(self, width: int) -> Plan:
        """As this one, with tiles no wider than a token."""
        return replace(self, tile=min(self.tile, width), slice_width=min(self.slice_width, 4 * width))

    def group(self, width: int) -> int:
        """Columns of the heads that share a program: at least the 16 that tensor cores take."""
        return max(16, width // self.num_heads)


@dataclass(frozen=True)
class Layer:
    """The parameters of one layer: weights (out, in) and biases."""

    attention: tuple[Tensor, ...]
    """norm scale, norm offset, qkv weight, qkv bias, out weight, out bias."""
    mlp: tuple[Tensor, ...]
    """norm scale, norm offset, in weight, in bias, out weight, out bias; or none."""


def layers_of(plan: Plan, parameters: tuple[Tensor, ...]) -> tuple[list[Layer], Tensor, Tensor]:
    """The layers, and scale and offset of the last norm, of all parameters in their order."""
    layers, place = [], 0
    for has_mlp in plan.has_mlp:
        middle = place + ATTENTION
        end = middle + MLP * has_mlp
        layers.append(Layer(parameters[place:middle], parameters[middle:end]))
        place = end
    scale, offset = parameters[place:]
    return layers, scale, offset
