"""Scores of heads: exact on a transformer made by hand, nothing on one that has learned nothing."""

import math

import numpy as np
import pytest
import torch

from icl_eval import direct_contributions, head_scores
from icl_models import TransformerConfig, build_model, capture, final_norm, head_matrices

PREVIOUS, INDUCTION = (0, 0), (1, 0)  # layer and head


def difference(model, embedded, labels):
    """The logit of the right answer less the mean of the other labels of the context, one sequence after the other."""
    with torch.no_grad():
        logits = model.from_embeddings(embedded, labels, positions="query").double()
    found = []
    for row, own in zip(logits, labels, strict=True):
        right = int(own[-1])
        wrong = sorted(set(own[:-1].tolist()) - {right})
        found.append(row[right] - row[wrong].mean())
    return torch.stack(found)


def test_the_model_made_by_hand_answers_from_the_context(induction_model, embedded):
    with torch.no_grad():
        logits = induction_model.from_embeddings(*embedded, positions="query")
    assert (logits.argmax(1) == embedded[1][:, -1]).all()


def test_the_induction_head_attends_to_the_right_labels_alone(induction_model, embedded):
    scores = head_scores(induction_model, *embedded).scores["induction"]
    assert scores.value[INDUCTION] == pytest.approx(1, abs=1e-6)
    assert scores.high[INDUCTION] - scores.low[INDUCTION] < 1e-6


def test_the_previous_token_head_attends_to_the_item_before_each_label(induction_model, embedded):
    scores = head_scores(induction_model, *embedded).scores["previous_token"]
    assert scores.value[PREVIOUS] == pytest.approx(1, abs=1e-6)
    assert (scores.value[[0, 1, 1], [1, 0, 1]] < 0.6).all()


def test_a_head_without_queries_has_what_attending_alike_gives(induction_model, embedded):
    scored = head_scores(induction_model, *embedded)
    for measure in ("induction", "previous_token", "entropy"):
        assert scored.scores[measure].value[0, 1] == pytest.approx(scored.uniform[measure], abs=1e-6)
    assert scored.uniform["entropy"] == pytest.approx(math.log(9))
    assert scored.uniform["previous_token"] == pytest.approx(np.mean([1 / 2, 1 / 4, 1 / 6, 1 / 8]))


def test_the_entropy_of_the_induction_head_is_that_of_a_choice_among_its_shots(induction_model, embedded):
    scores = head_scores(induction_model, *embedded).scores["entropy"]
    assert scores.value[INDUCTION] == pytest.approx(math.log(2), abs=1e-5)


def test_the_induction_head_alone_makes_the_answer(induction_model, embedded):
    scores = head_scores(induction_model, *embedded).scores["direct"]
    whole = float(difference(induction_model, *embedded).mean())
    assert scores.value[INDUCTION] == pytest.approx(whole, rel=1e-5)
    assert np.delete(scores.value.ravel(), 2) == pytest.approx(0, abs=1e-6)


def brute_force_copying(model, labels, head, embedded):
    """Every label through the matrices of a head to every label's logit."""
    own = head_matrices(model)[f"blocks.{head[0]}.attention"]
    with capture(model, "blocks.*.residual_post") as trace, torch.no_grad():
        model.from_embeddings(*embedded)
    stream = trace[f"blocks.{len(head_matrices(model)) - 1}.residual_post"][:, -1]
    scale = float((1 / (stream.var(1, unbiased=False) + 1e-5).sqrt()).mean())
    norm = final_norm(model)
    circuit = own.out[head[1]] @ own.values[head[1]]
    with torch.no_grad():
        written = own.norm(model.label_table.weight[labels]) @ circuit.T
        seen = (written - written.mean(1, keepdim=True)) * scale * norm.weight
        logits = seen @ model.readout.weight[labels].T
    own_label = logits.diagonal()
    return float((own_label - (logits.sum(1) - own_label) / (len(labels) - 1)).mean())


