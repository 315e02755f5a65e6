"""How each kernel's work is cut: rows that a program takes at a time, and its warps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Tile:
    """Rows at a time (a power of two, 32 at least), warps of a program, and registers of a thread at most.

    A kernel's last program, which combines what all have written, would else take more than the others' work does, and
    fewer programs would be beside each other.
    """

    rows: int = 64
    warps: int = 4
    registers: int | None = None

    @property
    def options(self) -> dict[str, Any]:
        # More stages of loading take registers and shared memory; programs beside each other hide as much.
        most = {} if self.registers is None else {"maxnreg": self.registers}
        return {"num_warps": self.warps, "num_stages": 1, **most}


TILES = {
    "add_moments": Tile(),
    "pool_convolution": Tile(),
    "pool_convolution_backward": Tile(rows=32),
    "enter_block": Tile(registers=128),
    "cross_block": Tile(registers=128),
    "widen_block": Tile(registers=128),
    "leave_block": Tile(),
    "leave_backward": Tile(),
    "widen_backward": Tile(),
    "cross_backward": Tile(),
    "enter_backward": Tile(rows=32),
}
