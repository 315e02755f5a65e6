"""The model as a whole: layout of tokens, causality, randomness, what is refused."""

import dataclasses
import json
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_models import IDS as WITH_HEADS
from small_models import ids_and_labels

from icl_models import (
    ComponentConfig,
    InContextModel,
    ModelConfig,
    ResNetConfig,
    TransformerConfig,
    TransformerICL,
    build_model,
    capture_attention,
    count_parameters,
    find_embedder,
    find_sequence_model,
    known_embedders,
    known_sequence_models,
)

IDS = {name: value for name, value in WITH_HEADS.items() if name != "num_heads"}


@pytest.mark.parametrize(("num_layers", "count"), [(12, 831_479), (2, 331_639)])
def test_the_papers_models_have_the_released_number_of_parameters(num_layers: int, count: int) -> None:
    assert count_parameters(build_model(ModelConfig(num_classes=1623, num_layers=num_layers), seed=0)) == count


def test_the_built_in_components_are_known() -> None:
    assert {"resnet", "linear", "embedding", "vector", "raw"} <= set(known_embedders())
    assert {"transformer", "lstm", "vanilla_rnn", "gru", "mamba", "reddy"} <= set(known_sequence_models())


def test_a_component_tells_its_settings_and_what_it_reads() -> None:
    assert find_embedder("resnet").config is ResNetConfig
    assert tuple(find_embedder("resnet").example_kinds) == ("image",)
    assert find_sequence_model("transformer").config is TransformerConfig


@settings(max_examples=25, deadline=None)
@given(
    seq_len=st.integers(1, 9),
    position=st.integers(0, 8),
    sequence_model=st.sampled_from(["transformer", "lstm", "vanilla_rnn", "gru"]),
    concatenate=st.booleans(),
    change=st.sampled_from(["example", "label"]),
)
def test_changing_a_pair_never_changes_an_output_before_it(
    seq_len: int, position: int, sequence_model: str, concatenate: bool, change: str
) -> None:
    position %= seq_len
    model = build_model(
        ModelConfig(**IDS, sequence_model=sequence_model, concatenate_labels=concatenate), seed=0
    ).eval()
    examples, labels = ids_and_labels(2, seq_len)
    before = model(examples, labels)
    (examples if change == "example" else labels)[:, position] += 1
    examples, labels = examples % 12, labels % 12
    after = model(examples, labels)
    first = position if concatenate else 2 * position + (change == "label")
    torch.testing.assert_close(after[:, :first], before[:, :first], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("concatenate", [False, True])
def test_the_querys_label_is_never_seen(concatenate: bool) -> None:
    model = build_model(ModelConfig(**IDS, concatenate_labels=concatenate), seed=0)
    examples, labels = ids_and_labels()
    other = labels.clone()
    other[:, -1] = (other[:, -1] + 1) % 12
    assert torch.equal(model(examples, labels), model(examples, other))


@pytest.mark.parametrize("sequence_model", ["transformer", "lstm", "vanilla_rnn", "gru"])
@pytest.mark.parametrize("concatenate", [False, True])
def test_query_positions_equal_the_last_of_all_positions(sequence_model: str, concatenate: bool) -> None:
    model = build_model(ModelConfig(**IDS, sequence_model=sequence_model, concatenate_labels=concatenate), seed=0)
    batch = ids_and_labels()
    torch.testing.assert_close(model(*batch, "query"), model(*batch)[:, -1], rtol=1e-5, atol=1e-6)


def test_query_positions_give_the_same_gradients() -> None:
    models = [build_model(ModelConfig(**IDS), seed=0) for _ in range(2)]
    batch = ids_and_labels()
    models[0](*batch, "query").square().sum().backward()
    models[1](*batch)[:, -1].square().sum().backward()
    for (name, a), b in zip(models[0].named_parameters(), models[1].parameters(), strict=True):
        torch.testing.assert_close(a.grad, b.grad, rtol=1e-4, atol=1e-5, msg=name)


def test_embedding_first_and_the_rest_later_equals_forward() -> None:
    model = build_model(ModelConfig(**IDS), seed=0)
    examples, labels = ids_and_labels()
    assert torch.equal(model.from_embeddings(model.embed_examples(examples), labels), model(examples, labels))


def test_captured_attention_is_causal_sums_to_one_and_leaves_the_logits_alone() -> None:
    model = build_model(ModelConfig(**IDS), seed=0)
    batch = ids_and_labels()
    plain = model(*batch)
    with capture_attention(model) as weights:
        torch.testing.assert_close(model(*batch), plain, rtol=1e-5, atol=1e-6)
    assert [tuple(w.shape) for w in weights] == [(3, 8, 9, 9)] * 2
    for w in weights:
        assert torch.equal(w.triu(1), torch.zeros_like(w))
        torch.testing.assert_close(w.sum(-1), torch.ones(3, 8, 9))
    model(*batch)
    assert len(weights) == 2


def test_captured_attention_of_a_query_is_the_last_row() -> None:
    model = build_model(ModelConfig(**IDS), seed=0)
    batch = ids_and_labels()
    with capture_attention(model) as full:
        model(*batch)
    with capture_attention(model) as query:
        model(*batch, "query")
    torch.testing.assert_close(query[1], full[1][:, :, -1:])


def test_building_depends_on_the_seed_alone_and_leaves_torchs_generator() -> None:
    torch.manual_seed(7)
    state = torch.get_rng_state()
    first = build_model(ModelConfig(**IDS), seed=3).state_dict()
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(5)
    again = build_model(ModelConfig(**IDS), seed=3).state_dict()
    other = build_model(ModelConfig(**IDS), seed=4).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["readout.weight"], other["readout.weight"])


