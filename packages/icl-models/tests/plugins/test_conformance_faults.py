"""Each claim of the suite shipped to plugin authors fails for the fault it is there to find, and for no other."""

from typing import Any

import pytest

from icl_models import ModelConfig
from icl_models.testing import EmbedderConformance, SequenceModelConformance, TrackerConformance

COMPONENT = """
import torch
from torch import nn
from icl_models import EmbedderSpec, SequenceModelSpec, hookimpl

class Embedder(nn.Module):
    def __init__(self, model, own):
        super().__init__()
        self.linear = nn.Linear(model.example_shape[0], model.emb_dim)

    def forward(self, examples):
        h = self.linear(examples)
        {embedder}
        return h

class SequenceModel(nn.Module):
    def __init__(self, model, own):
        super().__init__()
        self.out_features = model.token_width
        self.linear = nn.Linear(model.token_width, model.token_width)
        {init}

    def forward(self, tokens, positions="all"):
        h = self.linear(tokens).cumsum(1)
        {forward}
        return h[:, {query}] if positions == "query" else h

@hookimpl
def icl_register_embedders():
    return [EmbedderSpec(name="tried", build=Embedder, example_kinds=("vector",))]

@hookimpl
def icl_register_sequence_models():
    return [SequenceModelSpec(name="tried", build=SequenceModel)]
"""

SOUND = {"embedder": "pass", "init": "pass", "forward": "pass", "query": "-1"}

EMBEDDER_FAULTS = {
    "test_embeddings_have_the_shape_of_the_contract": "h = h.squeeze()",
    "test_an_example_is_embedded_alike_wherever_it_stands": (
        "h = h + torch.arange(h.shape[1], device=h.device)[:, None]"
    ),
    "test_different_examples_are_embedded_differently": "h = h if self.training else torch.zeros_like(h)",
}

SEQUENCE_MODEL_FAULTS = {
    "test_features_have_the_shape_of_the_contract": {"forward": "h = h.squeeze(0)"},
    "test_logits_are_finite": {
        "forward": "h = h if self.training else torch.cat((h[:, :1] * float('nan'), h[:, 1:]), 1)"
    },
    "test_one_seed_gives_one_model_and_another_seed_another": {
        "init": "g = torch.Generator(); g.seed(); self.offset = nn.Parameter(torch.randn(8, generator=g))",
        "forward": "h = h + self.offset",
    },
    "test_evaluation_gives_the_same_values_twice": {"forward": "h = h + torch.rand((), device=h.device)"},
    "test_gradients_reach_every_parameter": {"init": "self.unused = nn.Parameter(torch.ones(3))"},
    "test_state_dict_restores_the_outputs": {
        "init": "self.offset = float(torch.randn(()))",
        "forward": "h = h + self.offset",
    },
    "test_the_dtype_of_the_weights_is_that_of_the_logits": {"forward": "h = h.float()"},
    "test_it_moves_to_another_device": {"init": "self.scale = torch.full((8,), 2.0)", "forward": "h = h * self.scale"},
    "test_it_compiles_without_graph_breaks": {"forward": "print('forward')"},
    "test_no_output_depends_on_a_later_token": {"forward": "h = h + h.mean(1, keepdim=True)"},
    "test_query_positions_are_the_last_of_all_positions": {"query": "-2"},
    "test_an_earlier_label_changes_the_query": {"forward": "h = self.linear(tokens)"},
}

TRACKER = """
from icl_models import TrackerSpec, hookimpl

class Tracker:
    def __init__(self, folder, settings, own):
        pass

    def start(self, from_step):
        {start}

    def log(self, records):
        {log}

    def finish(self, outcome, reason):
        {finish}

@hookimpl
def icl_register_trackers():
    return [TrackerSpec(name="tried", build=Tracker)]
"""

TRACKER_FAULTS = {
    "test_it_follows_a_run_to_its_end": {"finish": "assert outcome != 'done'"},
    "test_it_follows_a_run_that_is_interrupted_and_resumed": {"start": "assert from_step == 0"},
    "test_it_follows_a_run_that_fails": {"finish": "assert not reason"},
    "test_it_leaves_the_records_as_they_are": {"log": "records[0].pop('sequences', None)"},
}


def claims(suite: type) -> set[str]:
    return {name for name in dir(suite) if name.startswith("test_")}


def failing(suite: type, *arguments: Any) -> set[str]:
    """The claims that do not hold."""
    found = set()
    for claim in claims(suite):
        try:
            getattr(suite(), claim)(*arguments)
        except Exception:  # a fault may break the contract's code before it breaks a claim
            found.add(claim)
    return found


def embedder_suite() -> type:
    class Suite(EmbedderConformance):
        config = ModelConfig(
            num_classes=4,
            example_kind="vector",
            example_shape=(3,),
            num_layers=1,
            embedder="tried",
            emb_dim=8,
            sequence_model="lstm",
        )

    return Suite


def sequence_model_suite() -> type:
    class Suite(SequenceModelConformance):
        config = ModelConfig(
            num_classes=4,
            example_kind="vector",
            example_shape=(3,),
            num_layers=1,
            embedder="vector",
            emb_dim=8,
            sequence_model="tried",
        )

    return Suite


class TrackerSuite(TrackerConformance):
    name = "tried"


def test_every_claim_has_a_fault_below() -> None:
    assert SEQUENCE_MODEL_FAULTS.keys() == claims(SequenceModelConformance)
    assert EMBEDDER_FAULTS.keys() | SEQUENCE_MODEL_FAULTS.keys() >= claims(EmbedderConformance)
    assert TRACKER_FAULTS.keys() == claims(TrackerConformance)


def test_what_keeps_the_contract_passes(install: Any, tmp_path: Any) -> None:
    install("sound", COMPONENT.format(**SOUND))
    install("tracker", TRACKER.format(start="pass", log="pass", finish="pass"))
    assert failing(embedder_suite()) == set()
    assert failing(sequence_model_suite()) == set()
    assert failing(TrackerSuite, tmp_path) == set()


@pytest.mark.parametrize("claim", EMBEDDER_FAULTS)
def test_a_faulty_embedder_fails_the_right_claim_alone(install: Any, claim: str) -> None:
    install("faulty", COMPONENT.format(**SOUND | {"embedder": EMBEDDER_FAULTS[claim]}))
    assert failing(embedder_suite()) == {claim}


@pytest.mark.parametrize("claim", SEQUENCE_MODEL_FAULTS)
def test_a_faulty_sequence_model_fails_the_right_claim_alone(install: Any, claim: str) -> None:
    install("faulty", COMPONENT.format(**SOUND | SEQUENCE_MODEL_FAULTS[claim]))
    assert failing(sequence_model_suite()) == {claim}


@pytest.mark.parametrize("claim", TRACKER_FAULTS)
def test_a_faulty_tracker_fails_the_right_claim_alone(install: Any, tmp_path: Any, claim: str) -> None:
    install("faulty", TRACKER.format(**{"start": "pass", "log": "pass", "finish": "pass"} | TRACKER_FAULTS[claim]))
    assert failing(TrackerSuite, tmp_path) == {claim}
