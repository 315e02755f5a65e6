"""The matrix products, convolutions and attentions of an update: their operations, and how long each takes alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry, sdpa_backward_flop_count, sdpa_flop_count

from icl_train._profile.clock import seconds_of

__all__ = ["Product", "Recorder"]

_aten = torch.ops.aten


def _attention(query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
    return int(sdpa_flop_count(query.shape, key.shape, value.shape))  # type: ignore[no-untyped-call]


def _attention_backward(grad: Any, query: Any, key: Any, value: Any, *_: Any, **__: Any) -> int:
    return int(sdpa_backward_flop_count(grad.shape, query.shape, key.shape, value.shape))  # type: ignore[no-untyped-call]


# Attention as CPUs have it, which PyTorch's own counter leaves out.
_MORE: dict[Any, Callable[..., int]] = {
    _aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    _aten._scaled_dot_product_flash_attention_for_cpu_backward: _attention_backward,
}


@dataclass(frozen=True, kw_only=True)
class Product:
    """One kind of product in an update.

    Attributes:
        operation: what PyTorch calls it, such as addmm.
        shapes: of the tensors that go in.
        count: how often an update has it.
        operations: additions and multiplications of one.
        seconds: of one by itself, again and again with the same tensors.
    """

    operation: str
    shapes: tuple[tuple[int, ...], ...]
    count: int
    operations: int
    seconds: float

    @property
    def rate(self) -> float:
        """Operations a second."""
        return self.operations / self.seconds


@dataclass
class _Kind:
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    named: Mapping[str, Any]
    operations: int
    count: int = 0


class Recorder(TorchDispatchMode):
    """Within ``with Recorder() as recorder``, takes note of every product that is made, in backward passes as well.

    The first of each kind keeps its tensors until the recorder is gone. A model whose pass is written out or fused runs
    as its plain modules while it is watched.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._kinds: dict[tuple[object, ...], _Kind] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Do what is asked, and note it if it is a product."""
        named = kwargs or {}
        found = func(*args, **named)
        packet = func._overloadpacket if isinstance(func, torch._ops.OpOverload) else None
        shapes = tuple(tuple(one.shape) for one in args if isinstance(one, Tensor))
        key = (packet, shapes, *(one.stride() for one in args if isinstance(one, Tensor)))
        if key not in self._kinds and (packet in _MORE or packet in flop_registry):
            count = _MORE[packet](*args) if packet in _MORE else flop_registry[packet](*args, **named, out_val=found)
            self._kinds[key] = _Kind(func, args, named, int(count))
        if key in self._kinds:
            self._kinds[key].count += 1
        return found

    @property
    def operations(self) -> int:
        """Additions and multiplications of all products."""
        return sum(kind.operations * kind.count for kind in self._kinds.values())

    def timed(self, device: torch.device) -> list[Product]:
        """Each kind of product by itself, those first that take an update longest.

        Args:
            device: where they are made.
        """
        found = [
            Product(
                operation=str(key[0]).removeprefix("aten."),
                shapes=tuple(tuple(one.shape) for one in kind.arguments if isinstance(one, Tensor)),
                count=kind.count,
                operations=kind.operations,
                seconds=self._seconds(kind, device),
            )
            for key, kind in self._kinds.items()
        ]
        return sorted(found, key=lambda one: -one.count * one.seconds)

    @staticmethod
    def _seconds(kind: _Kind, device: torch.device) -> float:
        with torch.no_grad():
            return seconds_of(lambda: kind.function(*kind.arguments, **kind.named), device)
