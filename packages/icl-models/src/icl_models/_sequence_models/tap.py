"""Named places in a forward pass, where a value can be seen or replaced (see `capture` and `edit`)."""

import copy
from collections.abc import Callable
from typing import Self

from torch import Tensor, nn


class Station:
    """What is done with the values that pass one place: first the edits, oldest first, then the observers look."""

    def __init__(self) -> None:
        self.edits: list[Callable[[Tensor], Tensor]] = []
        self.observers: list[Callable[[Tensor], None]] = []

    def __call__(self, value: Tensor) -> Tensor:
        for edit in self.edits:
            value = edit(value)
        for observe in self.observers:
            observe(value)
        return value

    def unseen(self) -> "Station":
        """With these edits, and nobody who looks."""
        station = Station()
        station.edits = self.edits
        return station


def untapped(site: str, value: Tensor) -> Tensor:
    """What `Tapped.tap` is while there are no stations, at a fraction of an attribute's look-up."""
    return value


class Tapped(nn.Module):
    """A module whose forward pass sends values through `tap`, under the names in `sites`; with `num_heads`, these lie
    on axis 1 of each value."""

    sites: tuple[str, ...] = ()
    num_heads: int = 0

    def __init__(self) -> None:
        super().__init__()
        self.stations: dict[str, Station] = {}  # empty unless somebody captures or edits

    def tap(self, site: str, value: Tensor) -> Tensor:
        """`value`, or what the edits of `site` make of it."""
        station = self.stations.get(site)
        return value if station is None else station(value)

    def unseen(self) -> Self:
        """The same module with all of its edits, at which nobody looks: to compute something beside a pass."""
        beside = copy.copy(self)
        beside.stations = {site: station.unseen() for site, station in self.stations.items()}
        return beside
