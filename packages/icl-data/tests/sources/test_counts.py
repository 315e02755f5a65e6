"""Numbers in arguments of public functions: what is none is refused in a line that names the argument."""

from functools import partial
from itertools import product

import numpy as np
import pytest

from icl_data import (
    ArraySource,
    BatchSampler,
    Bursty,
    ClassSplit,
    Fewshot,
    GaussianSource,
    LabelElsewhere,
    Mixed,
    NoSupport,
    Random,
    ReddySequences,
    SeqGenerator,
    SymbolicSource,
    query_law,
    sequence_statistics,
)

SOURCE = GaussianSource(50, dim=4)
SPLIT = ClassSplit(50, n_rare=35, n_common=5, n_holdout=10)
sampler = partial(BatchSampler, SOURCE, SPLIT, Bursty(), batch_size=4, seed=0)
generator = partial(
    SeqGenerator, SymbolicSource(50), n_rare_classes=35, n_common_classes=5, n_holdout_classes=10, noise_scale=0.0
)
split = partial(ClassSplit, 50, n_rare=35, n_common=5, n_holdout=10)
COUNTS = {
    "SymbolicSource n": lambda value: SymbolicSource(value),
    "GaussianSource n_classes": lambda value: GaussianSource(value),
    "GaussianSource dim": lambda value: GaussianSource(5, dim=value),
    "GaussianSource seed": lambda value: GaussianSource(5, seed=value),
    "with_exemplars count": lambda value: SOURCE.with_exemplars(value),
    "ClassSplit n_rare": lambda value: split(n_rare=value),
    "ClassSplit n_common": lambda value: split(n_common=value),
    "ClassSplit n_holdout": lambda value: split(n_holdout=value),
    "ClassSplit seed": lambda value: split(seed=value),
    "ClassSplit preserve_ordering_every_n": lambda value: split(preserve_ordering_every_n=value),
    "BatchSampler n_exemplars": lambda value: BatchSampler(value, SPLIT, Bursty(), batch_size=4, seed=0),
    "BatchSampler batch_size": lambda value: sampler(batch_size=value),
    "BatchSampler seed": lambda value: sampler(seed=value),
    "BatchSampler n_labels": lambda value: sampler(n_labels=value),
    "BatchSampler step": lambda value: sampler()(value),
    "Bursty seq_len": lambda value: Bursty(seq_len=value),
    "Bursty shots": lambda value: Bursty(shots=value),
    "Bursty ways": lambda value: Bursty(ways=value),
    "Fewshot heldout_label_sets": lambda value: Fewshot(class_type="holdout", heldout_label_sets=value),
    "LabelElsewhere shots": lambda value: LabelElsewhere(shots=value),
    "Mixed ways": lambda value: Mixed(ways=value),
    "NoSupport seq_len": lambda value: NoSupport(seq_len=value),
    "Random seq_len": lambda value: Random(seq_len=value),
    "ReddySequences n_classes": lambda value: ReddySequences(n_classes=value),
    "ReddySequences pairs": lambda value: ReddySequences(pairs=value),
    "ReddySequences burst": lambda value: ReddySequences(burst=value),
    "SeqGenerator seed": lambda value: generator(seed=value),
    "SeqGenerator n_rare": lambda value: generator(seed=1, n_rare_classes=value),
    "get_bursty_seq shots": lambda value: next(
        generator(seed=1).get_bursty_seq(seq_len=9, shots=value, ways=2, p_bursty=0.9)
    ),
    "query_law n_labels": lambda value: query_law(Bursty(), SPLIT, n_labels=value),
    "sequence_statistics shots": lambda value: sequence_statistics(sampler()(0), SPLIT, Bursty(), shots=value),
}
NO_INTEGERS = [1.5, 2.0, float("nan"), True, "3", [1]]


@pytest.mark.parametrize(("name", "value"), list(product(COUNTS, NO_INTEGERS)))
def test_what_is_no_integer_is_refused_by_name(name, value):
    with pytest.raises(ValueError, match=rf"^{name.split()[1]} must be an integer, got "):
        COUNTS[name](value)


@pytest.mark.parametrize("name", COUNTS)
def test_a_negative_number_is_refused_in_one_line(name):
    with pytest.raises(ValueError, match=r"^[^\n]+, got [^\n]*-1[^\n]*$"):
        COUNTS[name](-1)


@pytest.mark.parametrize("number", [np.int64(3), np.uint8(3)])
def test_numpys_integers_are_integers(number):
    assert SOURCE.with_exemplars(number).n_exemplars == 3
    assert SymbolicSource(number).n_classes == 3


@pytest.mark.parametrize("value", ["1", None, [1], True, -0.1, float("nan"), float("inf")])
@pytest.mark.parametrize(
    "make",
    [
        lambda scale: GaussianSource(5, noise_scale=scale),
        lambda scale: ArraySource(np.zeros((5, 2, 4), np.float32), noise_scale=scale),
        lambda scale: generator(seed=1, noise_scale=scale),
    ],
    ids=["GaussianSource", "ArraySource", "SeqGenerator"],
)
def test_noise_that_is_no_standard_deviation_is_refused(make, value):
    with pytest.raises(ValueError, match=r"^noise_scale must be >= 0 and finite"):
        make(value)
