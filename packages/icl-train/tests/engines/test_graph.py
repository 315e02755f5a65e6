"""A captured update changes what an eager one changes; on a CPU the captured operations are called again instead.

What a CUDA graph itself does is tested where there is a CUDA device.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from icl_train import RunConfig, Task, smoke
from icl_train._engines.eager import Eager
from icl_train._engines.graph import Graph

STEPS = 12


class Repeated(Graph):
    """Operations in place of their graph."""

    def _captured(self, step: int) -> Callable[[], None]:
        def repeat() -> None:
            self._loss = self._whole_update(step)

        repeat()  # a warm-up, to be undone
        return repeat


def engine_of(kind: type[Eager], config: RunConfig, device: str) -> Eager:
    return kind(Task.build(config, device=torch.device(device)))


def changed(**groups: dict[str, object]) -> RunConfig:
    config = smoke()
    # A key's bias has no gradient but rounding errors, which a smaller one lets Adam make as large as others.
    groups["optim"] = {"eps": 1e-5} | groups.get("optim", {})
    return replace(config, **{name: replace(getattr(config, name), **values) for name, values in groups.items()})


CONFIGS = {
    "noise": changed(),
    "without noise": changed(data={"noise_scale": 0.0}),
    "dropout": changed(model={"dropout_prob": 0.2, "example_dropout_prob": 0.1}),
    "new classes": changed(data={"p_new": 0.5}),
    "clipping, decay": changed(optim={"clip_norm": 0.1, "optimizer": "adamw", "weight_decay": 0.1, "l2": 1e-3}),
    "momentum": changed(optim={"optimizer": "sgd", "eps": 1e-8, "momentum": 0.9, "weight_decay": 1e-3}),
    "context": changed(optim={"w_interim_predictions": 0.3}),
    "ids": changed(
        data={"source": "symbolic", "dim": None, "noise_scale": None},
        model={"embedder": "embedding", "embedder_config": None},
    ),
}
CUDA = pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"))


def trained(engine: Eager) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """All weights and statistics, the sums, and the losses."""
    for step in range(1, STEPS + 1):
        engine.update(step)
    engine.close()
    assert engine.sums.count == STEPS
    weights = torch.cat([one.flatten().double() for one in engine.model.state_dict().values()])
    return weights, engine.sums.tensor, torch.stack([loss for _, loss in engine.losses.newest()])


@pytest.mark.parametrize("name", CONFIGS)
@pytest.mark.parametrize("device", ["cpu", CUDA])
def test_a_graph_follows_the_eager_engine(name: str, device: str) -> None:
    weights, sums, losses = trained(engine_of(Eager, CONFIGS[name], device))
    found = trained(engine_of(Repeated if device == "cpu" else Graph, CONFIGS[name], device))
    assert torch.linalg.vector_norm(found[0] - weights) < 1e-4 * torch.linalg.vector_norm(weights)
    torch.testing.assert_close(found[1], sums, rtol=1e-5, atol=1e-9)
    torch.testing.assert_close(found[2], losses, rtol=1e-5, atol=0.0)


@pytest.mark.parametrize("device", [CUDA])
def test_a_graph_gives_the_same_bits_again(device: str) -> None:
    first, second = (trained(engine_of(Graph, CONFIGS["noise"], device)) for _ in range(2))
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
