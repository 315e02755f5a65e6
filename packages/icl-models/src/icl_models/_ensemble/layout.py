"""Where each parameter of each member lies in the one matrix that holds them all, a row a member."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

_ALIGNED = 4  # numbers: kernels read 16 bytes at a time


@dataclass(frozen=True)
class Piece:
    """One parameter: its name in a member, its shape in the largest member, its place in a row."""

    name: str
    shape: tuple[int, ...]
    start: int

    @property
    def stop(self) -> int:
        return self.start + math.prod(self.shape)


class Layout:
    """Rows (N,) of named values, padded to the largest member's shapes; the padding is zero and stays so.

    Each value starts where kernels can read fast.

    Args:
        members: shape by name of each member's values, in one order; a size may differ between members.
        first: names that come first in a row, in front of all others.
    """

    def __init__(self, members: Sequence[Mapping[str, tuple[int, ...]]], first: frozenset[str] = frozenset()) -> None:
        self.members = members
        self.pieces: list[Piece] = []
        self._sizes: list[int] = []  # of the pieces and, by turns, of the gap behind each
        names = list(members[0])
        self.size = 0
        for name in [*(n for n in names if n in first), *(n for n in names if n not in first)]:
            shape = tuple(map(max, zip(*(member[name] for member in members), strict=True)))
            self.pieces.append(Piece(name, shape, self.size))
            size = math.prod(shape)
            self._sizes += [size, -size % _ALIGNED]
            self.size += size + self._sizes[-1]

    def views(self, rows: Tensor) -> dict[str, Tensor]:
        """The pieces of (M, N) by name, (M, *shape) each. Their gradients are put together by one concatenation."""
        parts = torch.split(rows, self._sizes, 1)[::2]
        return {piece.name: part.view(len(rows), *piece.shape) for piece, part in zip(self.pieces, parts, strict=True)}

    def stop_of(self, names: frozenset[str]) -> int:
        """Where the pieces of these names, which come first in a row, end."""
        return max((piece.stop for piece in self.pieces if piece.name in names), default=0)

    @torch.no_grad()
    def put(self, row: Tensor, member: int, values: Mapping[str, Tensor]) -> None:
        """Write the values of one member, in its own shapes, into its row (N,)."""
        row.zero_()
        for piece in self.pieces:
            self._own(row, piece, member).copy_(values[piece.name])

    def take(self, row: Tensor, member: int) -> dict[str, Tensor]:
        """The values of one member, in its own shapes and order, copied from its row (N,)."""
        taken = {piece.name: self._own(row, piece, member).detach().clone() for piece in self.pieces}
        return {name: taken[name] for name in self.members[member]}

    def _own(self, row: Tensor, piece: Piece, member: int) -> Tensor:
        """A member's part of a piece, without the padding."""
        whole = row[piece.start : piece.stop].view(piece.shape)
        return whole[tuple(slice(size) for size in self.members[member][piece.name])]
