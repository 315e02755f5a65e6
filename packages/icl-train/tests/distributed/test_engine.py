"""The engine of one of several processes, where the others have what this one has: a sum is so many times its own."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch

from icl_models import ResNetConfig
from icl_train import DataConfig, ModelSettings, Task, smoke
from icl_train._distributed.alone import Alone
from icl_train._engines.choose import build_engine, engine_for
from icl_train._engines.eager import Eager, seed_of_dropout


class Alike(Alone):
    """Two processes whose tensors are always equal."""

    size = 2

    def __init__(self, rank=0):
        self.rank = rank

    def total(self, tensor):
        return tensor.mul_(2)


def task_of(**model):
    config = smoke()
    config = replace(config, model=replace(config.model, **model), train=replace(config.train, batch_size=8))
    return Task.build(config, device=torch.device("cpu"))


def images(tmp_path, **own):
    file = tmp_path / "images.npz"
    np.savez(file, images=np.random.default_rng(0).integers(0, 255, (14, 6, 28, 28), dtype=np.uint8))
    data = DataConfig(source=str(file), n_rare_classes=6, n_common_classes=4, n_holdout_classes=4)
    model = ModelSettings(embedder="resnet", embedder_config=ResNetConfig(**own), emb_dim=16, num_layers=1, num_heads=2)
    # Adam would make much of a gradient that is nothing but rounding
    config = replace(smoke(), data=data, model=model, optim=replace(smoke().optim, optimizer="sgd"))
    return Task.build(replace(config, train=replace(config.train, batch_size=4)), device=torch.device("cpu"))


def test_each_looks_up_its_rows_alone_with_the_noise_that_they_have_in_the_batch():
    task = task_of()
    whole = Eager(task)
    batch = whole.sampler(3)
    parts = [build_engine(task, Alike(rank)).look_up(batch, 3) for rank in (0, 1)]
    for found, expected in zip(zip(*parts, strict=True), whole.look_up(batch, 3), strict=True):
        assert torch.equal(torch.cat(found), expected)


def test_dropout_is_another_one_in_each_process_and_hangs_on_the_step():
    engines = [build_engine(task_of(dropout_prob=0.5), Alike(rank)) for rank in (0, 1)]
    drawn = []
    for engine, step in ((engines[0], 1), (engines[1], 1), (engines[0], 2), (engines[0], 1)):
        engine.seed_dropout(step)
        drawn.append(float(torch.rand(())))
    assert len(set(drawn)) == 3
    assert drawn[0] == drawn[3]
    assert seed_of_dropout(5, 1) == seed_of_dropout(5, 1, 0)  # the first has that of a process alone


def test_a_parameter_that_no_process_has_used_is_passed_over():
    engine = build_engine(task_of(), Alike())
    unused = torch.nn.Parameter(torch.ones(3))
    engine.model.register_parameter("unused", unused)
    examples, labels = engine.look_up(engine.sampler(1), 1)
    engine.backward(engine.forward(examples, labels, 1)[0])
    assert unused.grad is None
    assert all(one.grad is not None for name, one in engine.model.named_parameters() if name != "unused")


def test_a_parameter_that_another_process_has_used_gets_its_part_of_the_gradient():
    class OtherUsesAll(Alike):
        def total(self, tensor):
            return tensor.add_(1.0)

    engine = build_engine(task_of(), OtherUsesAll())
    unused = torch.nn.Parameter(torch.ones(3))
    engine.model.register_parameter("unused", unused)
    examples, labels = engine.look_up(engine.sampler(1), 1)
    engine.backward(engine.forward(examples, labels, 1)[0])
    assert unused.grad.tolist() == [0.5, 0.5, 0.5]


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")  # of the tracing itself
@pytest.mark.parametrize("own", [{}, {"sequences_per_statistics": 2}], ids=["whole batch", "groups"])
def test_compiled_makes_the_same_update(tmp_path, monkeypatch, own):
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    task = images(tmp_path, **own)
    compiled = replace(task.config, train=replace(task.config.train, engine="compiled"))
    engines = [build_engine(one, Alike()) for one in (task, replace(task, data=replace(task.data, config=compiled)))]
    assert [engine.name for engine in engines] == ["eager", "compiled"]
    for engine in engines:
        engine.update(1)
    first, second = (engine.model.state_dict() for engine in engines)
    for name, value in first.items():
        torch.testing.assert_close(second[name], value, rtol=1e-5, atol=1e-6, msg=name)


def test_auto_is_eager_on_gpus_too():
    assert engine_for(smoke(), torch.device("cuda"), 2) == "eager"
    assert engine_for(smoke(), torch.device("cuda")) == "graph"
