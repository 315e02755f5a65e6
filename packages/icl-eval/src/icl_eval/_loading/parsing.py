"""Lines of JSON as a frame of Polars, which reads them several times as fast as anything else does.

It is more lenient than `records` in places; `columns` looks at what it read. Where anything is odd there is no frame,
and the lines are looked at one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from icl_data.foundation.printable import encodable
from icl_eval._loading.records import Record, is_metric
from icl_eval._loading.wanted import Wanted

if TYPE_CHECKING:
    import polars as pl

__all__ = ["TEXT", "WHOLE", "frame_of_lines", "frame_of_records", "metrics_in"]

TEXT, WHOLE = ("split", "headline", "protocol"), ("step", "sequences", "n_sequences")
SEAL = "crc32"  # of each line, which has been looked at


def frame_of_lines(lines: bytes, wanted: Wanted) -> pl.DataFrame | None:
    """A row for each line, with the columns that are ``wanted``; None if the lines cannot be read so."""
    import polars as pl

    if not lines:
        return None
    try:
        if wanted.everything:
            return _of_every_name(pl.read_ndjson(lines, infer_schema_length=None), wanted)
        return pl.read_ndjson(lines, schema=_schema(wanted.metrics_to_read, wanted.metrics_with_bounds))
    except pl.exceptions.PolarsError:
        return None


def frame_of_records(records: Sequence[Record], wanted: Wanted) -> pl.DataFrame:
    """Records that have been checked as such a frame."""
    import polars as pl

    headlines = [record["headline"] if record["split"].startswith("eval_") else None for record in records]
    metrics = dict.fromkeys([*wanted.metrics_to_read, *(name for name in headlines if name is not None)])
    if wanted.everything:
        metrics |= {name: None for record in records for name, value in record.items() if is_metric(name, value)}
    columns = {
        encodable(name): pl.Series([_of_type(kind, record.get(name)) for record in records], dtype=kind)
        for name, kind in _schema(list(metrics), list(metrics)).items()
    }
    named = [None if name is None else encodable(name) for name in headlines]
    return pl.DataFrame(columns | {"headline": pl.Series(named, dtype=pl.Categorical)})


def metrics_in(frame: pl.DataFrame) -> list[str]:
    """Names of the metrics that a frame has columns for."""
    return [name for name in frame.columns if name not in TEXT and is_metric(name, 0.0)]


def _schema(metrics: Sequence[str], with_bounds: Sequence[str]) -> dict[str, Any]:
    import polars as pl

    bounds = [f"{metric}{end}" for metric in with_bounds for end in ("_low", "_high")]
    text, whole = dict.fromkeys(TEXT, pl.Categorical), dict.fromkeys(WHOLE, pl.Int64)
    return {**text, **whole, **dict.fromkeys(["chance", *metrics, *bounds], pl.Float64)}


def _of_every_name(frame: pl.DataFrame, wanted: Wanted) -> pl.DataFrame | None:
    """The frame with the columns of a schema; None if a column holds what it should not."""
    import polars as pl

    frame = frame.drop(SEAL, strict=False)
    for name, kind in frame.schema.items():
        right = kind == pl.String if name in TEXT else kind == pl.Int64 if name in WHOLE else kind.is_numeric()
        if not name.isprintable() or (not right and kind != pl.Null):  # half of a letter is read as another one
            return None
    metrics = list(dict.fromkeys([*wanted.metrics_to_read, *metrics_in(frame)]))
    return frame.select(
        pl.col(name).cast(kind) if name in frame.columns else pl.lit(None, kind).alias(name)
        for name, kind in _schema(metrics, metrics).items()
    )


def _of_type(kind: Any, value: Any) -> Any:
    import polars as pl

    if kind == pl.Categorical:
        return encodable(value) if isinstance(value, str) else None
    if not isinstance(value, int | float) or isinstance(value, bool):
        return None
    if kind == pl.Int64:
        return value if isinstance(value, int) and abs(value) < 2**63 else None
    return float(value) if abs(value) < 2**1023 else None
