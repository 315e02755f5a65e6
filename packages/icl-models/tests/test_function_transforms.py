"""Whole models with a residual net under `torch.func`, in training, where their running averages move."""

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import functional_call, grad, stack_module_state, vmap

from icl_models import InContextModel, ModelConfig, ResNetConfig, build_model

LABELS = torch.arange(12).view(4, 3) % 5
IMAGES = torch.rand(4, 3, 28, 28, 1, generator=torch.Generator().manual_seed(0))


@pytest.fixture(params=[None, 2], ids=["the whole batch", "groups of two"])
def config(request: pytest.FixtureRequest) -> ModelConfig:
    own = ResNetConfig(sequences_per_statistics=request.param)
    return ModelConfig(num_classes=5, emb_dim=16, num_layers=1, example_shape=(28, 28, 1), embedder_config=own)


def loss_of(model: InContextModel, parameters: Any, buffers: Any) -> Tensor:
    logits: Tensor = functional_call(model, (parameters, buffers), (IMAGES, LABELS, "query"))
    return F.cross_entropy(logits, LABELS[:, -1])


def test_grad_gives_the_gradients_of_backward(config: ModelConfig) -> None:
    model, same = build_model(config, seed=0), build_model(config, seed=0)
    buffers = {name: buffer.clone() for name, buffer in model.named_buffers()}
    found = grad(lambda parameters, buffers: loss_of(model, parameters, buffers))(
        dict(model.named_parameters()), buffers
    )
    torch.autograd.backward(F.cross_entropy(same(IMAGES, LABELS, "query"), LABELS[:, -1]))
    for name, parameter in same.named_parameters():
        expected = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
        torch.testing.assert_close(found[name], expected, rtol=1e-5, atol=1e-6)
    assert all(torch.equal(buffers[name], moved) for name, moved in same.named_buffers())


def test_a_functional_call_is_a_call(config: ModelConfig) -> None:
    model, same = build_model(config, seed=0), build_model(config, seed=0)
    called = functional_call(model, dict(same.named_parameters()), (IMAGES, LABELS))
    assert torch.equal(called, same(IMAGES, LABELS))


@pytest.mark.filterwarnings("ignore:There is a performance drop")
def test_vmap_trains_several_models_averages_at_once(config: ModelConfig) -> None:
    models = [build_model(config, seed=seed) for seed in (0, 1)]
    parameters, buffers = stack_module_state(models)  # type: ignore[arg-type]
    skeleton = build_model(config, seed=0)
    with torch.no_grad():
        together = vmap(lambda p, b: functional_call(skeleton, (p, b), (IMAGES, LABELS)))(parameters, buffers)
        for i, model in enumerate(models):
            torch.testing.assert_close(together[i], model(IMAGES, LABELS), rtol=1e-4, atol=1e-4)
            for name, moved in model.named_buffers():
                torch.testing.assert_close(buffers[name][i], moved, rtol=1e-4, atol=1e-4)
