"""How often each class is the query's: worked out as enumeration gives it, and as both ways of drawing have it.

Counts are tested at fixed seeds; each test fails below p = 1e-4, so that 24 of them would raise a false alarm with
another set of seeds once in 400.
"""

from __future__ import annotations

from itertools import islice, permutations

import numpy as np
import pytest

from icl_data import (
    BatchSampler,
    Bursty,
    ClassSplit,
    Fewshot,
    Mixed,
    NoSupport,
    Random,
    SymbolicSource,
    query_law,
    sequence_statistics,
)
from icl_data._released.exact_sequences import exact_batches

ALPHA = 1e-4
SPLIT = ClassSplit(40, n_rare=25, n_common=10, n_holdout=5, zipf_exponent=1.0, use_zipf_for_common_rare=True)
KINDS = {
    "bursty": Bursty(p_bursty=0.7),
    "bursty, four ways": Bursty(shots=2, ways=4),
    "bursty mixture": Bursty(
        p_bursty=0.6, p_bursty_common=0.3, p_bursty_zipfian=0.3, non_bursty_type="common_no_support"
    ),
    "relabelled": Bursty(p_relabel=0.5, non_bursty_type="common_uniform"),
    "no support": NoSupport(),
    "no support unique": NoSupport(all_unique=True),
    "random": Random(class_type="rare"),
    "random unique": Random(all_unique=True, seq_len=6),
    "few-shot": Fewshot(class_type="zipfian", ways=3),
    "few-shot holdout": Fewshot(),
    "mixed": Mixed(p_fewshot=0.3),
}


def _enumerated(weights: np.ndarray, k: int) -> np.ndarray:
    """Chances to be among k draws without replacement, over all orders of them."""
    found = np.zeros(len(weights))
    for drawn in permutations(range(len(weights)), k):
        chance, left = 1.0, 1.0
        for one in drawn:
            chance *= weights[one] / left
            left -= weights[one]
        found[list(drawn)] += chance
    return found


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 3.0])
@pytest.mark.parametrize("ways", [1, 2, 3, 5, 6])
def test_law_without_replacement_is_that_of_all_orders_of_draws(exponent: float, ways: int) -> None:
    split = ClassSplit(6, n_rare=4, n_common=2, zipf_exponent=exponent)
    law = query_law(Fewshot(class_type="zipfian", ways=ways), split)
    np.testing.assert_allclose(law[split.trained], _enumerated(split.zipf_weights, ways) / ways, rtol=1e-8)


@pytest.mark.parametrize("ways", [2, 8, 20])
def test_law_of_many_classes_adds_up_to_one(ways: int) -> None:
    split = ClassSplit(600, n_rare=590, n_common=10, zipf_exponent=1.5)
    assert query_law(Fewshot(class_type="zipfian", ways=ways), split).sum() == pytest.approx(1, abs=1e-8)


def test_law_of_one_way_or_with_replacement_is_the_configured_one() -> None:
    for law in (query_law(Random(), SPLIT), query_law(Fewshot(class_type="zipfian"), SPLIT, protocol="released")):
        np.testing.assert_array_equal(law[SPLIT.trained], SPLIT.zipf_weights)


@pytest.mark.parametrize("protocol", ["paper", "released"])
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_sampler_draws_queries_by_the_law(kind, protocol: str) -> None:
    sampler = BatchSampler(1, SPLIT, kind, batch_size=30_000, seed=0, protocol=protocol)
    fit = sequence_statistics(sampler(0), SPLIT, kind, protocol=protocol).query_fit
    assert fit.p_value > ALPHA
    assert fit.n_outside == 0


def test_exact_stream_draws_queries_by_the_released_law() -> None:
    kind = Bursty(p_bursty=0.7)
    batches = islice(exact_batches(SymbolicSource(40), SPLIT, kind, seed=0), 3000)
    found = sequence_statistics(batches, SPLIT, kind, protocol="released")
    assert found.query_fit.p_value > ALPHA


def test_bursts_without_replacement_are_told_from_ones_with_replacement() -> None:
    kind = Bursty(p_bursty=1.0, shots=2, ways=4)
    batch = BatchSampler(1, SPLIT, kind, batch_size=30_000, seed=0)(0)
    assert sequence_statistics(batch, SPLIT, kind, protocol="released").query_fit.p_value < 1e-20


@pytest.mark.parametrize(("drawn", "expected"), [(0.0, 1.0), (1.0, 0.0), (1.0, 1.2)])
def test_wrong_exponent_is_detected(drawn: float, expected: float) -> None:
    sizes = {"n_rare": 90, "n_common": 10}
    batch = BatchSampler(1, ClassSplit(100, **sizes, zipf_exponent=drawn), Bursty(), batch_size=20_000, seed=0)(0)
    split = ClassSplit(100, **sizes, zipf_exponent=expected)
    fit = sequence_statistics(batch, split, Bursty()).query_fit
    assert fit.p_value < 1e-20
    assert fit.total_variation > 2 * fit.sampling_variation


def test_unknown_protocol_and_a_split_too_small_are_refused() -> None:
    with pytest.raises(ValueError, match="protocol must be one of paper, released, got 'papr'"):
        query_law(Bursty(), SPLIT, protocol="papr")
    with pytest.raises(ValueError, match="need at least 6 holdout classes, got 5"):
        query_law(Fewshot(ways=6), SPLIT)