@pytest.mark.parametrize("sequence_model", ["transformer", "lstm", "vanilla_rnn", "gru"])
@pytest.mark.parametrize("setting", ["dropout_prob", "positional_dropout_prob"])
def test_dropout_acts_in_training_only(sequence_model: str, setting: str) -> None:
    model = build_model(ModelConfig(**IDS, sequence_model=sequence_model, **{setting: 0.5}), seed=0)
    batch = ids_and_labels()
    assert not torch.equal(model(*batch), model(*batch))
    model.eval()
    assert torch.equal(model(*batch), model(*batch))


def test_a_batch_shares_the_dropout_of_its_positions() -> None:
    model = build_model(ModelConfig(**IDS, positional_dropout_prob=0.5), seed=0)
    examples, labels = (part[:1].expand(4, -1) for part in ids_and_labels())
    logits = model(examples, labels)
    torch.testing.assert_close(logits, logits[:1].expand_as(logits), rtol=0, atol=1e-5)


@pytest.mark.parametrize("concatenate_labels", [True, False])
@pytest.mark.parametrize("label", [-1, 12])
def test_the_querys_label_may_be_unknown(concatenate_labels: bool, label: int) -> None:
    model = build_model(ModelConfig(**IDS, concatenate_labels=concatenate_labels), seed=0)
    examples, labels = ids_and_labels()
    unknown = torch.cat((labels[:, :-1], torch.full((3, 1), label)), 1)
    assert torch.equal(model(examples, unknown), model(examples, labels))


