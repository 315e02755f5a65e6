"""Members of images are trained in turn, and are, bit for bit, what they are alone.

On a CPU the captured operations are called again.
"""

import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from tiny_omniglot import write_omniglot

import icl_train._ensemble.together as together
from icl_train import PlainReporter, RunFolder, smoke
from icl_train._engines.graph import Graph


class Repeated(Graph):
    """Operations in place of their graph."""

    def _captured(self, step: int) -> Callable[[], None]:
        def repeat() -> None:
            self._loss = self._whole_update(step)

        repeat()
        return repeat


@pytest.fixture
def captured(monkeypatch):
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


def test_members_in_turn_are_those_alone(tmp_path, captured):
    omniglot = write_omniglot(tmp_path / "omniglot")
    configs = [config_of(omniglot, seed, n_rare) for seed, n_rare in ((0, 12), (1, 10))]
    both = trained(tmp_path / "both", configs)
    alone = [trained(tmp_path / f"alone{i}", [config])[0] for i, config in enumerate(configs)]
    for run, other in zip(both, alone, strict=True):
        assert run.status() == "done"
        assert told(run) == told(other)
