"""Models of another package, of which attention weights alone are known."""

import pytest
import torch
from torch import nn

from icl_eval import ablation_effects, activation_patching, composition_scores, head_scores
from icl_models import build_model
from icl_models._sequence_models.tap import Tapped


class Attention(Tapped):
    """One head that attends to the token before, or to all alike."""

    sites = ("weights",)

    def __init__(self, *, before):
        super().__init__()
        self.before = before

    def forward(self, x):
        length = x.shape[1]
        weights = torch.eye(length).roll(-1, 1) if self.before else torch.ones(length, length)
        weights = (weights.tril() + 1e-9 * torch.eye(length)).expand(len(x), 1, -1, -1)
        return (self.tap("weights", weights / weights.sum(-1, keepdim=True)) @ x[:, None])[:, 0]


class Block(nn.Module):
    def __init__(self, *, before):
        super().__init__()
        self.attention = Attention(before=before)

    def forward(self, x):
        return x + self.attention(x)


class Plain(nn.Module):
    """Two blocks without norms and matrices."""

    def __init__(self):
        super().__init__()
        self.blocks = nn.ModuleList([Block(before=True), Block(before=False)])

    def forward(self, x, positions="all"):
        for block in self.blocks:
            x = block(x)
        return x if positions == "all" else x[:, -1]


@pytest.fixture
def model(config_of_hand):
    built = build_model(config_of_hand(sequence_model_config=None), seed=0)
    built.sequence_model = Plain()
    return built


@pytest.fixture
def given(model, drawn):
    items, labels = drawn(300)
    with torch.no_grad():
        return model.embed_examples(items), labels


def test_scores_of_attention_are_measured_and_others_are_blank(model, given):
    scored = head_scores(model, *given)
    assert scored.sites == ("blocks.0.attention", "blocks.1.attention")
    assert set(scored.scores) == {"induction", "previous_token", "entropy"}
    assert scored.scores["previous_token"].value[0, 0] == pytest.approx(1)
    assert scored.scores["previous_token"].value[1, 0] == pytest.approx(scored.uniform["previous_token"])
    assert scored.scores["entropy"].value[:, 0] == pytest.approx([0, scored.uniform["entropy"]], abs=1e-5)
    assert all("have no matrices that are known" in reason for reason in scored.blank.values())


def test_attention_is_taken_out_where_heads_have_no_name(model, given):
    parts = {(one.kind, one.layer) for one in ablation_effects(model, *given)}
    assert parts == {("attention", 0), ("layer", 0), ("attention", 1), ("layer", 1)}


def test_attention_is_patched_by_the_output_of_its_module(model, given):
    embedded, labels = given
    found = activation_patching(model, given, (embedded, 1 - labels))
    assert found.sites == ("blocks.0.attention", "blocks.1.attention")


def test_composition_is_refused_with_its_reason(model):
    with pytest.raises(ValueError, match="have no matrices that are known"):
        composition_scores(model)
