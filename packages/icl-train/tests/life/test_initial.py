"""A run that starts from the weights of another one, or of a saved model."""

import io
import json
import re
import shutil
from dataclasses import replace

import pytest
from safetensors.torch import load_file

from icl_data.foundation.command_line import run_command
from icl_models import load_model, save_model
from icl_train import Evaluator, PlainReporter, RunFolder, Task, eval_record, resolve_device, smoke, train
from icl_train._commands.main import _main
from icl_train._making.initial import find_initial_weights, with_initial_weights

SHORT = ["--max-steps", "6", "--eval-batches", "1", "--train.checkpoint-interval", "3"]


def short(**changes):
    base = smoke()
    changes = {"max_steps": 6, "checkpoint_interval": 3} | changes
    return replace(base, train=replace(base.train, **changes), eval=replace(base.eval, batches=1))


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A finished run with checkpoints of steps 3 and 6."""
    run = RunFolder.create(tmp_path_factory.mktemp("source") / "other", short(), device="cpu", threads=1)
    train(run, PlainReporter(io.StringIO()))
    return run.path


def started(root, init_from, *options):
    """A run from these weights, of 6 steps, by the command."""
    args = ["run", "smoke", "--root", str(root), "--name", "run", *SHORT, f"--init-from={init_from}", *options]
    assert _main(args) == 0
    return RunFolder.open(root / "run")


def measured(run, step):
    return [record for record in run.records() if record["step"] == step and record["split"] != "train"]


def evaluated(config, model):
    task = Task.build(config, device=resolve_device("cpu"))
    return [eval_record(result, step=0, sequences=0) for result in Evaluator(task, batches=1)(model)]


@pytest.mark.parametrize(("suffix", "step"), [("", 6), ("@6", 6), ("@3", 3)])
def test_a_run_starts_from_the_last_or_the_named_checkpoint(suffix, step, source, tmp_path, capsys):
    run = started(tmp_path, f"{source}{suffix}")
    file = source / "checkpoints" / f"step_{step:07d}" / "model.safetensors"
    assert measured(run, 0) == evaluated(run.config, load_model(file))
    assert (run.path / "initial.safetensors").read_bytes() == file.read_bytes()
    assert re.fullmatch(rf"{source}@{step}#sha256:[0-9a-f]{{16}}", run.config.train.init_from)


def test_a_run_starts_from_a_saved_model(source, tmp_path, capsys):
    file = tmp_path / "mine.safetensors"
    save_model(load_model(source / "checkpoints" / "step_0000003"), file)
    run = started(tmp_path, file)
    assert measured(run, 0) == evaluated(run.config, load_model(file))
    assert run.config.train.init_from.startswith(f"{file}#sha256:")


def test_optimiser_and_seeds_are_its_own(source, tmp_path, capsys):
    run = started(tmp_path / "a", source)
    other = started(tmp_path / "b", source, "--seeds.data", "1")
    first = [next(r for r in one.records() if r["split"] == "train") for one in (run, other)]
    assert first[0]["loss"] != first[1]["loss"]
    # A rate of the warmup's beginning, and a first moment that holds six gradients alone.
    assert first[0]["learning_rate"] == pytest.approx(6 / 10 * 1e-3)
    state = load_file(run.checkpoints / "step_0000006" / "optimizer.safetensors")
    assert {float(value) for name, value in state.items() if name.startswith("step|")} == {6.0}


def test_resuming_needs_the_source_no_longer(source, tmp_path, capsys):
    shutil.copytree(source, tmp_path / "other")
    expected = started(tmp_path / "whole", tmp_path / "other")
    broken = started(tmp_path / "broken", tmp_path / "other")
    shutil.rmtree(tmp_path / "other")
    shutil.rmtree(broken.checkpoints)
    for name in ("DONE", "metrics.jsonl"):
        (broken.path / name).unlink()
    assert _main(["resume", str(broken.path)]) == 0
    names = [one.checkpoints / "step_0000006" / "model.safetensors" for one in (expected, broken)]
    assert names[0].read_bytes() == names[1].read_bytes()


def test_the_weights_tell_runs_apart_and_where_they_lie_does_not(source, tmp_path):
    shutil.copytree(source, tmp_path / "moved")
    fresh = short()
    configs = [
        with_initial_weights(replace(fresh, train=replace(fresh.train, init_from=text)))
        for text in (f"{source}@3", f"{source}@6", f"{tmp_path}/moved@6", str(tmp_path / "moved"))
    ]
    digests = [config.digest() for config in configs]
    assert digests[1] == digests[2] == digests[3]
    assert len({fresh.digest(), *digests}) == 3
    assert "train.init_from" not in fresh.telling()


def test_a_sweep_starts_each_run_from_the_weights(source, tmp_path, capsys):
    args = ["--class-counts", "30", "64", "--launcher", "commands", "--root", str(tmp_path), "--preset", "smoke"]
    for _ in range(2):  # the second time it finds what it has made
        assert _main(["sweep", "figure3a", *args, *SHORT, "--init-from", f"{source}@3"]) == 0
    runs = [RunFolder.open(path.parent) for path in tmp_path.glob("*/config.json")]
    assert len(runs) == 2
    assert {run.config.train.init_from.partition("#")[0] for run in runs} == {f"{source}@3"}
    assert all((run.path / "initial.safetensors").is_file() for run in runs)


def test_a_configuration_that_was_shown_starts_from_the_same_weights(source, tmp_path, capsys):
    run = started(tmp_path, f"{source}@3")
    capsys.readouterr()
    assert _main(["show-config", str(run.path)]) == 0
    (tmp_path / "again.toml").write_text(capsys.readouterr().out)
    args = ["run", "--config", str(tmp_path / "again.toml"), "--root", str(tmp_path), "--name", "again"]
    assert _main(args) == 0
    assert RunFolder.open(tmp_path / "again").config == run.config


def refused(capsys, root, init_from, *options):
    """The line that refuses a run from these weights, which makes no folder."""
    args = ["run", "smoke", "--root", str(root / "runs"), f"--init-from={init_from}", *SHORT, *options]
    assert run_command(_main, "icl-train", args) == 2
    assert not (root / "runs").exists()
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    return line


def test_weights_of_another_shape_are_refused_with_the_first_that_differs(source, tmp_path, capsys):
    line = refused(capsys, tmp_path, source, "--model.emb-dim", "32")
    assert re.search(
        r"must fit the model: embedder\.projection\.weight is \(32, 8\) in the model, got \(16, 8\) in /", line
    )


def test_weights_of_another_model_are_refused_with_what_is_missing(source, tmp_path, capsys):
    line = refused(capsys, tmp_path, source, "--model.num-layers", "2")
    assert re.search(r"train\.init_from must fit the model: \S+ is \([\d, ]+\) in the model, got none in ", line)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{source}@4", r"must name a checkpoint of .*other \(3, 6\), got 4"),
        ("{tmp}/nowhere", r"must be a run, RUN@STEP or a saved model, got .*nowhere \(it does not exist\)"),
        ("{tmp}", r"must be a run, RUN@STEP or a saved model, got "),
        ("{tmp}/new", r"must be a run with a checkpoint, got .*new \(it has none yet\)"),
        (
            "{tmp}/junk.safetensors",
            r"error: train\.init_from: .*junk\.safetensors must be a safetensors file, got one that is damaged or none",
        ),
        ("{tmp}/junk.safetensors@3", r"must be a run where a step is named"),
        ("{source}@3#sha256:0123456789abcdef", r"must be the weights with sha256:0123456789abcdef, got sha256:"),
        ("", r"must be a run, RUN@STEP or a saved model, got ''"),
    ],
)
def test_weights_that_are_not_there_are_refused(text, message, source, tmp_path, capsys):
    (tmp_path / "junk.safetensors").write_bytes(b"junk")
    RunFolder.create(tmp_path / "new", short(), device="cpu", threads=1)
    assert re.search(message, refused(capsys, tmp_path, text.format(source=source, tmp=tmp_path)))


def test_a_folder_whose_name_has_a_number_behind_an_at_is_itself(source, tmp_path):
    shutil.copytree(source, tmp_path / "run@3")
    assert find_initial_weights(str(tmp_path / "run@3")).step == 6
    assert find_initial_weights(f"{tmp_path}/run@3@3").step == 3


def test_home_is_expanded(source, monkeypatch):
    monkeypatch.setenv("HOME", str(source.parent))
    assert find_initial_weights("~/other@3").path == source


def test_what_it_started_from_is_in_config_json(source, tmp_path, capsys):
    run = started(tmp_path, source)
    stored = json.loads((run.path / "config.json").read_text())["config"]["train"]["init_from"]
    assert find_initial_weights(stored) == find_initial_weights(str(source))
