"""How each kernel's work is cut: rows that a program takes at a time, and its warps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Tile:
    """Rows at a time (a power of two, 32 at least) and warps of a program."""

    rows: int = 64
    warps: int = 4

    @property
    def options(self) -> dict[str, Any]:
        # More stages of loading take registers and shared memory; programs beside each other hide as much.
        return {"num_warps": self.warps, "num_stages": 1}


TILES = {
    "add_moments": Tile(),
    "pool_convolution": Tile(),
    "pool_convolution_backward": Tile(rows=32),
    "enter_block": Tile(),
    "cross_block": Tile(),
    "widen_block": Tile(),
    "leave_block": Tile(),
    "leave_backward": Tile(),
    "widen_backward": Tile(),
    "cross_backward": Tile(),
    "enter_backward": Tile(rows=32),
}
