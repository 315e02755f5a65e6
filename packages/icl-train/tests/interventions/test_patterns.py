"""Given patterns, checked by hand."""

import math

import pytest
import torch

from icl_train._intervening.patterns import (
    attention_to_labels,
    copied_logits,
    induction_pattern,
    label_tokens,
    previous_pattern,
    uniform_pattern,
)

LABELS = torch.tensor([[3, 1, 3, 3], [0, 1, 2, 4]])  # the first query's label is there twice, the second's nowhere


def weights(*shape):
    """Rows of a causal pattern."""
    rows, tokens = shape[-2:]
    drawn = torch.rand(*shape, generator=torch.Generator().manual_seed(0))
    drawn = drawn * torch.ones(tokens, tokens).tril()[-rows:]
    return drawn / drawn.sum(-1, keepdim=True)


def test_previous_is_one_at_the_token_before_and_the_first_at_itself():
    expected = torch.tensor([[1, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]]).float()
    assert previous_pattern(weights(2, 3, 4, 4)).equal(expected)
    assert previous_pattern(weights(2, 3, 1, 4)).equal(expected[-1:])
    assert previous_pattern(weights(2, 1, 1)).equal(torch.ones(1, 1))


def test_uniform_is_alike_over_all_tokens_so_far():
    expected = torch.tensor(
        [[1, 0, 0, 0], [1 / 2, 1 / 2, 0, 0], [1 / 3, 1 / 3, 1 / 3, 0], [1 / 4, 1 / 4, 1 / 4, 1 / 4]]
    )
    assert uniform_pattern(weights(2, 3, 4, 4)).allclose(expected)
    assert uniform_pattern(weights(2, 1, 4)).allclose(expected[-1:])


def test_induction_looks_from_the_query_at_the_tokens_of_its_label():
    before = weights(2, 5, 7, 7)
    found = induction_pattern(before, LABELS)
    assert found[:, :, :-1].equal(before[:, :, :-1])
    assert found[0, :, -1].equal(torch.tensor([0, 1 / 2, 0, 0, 0, 1 / 2, 0]).expand(5, 7))
    assert found[1, :, -1].equal(before[1, :, -1])


def test_induction_of_one_head_and_of_the_query_alone():
    before = weights(2, 1, 7)
    found = induction_pattern(before, LABELS)
    assert found.shape == (2, 1, 7)
    assert found[0, 0].equal(torch.tensor([0, 1 / 2, 0, 0, 0, 1 / 2, 0]))
    assert found[1].equal(before[1])


def test_with_labels_in_their_examples_tokens_induction_looks_at_pairs():
    found = induction_pattern(weights(2, 5, 4, 4), LABELS)
    assert found[0, :, -1].equal(torch.tensor([1 / 2, 0, 1 / 2, 0]).expand(5, 4))


@pytest.mark.parametrize("tokens", [7, 4])
@pytest.mark.parametrize("make", [previous_pattern, uniform_pattern, lambda value: induction_pattern(value, LABELS)])
def test_rows_of_every_pattern_sum_to_one_and_look_at_nothing_later(make, tokens):
    found = make(weights(2, 5, tokens, tokens)).expand(2, 5, tokens, tokens)
    assert found.sum(-1).allclose(torch.ones(2, 5, tokens))
    assert found.triu(1).eq(0).all()


def test_attention_to_a_label_is_summed_over_tokens_and_heads():
    attention = torch.zeros(2, 2, 7, 7)
    attention[0, 0, -1] = torch.tensor([0.1, 0.2, 0.0, 0.3, 0.1, 0.1, 0.2])
    attention[0, 1, -1, 1] = 1.0
    attention[1, 0, -1, 5] = 0.5
    found = attention_to_labels(attention, LABELS, 6)
    expected = torch.tensor([[0, 0.3, 0, 1.3, 0, 0], [0, 0, 0.5, 0, 0, 0]])
    assert found.allclose(expected)
    assert attention_to_labels(attention[:, 1], LABELS, 6).equal(torch.tensor([[0, 0, 0, 1, 0, 0], [0] * 6]).float())


def test_copied_answers_of_one_head_are_the_softmax_of_its_scores_at_the_labels():
    scores, labels = torch.tensor([[[[0.3, 1.2, -0.4, 0.7, 2.0]]]]), torch.tensor([[2, 4, 2]])
    logits = copied_logits(attention_to_labels(scores.softmax(-1), labels, 5))
    assert logits.softmax(-1)[0, [2, 4]].allclose(torch.tensor([1.2, 0.7]).softmax(0))
    assert logits.softmax(-1)[0, [0, 1, 3]].max() < 1e-7


def test_even_attention_over_two_pairs_has_the_loss_log_2():
    attention, labels = torch.full((1, 1, 1, 5), 0.2), torch.tensor([[2, 4, 2]])
    logits = copied_logits(attention_to_labels(attention, labels, 5))
    assert float(torch.nn.functional.cross_entropy(logits, labels[:, -1])) == pytest.approx(math.log(2))


def test_tokens_that_are_neither_layout_are_refused():
    with pytest.raises(ValueError, match=r"tokens must be 7, or 4 with labels concatenated, for 4 examples, got 5"):
        label_tokens(4, 5)
