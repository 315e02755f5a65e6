"""Updates of an ensemble are those of each member alone, whatever its optimiser's settings; their states are, too."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from icl_models import EnsembleModel, InContextModel, ModelConfig, build_model
from icl_train._ensemble.loss import ensemble_losses
from icl_train._ensemble.optimizer import EnsembleOptimizer
from icl_train._ensemble.update import EnsembleUpdate
from icl_train.config import OptimConfig
from icl_train.metrics import sequence_loss
from icl_train.optim import add_l2_gradient, build_optimizer, set_learning_rate, weight_matrices

_CLASSES = (12, 9, 12, 12)
_RATES = (1e-3, 3e-3, 1e-3, 2e-3)
_PLAIN: dict[str, Any] = {"schedule": "constant", "warmup_steps": 0}
SETTINGS: dict[str, list[dict[str, Any]]] = {
    "adam": [{}] * 4,
    "adam, clipped and penalised": [{"clip_norm": 0.5}, {"l2": 0.1}, {}, {"clip_norm": 0.1, "l2": 0.3}],
    "adamw": [
        {"weight_decay": decay, "b1": b1, "eps": 1e-6} for decay, b1 in ((0.0, 0.9), (0.1, 0.9), (0.0, 0.8), (1.0, 0.5))
    ],
    "sgd": [{"momentum": 0.9}, {"momentum": 0.9, "nesterov": True}, {}, {"weight_decay": 0.5, "momentum": 0.5}],
    "sgd without momentum": [{}, {"weight_decay": 0.1}, {}, {}],
}


def models() -> list[InContextModel]:
    config = {"example_kind": "id", "example_shape": (), "embedder": "embedding", "emb_dim": 8, "num_layers": 1}
    return [
        build_model(ModelConfig(**config | {"num_classes": n, "num_ids": 12, "num_heads": 2}), seed=seed).double()
        for seed, n in enumerate(_CLASSES)
    ]


def settings(name: str) -> list[OptimConfig]:
    kind = name.split(",")[0].split()[0]
    own = [one if rate is None else {"max_lr": rate} | one for one, rate in zip(SETTINGS[name], _RATES, strict=True)]
    return [OptimConfig(**_PLAIN | {"optimizer": kind} | one) for one in own]


def batch(step: int) -> tuple[Tensor, Tensor]:
    drawn = torch.randint(9, (2, 4, 6, 5), generator=torch.Generator().manual_seed(step))
    return drawn[0], drawn[1]


def solo_update(
    model: InContextModel, optimizer: torch.optim.Optimizer, one: OptimConfig, examples: Tensor, labels: Tensor
) -> Tensor:
    logits = model.train()(examples, labels, "query")[:, None]
    loss, _, _ = sequence_loss(logits, labels)
    optimizer.zero_grad()
    torch.autograd.backward(loss)
    if one.l2:
        add_l2_gradient(weight_matrices(model), one.l2)
    if one.clip_norm is not None:
        nn.utils.clip_grad_norm_(model.parameters(), one.clip_norm)
    set_learning_rate(optimizer, one.max_lr)
    optimizer.step()
    return loss.detach()


def built(model: InContextModel, one: OptimConfig) -> torch.optim.Optimizer:
    names = ("optimizer", "weight_decay", "b1", "b2", "eps", "momentum", "nesterov")
    return build_optimizer(model, **{name: getattr(one, name) for name in names})


def ensemble_of(solos: list[InContextModel], own: list[OptimConfig]) -> EnsembleUpdate:
    model = EnsembleModel(solos)
    return EnsembleUpdate(model, EnsembleOptimizer(model, own), precision="float32", w_interim=0.0)


def by_name(model: InContextModel, optimizer: torch.optim.Optimizer) -> dict[str, dict[str, Tensor]]:
    return {name: dict(optimizer.state[parameter]) for name, parameter in model.named_parameters()}


@pytest.mark.parametrize("name", SETTINGS)
def test_updates_equal_those_of_each_solo_model(name: str) -> None:
    own, solos = settings(name), models()
    ensemble = ensemble_of(solos, own)
    optimizers = [built(model, one) for model, one in zip(solos, own, strict=True)]
    for step in range(6):
        examples, labels = batch(step)
        ensemble.optimizer.set_rates([one.max_lr for one in own])
        ensemble(examples, labels)
        for i, one in enumerate(own):
            loss = solo_update(solos[i], optimizers[i], one, examples[i], labels[i])
            torch.testing.assert_close(ensemble.newest[i], loss.to(ensemble.newest.dtype), rtol=1e-9, atol=0)
    for i, model in enumerate(solos):
        torch.testing.assert_close(ensemble.model.member_state(i), dict(model.state_dict()), rtol=1e-8, atol=1e-9)
        state = by_name(model, optimizers[i])
        torch.testing.assert_close(ensemble.optimizer.member_state(i), state, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_solo_models_state_goes_on_in_an_ensemble_and_back(name: str) -> None:
    own, solos = settings(name), models()
    optimizers = [built(model, one) for model, one in zip(solos, own, strict=True)]
    for i, one in enumerate(own):
        for step in range(i):  # members need not be at one step
            solo_update(solos[i], optimizers[i], one, batch(step)[0][i], batch(step)[1][i])
    ensemble = ensemble_of(solos, own)
    for i, model in enumerate(solos):
        ensemble.optimizer.load_member(i, by_name(model, optimizers[i]))
    ensemble.optimizer.set_rates([one.max_lr for one in own])
    ensemble(*batch(9))
    for i, one in enumerate(own):
        solo_update(solos[i], optimizers[i], one, batch(9)[0][i], batch(9)[1][i])
        torch.testing.assert_close(ensemble.model.member_state(i), dict(solos[i].state_dict()), rtol=1e-8, atol=1e-9)
        state = by_name(solos[i], optimizers[i])
        torch.testing.assert_close(ensemble.optimizer.member_state(i), state, rtol=1e-8, atol=1e-9)


def test_weights_of_classes_that_a_member_lacks_stay_zero() -> None:
    own = settings("adamw")
    ensemble = ensemble_of(models(), own)
    for step in range(3):
        ensemble.optimizer.set_rates([1.0] * 4)
        ensemble(*batch(step))
    views = ensemble.model.layout.views(ensemble.model.rows)
    assert not views["readout.weight"][1, 9:].any()
    assert not views["label_table.weight"][1, 9:].any()
    assert views["readout.weight"][0, 9:].any()


def test_a_member_that_is_no_number_any_more_leaves_the_others_alone() -> None:
    own, solos = settings("adam, clipped and penalised"), models()
    whole, other = ensemble_of(solos, own), ensemble_of(solos, own)
    with torch.no_grad():
        other.model.rows[1] = torch.nan
    for ensemble in (whole, other):
        ensemble.optimizer.set_rates(_RATES)
        ensemble(*batch(0))
    assert torch.isnan(other.newest[1])
    for i in (0, 2, 3):
        torch.testing.assert_close(other.model.member_state(i), whole.model.member_state(i), rtol=0, atol=0)


@pytest.mark.parametrize("w_interim", [0.0, 0.25, 1.0])
def test_losses_are_those_of_each_members_sequences(w_interim: float) -> None:
    logits, labels = torch.randn(3, 4, 5, 7, dtype=torch.float64), torch.randint(7, (3, 4, 5))
    values = ensemble_losses(logits, labels, w_interim=w_interim)
    for i in range(3):
        expected = torch.stack(sequence_loss(logits[i], labels[i], w_interim=w_interim))
        torch.testing.assert_close(values[:3, i], expected)
        assert values[3, i] == (logits[i, :, -1].argmax(-1) == labels[i, :, -1]).double().mean()


def test_one_ensemble_has_one_optimizer() -> None:
    own = [OptimConfig(), OptimConfig(optimizer="sgd")]
    with pytest.raises(ValueError, match=r"^optim\.optimizer must be the same for all members .*, got adam, sgd$"):
        EnsembleOptimizer(EnsembleModel(models()[:2]), own)