@pytest.mark.parametrize("head", [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_copying_is_what_each_label_does_for_itself_through_the_head(induction_model, untrained, embedded, head):
    for model, *given in ((induction_model, *embedded), untrained):
        expected = brute_force_copying(model, given[1].unique(), head, given)
        measured = head_scores(model, *given).scores["label_copy"].value[head]
        assert measured == pytest.approx(expected, rel=1e-4, abs=1e-6)


def test_the_induction_head_copies_labels_and_the_previous_token_head_does_not(induction_model, embedded):
    scores = head_scores(induction_model, *embedded).scores["label_copy"]
    assert scores.value[INDUCTION] > 5
    assert abs(scores.value[PREVIOUS]) < 1e-5


def test_heads_of_an_untrained_model_score_nothing(untrained):
    scored = head_scores(*untrained)
    for measure in ("induction", "direct"):
        estimates = scored.scores[measure]
        expected = scored.uniform.get(measure, 0)
        assert np.abs(estimates.value - expected).max() < 0.03  # those of the heads by hand are 1, and 9
        outside = (estimates.low > expected) | (estimates.high < expected)
        assert outside.sum() <= 1  # of four intervals of 95%
    copying = scored.scores["label_copy"]
    assert ((copying.low > 0) | (copying.high < 0)).sum() <= 1
    previous = scored.scores["previous_token"].value - scored.uniform["previous_token"]
    assert np.abs(previous).max() < 0.1  # positions are told apart a little before anything is learned


def test_intervals_are_those_of_a_mean_over_sequences(untrained):
    model, embedded, labels = untrained
    with capture(model, "blocks.1.attention.weights") as trace, torch.no_grad():
        model.from_embeddings(embedded, labels)
    query = trace["blocks.1.attention.weights"][:, 0, -1, 1::2]
    signs = torch.where(labels[:, :-1] == labels[:, -1:], 1.0, -1.0)
    each = (query * signs).sum(1).double().numpy()
    half = 1.96 * each.std(ddof=1) / math.sqrt(len(each))
    found = head_scores(model, embedded, labels).scores["induction"]
    assert found.value[1, 0] == pytest.approx(each.mean(), rel=1e-4, abs=1e-8)
    assert found.low[1, 0] == pytest.approx(each.mean() - half, rel=1e-3)
    assert found.high[1, 0] == pytest.approx(each.mean() + half, rel=1e-3)


@pytest.mark.parametrize("which", ["by hand", "untrained"])
def test_contributions_of_all_parts_sum_to_the_difference_of_logits(which, induction_model, embedded, untrained):
    model, *given = (induction_model, *embedded) if which == "by hand" else untrained
    parts = direct_contributions(model, *given)
    assert torch.stack(list(parts.values())).sum(0).numpy() == pytest.approx(
        difference(model, *given).numpy(), rel=1e-4, abs=1e-5
    )
    assert ("blocks.0.mlp" in parts) == (which == "untrained")


def test_contributions_of_heads_are_their_scores(untrained):
    parts = direct_contributions(*untrained)
    scores = head_scores(*untrained).scores["direct"].value
    for layer, head in np.ndindex(scores.shape):
        part = parts[f"blocks.{layer}.attention.heads.{head}"]
        assert float(part.double().mean()) == pytest.approx(scores[layer, head], rel=1e-3, abs=1e-7)


def test_what_is_not_defined_is_blank_with_its_reason(config_of_hand, drawn):
    items, labels = drawn(20)
    post = build_model(config_of_hand(sequence_model_config=TransformerConfig(norm="post")), seed=0)
    pairs = build_model(config_of_hand(concatenate_labels=True, sequence_model_config=None), seed=0)
    for model, blank in ((post, {"label_copy", "direct"}), (pairs, {"label_copy", "previous_token"})):
        scored = head_scores(model, model.embed_examples(items).detach(), labels)
        assert set(scored.blank) == blank
        assert not blank & set(scored.scores)
        assert not blank & {row["measure"] for row in scored.rows()}


def test_without_the_right_label_in_any_context_there_is_no_induction(untrained):
    model, embedded, labels = untrained
    labels = torch.cat((labels[:, :-1], torch.full_like(labels[:, -1:], 3)), 1)
    assert head_scores(model, embedded, labels).blank == {"induction": "no context has the right label"}


def test_contexts_without_the_right_label_do_not_count(induction_model, embedded):
    given, labels = embedded[0], embedded[1].clone()
    labels[:50, -1] = 3
    scores = head_scores(induction_model, given, labels).scores["induction"]
    assert scores.n[INDUCTION] == len(labels) - 50
    assert scores.value[INDUCTION] == pytest.approx(1, abs=1e-6)


def test_a_model_without_attention_has_no_heads(config_of_hand, drawn):
    items, labels = drawn(4)
    recurrent = {"sequence_model": "lstm", "num_heads": None, "use_positional_encodings": False}
    model = build_model(config_of_hand(**recurrent, sequence_model_config=None), seed=0)
    with pytest.raises(ValueError, match="must be one with attention to have heads, got lstm"):
        head_scores(model, model.embed_examples(items).detach(), labels)


def test_wrong_shapes_are_refused(induction_model, embedded):
    with pytest.raises(ValueError, match=r"embedded must have shape \(N, L, 64\)"):
        head_scores(induction_model, embedded[0][:, :, :5], embedded[1])
    with pytest.raises(ValueError, match=r"labels must have shape \(200, 5\)"):
        head_scores(induction_model, embedded[0], embedded[1][:, :3])
