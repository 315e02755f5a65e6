"""Statistics of sequences as text for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from icl_data._looking.stats import SequenceStatistics

_GAP = 4
_BAR = 20
_RANKS = (1, 2, 3, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)
_MOST_ROWS = 12
_NARROWEST_MEANING = 24


def format_statistics(statistics: SequenceStatistics, *, width: int = 80, ascii_only: bool = False) -> str:
    """Statistics as tables: measures with what they mean, then counts, side by side where the width allows.

    Args:
        statistics: what was measured.
        width: columns to fill.
        ascii_only: no characters beyond ASCII.
    """
    bar = "#" if ascii_only else "█"
    histograms = [
        _histogram("query's class in the context", "times", statistics.query_support, bar),
        _histogram("most frequent class of the context", "times", statistics.largest_multiplicity, bar),
        _histogram("different classes in the context", "classes", statistics.distinct_classes, bar),
    ]
    blocks = [*histograms, _ranks(statistics), _labels(statistics)]
    return "\n\n".join([_measures(statistics, width), *_side_by_side(blocks, width)])


def _measures(found: SequenceStatistics, width: int) -> str:
    fit, n = found.query_fit, found.n_sequences
    at_most = f"{found.max_label_entropy:.3f} if all {len(found.labels):,} were equally frequent"
    noise = "none to see" if found.label_noise is None else _share(found.label_noise)
    usual = f"{fit.sampling_variation:.4f} is usual for {n:,} draws from it"
    shares = {"queries": found.query_shares, "context positions": found.context_shares}
    rows = [
        ("sequences", f"{n:,}", f"of {found.seq_len} positions, the query included"),
        ("burstiness", _share(found.burstiness), f"query's class at least {found.shots} times in the context"),
        ("queries with support", _share(found.support_share), "query's class in the context at all"),
        ("different classes", f"{found.mean_distinct_classes:.3f}", "in a context, mean"),
        *(
            (f"{class_type} {where.split()[0]}", _share(value), f"{where} of {class_type} classes")
            for where, by_type in shares.items()
            for class_type, value in by_type.items()
        ),
        ("label entropy", f"{found.label_entropy:.3f} bits", f"of the queries' labels; {at_most}"),
        ("labels per class", f"{found.labels_per_class:.3f}", f"mean; at most {found.most_labels_per_class:,}"),
        ("label noise", noise, "context positions of the query's class with another label"),
        ("total variation", f"{fit.total_variation:.4f}", f"between queries' classes and their law; {usual}"),
        ("p-value", _p_value(fit.p_value), _test(fit.chi_square, fit.degrees, fit.n_outside)),
    ]
    first, second = (max(len(row[column]) for row in rows) for column in (0, 1))
    room = max(width - first - second - 4, _NARROWEST_MEANING)
    lines = []
    for name, value, meaning in rows:
        wrapped = textwrap.wrap(meaning, room)
        lines.append(f"{name:<{first}}  {value:>{second}}  {wrapped[0]}")
        lines += [" " * (first + second + 4) + line for line in wrapped[1:]]
    return "\n".join(lines)


def _test(chi_square: float | None, degrees: int, n_outside: int) -> str:
    if n_outside:
        return f"of that law, which does not allow the classes of {n_outside:,} queries"
    if chi_square is None:
        return "too few sequences for a test"
    return f"of that law: chi-square {chi_square:.1f} with {degrees:,} degrees of freedom"


def _p_value(value: float | None) -> str:
    return "none" if value is None else f"{value:.3g}"


def _share(value: float) -> str:
    return f"{100 * value:.2f} %"


def _histogram(title: str, unit: str, counts: npt.NDArray[np.int64], bar: str) -> list[str]:
    shares = counts / counts.sum()
    where = np.flatnonzero(counts)
    lines = [title, f"{unit:>7}  {'share':>8}"]
    for number in range(int(where[0]), int(where[-1]) + 1):
        share = float(shares[number])
        lines.append(f"{number:>7}  {_share(share):>8}  {bar * round(_BAR * share)}".rstrip())
    return lines


def _ranks(found: SequenceStatistics) -> list[str]:
    fit = found.query_fit
    last = len(fit.classes)
    lines = ["queries' classes by rank", f"{'rank':>6}  {'class':>6}  {'expected':>9}  {'measured':>9}"]
    for rank in sorted({*(rank for rank in _RANKS if rank < last), last}):
        measured = fit.measured[rank - 1] / found.n_sequences
        lines.append(
            f"{rank:>6}  {fit.classes[rank - 1]:>6}  {100 * fit.expected[rank - 1]:>7.3f} %  {100 * measured:>7.3f} %"
        )
    return lines


def _labels(found: SequenceStatistics) -> list[str]:
    order = np.argsort(-found.label_counts, kind="stable")[:_MOST_ROWS]
    lines = ["queries' most frequent labels", f"{'label':>7}  {'share':>9}"]
    for label, count in zip(found.labels[order], found.label_counts[order], strict=True):
        lines.append(f"{label:>7}  {100 * count / found.n_sequences:>7.3f} %")
    return lines


def _side_by_side(blocks: Sequence[list[str]], width: int) -> list[str]:
    """Blocks in their order, as many abreast as fit."""
    bands: list[list[list[str]]] = []
    used = width
    for block in blocks:
        needed = _width(block) + _GAP
        if used + needed > width + _GAP:
            bands.append([])
            used = 0
        bands[-1].append(block)
        used += needed
    return [_abreast(band) for band in bands]


def _abreast(band: Sequence[list[str]]) -> str:
    height = max(map(len, band))
    columns = [[line.ljust(_width(block) + _GAP) for line in block + [""] * (height - len(block))] for block in band]
    return "\n".join("".join(parts).rstrip() for parts in zip(*columns, strict=True))


def _width(block: Sequence[str]) -> int:
    return max(map(len, block))
