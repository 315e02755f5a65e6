"""Each member of an ensemble computes what its solo model computes: logits, gradients, running averages, noise."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from icl_models import (
    EnsembleModel,
    InContextModel,
    ModelConfig,
    ReddyConfig,
    ResNetConfig,
    TransformerConfig,
    build_model,
)

_IDS = {"example_kind": "id", "example_shape": (), "embedder": "embedding", "num_heads": 4, "emb_dim": 16}
_VECTORS = {"example_kind": "vector", "example_shape": (6,), "embedder": "vector", "emb_dim": 8, "num_heads": 2}
_IMAGES = {"example_kind": "image", "example_shape": (21, 18, 1), "embedder": "resnet", "emb_dim": 16, "num_heads": 2}
_REDDY = _VECTORS | {"sequence_model": "reddy", "num_heads": None}
_SMALL_REDDY = ReddyConfig(max_pairs=6, key_width=5, mlp_width=12)

SHAPES: dict[str, dict[str, Any]] = {
    "released": _IDS,
    "post-norm rotary": _IDS | {"sequence_model_config": TransformerConfig(norm="post", positions="rotary")},
    "relative, attention only": _IDS
    | {"sequence_model_config": TransformerConfig(positions="relative", mlp_layers=(), num_positions=3)},
    "learned, one mlp": _VECTORS | {"sequence_model_config": TransformerConfig(positions="learned", mlp_layers=(1,))},
    "concatenated": _IDS | {"concatenate_labels": True},
    "concatenated and fixed": _VECTORS | {"concatenate_labels": True, "fixed_labels": True},
    "fixed labels": _VECTORS | {"fixed_labels": True},
    "raw, no positions": _VECTORS | {"embedder": "raw", "emb_dim": 6, "use_positional_encodings": False},
    "linear": _IMAGES | {"embedder": "linear"},
    "resnet": _IMAGES,
    "resnet of superpixels in groups": _IMAGES
    | {
        "example_shape": (33, 33, 2),
        "emb_dim": 64,
        "embedder_config": ResNetConfig(flatten_superpixels=True, sequences_per_statistics=2),
    },
    "reddy": _REDDY | {"sequence_model_config": _SMALL_REDDY, "fixed_labels": True},
    "one id space": _IDS | {"num_ids": 20},
}
CLASSES = (12, 9, 12)


def members(dtype: torch.dtype, **settings: Any) -> list[InContextModel]:
    """Models with weights away from their symmetric start, of different numbers of classes."""
    models = []
    for seed, classes in enumerate(CLASSES):
        config = ModelConfig(**{"num_classes": classes, "num_layers": 2, **settings})
        model = build_model(config, seed=seed).to(dtype)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(torch.randn(parameter.shape, generator=generator).to(dtype), alpha=0.1)
        models.append(model)
    return models


def batch(model: InContextModel, dtype: torch.dtype, seed: int) -> tuple[Tensor, Tensor]:
    """(4, 5) examples and labels."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(9, (4, 5), generator=generator)
    if model.config.example_kind == "id":
        return torch.randint(9, (4, 5), generator=generator), labels
    return torch.rand(4, 5, *model.config.example_shape, generator=generator).to(dtype), labels


def loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy at the query, (B, C), or at all tokens, (B, T, C)."""
    if logits.ndim == 2:
        return F.cross_entropy(logits, labels[:, -1])
    return F.cross_entropy(logits.flatten(0, 1), labels[:, -1:].expand(logits.shape[:2]).flatten())


def close(ours: Tensor, theirs: Tensor, *, deep: bool = False) -> None:
    """To rounding errors, in proportion to the largest number; through a deep net they are more."""
    tolerance = {torch.float64: 1e-11, torch.float32: 2e-4 if deep else 1e-5}.get(ours.dtype, 0.0)
    largest = max(theirs.detach().abs().max().item(), 0.1)
    torch.testing.assert_close(ours, theirs, rtol=0.0, atol=tolerance * largest)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("positions", ["query", "all"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_logits_gradients_and_buffers_equal_those_of_each_solo_model(
    shape: str, positions: Any, training: bool, dtype: torch.dtype
) -> None:
    models, deep = members(dtype, **SHAPES[shape]), SHAPES[shape]["embedder"] == "resnet"
    ensemble = EnsembleModel(models).train(training)
    batches = [batch(model, dtype, seed) for seed, model in enumerate(models)]
    examples, labels = (torch.stack(parts) for parts in zip(*batches, strict=True))
    ensemble.generators = [torch.Generator().manual_seed(seed) for seed in range(len(models))]
    logits = ensemble(examples, labels, positions)
    losses = [loss(logits[i][..., :classes], labels[i]) for i, classes in enumerate(CLASSES)]
    torch.stack(losses).sum().backward()
    for i, model in enumerate(models):
        torch.manual_seed(i)
        solo = model.train(training)(*batches[i], positions)
        close(logits[i][..., : CLASSES[i]], solo, deep=deep)
        loss(solo, labels[i]).backward()
        gradients = ensemble.layout.take(ensemble.rows.grad[i], i)
        for name, parameter in model.named_parameters():
            close(gradients[name], parameter.grad, deep=deep)
        for name, value in ensemble.member_state(i).items():
            close(value, model.state_dict()[name], deep=deep)


@pytest.mark.parametrize(
    "settings",
    [
        _IDS | {"dropout_prob": 0.3, "example_dropout_prob": 0.2, "positional_dropout_prob": 0.4},
        _IDS
        | {
            "dropout_prob": 0.3,
            "positional_dropout_prob": 0.4,
            "sequence_model_config": TransformerConfig(norm="post", positions="learned"),
        },
    ],
)
@pytest.mark.parametrize("training", [True, False])
def test_noise_of_a_members_generator_is_that_of_its_solo_model(settings: dict[str, Any], training: bool) -> None:
    models = members(torch.float64, **settings)
    examples, labels = batch(models[0], torch.float64, 0)
    ensemble = EnsembleModel(models).train(training)
    ensemble.generators = [torch.Generator().manual_seed(seed) for seed in range(3)]
    logits = ensemble(torch.stack([examples] * 3), torch.stack([labels] * 3))
    for i, model in enumerate(models):
        torch.manual_seed(i)
        close(logits[i][..., : CLASSES[i]], model.train(training)(examples, labels))


def test_logits_of_classes_that_a_member_lacks_are_minus_infinity_and_move_nothing() -> None:
    models = members(torch.float32, **_IDS)
    examples, labels = batch(models[1], torch.float32, 0)
    ensemble = EnsembleModel(models)
    logits = ensemble(torch.stack([examples] * 3), torch.stack([labels] * 3), "query")
    F.cross_entropy(logits.flatten(0, 1), labels[:, -1].repeat(3)).backward()
    assert torch.isneginf(logits[1, :, 9:]).all()
    views, gradients = ensemble.layout.views(ensemble.rows), ensemble.layout.views(ensemble.rows.grad)
    for name in ("readout.weight", "readout.bias", "label_table.weight"):
        assert not views[name][1, 9:].any()
        assert not gradients[name][1, 9:].any()


def test_a_members_state_is_its_solo_models_and_can_be_put_back() -> None:
    models = members(torch.float32, **_IMAGES)
    ensemble, other = EnsembleModel(models), EnsembleModel(members(torch.float32, **_IMAGES))
    with torch.no_grad():
        other.rows.zero_()
    for i, model in enumerate(models):
        state = ensemble.member_state(i)
        assert state.keys() == model.state_dict().keys()
        model.load_state_dict(state)
        other.load_member(i, state)
        for name, value in other.member_state(i).items():
            assert torch.equal(value, state[name])


def test_matrices_that_a_penalty_is_on_come_first() -> None:
    model = members(torch.float32, **_VECTORS)[0]
    ensemble = EnsembleModel([model])
    first = [piece.name for piece in ensemble.layout.pieces if piece.start < ensemble.num_matrix_numbers]
    assert "sequence_model.blocks.0.attention.qkv.weight" in first
    assert "readout.weight" in first
    assert not {"label_table.weight", "readout.bias", "sequence_model.norm.weight"} & set(first)


def test_rows_added_by_a_product_are_rows_added_one_by_one() -> None:
    from icl_models._ensemble.products import rows_by_adding, rows_by_product

    grad, ids = torch.randn(3, 20, 4, dtype=torch.float64), torch.randint(6, (3, 20))
    torch.testing.assert_close(rows_by_product(grad, ids, 6), rows_by_adding(grad, ids, 6))


def test_an_ensemble_runs_in_bfloat16_under_autocast() -> None:
    models = members(torch.float32, **_IDS)
    examples, labels = batch(models[0], torch.float32, 0)
    ensemble = EnsembleModel(models)
    with torch.autocast("cpu", torch.bfloat16):
        logits = ensemble(torch.stack([examples] * 3), torch.stack([labels] * 3), "query")
        solo = models[0](examples, labels, "query")
    logits[..., :9].float().sum().backward()
    assert logits.dtype == torch.bfloat16
    torch.testing.assert_close(logits[0], solo, rtol=0.05, atol=0.05)
    assert torch.isfinite(ensemble.rows.grad).all()
