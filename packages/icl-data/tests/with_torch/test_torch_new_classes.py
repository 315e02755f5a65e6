"""Vectors of classes that a batch has to itself (`Bursty(p_new)`), in PyTorch's bank and loader."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import chi2

from icl_data import ArraySource, BatchSampler, Bursty, ClassSplit, GaussianSource, SequenceBatch

torch = pytest.importorskip("torch")

from icl_data.torch import ExampleBank, SequenceDataset, create_sequence_dataloader  # noqa: E402

SPLIT = ClassSplit(40, n_rare=40, n_common=0)
KIND = Bursty(seq_len=9, shots=2, ways=4, p_new=0.5)
STILL, NOISY = GaussianSource(40, dim=63, noise_scale=0.0), GaussianSource(40, dim=63, noise_scale=0.5)


def sampler(kind: Bursty = KIND, batch_size: int = 32, **options: object) -> BatchSampler:
    return BatchSampler(1, SPLIT, kind, batch_size=batch_size, seed=5, n_labels=8, **options)


def test_a_new_class_has_one_vector_in_its_batch_and_another_in_the_next() -> None:
    bank, draw = ExampleBank(STILL), sampler()
    vectors = []
    for step in (0, 1):
        batch = draw(step)
        examples, place = bank(batch, seed=5, step=step), torch.from_numpy(batch.class_index)
        assert torch.equal(bank(batch, seed=5, step=step), examples)
        for one in place.unique().tolist():
            assert (examples[place == one] == examples[place == one][0]).all()
        vectors.append(examples[place >= 40].unique(dim=0))
    both = torch.cat(vectors)
    assert len(both.unique(dim=0)) == len(both)
    assert torch.cdist(both, torch.from_numpy(STILL.means)).min() > 0.5


def test_known_classes_are_the_sources_beside_new_ones() -> None:
    batch = sampler()(0)
    known = batch.class_index < 40
    examples = ExampleBank(STILL)(batch, seed=5, step=0)
    np.testing.assert_allclose(examples.numpy()[known], STILL.gather(batch.class_index[known], 0))


def test_new_classes_are_drawn_from_the_law_of_the_others() -> None:
    """The sum of squares of 200 * 63 numbers of variance 1/63 is chi-square; within its middle 99.9999%."""
    batch = SequenceBatch(*(np.arange(40, 240, dtype=np.int32)[:, None] * one for one in (1, 0, 0, 0)))
    vectors = ExampleBank(STILL)(batch, seed=5, step=0).numpy()[:, 0].astype(float)
    assert 5e-7 < chi2.cdf((vectors**2).sum() * 63, vectors.size) < 1 - 5e-7
    assert abs(vectors.mean()) < 5 / (63 * vectors.size) ** 0.5


def test_noise_on_new_classes_is_that_of_the_source() -> None:
    """x = (mu + eps eta) / sqrt(1 + eps^2): at eps .5 items of a class have a mean product of 1 / 1.25."""
    batch = sampler(Bursty(seq_len=201, shots=100, ways=2, p_new=1.0), batch_size=8)(0)
    noisy, still = (ExampleBank(source)(batch, seed=5, step=0) for source in (NOISY, STILL))
    rest = noisy * 1.25**0.5 - still
    assert float(rest.std() * 63**0.5) == pytest.approx(0.5, rel=0.02)
    assert abs(float((rest * still).sum(-1).mean())) < 0.02


def test_noise_of_known_classes_is_what_it_was() -> None:
    batch = sampler()(0)
    plain = SequenceBatch(batch.class_index % 40, batch.exemplar_index, batch.label, batch.is_rare)
    bank, known = ExampleBank(NOISY), torch.from_numpy(batch.class_index < 40)
    assert torch.equal(bank(batch, seed=5, step=3)[known], bank(plain, seed=5, step=3)[known])


def test_parts_of_a_batch_have_the_new_classes_of_the_whole() -> None:
    bank, batch = ExampleBank(NOISY), sampler()(0)
    whole = bank(batch, seed=5, step=0)
    parts = [bank(batch, seed=5, step=0, rows=slice(start, start + 8)) for start in range(0, 32, 8)]
    assert torch.equal(torch.cat(parts), whole)


def test_ranks_of_a_loader_share_a_batch_of_new_classes() -> None:
    datasets = [SequenceDataset(sampler(), NOISY, n_steps=1, rank=rank, world_size=2) for rank in (0, 1)]
    (whole,) = create_sequence_dataloader(sampler(), NOISY, n_steps=1)
    parts = [next(iter(dataset))["examples"] for dataset in datasets]
    assert torch.equal(torch.cat(parts), whole["examples"])


def test_a_class_beyond_the_batchs_new_ones_is_refused() -> None:
    batch = SequenceBatch(*(np.full((3, 2), one, dtype=np.int32) for one in (43, 0, 0, 0)))
    with pytest.raises(IndexError, match=r"class_index must be in 0\.\.42, got 43"):
        ExampleBank(STILL)(batch, seed=0, step=0)


@pytest.mark.parametrize("source", [ArraySource(np.zeros((40, 1, 63)))], ids=["array"])
def test_other_sources_have_no_new_classes(source: ArraySource) -> None:
    with pytest.raises(ValueError, match="p_new needs a source that can draw new classes, a GaussianSource, got Array"):
        SequenceDataset(sampler(), source)
    with pytest.raises(IndexError, match=r"class_index must be in 0\.\.39, got "):
        ExampleBank(source)(sampler()(0), seed=0, step=0)
