"""Runs to read: small ones really trained, and run folders whose metrics are written by hand."""

import errno
import hashlib
import io
import json
import os
import shutil
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch

from icl_data.foundation.sealed import seal_object, unseal_object
from icl_eval import FIGURES, RunsSkipped, load_runs
from icl_train import PlainReporter, RunFolder, figure3a, smoke, train
from icl_train.metrics import wilson_interval


@pytest.fixture(autouse=True, scope="session")
def own_state(tmp_path_factory):
    """What commands remember of the runs that they made is forgotten after the tests, and never the user's."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ICL_STATE", str(tmp_path_factory.mktemp("state")))
        yield


def short_config():
    base = smoke()
    return replace(
        base,
        train=replace(base.train, max_steps=20, checkpoint_interval=10),
        eval=replace(base.eval, interval=10, batches=2),
    )


@pytest.fixture(scope="session")
def trained(tmp_path_factory):
    """A folder with three finished runs: 30 and 64 classes, the latter with two seeds. Not to be changed."""
    root = tmp_path_factory.mktemp("trained")
    configs = [
        *figure3a(short_config(), class_counts=(64,), seeds=(0, 1)),
        *figure3a(short_config(), class_counts=(30,), seeds=(0,)),
    ]
    for config in configs:
        name = f"c{config.data.n_trained_classes}-s{config.seeds.data}"
        train(RunFolder.create(root / name, config, device="cpu", threads=1), PlainReporter(io.StringIO()))
    return root


@pytest.fixture(scope="session")
def small_runs(tmp_path_factory):
    """Runs to look into: two layers with three checkpoints; pairs as tokens; an LSTM. Not to be changed."""
    root = tmp_path_factory.mktemp("small")
    base = short_config()
    steps = {"max_steps": 20, "checkpoint_steps": (0, 10, 20)}
    settings = {
        "two-layers": ({"num_layers": 2}, steps),
        "pairs": ({"num_layers": 2, "concatenate_labels": True}, {"max_steps": 1}),
        "lstm": ({"sequence_model": "lstm", "sequence_model_config": None, "num_heads": None}, {"max_steps": 1}),
    }
    for name, (model, training) in settings.items():
        config = replace(
            base,
            model=replace(base.model, **model),
            train=replace(base.train, **training),
            eval=replace(base.eval, interval=20),
        )
        train(RunFolder.create(root / name, config, device="cpu", threads=1), PlainReporter(io.StringIO()))
    return root


@pytest.fixture
def spoilt_run(small_runs, tmp_path):
    """A run whose middle checkpoint has a weight that is no number, as its hash says."""
    path = tmp_path / "spoilt"
    shutil.copytree(small_runs / "two-layers", path)
    checkpoint = path / "checkpoints" / "step_0000010"
    tensors = safetensors.torch.load_file(checkpoint / "model.safetensors")
    next(iter(tensors.values())).view(-1)[0] = float("nan")
    content = safetensors.torch.save(tensors)
    (checkpoint / "model.safetensors").write_bytes(content)
    state = unseal_object((checkpoint / "state.json").read_bytes())
    state["files"]["model.safetensors"] = hashlib.sha256(content).hexdigest()
    (checkpoint / "state.json").write_text(seal_object(json.dumps(state, indent=1) + "\n"))
    return RunFolder.open(path)


def line(split, step, accuracy, *, chance, n=100, metric="accuracy_closed", batch=16, **more):
    """A line of metrics.jsonl."""
    low, high = wilson_interval(round(accuracy * n), n)
    return {
        "split": f"eval_{split}",
        "step": step,
        "sequences": step * batch,
        "headline": metric,
        "chance": chance,
        "n_sequences": n,
        "protocol": "paper",
        metric: accuracy,
        f"{metric}_low": low,
        f"{metric}_high": high,
        **more,
    }


@pytest.fixture(name="line")
def line_of_metrics():
    return line


def config_of(run):
    """What config.json holds."""
    return unseal_object((run.path / "config.json").read_bytes())


def put_config(run, stored):
    """Writes config.json, sealed."""
    (run.path / "config.json").write_text(seal_object(json.dumps(stored, indent=1) + "\n"))


@pytest.fixture(name="config_of")
def content_of_config():
    return config_of


@pytest.fixture(name="put_config")
def writer_of_config():
    return put_config


@pytest.fixture
def put_lines():
    """Puts other lines into a run's metrics.jsonl; a finished one says that these are what it has recorded."""

    def put(run, lines):
        content = lines if isinstance(lines, bytes) else lines.encode("utf-8", "surrogateescape")
        (run.path / "metrics.jsonl").write_bytes(content)
        if (run.path / "DONE").exists():
            RunFolder.open(run.path).mark_done()

    return put


@pytest.fixture
def write_run(tmp_path):
    """Makes a finished run folder: ``write_run(name, {step: (icl, iwl)}, seed=…, count=…, data={…}, …)``."""

    def write(name, scores, *, seed=0, count=64, done=True, base=None, training=None, **parts):
        base = base or short_config()
        base = replace(base, **{part: replace(getattr(base, part), **changes) for part, changes in parts.items()})
        (config,) = figure3a(base, class_counts=(count,), seeds=(seed,))
        run = RunFolder.create(tmp_path / "runs" / name, config, device="cpu", threads=1)
        batch = config.train.batch_size
        for step, (icl, iwl) in scores.items():
            run.append(
                [
                    line("fewshot_holdout", step, icl, chance=0.5, batch=batch),
                    line("no_support_zipfian", step, iwl, chance=1 / count, metric="accuracy_query", batch=batch),
                ]
            )
        for step, values in (training or {}).items():
            run.append([{"split": "train", "step": step, "sequences": step * batch, **values}])
        if done:
            run.mark_done()
        return run

    return write


def read(path):
    """The tidy table of all runs below a path, unfinished ones as well."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RunsSkipped)
        return load_runs(path, metrics="all", unfinished=True)


@pytest.fixture
def picture_of():
    """What a figure draws of the runs below a path: ``picture_of("figure3a", path, band="sd")``."""
    return lambda name, path, **options: FIGURES[name].picture(read(path), **options)


@pytest.fixture
def table_of():
    """The tidy table of the runs below a path."""
    return read


@pytest.fixture
def of_a_missing_plugin():
    """Rewrites a run's config.json as if its embedder had been a plugin's that is not here."""

    def rewrite(run):
        stored = config_of(run)
        stored["config"]["model"] |= {"embedder": "gone", "embedder_config": {"width": 3}}
        stored["environment"]["plugins"] = {"embedder": {"name": "gone", "distribution": "icl-gone", "version": "0.3"}}
        put_config(run, stored)
        return RunFolder.open(run.path)

    return rewrite


@pytest.fixture
def read_only(monkeypatch):
    """Lets nothing be written to a folder, as on a disk mounted read-only; rights would not bind the superuser."""
    folders = []
    real = {module: module.open for module in (io, os)}

    def guarded(module):
        def opened(file, mode="r", *arguments, **keywords):
            writing = mode & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) if module is os else set(mode) & set("wxa+")
            if writing and any(Path(os.fsdecode(file)).is_relative_to(folder) for folder in folders):
                raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(file))
            return real[module](file, mode, *arguments, **keywords)

        return opened

    for module in real:
        monkeypatch.setattr(module, "open", guarded(module))
    return folders.append
