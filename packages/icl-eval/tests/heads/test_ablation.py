"""Ablation takes out exactly one part; composition is what constructed matrices must have."""

import math

import numpy as np
import pytest
import torch

from icl_eval import ablation_effects, composition_scores
from icl_models import TransformerConfig, ablate, build_model, edit, head_matrices


def among(labels, options):
    """Outcomes as an evaluation has them that chooses among these labels."""

    def outcomes(logits):
        closed = logits[:, options].argmax(1)
        return {"accuracy": (torch.tensor(options)[closed] == labels[:, -1]).float()}

    return outcomes


def effects(found, metric="accuracy"):
    return {(one.kind, one.layer, one.head): one for one in found if one.metric == metric}


@pytest.mark.parametrize("to", ["zero", "mean"])
def test_without_the_induction_head_or_the_previous_token_head_answers_are_guesses(to, induction_model, embedded):
    """Labels are balanced, so an answer that is always the same is right in half of 200; 4.5 standard deviations."""
    found = effects(ablation_effects(induction_model, *embedded, to=to, outcomes=among(embedded[1], [0, 1])))
    for part in [("head", 1, 0), ("head", 0, 0), ("attention", 1, None), ("layer", 1, None), ("layer", 0, None)]:
        assert found[part].whole == 1
        assert found[part].without == pytest.approx(0.5, abs=4.5 * math.sqrt(0.25 / 200))
        assert found[part].low < found[part].difference == found[part].without - 1 < found[part].high
    for part in [("head", 0, 1), ("head", 1, 1)]:
        assert (found[part].difference, found[part].low, found[part].high) == (0, 0, 0)


def test_a_model_without_mlps_has_no_effect_of_one(induction_model, embedded, untrained):
    assert {one.kind for one in ablation_effects(induction_model, *embedded)} == {"head", "attention", "layer"}
    kinds = [(one.kind, one.layer) for one in ablation_effects(untrained[0], *(part[:5] for part in untrained[1:]))]
    assert kinds.count(("mlp", 1)) == 2  # accuracy and loss


def test_effects_are_those_of_the_edit(untrained):
    model, embedded, labels = untrained[0], untrained[1][:300], untrained[2][:300]
    found = effects(ablation_effects(model, embedded, labels), "loss")

    def loss(**edits):
        with edit(model, {name: ablate() for name in edits.get("names", ())}), torch.no_grad():
            logits = model.from_embeddings(embedded, labels, positions="query")
        return torch.nn.functional.cross_entropy(logits, labels[:, -1], reduction="none").double()

    whole = loss()
    for part, names in {
        ("head", 1, 1): ["blocks.1.attention.heads.1"],
        ("mlp", 0, None): ["blocks.0.mlp"],
        ("layer", 0, None): ["blocks.0.mlp", "blocks.0.attention"],
    }.items():
        each = (loss(names=names) - whole).numpy()
        assert found[part].difference == pytest.approx(each.mean(), abs=1e-6)
        assert found[part].high - found[part].difference == pytest.approx(1.96 * each.std(ddof=1) / 300**0.5, rel=1e-3)


def test_the_mean_is_over_all_sequences_and_not_over_those_of_a_call(untrained):
    model, embedded, labels = untrained
    with_mean = effects(ablation_effects(model, embedded, labels, to="mean"), "loss")["mlp", 1, None]
    with edit(model, {"blocks.1.mlp": ablate("mean")}), torch.no_grad():  # in one call
        logits = model.from_embeddings(embedded, labels, positions="query")
    assert with_mean.without == pytest.approx(float(torch.nn.functional.cross_entropy(logits, labels[:, -1])), rel=1e-6)


def test_an_unknown_replacement_is_refused(induction_model, embedded):
    with pytest.raises(ValueError, match="to must be one of zero, mean, got 'noise'"):
        ablation_effects(induction_model, *embedded, to="noise")


def transformer(config_of_hand, *, seed=0, **changes):
    """With matrices drawn alike in all directions, and gains of one."""
    model = build_model(config_of_hand(sequence_model_config=TransformerConfig(mlp_layers=()), **changes), seed=seed)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for block in model.sequence_model.blocks:
            for linear in (block.attention.qkv, block.attention.out):
                linear.weight.normal_(generator=generator)
    return model


def values(model, kind):
    return np.array([one.value for one in composition_scores(model) if one.kind == kind])


@pytest.mark.parametrize("kind", ["q", "k", "v"])
def test_random_matrices_do_not_compose(kind, config_of_hand):
    found = values(transformer(config_of_hand, num_layers=4, num_heads=8), kind)
    assert len(found) == 6 * 64
    assert abs(found.mean()) < 0.003  # of a ratio of .125
    assert np.abs(found).max() < 0.05


def test_a_head_that_reads_nothing_but_what_another_writes_composes_with_it(config_of_hand):
    """One direction written and read, whose coordinates sum to zero: every ratio of norms is one."""
    model = transformer(config_of_hand)
    direction = torch.zeros(64)
    direction[3], direction[7] = 1, -1
    writing, reading = (block.attention for block in model.sequence_model.blocks)
    with torch.no_grad():
        writing.out.weight.zero_()
        writing.out.weight[:, 0] = direction  # head 0
        for start in (0, 64, 128):
            reading.qkv.weight[start : start + 32] = 0
            reading.qkv.weight[start] = direction
    found = {
        (one.kind, one.head, one.reading_head): one.value + one.random
        for one in composition_scores(model)
        if one.head == 0
    }
    for kind in "qkv":
        assert found[kind, 0, 0] == pytest.approx(1, abs=1e-5)
        assert found[kind, 0, 1] < 0.4


def test_a_head_that_reads_only_elsewhere_does_not_compose(config_of_hand):
    model = transformer(config_of_hand)
    writing, reading = (block.attention for block in model.sequence_model.blocks)
    with torch.no_grad():
        writing.out.weight[2:] = 0
        writing.out.weight[1] = -writing.out.weight[0]  # no mean
        reading.qkv.weight[:, :2] = 0
        reading.qkv.weight[:, 2:] -= reading.qkv.weight[:, 2:].mean(1, keepdim=True)
    assert [one.value + one.random for one in composition_scores(model)] == pytest.approx([0] * 12, abs=1e-6)


def test_by_hand_the_induction_head_reads_what_the_previous_token_head_writes_by_its_keys(induction_model):
    found = {(one.kind, one.head, one.reading_head): one.value for one in composition_scores(induction_model)}
    best = max((value, key) for key, value in found.items() if value == value)
    assert best[1] == ("k", 0, 0)
    assert best[0] > 0.15


def test_composition_needs_norms_in_front(config_of_hand):
    post = build_model(config_of_hand(sequence_model_config=TransformerConfig(norm="post")), seed=0)
    assert head_matrices(post)
    with pytest.raises(ValueError, match="must be a pre-norm transformer"):
        composition_scores(post)
