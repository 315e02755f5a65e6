"""Members of images are trained beside each other, and are, bit for bit, what they are alone.

On a CPU the captured operations are called again, and there are no streams: what is left is who does what when.
"""

import io
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from tiny_omniglot import write_omniglot

import icl_train._ensemble.together as together
from icl_train import PlainReporter, RunFolder, smoke
from icl_train._engines.graph import Graph
from icl_train._ensemble.beside import Beside


class Repeated(Graph):
    """Operations in place of their graph."""

    def _captured(self, step: int) -> Callable[[], None]:
        def repeat() -> None:
            self._loss = self._whole_update(step)

        repeat()
        return repeat


class NoStream:
    def __init__(self, device: object = None) -> None:
        self.device = device

    def wait_stream(self, other: object) -> None:
        assert isinstance(other, NoStream)


@pytest.fixture
def without_streams(monkeypatch):
    monkeypatch.setattr(torch.cuda, "Stream", NoStream)
    monkeypatch.setattr(torch.cuda, "current_stream", NoStream)
    monkeypatch.setattr(torch.cuda, "stream", lambda stream: nullcontext())
    monkeypatch.setattr(together, "_member", lambda task, processes: Repeated(task))


def config_of(omniglot, seed, n_rare):
    config = smoke()
    data = replace(
        config.data,
        source="omniglot",
        omniglot=str(omniglot),
        dim=None,
        downsample=True,
        n_labels=None,
        n_rare_classes=n_rare,
        n_common_classes=10,
        n_holdout_classes=4,
        seq_len=4,
        shots=1,
    )
    model = replace(config.model, embedder="resnet", embedder_config=None)
    train = replace(config.train, batch_size=4, max_steps=12, checkpoint_interval=6, log_interval=3)
    evaluation = replace(config.eval, interval=6, batches=1)
    seeds = replace(config.seeds, init=seed)
    return replace(config, data=data, model=model, train=train, eval=evaluation, seeds=seeds)


def told(run):
    return [{name: value for name, value in one.items() if name != "sequences_per_second"} for one in run.records()]


def trained(folder, configs):
    runs = [RunFolder.create(folder / f"run{i}", one, device="cpu", threads=1) for i, one in enumerate(configs)]
    assert together.train_together(runs, lambda run: PlainReporter(io.StringIO())) == {}
    return runs


def test_members_beside_each_other_are_those_alone(tmp_path, without_streams):
    omniglot = write_omniglot(tmp_path / "omniglot")
    configs = [config_of(omniglot, seed, n_rare) for seed, n_rare in ((0, 12), (1, 10))]
    both = trained(tmp_path / "both", configs)
    alone = [trained(tmp_path / f"alone{i}", [config])[0] for i, config in enumerate(configs)]
    for run, other in zip(both, alone, strict=True):
        assert run.status() == "done"
        assert told(run) == told(other)


@pytest.mark.parametrize(("dropout", "streams"), [(0.0, 2), (0.1, 1)])
def test_members_with_dropout_share_a_stream(tmp_path, without_streams, dropout, streams):
    config = config_of(write_omniglot(tmp_path / "omniglot"), 0, 12)
    config = replace(config, model=replace(config.model, dropout_prob=dropout))
    member = Repeated(together.Task.build(config, device=torch.device("cpu")))
    assert len(set(Beside([member, member])._streams)) == streams
    member.close()
