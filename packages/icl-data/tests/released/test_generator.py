"""The exact stream beyond the golden cases."""

from __future__ import annotations

import random

import numpy as np
import pytest

from icl_data import ArraySource, GaussianSource, OmniglotSource, SeqGenerator, SymbolicSource


def _generator(**changes) -> SeqGenerator:
    arguments = {"n_rare_classes": 80, "n_common_classes": 10, "n_holdout_classes": 10, "noise_scale": 0.0, "seed": 0}
    return SeqGenerator(SymbolicSource(100), **{**arguments, **changes})


@pytest.mark.parametrize(
    ("kind", "arguments", "message"),
    [
        ("bursty", {"p_bursty": 1.3}, r"p_bursty must be in \[0, 1\], got 1.3"),
        ("bursty", {"seq_len": 6}, "seq_len must be at least"),
        ("no_support", {"class_type": "frequent"}, "got 'frequent'"),
        ("random", {"labeling": "alphabetical"}, "got 'alphabetical'"),
        ("random", {"class_type": "common", "seq_len": 11, "all_unique": True}, "at least 11 common classes, got 10"),
        ("fewshot", {"labeling": "novel"}, "BatchSampler only"),
        ("fewshot", {"labeling": "heldout"}, "BatchSampler only"),
        ("fewshot", {"labeling": f"ordered{2**31}"}, r"from 0 to 2\*\*31 - 1, got 0 to 2147483657 under"),
        ("mixed", {"p_fewshot": -1}, "got -1"),
        ("bursty", {"randomly_generate_rare": True}, "images with one exemplar per class"),
    ],
)
def test_arguments_are_checked_when_the_iterator_is_made(kind: str, arguments: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        getattr(_generator(), f"get_{kind}_seq")(**arguments)


def test_more_classes_than_the_source_has_are_refused_with_the_four_numbers() -> None:
    with pytest.raises(ValueError, match="n_rare=90, n_common=10, n_holdout=10, n_classes=100"):
        _generator(n_rare_classes=90)


def test_type_without_classes_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 1 holdout classes, got 0"):
        _generator(n_holdout_classes=0).get_fewshot_seq()


def test_global_random_state_is_neither_used_nor_changed() -> None:
    before = np.random.get_state()[1].tolist(), random.getstate()  # noqa: NPY002
    first = next(_generator().get_bursty_seq())
    assert (np.random.get_state()[1].tolist(), random.getstate()) == before  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    random.seed(5)
    np.testing.assert_array_equal(next(_generator().get_bursty_seq())["example"], first["example"])


def test_iterators_of_one_generator_share_its_streams() -> None:
    one, two = _generator(), _generator()
    alone, other = one.get_random_seq(), two.get_random_seq()
    next(other)
    shared = two.get_random_seq()
    first, second = next(alone), next(alone)
    assert first["example"].tolist() != second["example"].tolist()
    np.testing.assert_array_equal(next(shared)["example"], second["example"])


def test_more_appearances_than_exemplars_are_a_clear_error() -> None:
    source = ArraySource(np.zeros((10, 3, 4, 4)))
    generator = SeqGenerator(source, 8, 1, 1, seed=0)
    with pytest.raises(ValueError, match="at most n_exemplars = 3 times in a sequence, got 9"):
        next(generator.get_random_seq("holdout"))


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [("fewshot", {}), ("mixed", {}), ("bursty", {"shots": 4}), ("bursty", {"shots": 4, "p_bursty": 0.1})],
)
def test_bursts_that_never_have_enough_exemplars_are_refused_at_once(kind: str, arguments: dict) -> None:
    generator = SeqGenerator(ArraySource(np.zeros((10, 4, 3))), 8, 1, 1, seed=0)
    with pytest.raises(ValueError, match="got shots=4 and n_exemplars=4"):
        getattr(generator, f"get_{kind}_seq")(**arguments)


def test_zipfian_draws_still_work_after_zipf_weighted_rare_draws() -> None:
    generator = _generator(use_zipf_for_common_rare=True, zipf_exponent=1.0)
    next(generator.get_fewshot_seq("rare"))
    assert next(generator.get_random_seq("zipfian"))["label"].max() < 90


def test_classes_whose_keys_do_not_start_at_zero_can_be_split(tiny_omniglot) -> None:
    source = OmniglotSource(tiny_omniglot.folder, "test")
    record = next(SeqGenerator(source, 1, 1, seed=0).get_random_seq("zipfian", seq_len=4, labeling="original"))
    assert set(record["label"].tolist()) <= {3, 4}


def test_gaussian_examples_vary_within_a_class() -> None:
    generator = SeqGenerator(GaussianSource(20, dim=5), 10, 5, 5, noise_scale=0.0, seed=0)
    record = next(generator.get_fewshot_seq("holdout", shots=4, ways=1))
    assert record["example"].dtype == np.float32
    assert len(np.unique(record["example"], axis=0)) == 5


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_noise_has_the_given_scale(dtype: type) -> None:
    source = ArraySource(np.full((4, 1, 30, 30), 0.5, dtype=dtype))
    record = next(SeqGenerator(source, 2, 2, noise_scale=0.1, seed=0).get_random_seq("zipfian", seq_len=20))
    # 18,000 normal numbers: their standard deviation lies within 5 % of 0.1 except once in 10**20 seeds.
    assert record["example"].std() == pytest.approx(0.1, rel=0.05)


def test_random_rare_images_are_new_in_every_sequence_and_the_same_within_one() -> None:
    source = ArraySource(np.full((4, 1, 6, 6), 0.5))
    sequences = SeqGenerator(source, 1, 1, 1, noise_scale=0.0, seed=0).get_random_seq(
        "rare", seq_len=3, randomly_generate_rare=True
    )
    first, second = next(sequences)["example"], next(sequences)["example"]
    assert set(np.unique(first)) == {0, 1}
    assert (first == first[0]).all()
    assert (first != second).any()
