"""A captured update of an ensemble changes what one by one does; on a CPU the captured operations are called again."""

from dataclasses import replace

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from icl_train import RunConfig, Task, smoke
from icl_train._ensemble.captured import CapturedEnsemble
from icl_train._ensemble.engine import Ensemble
from icl_train._ensemble.member import Member

STEPS = 12
CUDA = pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"))


class Repeated(CapturedEnsemble):
    """Operations in place of their graph."""

    def _captured(self):
        self._whole_update()  # a warm-up, to be undone
        return self._whole_update


def changed(config: RunConfig, **groups: dict[str, object]) -> RunConfig:
    return replace(config, **{name: replace(getattr(config, name), **values) for name, values in groups.items()})


_SMOKE = changed(smoke(), optim={"eps": 1e-5})
_IDS = changed(
    _SMOKE,
    data={"source": "symbolic", "dim": None, "noise_scale": None},
    model={"embedder": "embedding", "embedder_config": None},
)
CONFIGS = {
    "noise": _SMOKE,
    "one bank for all": changed(_SMOKE, data={"noise_scale": 0.0}),
    "new classes": changed(_SMOKE, data={"p_new": 0.5}),
    "momentum": changed(_SMOKE, optim={"optimizer": "sgd", "eps": 1e-8, "momentum": 0.9, "weight_decay": 1e-3}),
    "ids of several counts": changed(_IDS, data={"n_labels": None}),
    "dropout": changed(_SMOKE, model={"dropout_prob": 0.2}),
}


def members(config: RunConfig, device: str) -> list[Member]:
    configs = [
        changed(config, seeds={"init": i, "data": i}, optim={"max_lr": 1e-3 * (1 + i)}, data={"n_rare_classes": 54 - i})
        for i in range(3)
    ]
    if not config.data.noise_scale and config.data.source == "gaussian":
        configs = [changed(one, data={"n_rare_classes": 54}) for one in configs]
    return [Member(Task.build(one, device=torch.device(device))) for one in configs]


def trained(kind: type[Ensemble], config: RunConfig, device: str) -> tuple[torch.Tensor, torch.Tensor]:
    """The weights of all members, and their sums."""
    ensemble = kind(members(config, device))
    for step in range(1, STEPS + 1):
        ensemble.update(step)
    ensemble.close()
    return ensemble.model.rows.detach(), ensemble.updates.sums


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("device", ["cpu", CUDA])
def test_a_captured_ensemble_follows_one_that_is_not(name: str, device: str) -> None:
    rows, sums = trained(Ensemble, CONFIGS[name], device)
    found = trained(Repeated if device == "cpu" else CapturedEnsemble, CONFIGS[name], device)
    assert torch.linalg.vector_norm(found[0] - rows) < 1e-4 * torch.linalg.vector_norm(rows)
    torch.testing.assert_close(found[1], sums, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("device", [CUDA])
def test_a_captured_ensemble_gives_the_same_bits_again(device: str) -> None:
    first, second = (trained(CapturedEnsemble, CONFIGS["ids of several counts"], device) for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))


class _NoNumberIsAsked(TorchDispatchMode):
    """Refuses what waits for a device, and so cannot be captured."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        name = str(function)
        assert not any(word in name for word in ("_local_scalar_dense", "nonzero", "masked_select", "unique")), name
        return function(*args, **(kwargs or {}))


@pytest.mark.parametrize("name", ["one bank for all", "ids of several counts", "momentum", "dropout"])
def test_an_update_waits_for_nothing(name: str) -> None:
    ensemble = Repeated(members(CONFIGS[name], "cpu"))
    ensemble.update(1)
    with _NoNumberIsAsked():
        ensemble._whole_update()
    ensemble.close()
