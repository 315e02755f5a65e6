"""One sequence with its examples, as the exact stream yields it."""

from __future__ import annotations

from typing import Any

import numpy.typing as npt

Record = dict[str, npt.NDArray[Any]]
"""`example` (L, *example_shape), int32 ids or float32, `label` (L,), `is_rare` (L,), both int32; the query is last."""
