"""The exact stream as indices: those of the very sequences that `SeqGenerator` draws."""

from __future__ import annotations

from itertools import islice

import numpy as np
import pytest

from icl_data import ArraySource, Bursty, ClassSplit, Fewshot, GaussianSource, Mixed, NoSupport, Random, SeqGenerator
from icl_data._released.exact_sequences import exact_batches, exact_records

SIZES = {"n_rare": 12, "n_common": 4, "n_holdout": 4}
SOURCES = {
    "several exemplars": ArraySource(np.random.default_rng(0).random((20, 9, 4))),
    "noise of its own": GaussianSource(20, dim=5, noise_scale=0.3),
}
KINDS = {
    "bursty": Bursty(p_bursty=0.6),
    "no_support": NoSupport(),
    "random": Random(),
    "fewshot": Fewshot(),
    "mixed": Mixed(),
}


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_records_are_the_generator_s(source, name: str) -> None:
    split = ClassSplit(20, **SIZES, zipf_exponent=1.0)
    generator = SeqGenerator(source, *SIZES.values(), zipf_exponent=1.0, noise_scale=0.0, seed=3)
    arguments = {"p_bursty": 0.6} if name == "bursty" else {}
    expected = islice(getattr(generator, f"get_{name}_seq")(**arguments), 20)
    for found, record in zip(exact_records(source, split, KINDS[name], seed=3), expected, strict=False):
        for field in ("example", "label", "is_rare"):
            np.testing.assert_array_equal(found[field], record[field])


@pytest.mark.parametrize("name", KINDS)
@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_indices_are_of_the_same_sequences(source, name: str) -> None:
    split = ClassSplit(20, **SIZES)
    batches, records = (exact(source, split, KINDS[name], seed=1) for exact in (exact_batches, exact_records))
    for batch, record in islice(zip(batches, records, strict=True), 20):
        np.testing.assert_array_equal(batch.label[0], record["label"])
        np.testing.assert_array_equal(batch.is_rare[0], record["is_rare"])
        if not source.noise_scale:
            np.testing.assert_array_equal(source.gather(batch.class_index, batch.exemplar_index)[0], record["example"])


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Bursty(label_noise=0.1), r"label_noise must be 0\.0 in the exact stream, got 0\.1"),
        (Fewshot(context_order="blocked"), "context_order must be 'shuffled' in the exact stream, got 'blocked'"),
        (Fewshot(labeling="novel"), "BatchSampler only"),
    ],
)
def test_settings_of_the_sampler_alone_are_refused(kind, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        exact_batches(SOURCES["several exemplars"], ClassSplit(20, **SIZES), kind, seed=0)
