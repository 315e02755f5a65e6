"""BatchSampler under protocol "released" draws from the distributions of the exact stream.

Features of 3,000 exact and 60,000 vectorised sequences are compared by chi-square tests of homogeneity. Seeds are
fixed; each test fails below p = 1e-5, and there are about 160 of them, so that another set of seeds would raise a
false alarm once in 600.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from icl_data import ArraySource, BatchSampler, Bursty, ClassSplit, Fewshot, Mixed, NoSupport, Random, SeqGenerator

ALPHA = 1e-5
N_EXACT, N_VECTORISED, N_EXEMPLARS = 3_000, 60_000, 9
SIZES = {"n_rare": 7, "n_common": 4, "n_holdout": 3}
# Ids of the form 100 * class + exemplar show which exemplar was drawn.
SOURCE = ArraySource(np.arange(14)[:, None] * 100 + np.arange(N_EXEMPLARS))

CASES = {
    "bursty": Bursty(p_bursty=0.7),
    "bursty mixture": Bursty(
        p_bursty=0.7, p_bursty_common=0.3, p_bursty_zipfian=0.3, non_bursty_type="common_no_support"
    ),
    "bursty uniform": Bursty(p_bursty=0.5, p_bursty_zipfian=0.0, non_bursty_type="common_uniform"),
    "bursty unfixed": Bursty(seq_len=7, p_bursty_zipfian=0.5, labeling_rare="unfixed"),
    "bursty polysemy": Bursty(labeling_rare="ordered_polysemy2", p_bursty=0.6),
    "no support": NoSupport(),
    "no support unique": NoSupport(all_unique=True, seq_len=5),
    "random": Random(labeling="ordered3_polysemy2"),
    "random unique": Random(class_type="rare", seq_len=5, all_unique=True, labeling="original"),
    "fewshot": Fewshot(),
    "fewshot grouped": Fewshot(class_type="zipfian", ways=3, shots=2, grouped=True, labeling="ordered0_polysemy3"),
    "mixed": Mixed(p_fewshot=0.4),
}
Table = dict[str, np.ndarray]


def _query_class(table: Table) -> np.ndarray:
    return table["class"][:, -1]


def _first_pair(table: Table) -> np.ndarray:
    return table["class"][:, 0] * 100 + table["class"][:, 1]


def _last_pair(table: Table) -> np.ndarray:
    return table["class"][:, -2] * 100 + table["class"][:, -1]


def _appearances_of_query(table: Table) -> np.ndarray:
    return (table["class"][:, :-1] == table["class"][:, -1:]).sum(axis=1)


def _burst_structure(table: Table) -> np.ndarray:
    """How often each class appears, largest first, as one number."""
    counts = (table["class"][:, :, None] == np.arange(14)).sum(axis=1)
    return -np.sort(-counts, axis=1)[:, :5] @ 10 ** np.arange(5)


def _where_the_query_class_is(table: Table) -> np.ndarray:
    same = table["class"][:, :-1] == table["class"][:, -1:]
    return same @ 2 ** np.arange(same.shape[1])


def _label_of_query(table: Table) -> np.ndarray:
    return table["class"][:, -1] * 1000 + table["label"][:, -1]


def _label_agreement(table: Table) -> np.ndarray:
    """Whether the first two positions agree in class and in label."""
    agree = [table[name][:, 0] == table[name][:, 1] for name in ("class", "label")]
    return agree[0] * 2 + agree[1]


def _distinct_labels(table: Table) -> np.ndarray:
    ordered = np.sort(table["label"], axis=1)
    return (np.diff(ordered, axis=1) > 0).sum(axis=1)


def _rare_marks(table: Table) -> np.ndarray:
    return table["is_rare"] @ 2 ** np.arange(table["is_rare"].shape[1])


def _exemplars(table: Table) -> np.ndarray:
    return table["exemplar"][:, 0] * 100 + table["exemplar"][:, -1]


def _repeated_drawings(table: Table) -> np.ndarray:
    drawing = np.sort(table["class"] * 100 + table["exemplar"], axis=1)
    return (np.diff(drawing, axis=1) == 0).sum(axis=1)


FEATURES: list[Callable[[Table], np.ndarray]] = [
    _query_class, _first_pair, _last_pair, _appearances_of_query, _burst_structure, _where_the_query_class_is,
    _label_of_query, _label_agreement, _distinct_labels, _rare_marks, _exemplars, _repeated_drawings,
]  # fmt: skip


def _exact(kind) -> Table:
    default = type(kind)()
    arguments = {name: getattr(kind, name) for name in vars(kind) if getattr(kind, name) != getattr(default, name)}
    generator = SeqGenerator(
        SOURCE, *SIZES.values(), zipf_exponent=1.0, noise_scale=0.0, use_zipf_for_common_rare=True, seed=0
    )
    name = {"NoSupport": "no_support"}.get(type(kind).__name__, type(kind).__name__.lower())
    records = list(islice(getattr(generator, f"get_{name}_seq")(**arguments), N_EXACT))
    example, label, is_rare = (np.stack([record[k] for record in records]) for k in ("example", "label", "is_rare"))
    return {"class": example // 100, "exemplar": example % 100, "label": label, "is_rare": is_rare}


def _vectorised(kind) -> Table:
    split = ClassSplit(14, **SIZES, zipf_exponent=1.0, use_zipf_for_common_rare=True)
    batch = BatchSampler(N_EXEMPLARS, split, kind, batch_size=N_VECTORISED, seed=0, protocol="released")(0)
    return {
        "class": batch.class_index, "exemplar": batch.exemplar_index, "label": batch.label, "is_rare": batch.is_rare
    }  # fmt: skip


def _p_value(first: np.ndarray, second: np.ndarray) -> float:
    """Chi-square test of homogeneity, values too seldom for it merged into one."""
    values, inverse = np.unique(np.concatenate([first, second]), return_inverse=True)
    counts = np.stack(
        [np.bincount(part, minlength=len(values)) for part in np.split(inverse.reshape(-1), [len(first)])]
    )
    seldom = counts.sum(axis=0) * len(first) / (len(first) + len(second)) < 5
    counts = np.column_stack([counts[:, ~seldom], counts[:, seldom].sum(axis=1)])
    counts = counts[:, counts.sum(axis=0) > 0]
    return 1.0 if counts.shape[1] == 1 else chi2_contingency(counts).pvalue


@pytest.fixture(scope="module", params=CASES)
def tables(request: pytest.FixtureRequest) -> tuple[Table, Table]:
    return _exact(CASES[request.param]), _vectorised(CASES[request.param])


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.__name__.strip("_"))
def test_feature_has_the_same_distribution_in_both(tables: tuple[Table, Table], feature) -> None:
    exact, vectorised = tables
    assert _p_value(feature(exact), feature(vectorised)) > ALPHA


def test_comparison_notices_a_small_difference() -> None:
    """The test above can fail: a share of 0.75 instead of 0.7 bursty sequences shows."""
    exact, other = _exact(Bursty(p_bursty=0.7)), _vectorised(Bursty(p_bursty=0.75))
    assert _p_value(_burst_structure(exact), _burst_structure(other)) < ALPHA


def test_paper_keeps_the_query_frequencies_of_no_support() -> None:
    split = ClassSplit(14, **SIZES, zipf_exponent=1.0)
    paper, released = (
        BatchSampler(1, split, NoSupport(), batch_size=N_VECTORISED, seed=seed, protocol=protocol)(0)
        for seed, protocol in enumerate(("paper", "released"))
    )
    assert _p_value(paper.class_index[:, -1], released.class_index[:, -1]) > ALPHA


def test_paper_no_support_context_is_in_random_order() -> None:
    split = ClassSplit(14, **SIZES, zipf_exponent=2.0)
    batch = BatchSampler(1, split, NoSupport(), batch_size=N_VECTORISED, seed=0)(0)
    half = N_VECTORISED // 2
    assert _p_value(batch.class_index[:half, 0], batch.class_index[half:, 7]) > ALPHA
