"""An experiment of a plugin, and runs of it whose records are written by hand."""

import importlib
import sys
from dataclasses import replace

import pytest

import icl_models._plugins.registry as registry_module
from icl_models import find_experiment
from icl_train import RunFolder, experiment_runs
from icl_train.metrics import wilson_interval

EXPERIMENT = """
from icl_models import Axis, Claim, ExperimentSpec, Range, Scale, hookimpl

BURSTY = {"data.p_bursty": "1"}

@hookimpl
def icl_register_experiments():
    return [ExperimentSpec(
        name="mine", paper="Nobody 2026", section="figure 1", tests="Bursts matter.",
        axes=(Axis.of("data.p_bursty", 0.0, 1.0), Axis.of("model.num_layers", 1, 2)),
        scales={
            "small": Scale(preset="smoke", seeds=(0, 1)),
            "drawn": Scale(preset="smoke", draws=2, ranges=(Range(setting="optim.max_lr", choices=(0.5, 0.25)),),
                           settings={"data.dim": 4}),
        },
        claims=(
            Claim(says="Bursts bring ICL.", measure="fewshot_holdout", where=BURSTY, above=0.7, scales=("small",),
                  tried={"drawn": "four dimensions are too few"}),
            Claim(says="More than none.", measure="fewshot_holdout", where=BURSTY, than={"data.p_bursty": "0"},
                  above=0.2, scales=("small",)),
            Claim(says="It stays.", measure="fewshot_holdout", where=BURSTY, at="fall", below=0.1, scales=("small",)),
            Claim(says="The best is good.", measure="fewshot_holdout", where=BURSTY, over="best", above=0.8,
                  scales=("drawn",)),
        ),
    ), ExperimentSpec(
        name="typo", paper="Nobody 2026", section="figure 2", tests="Nothing.",
        axes=(Axis.of("data.p_bursti", 0.0, 1.0),), scales={"small": Scale(preset="smoke")},
    )]
"""


@pytest.fixture
def install(tmp_path_factory, monkeypatch):
    """``install(source)``: a plugin of this source, with experiments."""
    folder = tmp_path_factory.mktemp("site")
    info = folder / "icl_dist_mine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: icl-dist-mine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[icl]\nmine = icl_fake_mine\n")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.delenv("ICL_PLUGINS", raising=False)

    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # a module written twice in one second would be read once

    def put(source):
        sys.modules.pop("icl_fake_mine", None)
        (folder / "icl_fake_mine.py").write_text(source)
        importlib.invalidate_caches()
        registry_module.registry.cache_clear()

    yield put
    registry_module.registry.cache_clear()
    sys.modules.pop("icl_fake_mine", None)


@pytest.fixture
def spec(install):
    """The experiment ``mine``, installed."""
    install(EXPERIMENT)
    return find_experiment("mine")


@pytest.fixture
def write(spec, tmp_path):
    """``write("small", {("1", "2"): [0.5, 0.9]}, seeds=(0, 1))``: finished runs with these two-way accuracies.

    By the labels of their points on the two axes; a function of the run in the place of a list; ``change`` makes runs
    of another configuration.
    """

    def runs(scale, curves, *, seeds=None, change=lambda config: config):
        for planned in experiment_runs(spec, scale):
            curve = curves.get((planned.where["data.p_bursty"], planned.where["model.num_layers"]))
            for seed in (planned.seed,) if seeds is None else seeds:
                config = change(planned.config)
                config = replace(config, seeds=replace(config.seeds, init=seed, data=seed))
                path = tmp_path / "runs" / f"{scale}-{planned.folder}-s{seed}"
                values = curve(planned) if callable(curve) else curve
                if values is not None and not path.exists():
                    run = RunFolder.create(path, config, device="cpu", threads=1)
                    steps = [config.train.max_steps * place // (len(values) - 1) for place in range(len(values))]
                    run.append([line(step, value) for step, value in zip(steps, values, strict=True)])
                    run.mark_done()
        return tmp_path / "runs"

    return runs


def line(step, accuracy, n=1000):
    low, high = wilson_interval(round(accuracy * n), n)
    return {
        "split": "eval_fewshot_holdout",
        "step": step,
        "sequences": 16 * step,
        "headline": "accuracy_closed",
        "chance": 0.5,
        "n_sequences": n,
        "protocol": "paper",
        "accuracy_closed": accuracy,
        "accuracy_closed_low": low,
        "accuracy_closed_high": high,
    }
