"""How far metrics.jsonl went at some moment, as other files of the run say it."""

from __future__ import annotations

from typing import Any

from icl_data.foundation.sealed import Damaged, GrowingSeal

__all__ = ["seal_from", "seal_to_plain"]


def seal_to_plain(seal: GrowingSeal) -> dict[str, Any]:
    """As JSON has it."""
    return {"bytes": seal.n_bytes, "crc32": f"{seal.crc32:08x}"}


def seal_from(value: object) -> GrowingSeal:
    """What :func:`seal_to_plain` made.

    Raises:
        Damaged: if it is nothing of the kind.
    """
    if isinstance(value, dict):
        n_bytes, crc32 = value.get("bytes"), value.get("crc32")
        if type(n_bytes) is int and 0 <= n_bytes < 2**63 and isinstance(crc32, str) and len(crc32) == 8:
            try:
                return GrowingSeal(n_bytes, int(crc32, 16))
            except ValueError:
                pass
    raise Damaged("it must say how far metrics.jsonl went")
