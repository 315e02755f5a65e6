"""Every component in bfloat16 by torch's autocast on a CPU: in training and evaluation, captured and edited."""

import importlib.util
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from icl_models import (
    InContextModel,
    ModelConfig,
    ResNetConfig,
    TransformerConfig,
    ablate,
    build_model,
    capture,
    edit,
    freeze,
    patch,
    site_names,
)
from icl_models._sequence_models.recurrent import LSTMLayer

IDS: dict[str, Any] = {"example_kind": "id", "example_shape": (), "embedder": "embedding"}
IMAGES: dict[str, Any] = {"example_shape": (28, 28, 1)}
EMBEDDERS: dict[str, dict[str, Any]] = {
    "resnet": IMAGES,
    "resnet by groups": IMAGES | {"embedder_config": ResNetConfig(sequences_per_statistics=2)},
    "superpixels": IMAGES | {"embedder_config": ResNetConfig(flatten_superpixels=True), "emb_dim": 64},
    "linear": IMAGES | {"embedder": "linear"},
    "embedding": IDS,
    "vector": {"example_kind": "vector", "example_shape": (6,), "embedder": "vector"},
}
VARIANTS = {
    "learned": TransformerConfig(positions="learned"),
    "relative": TransformerConfig(positions="relative"),
    "rotary": TransformerConfig(positions="rotary"),
    "post-norm": TransformerConfig(norm="post"),
    "attention only": TransformerConfig(mlp_layers=()),
}
SEQUENCE_MODELS: dict[str, dict[str, Any]] = {
    **{name: IDS | {"sequence_model_config": own} for name, own in VARIANTS.items()},
    **{name: IDS | {"sequence_model": name} for name in ("lstm", "gru", "vanilla_rnn", "mamba", "reddy")},
    "fixed labels": IDS | {"fixed_labels": True},
    "concatenated": IDS | {"concatenate_labels": True},
    "concatenated images": IMAGES | {"concatenate_labels": True},
}


@pytest.fixture(params=[*EMBEDDERS.items(), *SEQUENCE_MODELS.items()], ids=lambda pair: pair[0])
def config(request: pytest.FixtureRequest) -> ModelConfig:
    settings = request.param[1]
    if settings.get("sequence_model") == "mamba" and importlib.util.find_spec("transformers") is None:
        pytest.skip("needs icl-models[ssm]")
    return ModelConfig(**{"num_classes": 7, "emb_dim": 16, "num_layers": 2} | settings)


def batch(config: ModelConfig) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(config.num_classes, (4, 5), generator=generator)
    if config.example_kind == "id":
        return torch.randint(config.num_classes, (4, 5), generator=generator), labels
    return torch.rand(4, 5, *config.example_shape, generator=generator), labels


def logits(model: InContextModel, *, low: bool) -> Tensor:
    with torch.autocast("cpu", torch.bfloat16, enabled=low), torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        computed: Tensor = model(*batch(model.config))
    return computed


def assert_near(low: Tensor, full: Tensor) -> None:
    """To some roundings of eight bits each, which normalisation by a few images can double."""
    assert low.dtype == torch.bfloat16
    assert (low.float() - full).abs().max() < 0.1 * full.abs().max()


def test_training_gives_gradients_near_those_in_float32(config: ModelConfig) -> None:
    found = {}
    for low in (False, True):
        model = build_model(config, seed=0)
        outputs = logits(model, low=low)
        torch.autograd.backward(F.cross_entropy(outputs.float()[:, -1], batch(config)[1][:, -1]))
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in model.parameters()]
        assert {gradient.dtype for gradient in gradients} == {torch.float32}
        found[low] = outputs.detach(), torch.cat([gradient.flatten() for gradient in gradients])
    assert_near(found[True][0], found[False][0])
    assert F.cosine_similarity(found[True][1], found[False][1], dim=0) > 0.98


def test_the_running_averages_stay_in_float32_and_near(config: ModelConfig) -> None:
    models = [build_model(config, seed=0) for _ in range(2)]
    for model, low in zip(models, (False, True), strict=True):
        logits(model, low=low)
    for full, low_buffer in zip(models[0].buffers(), models[1].buffers(), strict=True):
        assert low_buffer.dtype == full.dtype
        torch.testing.assert_close(low_buffer, full, rtol=0.05, atol=0.05)


def test_evaluation_gives_logits_near_those_in_float32(config: ModelConfig) -> None:
    model = build_model(config, seed=0)
    logits(model, low=False)  # so that running averages have moved
    with torch.no_grad():
        assert_near(logits(model.eval(), low=True), logits(model, low=False))


def test_capturing_and_editing_leave_the_precision(config: ModelConfig) -> None:
    model = build_model(config, seed=0).eval()
    with torch.no_grad(), capture(model) as trace:
        captured = logits(model, low=True)
    assert_near(captured, logits(model, low=False).detach())
    last = site_names(model)[-1]
    with torch.no_grad(), edit(model, {name: freeze(trace) for name in trace}):
        frozen = logits(model, low=True)
    assert torch.equal(frozen, captured)
    for change in (ablate(), ablate("mean", positions=[0, -1]), patch(lambda value: value.double() + 1), patch(0.5)):
        with torch.no_grad(), edit(model, {last: change}):
            assert logits(model, low=True).dtype == torch.bfloat16


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_an_lstm_is_computed_in_float32_where_the_processor_has_none_of_the_type(
    dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = {torch.bfloat16: "_is_mkldnn_bf16_supported", torch.float16: "_is_mkldnn_fp16_supported"}[dtype]
    monkeypatch.setattr(torch.ops.mkldnn, name, lambda: False)
    layer, x = LSTMLayer(6, 8), torch.rand(4, 5, 6, generator=torch.Generator().manual_seed(0))
    for given in (x, x.to(dtype)):
        with torch.autocast("cpu", dtype):
            low = layer(given)
        assert torch.equal(low, layer(given.float()))


def test_one_head_is_edited_in_bfloat16() -> None:
    model = build_model(ModelConfig(num_classes=7, emb_dim=16, num_layers=2, **IDS), seed=0).eval()
    places = [f"blocks.0.attention.{site}.1" for site in ("queries", "keys", "values", "weights", "heads")]
    before = logits(model, low=True)
    with torch.no_grad(), edit(model, {place: ablate() for place in places}):
        after = logits(model, low=True)
    assert after.dtype == before.dtype
    assert not torch.equal(after, before)
