"""See what a model computes on its way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial

from torch import Tensor, nn

from icl_models._inside.places import Place, find_places, in_short, site_names


class Trace(Mapping[str, Tensor]):
    """Names to values, in the order in which they were computed. A later forward pass replaces the values it has.

    Where all heads were captured, `trace["blocks.0.attention.heads.3"]` is that head. Values keep their graph: capture
    under `torch.no_grad()` where gradients are not wanted.

    Args:
        places: where each name is computed.
    """

    def __init__(self, places: Mapping[str, Place]) -> None:
        self._places = places
        self._values: dict[str, Tensor] = {}

    def __getitem__(self, name: str) -> Tensor:
        if name in self._values:
            return self._values[name]
        whole, _, head = name.rpartition(".")
        if whole in self._values and head.isdecimal() and int(head) < self._places[whole].num_heads:
            return self._values[whole].select(1, int(head))
        raise KeyError(f"{name} was not captured, but {', '.join(in_short(self)) or 'nothing'}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"Trace({ {name: tuple(value.shape) for name, value in self._values.items()} })"

    def _keep(self, name: str, value: Tensor) -> None:
        self._values.pop(name, None)  # so that the order is the latest pass's
        self._values[name] = value


@contextmanager
def capture(model: nn.Module, *names: str) -> Iterator[Trace]:
    """Collect, by name, the values that forward passes inside the `with` block compute.

    Args:
        model: an `InContextModel`, or any module; it itself must be called, not what `torch.compile` makes of it.
        names: see `site_names`, by default all of those; * stands for anything. `blocks.0.attention.heads.3` is a head.

    Yields:
        A trace, empty until there is a forward pass. With Q = T tokens, or 1 in the last block for positions="query",
        it has:

        - `embeddings` (B, S, E) and `tokens` (B, T, W), both as the next part of the model gets them
        - `blocks.0.residual_pre` (B, T, W), `blocks.0.residual_mid`, `blocks.0.residual_post` (B, Q, W): the residual
          stream before, in and after a block (the last two behind their norm where that is post)
        - `blocks.0.attention`, `blocks.0.mlp` (B, Q, W): what the branches add, before dropout
        - `blocks.0.attention.queries` (B, H, Q, D), `keys` and `values` (B, H, T, D), the first two turned where
          positions are rotary
        - `blocks.0.attention.weights` (B, H, Q, T)
        - `blocks.0.attention.heads` (B, H, Q, W): what each head adds; with the output bias they sum to `attention`
          (Elhage et al. 2021)
        - `layers.0` (B, T, hidden_size) of recurrent models, and the output of any other module by its name

    Raises:
        ValueError: for an unknown name, or a compiled model.
    """
    places = find_places(model, names or ("*",))
    trace = Trace(places)
    with ExitStack() as stack:
        for name, place in places.items():
            stack.callback(place.observe(partial(trace._keep, name)))
        yield trace


@contextmanager
def capture_attention(model: nn.Module) -> Iterator[list[Tensor]]:
    """Collect the attention weights of every forward pass inside the `with` block, one pass after the other.

    Yields a list to which each layer, from the first up, appends its weights (B, H, T, T), with their graph;
    with positions="query" the last layer's are (B, H, 1, T).

    Args:
        model: a module with attention layers of this package inside.
    """
    captured: list[Tensor] = []
    names = [name for name in site_names(model) if name.endswith("attention.weights")]
    with ExitStack() as stack:
        for place in find_places(model, names).values():
            stack.callback(place.observe(captured.append))
        yield captured