def test_a_model_is_built_on_the_cpu_from_its_seed_wherever_tensors_go_by_default() -> None:
    with torch.device("meta"):
        model = build_model(ModelConfig(**IDS), seed=3)
    expected = build_model(ModelConfig(**IDS), seed=3).state_dict()
    assert all(torch.equal(tensor, expected[name]) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("training", [True, False])
def test_example_dropout_acts_in_training_and_in_evaluation(training: bool) -> None:
    model = build_model(ModelConfig(**IDS, example_dropout_prob=0.5), seed=0).train(training)
    batch = ids_and_labels()
    assert not torch.equal(model(*batch), model(*batch))
    assert torch.equal(model.embed_examples(batch[0]), model.embed_examples(batch[0]))


def test_without_positions_the_order_of_context_pairs_does_not_matter_to_one_layer() -> None:
    """One layer, because deeper ones see the order through the causal mask."""
    batch = ids_and_labels()
    swapped = [torch.cat((part[:, [1, 0]], part[:, 2:]), 1) for part in batch]
    for positions in (True, False):
        config = ModelConfig(**IDS | {"num_layers": 1}, use_positional_encodings=positions)
        model = build_model(config, seed=0)
        alike = torch.allclose(model(*batch, "query"), model(*swapped, "query"), atol=1e-6)
        assert alike is not positions


def test_sequences_may_be_longer_than_any_before() -> None:
    model = build_model(ModelConfig(**IDS), seed=0)
    examples, labels = ids_and_labels(2, 90)
    long = model(examples, labels)
    assert long.shape == (2, 179, 12)
    torch.testing.assert_close(model(examples[:, :5], labels[:, :5])[:, :8], long[:, :8], rtol=1e-5, atol=1e-6)


def test_the_id_space_is_the_classes_unless_set() -> None:
    assert build_model(ModelConfig(**IDS), seed=0).embedder.table.weight.shape == (12, 16)
    assert build_model(ModelConfig(**IDS, num_ids=40), seed=0).embedder.table.weight.shape == (40, 16)


def test_transformer_icl_equals_the_built_model() -> None:
    built = build_model(ModelConfig(**IDS, num_heads=4, concatenate_labels=True), seed=0)
    model = TransformerICL(**IDS, num_heads=4, concatenate_labels=True)
    assert isinstance(model, InContextModel)
    assert model.config == built.config
    model.load_state_dict(built.state_dict())
    assert torch.equal(model(*ids_and_labels()), built(*ids_and_labels()))


@pytest.mark.parametrize(
    "config",
    [
        ModelConfig(num_classes=5),
        ModelConfig(num_classes=5, embedder_config=ResNetConfig(flatten_superpixels=True)),
        ModelConfig(**IDS, sequence_model="lstm", hidden_size=7, dropout_prob=0.1),
        ModelConfig(**IDS, sequence_model_config=TransformerConfig(), num_ids=3),
    ],
)
def test_a_config_survives_json(config: ModelConfig) -> None:
    assert ModelConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_a_config_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        ModelConfig(num_classes=5).num_layers = 3  # type: ignore[misc]


@dataclasses.dataclass(frozen=True, kw_only=True)
class ForeignConfig(ComponentConfig):
    depth: int = 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_classes": 0}, "num_classes must be a positive integer, got 0"),
        ({"num_layers": 2.5}, r"num_layers must be a positive integer, got 2\.5"),
        ({"emb_dim": 20}, "num_heads must divide emb_dim, 20, got 8"),
        ({"num_heads": 5}, "num_heads must divide emb_dim, 16, got 5"),
        ({"num_heads": 5, "concatenate_labels": True}, "num_heads must divide twice emb_dim, 32, got 5"),
        ({"emb_dim": 15, "num_heads": 5}, "emb_dim must be even with sinusoidal positions, got 15"),
        ({"sequence_model": "lstm", "num_heads": 4}, "num_heads must be None for sequence_model 'lstm', got 4"),
        ({"hidden_size": 4}, "hidden_size must be None for sequence_model 'transformer', got 4"),
        ({"dropout_prob": "0.1"}, r"dropout_prob must be in \[0, 1\), got '0\.1'"),
        ({"embedder": 3}, "embedder must be one of .*, got 3"),
        ({"dropout_prob": 1.0}, r"dropout_prob must be in \[0, 1\), got 1\.0"),
        ({"example_dropout_prob": -0.1}, r"example_dropout_prob must be in \[0, 1\), got -0\.1"),
        (
            {"positional_dropout_prob": 0.1, "use_positional_encodings": False},
            r"positional_dropout_prob must be 0 without positional encodings, got 0\.1",
        ),
        ({"embedder": "resnet"}, "example_kind must be one of image for embedder 'resnet', got 'id'"),
        (
            {"embedder": "embeding"},
            r"embedder must be one of .*embedding.*, got 'embeding' \(did you mean 'embedding'\?\)",
        ),
        (
            {"sequence_model": "grus"},
            r"sequence_model must be one of .*gru, lstm.*, got 'grus' \(did you mean 'gru'\?\)",
        ),
        ({"sequence_model": "gru", "num_heads": 4}, "num_heads must be None for sequence_model 'gru', got 4"),
        ({"use_positional_encodings": "no"}, "use_positional_encodings must be True or False, got 'no'"),
        ({"concatenate_labels": 1}, "concatenate_labels must be True or False, got 1"),
        ({"example_kind": "text"}, "example_kind must be one of id, vector, image, got 'text'"),
        ({"example_shape": (3,)}, r"example_shape must be \(\) for example_kind 'id', got \(3,\)"),
        (
            {"embedder_config": ResNetConfig()},
            "embedder_config must be EmbeddingConfig for 'embedding', got ResNetConfig",
        ),
        (
            {"sequence_model_config": ForeignConfig()},
            "sequence_model_config must be TransformerConfig for 'transformer'",
        ),
    ],
)
def test_a_wrong_setting_is_refused_at_construction(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        ModelConfig(**IDS | change)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"example_kind": "vector", "example_shape": (2, 2)}, r"example_shape must be \(D,\)"),
        ({"example_shape": (28, 28)}, r"example_shape must be \(H, W, C\)"),
        ({"example_shape": (28.0, 28, 1)}, r"example_shape must be \(H, W, C\) .*, got \(28\.0, 28, 1\)"),
        ({"example_shape": ("28", "28", 1)}, r"example_shape must be \(H, W, C\)"),
        ({"example_shape": (28, 28, 0)}, r"example_shape must be \(H, W, C\)"),
        ({"example_shape": 28}, r"example_shape must be \(H, W, C\) for example_kind 'image', got 28"),
        (
            {"embedder_config": {"flatten_superpixels": True}},
            "embedder_config must be ResNetConfig for 'resnet', got {'flatten_superpixels': True}",
        ),
        ({"num_ids": 4}, "num_ids must be None for example_kind 'image', got 4"),
        ({"emb_dim": 18, "num_heads": 2}, "emb_dim must be a multiple of 4 for the residual net, got 18"),
        (
            {"emb_dim": 32, "embedder_config": ResNetConfig(flatten_superpixels=True)},
            "emb_dim must be a multiple of 64 for the residual net with flatten_superpixels, got 32",
        ),
    ],
)
def test_a_wrong_image_setting_is_refused_at_construction(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ModelConfig(**{"num_classes": 5} | change)


def test_unknown_settings_in_a_dict_are_refused() -> None:
    with pytest.raises(ValueError, match=r"ModelConfig has no setting 'num_layer' \(did you mean 'num_layers'\?\)"):
        ModelConfig.from_dict({"num_classes": 3, "num_layer": 2})
    with pytest.raises(ValueError, match="ModelConfig needs num_classes, got emb_dim, num_layers"):
        ModelConfig.from_dict({"emb_dim": 64, "num_layers": 2})
    with pytest.raises(ValueError, match="ResNetConfig has no setting 'depth'; it has flatten_superpixels"):
        ModelConfig.from_dict({"num_classes": 3, "embedder_config": {"depth": 2}})


@pytest.mark.parametrize("settings", [None, 3, "num_classes", ["num_classes"]])
def test_settings_must_come_by_name(settings: Any) -> None:
    with pytest.raises(ValueError, match="ModelConfig must be made from settings by name, got"):
        ModelConfig.from_dict(settings)


@pytest.mark.parametrize("settings", [3, "flatten_superpixels", ["flatten_superpixels"]])
def test_a_components_settings_must_come_by_name(settings: Any) -> None:
    with pytest.raises(ValueError, match="ResNetConfig must be made from settings by name, got"):
        ModelConfig.from_dict({"num_classes": 3, "embedder_config": settings})


def test_wrong_inputs_are_refused() -> None:
    model = build_model(ModelConfig(**IDS), seed=0)
    examples, labels = ids_and_labels()
    with pytest.raises(ValueError, match=r"examples must have shape \(B, S\), got \(3, 5, 1\)"):
        model(examples[..., None], labels)
    with pytest.raises(ValueError, match=r"examples must be integers, got torch\.float32"):
        model(examples.float(), labels)
    with pytest.raises(ValueError, match=r"labels must have shape \(3, 5\), got \(3, 4\)"):
        model(examples, labels[:, :4])
    with pytest.raises(ValueError, match=r"labels must have shape \(3, 5\), got \(3, 5, 1\)"):
        model(examples, labels[..., None])
    with pytest.raises(ValueError, match=r"examples must have shape \(B, S\), got \(3,\)"):
        model(examples[:, 0], labels)
    with pytest.raises(ValueError, match="positions must be one of all, query, got 'last'"):
        model(examples, labels, "last")
    with pytest.raises(ValueError, match=r"embeddings must have shape \(B, S, 16\), got \(3, 5, 15\)"):
        model.from_embeddings(torch.zeros(3, 5, 15), labels)
    with pytest.raises(ValueError, match=r"embeddings must have shape \(B, S, 16\), got \(3, 16\)"):
        model.from_embeddings(torch.zeros(3, 16), labels)
    with pytest.raises(ValueError, match=r"tokens must have shape \(B, T, 16\), got \(3, 9, 15\)"):
        model.from_tokens(torch.zeros(3, 9, 15))
    with pytest.raises(ValueError, match="positions must be one of all, query, got 'last'"):
        model.from_tokens(torch.zeros(3, 9, 16), "last")
    with pytest.raises(ValueError, match="seed must not be negative, got -1"):
        build_model(ModelConfig(**IDS), seed=-1)
    with pytest.raises(ValueError, match="sequence_model must be 'transformer' here, got 'lstm'"):
        TransformerICL(**IDS, sequence_model="lstm")


def test_images_must_have_the_configured_shape_and_floating_point() -> None:
    model = build_model(ModelConfig(num_classes=3, example_shape=(28, 28, 1), num_layers=1), seed=0)
    labels = torch.zeros(1, 2, dtype=torch.int64)
    with pytest.raises(ValueError, match=r"examples must have shape \(B, S, 28, 28, 1\), got \(1, 2, 28, 28\)"):
        model(torch.zeros(1, 2, 28, 28), labels)
    with pytest.raises(ValueError, match=r"examples must be floating point, got torch\.uint8"):
        model(torch.zeros(1, 2, 28, 28, 1, dtype=torch.uint8), labels)


def test_the_vector_embedder_is_linear_so_that_centred_classes_stay_centred() -> None:
    config = ModelConfig(
        num_classes=3, example_kind="vector", example_shape=(5,), embedder="vector", emb_dim=8, num_layers=1
    )
    embedder = build_model(config, seed=0).embedder
    assert [tuple(parameter.shape) for parameter in embedder.parameters()] == [(8, 5)]
    assert torch.equal(embedder(torch.zeros(1, 1, 5)), torch.zeros(1, 1, 8))
