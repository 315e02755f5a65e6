"""How often each class is the query's, worked out from the settings of the sequences."""

from __future__ import annotations

from typing import Literal

import numpy as np
import numpy.typing as npt

from icl_data._sampling.classes_by_label import ClassesByLabel
from icl_data._sampling.sampler import check_protocol, check_shared_labels
from icl_data._sequences.feasibility import check_feasible, non_bursty_part
from icl_data._sequences.kinds import Bursty, Fewshot, LabelElsewhere, Mixed, NoSupport, Random, SequenceKind
from icl_data._sequences.label_rule import LabelRule
from icl_data._sequences.split import ClassSplit
from icl_data._sources.counts import check_at_least

Floats = npt.NDArray[np.float64]
# The lower end of the integral over waiting times, and how many numbers may be held at once.
_EARLIEST, _AT_ONCE = 1e-10, 1 << 21
_BY_LABEL = 0  # in the place of a number of distinct classes


def query_law(
    kind: SequenceKind,
    split: ClassSplit,
    *,
    protocol: Literal["paper", "released"] = "paper",
    n_labels: int | None = None,
) -> Floats:
    """(n_classes,) probability of each class to be the query's; what is missing from 1 is that of new classes (p_new).

    It is the configured Zipf law, but for classes that are drawn without replacement (the bursts of protocol "paper",
    and `all_unique`): there frequent classes are a little less frequent, as they can be had only once a sequence. Where
    the classes of a burst have distinct labels, all labels are alike, and all classes of a label.

    Args:
        kind: kind of sequence.
        split: class split.
        protocol: "paper" or "released".
        n_labels: labels that classes share, as in `BatchSampler`; it matters for distinct labels.

    Raises:
        ValueError: an unknown protocol, a split that is too small for the kind, or distinct labels without n_labels.
    """
    check_protocol(protocol)
    if n_labels is not None:
        check_at_least(1, n_labels=n_labels)
    check_feasible(kind, split, distinct=protocol == "paper")
    law = np.zeros(split.n_classes)
    for share, class_type, n_distinct in _draws(kind, distinct=protocol == "paper"):
        if n_distinct == _BY_LABEL:
            check_shared_labels(kind, n_labels)
            table = LabelRule(split, class_type, "ordered", n_labels).table
            assert table is not None
            law[split.classes(class_type)] += share * ClassesByLabel(table).law
        else:
            law[split.classes(class_type)] += share * _inclusion(split.weights(class_type), n_distinct) / n_distinct
    return law


def _draws(kind: SequenceKind, *, distinct: bool) -> list[tuple[float, str, int]]:
    """Shares of sequences, with the type of the query's class and among how many distinct ones it is drawn."""
    if isinstance(kind, Fewshot):
        return [(1.0, kind.class_type, _n_distinct(kind, distinct=distinct))]
    if isinstance(kind, LabelElsewhere):
        return [(1.0, kind.class_type, 1)]
    if isinstance(kind, Random | NoSupport):
        return [(1.0, kind.class_type, kind.seq_len if kind.all_unique else 1)]
    if isinstance(kind, Mixed):
        fewshot, random = kind.parts()
        parts = ((kind.p_fewshot, fewshot), (1 - kind.p_fewshot, random))
        return [(share, *draw[1:]) for share, part in parts if share for draw in _draws(part, distinct=distinct)]
    assert isinstance(kind, Bursty)
    known = 1 - kind.p_new
    found = [
        (known * kind.p_bursty * branch.probability, branch.fewshot_type, _n_distinct(kind, distinct=distinct))
        for branch in kind.branches()
    ]
    if kind.p_bursty < 1:
        found.append((known * (1 - kind.p_bursty), non_bursty_part(kind).class_type, 1))
    return [draw for draw in found if draw[0]]


def _n_distinct(kind: Fewshot | Bursty, *, distinct: bool) -> int:
    if kind.distinct_labels:
        return _BY_LABEL
    return kind.ways if distinct else 1


def _inclusion(weights: Floats, k: int) -> Floats:
    """(n,) chances to be among k classes drawn one after the other without replacement.

    Such draws are the k earliest of independent exponential waiting times whose rates are the weights (Efraimidis and
    Spirakis 2006), so a class is among them if fewer than k others come before it: an integral over its time.
    """
    n = len(weights)
    if k == 1 or (weights == weights[0]).all():
        return weights * k if k == 1 else np.full(n, k / n)
    latest = 40 / np.sort(weights)[-k]
    step = 0.3 / np.sqrt(k)  # of the logarithm of time, in which the k-th class comes within about 1 / sqrt(k)
    times = np.exp(np.arange(np.log(_EARLIEST), np.log(latest) + step, step))
    found = np.zeros(n)
    for some in np.array_split(times, -(-len(times) * n * k // _AT_ONCE)):
        waiting = np.exp(-weights[:, None] * some)
        came = np.zeros((n, len(some), k))
        came[..., 0], came[..., 1] = waiting, -np.expm1(-weights[:, None] * some)
        fewer_before = _leave_one_out(came).sum(axis=-1)
        found += step * (weights[:, None] * some * waiting * fewer_before).sum(axis=1)
    return found


def _leave_one_out(polynomials: Floats) -> Floats:
    """(n, m, k) products of all polynomials but one each, cut off at k coefficients."""
    n = len(polynomials)
    one = np.zeros_like(polynomials[:1])
    one[..., 0] = 1
    if n == 1:
        return one
    even = polynomials if n % 2 == 0 else np.concatenate([polynomials, one])
    left, right = even[0::2], even[1::2]
    others = _leave_one_out(_product(left, right))
    found = np.empty_like(even)
    found[0::2], found[1::2] = _product(others, right), _product(others, left)
    return found[:n]


def _product(first: Floats, second: Floats) -> Floats:
    k = first.shape[-1]
    found = np.zeros_like(first)
    for power in range(k):
        found[..., power:] += first[..., power, None] * second[..., : k - power]
    return found
