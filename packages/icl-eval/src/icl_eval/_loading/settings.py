"""Settings of runs as columns, each with the type that its setting has."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from icl_data.foundation.printable import encodable
from icl_train import RunConfig

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["column_of", "settings_frame", "varying"]

_INT64 = 2**63


def settings_frame(settings: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """A row for each run, a column for each setting that any of them has; a setting of another component is missing.

    Args:
        settings: for each run, its settings under dotted names.
    """
    import pandas as pd

    names = list(dict.fromkeys(name for one in settings for name in one))
    columns = {encodable(name): column_of([one.get(name) for one in settings], _declared().get(name)) for name in names}
    return pd.DataFrame(columns, index=pd.RangeIndex(len(settings)))


def column_of(values: Sequence[Any], declared: frozenset[type] | None = None) -> Any:
    """Values of one setting as an array: whole numbers, numbers, truth values, or text as categories.

    Args:
        values: one for each run; None is missing.
        declared: the types that the setting may have, where that is known: its column's type then hangs on no run.
    """
    import numpy as np
    import pandas as pd

    found = frozenset(map(type, values))
    kinds = found if declared is None or not _fits(found, declared) else declared
    missing = type(None) in kinds
    kinds -= {type(None)}
    if kinds == {bool}:
        return pd.array(values, dtype="boolean") if missing else np.array(values, dtype=bool)
    if kinds == {int} and all(value is None or -_INT64 <= value < _INT64 for value in values):
        return pd.array(values, dtype="Int64") if missing else np.array(values, dtype=np.int64)
    if kinds and kinds <= {int, float}:
        return np.array([np.nan if value is None else _as_float(value) for value in values], dtype=np.float64)
    return pd.Categorical([None if value is None else _as_text(value) for value in values])


def varying(settings: pd.DataFrame) -> list[str]:
    """Names of the columns that do not have the same value in all rows."""
    return [str(name) for name in settings if settings[name].nunique(dropna=False) > 1]


def _fits(found: Iterable[type], declared: frozenset[type]) -> bool:
    return all(kind in declared or (kind is int and float in declared) for kind in found)


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _as_text(value: object) -> str:
    return encodable(value) if isinstance(value, str) else json.dumps(value)


@cache
def _declared() -> dict[str, frozenset[type]]:
    return dict(_declared_in(RunConfig, ""))


def _declared_in(group: type, prefix: str) -> Iterable[tuple[str, frozenset[type]]]:
    for name, hint in typing.get_type_hints(group).items():
        if dataclasses.is_dataclass(hint):
            yield from _declared_in(typing.cast(type, hint), f"{prefix}{name}.")
        else:
            kinds = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
            if set(kinds) <= {int, float, bool, str, type(None)}:
                yield prefix + name, frozenset(kinds)
