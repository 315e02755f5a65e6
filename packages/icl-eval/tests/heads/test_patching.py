"""Patching finds where the answer is carried: known by hand."""

import numpy as np
import pytest
import torch

from icl_eval import activation_patching, patch_run
from icl_train import RunFolder


@pytest.fixture(scope="module")
def pair(induction_model, embedded):
    """The sequences, and the same with their two labels exchanged."""
    given, labels = embedded
    return (given, labels), (given, 1 - labels)


def places(found, site):
    return found.recovered.value[found.sites.index(site)]


def test_at_the_last_site_the_query_recovers_all_and_others_nothing(induction_model, pair):
    found = activation_patching(induction_model, *pair)
    assert found.positions == ("x1", "y1", "x2", "y2", "x3", "y3", "x4", "y4", "q")
    assert places(found, "blocks.1.residual_post") == pytest.approx([0] * 8 + [1], abs=1e-6)
    assert places(found, "blocks.1.attention") == pytest.approx([0] * 8 + [1], abs=1e-6)


def test_before_the_induction_head_the_labels_carry_the_answer(induction_model, pair):
    """Half of the labels are right: each clean one turns the answer's share by 1/2, and no item or query does."""
    found = activation_patching(induction_model, *pair, sites=["blocks.1.residual_pre"])
    (values,) = found.recovered.value
    assert values[0::2] == pytest.approx([0] * 5, abs=1e-3)
    assert (values[1::2] > 0.15).all()
    assert ((found.recovered.low <= found.recovered.value) & (found.recovered.value <= found.recovered.high)).all()


def test_the_induction_head_recovers_all_and_the_idle_head_nothing(induction_model, pair):
    found = activation_patching(induction_model, *pair, sites=["blocks.1.attention.heads.*"])
    assert found.sites == ("blocks.1.attention.heads.0", "blocks.1.attention.heads.1")
    assert found.recovered.value[:, -1] == pytest.approx([1, 0], abs=1e-6)


def test_another_query_is_carried_by_the_query_alone(induction_model, embedded):
    given, labels = (part.clone() for part in embedded)
    for row in range(len(labels)):
        place = int((labels[row, :-1] != labels[row, -1]).nonzero()[0])
        given[row, -1], labels[row, -1] = given[row, place], labels[row, place]
    found = activation_patching(induction_model, embedded, (given, labels), sites=["tokens"])
    assert found.recovered.value[0] == pytest.approx([0] * 8 + [1], abs=1e-6)
    assert found.clean == pytest.approx(-found.corrupted)


def test_the_interval_is_that_of_a_ratio_of_means(untrained):
    """Against the spread of 2,000 bootstrap samples, within a tenth."""
    from icl_eval._heads.patching import _ratio

    random = np.random.default_rng(0)
    whole = random.normal(2, 1, 300)
    gained = (0.3 * whole + random.normal(0, 0.5, 300))[:, None, None]
    found = _ratio(gained, whole)
    samples = random.integers(300, size=(2000, 300))
    spread = (gained[:, 0, 0][samples].mean(1) / whole[samples].mean(1)).std()
    assert found.value[0, 0] == pytest.approx(gained.mean() / whole.mean())
    assert (found.high - found.low)[0, 0] / 2 == pytest.approx(1.96 * spread, rel=0.1)


def test_passes_that_do_not_differ_have_nothing_to_recover(untrained):
    model, embedded, labels = untrained
    found = activation_patching(model, (embedded, labels), (embedded, 1 - labels), sites=["blocks.1.residual_post"])
    assert np.isnan(found.recovered.value).all()


def test_sequences_with_one_answer_do_not_count(induction_model, pair):
    (given, labels), (_, others) = pair
    others = others.clone()
    others[:60] = labels[:60]
    found = activation_patching(induction_model, (given, labels), (given, others), sites=["blocks.1.attention"])
    assert set(found.recovered.n.ravel()) == {len(labels) - 60}
    with pytest.raises(ValueError, match="must have different right answers"):
        activation_patching(induction_model, (given, labels), (given, labels))


@pytest.mark.parametrize(
    ("site", "told"),
    [("blocks.1.atention", "did you mean blocks.1.attention"), ("embeddings", "sites must be of tokens, ")],
)
def test_a_site_that_is_not_there_is_refused(site, told, induction_model, pair):
    with pytest.raises(ValueError, match=told):
        activation_patching(induction_model, *pair, sites=[site])


def test_exchanged_labels_are_the_flipped_evaluation(small_runs):
    run = RunFolder.open(small_runs / "two-layers")
    labels, flipped = (patch_run(run, corrupted=name, sequences=40, sites=["tokens"]) for name in ("labels", "flipped"))
    assert np.array_equal(labels.recovered.value, flipped.recovered.value, equal_nan=True)
    assert (labels.clean, labels.corrupted) == (flipped.clean, flipped.corrupted)


def test_other_contexts_are_refused(small_runs):
    run = RunFolder.open(small_runs / "two-layers")
    with pytest.raises(ValueError, match=r"the same contexts as fewshot_holdout .* got novel_label"):
        patch_run(run, corrupted="novel_label", sequences=8)
    with pytest.raises(ValueError, match="exchanged needs sequence=fewshot"):
        patch_run(run, clean="no_support_zipfian", sequences=8)


def test_pairs_as_tokens_are_patched_too(small_runs):
    found = patch_run(RunFolder.open(small_runs / "pairs"), corrupted="query", sequences=40, sites=["blocks.0.mlp"])
    assert found.positions[-1] == "q"
    assert len(found.positions) == 9
    assert torch.isfinite(torch.tensor([found.clean, found.corrupted])).all()
