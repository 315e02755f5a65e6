"""The mark is what the study says: without it the model is "vector"'s, on items it is "linear"'s bias."""

import pytest
import torch
from icl_marked_tokens import MarkedConfig

from icl_models import ModelConfig, build_model

SIZES = {"num_classes": 8, "example_kind": "vector", "example_shape": (5,), "emb_dim": 16, "num_layers": 2}


def built(embedder="vector", **mark):
    own = {"sequence_model": "marked-transformer", "sequence_model_config": MarkedConfig(**mark)} if mark else {}
    return build_model(ModelConfig(**SIZES, embedder=embedder, num_heads=2, **own), seed=0)


def logits(model):
    generator = torch.Generator().manual_seed(1)
    examples, labels = torch.randn(3, 4, 5, generator=generator), torch.randint(8, (3, 4), generator=generator)
    return model(examples, labels)


def set_mark(model, value=0.3):
    with torch.no_grad():
        model.sequence_model.mark.fill_(value)
    return model


@pytest.mark.parametrize("target", ["items", "labels", "tokens"])
def test_a_mark_starts_as_nothing_beside_the_weights_of_vector(target):
    assert torch.equal(logits(built(target=target)), logits(built()))


def test_a_mark_on_items_is_the_bias_of_linear():
    marked, linear = set_mark(built(target="items")), built("linear")
    values = dict(marked.state_dict())
    for name in linear.state_dict():
        if name == "embedder.linear.bias":
            values[name] = values["sequence_model.mark"]
        elif name == "embedder.linear.weight":
            values[name] = values["embedder.projection.weight"]
        elif name.startswith("sequence_model."):
            values[name] = values[name.replace("sequence_model.", "sequence_model.transformer.")]
    linear.load_state_dict({name: values[name] for name in linear.state_dict()})
    torch.testing.assert_close(logits(marked), logits(linear))


def test_a_mark_on_all_tokens_is_one_on_items_and_one_on_labels():
    tokens = torch.zeros(1, 7, 16)
    shifts = []
    for target in ("items", "labels", "tokens"):
        model = set_mark(built(target=target)).sequence_model
        model.transformer = torch.nn.Identity()
        model.transformer.forward = lambda shifted, positions: shifted
        shifts.append(model(tokens))
    assert torch.equal(shifts[0] + shifts[1], shifts[2])
    assert shifts[0][0, :, 0].tolist() == pytest.approx([0.3, 0, 0.3, 0, 0.3, 0, 0.3])


def test_a_mark_is_there_from_since_until_until_in_updates():
    model = set_mark(built(target="items", since=1, until=2))
    plain = logits(built())
    seen = []
    for _ in range(3):
        model.eval()
        seen.append(not torch.equal(logits(model), plain))
        model.train()
        logits(model)  # an update has one forward pass
    assert seen == [False, True, False]


def test_a_fixed_mark_has_its_length_does_not_learn_and_leaves_other_weights_alone():
    model, plain = built(fixed_norm=2.0), built()
    assert float(model.sequence_model.mark.norm()) == pytest.approx(2.0)
    assert not model.sequence_model.mark.requires_grad
    assert torch.equal(model.readout.weight, plain.readout.weight)
