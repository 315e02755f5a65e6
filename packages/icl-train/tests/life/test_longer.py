"""A run that goes on to another last step becomes, bit for bit, what it would have been from the start."""

import io
import json
import platform
import re
import shutil
from dataclasses import replace

import pytest
from safetensors.torch import load_file

from icl_data.foundation.command_line import run_command
from icl_data.foundation.sealed import seal_object, unseal_object
from icl_train import PlainReporter, RunError, RunFailed, RunFolder, figure3a, smoke, train
from icl_train._commands.main import _main
from icl_train._making.environment import processor_name
from icl_train._plans.labels import run_name
from icl_train._sweeps.sweep import prepare

CLOCK = re.compile(rb'"sequences_per_second": [^,}]*|"crc32": "[^"]*"')


def config(max_steps, **changes):
    base = smoke()
    intervals = {"log_interval": 5, "checkpoint_interval": 4}
    return replace(
        base,
        model=replace(base.model, dropout_prob=0.1),
        train=replace(base.train, max_steps=max_steps, **(intervals | changes)),
        eval=replace(base.eval, interval=6, batches=1),
    )


def run_to_end(path, settings):
    run = RunFolder.create(path, settings, device="cpu", threads=1)
    train(run, PlainReporter(io.StringIO()))
    return run


def metrics(run):
    """The bytes of metrics.jsonl but for what a clock decides, and hangs on that."""
    return CLOCK.sub(b"", (run.path / "metrics.jsonl").read_bytes())


def tensors(run, step, name):
    return load_file(run.checkpoints / f"step_{step:07d}" / f"{name}.safetensors")


def steps_of(marker):
    return unseal_object(marker.read_bytes())["steps"]


def assert_same(ours, expected, step):
    assert metrics(ours) == metrics(expected)
    for name in ("model", "optimizer"):
        here, there = tensors(ours, step, name), tensors(expected, step, name)
        assert here.keys() == there.keys()
        for key, value in there.items():
            assert value.equal(here[key]), key
    assert len((ours.path / "progress.txt").read_text().splitlines()) == len(ours.records())
    assert steps_of(ours.path / "DONE") == step


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    return run_to_end(tmp_path_factory.mktemp("long") / "run", config(29))


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """Runs to steps where there is a line, an evaluation or a checkpoint only because they are the last, by step."""
    root = tmp_path_factory.mktemp("finished")
    return {steps: run_to_end(root / f"{steps}", config(steps)) for steps in (12, 13, 20)}


@pytest.fixture
def copied(finished, tmp_path):
    def copy(steps):
        shutil.copytree(finished[steps].path, tmp_path / "run")
        return tmp_path / "run"

    return copy


@pytest.mark.parametrize("steps", [12, 13, 20])
def test_a_finished_run_goes_on_as_the_longer_one_would_have_been(steps, copied, long, capsys):
    path = copied(steps)
    assert _main(["resume", str(path), "--max-steps", "29"]) == 0
    run = RunFolder.open(path)
    assert run.config == config(29)
    assert_same(run, long, 29)


def test_a_run_can_become_longer_twice(copied, long, capsys):
    path = copied(13)
    assert _main(["resume", str(path), "--max-steps", "17"]) == 0
    assert _main(["resume", str(path), "--max-steps=2.9e1"]) == 0
    assert_same(RunFolder.open(path), long, 29)


class Stopping(PlainReporter):
    def __init__(self, stream, at=22):
        super().__init__(stream)
        self._at = at

    def advance(self, step):
        if step == self._at:
            raise KeyboardInterrupt


def test_a_longer_run_that_is_interrupted_goes_on_as_well(copied, long, capsys, monkeypatch):
    path = copied(13)
    monkeypatch.setattr("icl_train._runs.progress.reporter_for", lambda stream: Stopping(io.StringIO()))
    assert _main(["resume", str(path), "--max-steps", "29"]) == 130
    monkeypatch.undo()
    assert _main(["resume", str(path)]) == 0
    assert_same(RunFolder.open(path), long, 29)


def test_an_interrupted_run_can_become_longer_or_shorter(tmp_path, long, finished, capsys):
    path = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        train(RunFolder.create(path, config(20), device="cpu", threads=1), Stopping(io.StringIO(), at=13))
    assert _main(["resume", str(path), "--max-steps", "13"]) == 0
    assert_same(RunFolder.open(path), finished[13], 13)
    assert _main(["resume", str(path), "--max-steps", "29"]) == 0
    assert_same(RunFolder.open(path), long, 29)


def files(path):
    return {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in path.rglob("*") if file.is_file()}


def test_the_last_step_that_a_run_has_is_no_change(copied, capsys):
    path = copied(13)
    before = files(path)
    assert _main(["resume", str(path), "--max-steps", "13"]) == 0
    assert "done already" in capsys.readouterr().out
    assert files(path) == before


@pytest.mark.parametrize("steps", ["5", "12", "0", "-1"])
def test_fewer_steps_than_are_done_are_refused_and_change_nothing(steps, copied, capsys):
    path = copied(13)
    before = files(path)
    assert run_command(_main, "icl-train", ["resume", str(path), "--max-steps", steps]) == 2
    assert ("must be above the 13 updates" in (line := capsys.readouterr().err)) or "must be at least 1" in line
    assert files(path) == before


class Hanging:
    """Settings that hang on the last step, as a version has them that knows more of them."""

    def __init__(self, settings, extra):
        self._settings, self._extra = settings, extra

    def flat(self):
        return self._settings.flat() | self._extra

    def __getattr__(self, name):
        return getattr(self._settings, name)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        (
            {"optim.schedule": "cosine", "optim.schedule_steps": None},
            r"optim\.schedule \(cosine\) hangs on it: give opt",
        ),
        ({"optim.schedule": "linear", "optim.schedule_steps": None}, r"optim\.schedule \(linear\)"),
        ({"eval.log_spaced_steps": 9}, r"eval\.log_spaced_steps \(9\) hangs on it$"),
        ({"optim.schedule": "cosine", "optim.schedule_steps": 50}, None),
        ({"optim.schedule": "inverse_sqrt", "optim.schedule_steps": None}, None),
        ({"eval.log_spaced_steps": None}, None),
    ],
)
def test_what_hangs_on_the_last_step_refuses_another_one(extra, message, copied):
    from icl_train._life.longer import check_change

    run = RunFolder.open(copied(13))
    run = replace(run, config=Hanging(run.config, extra))
    if message is None:
        check_change(run, config(29))
        return
    with pytest.raises(RunError, match=rf"max_steps must stay 13 for .*{message}"):
        check_change(run, config(29))


@pytest.mark.parametrize("name", ["model.safetensors", "optimizer.safetensors"])
def test_a_damaged_last_checkpoint_leaves_a_finished_run_as_it_is(name, copied):
    path = copied(12)
    (file,) = sorted(path.glob(f"checkpoints/*/{name}"))[-1:]
    file.write_bytes(file.read_bytes()[:100])
    (path / "checkpoints" / "step_0000008" / name).unlink()
    before = files(path)
    with pytest.raises(
        RunFailed, match=rf"none of its checkpoints can be gone on from \(step 12: {name} must have the "
    ):
        _main(["resume", str(path), "--max-steps", "1000"])
    assert files(path) == before


def test_a_finished_run_without_its_records_is_left_as_it_is(copied):
    path = copied(12)
    (path / "metrics.jsonl").unlink()
    before = files(path)
    with pytest.raises(RunFailed, match=r"metrics\.jsonl: it must have the [0-9,]+ bytes that it had, got 0"):
        _main(["resume", str(path), "--max-steps", "1000"])
    assert files(path) == before


def test_a_last_checkpoint_without_the_sums_is_refused(copied):
    path = copied(13)
    state = path / "checkpoints" / "step_0000013" / "state.json"
    changed = unseal_object(state.read_bytes()) | {"summed": 0}
    state.write_text(seal_object(json.dumps(changed, indent=1) + "\n"))
    with pytest.raises(RunError, match="at its end an earlier version kept no sums"):
        _main(["resume", str(path), "--max-steps", "29"])


def test_another_device_is_written_down_and_stays(copied, capsys):
    path = copied(13)
    assert _main(["resume", str(path), "--max-steps", "17", "--device", "cpu"]) == 0
    run = RunFolder.open(path)
    assert run.config.train.device == "cpu"
    assert [start["device"] for start in run.starts] == ["cpu", "cpu"]


def test_a_device_that_is_not_there_is_refused_and_changes_nothing(copied, capsys):
    path = copied(13)
    before = files(path)
    args = ["resume", str(path), "--max-steps", "29", "--device", "cuda:99"]
    assert run_command(_main, "icl-train", args) == 2
    assert "device must be one that this machine has" in capsys.readouterr().err
    assert files(path) == before


def test_each_start_is_a_line_of_history(copied, capsys):
    path = copied(13)
    assert _main(["resume", str(path), "--max-steps", "29"]) == 0
    stored = json.loads((path / "config.json").read_text())
    assert [(start["from_step"], start["max_steps"], start["threads"]) for start in stored["starts"]] == [
        (0, 13, 1),
        (13, 29, 1),
    ]
    for start in stored["starts"]:
        assert start["versions"]["torch"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", start["time"])
    assert stored["environment"]["threads"] == 1


def test_a_kill_while_a_run_becomes_longer_leaves_it_to_be_finished(copied, capsys, monkeypatch):
    path = copied(13)

    def killed(self, **changes):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(RunFolder, "rewrite", killed)
        assert _main(["resume", str(path), "--max-steps", "29"]) == 130
    assert _main(["resume", str(path)]) == 0
    assert steps_of(path / "DONE") == 13


def test_a_sweep_that_meets_a_run_that_became_longer_says_so(tmp_path, capsys):
    (settings,) = figure3a(config(4), class_counts=(30,), seeds=(0,))
    (run,) = prepare([settings], tmp_path, jobs=1)
    assert _main(["resume", str(run.path)]) == 0
    assert _main(["resume", str(run.path), "--max-steps", "9"]) == 0
    assert run.path.name == run_name(settings)
    with pytest.raises(RunError, match=r"has other settings than it was named after: train\.max_steps 9, not 4$"):
        prepare([settings], tmp_path, jobs=1)


def test_a_tracker_hears_what_stands_at_a_step_whose_last_line_went(copied, plugins, tmp_path, monkeypatch):
    told = []
    path = copied(12)  # an evaluation stays, a training line goes

    class Recorder:
        def start(self, step):
            told.append(("start", step))

        def log(self, records):
            told.extend((record["split"], record["step"]) for record in records)

        def finish(self, outcome, reason=""):
            pass

    from contextlib import contextmanager

    @contextmanager
    def recording(run):
        yield Recorder()

    monkeypatch.setattr("icl_train._loop.tracking", recording)
    assert _main(["resume", str(path), "--max-steps", "15"]) == 0
    at_twelve = [("eval_fewshot_holdout", 12), ("eval_flipped", 12), ("eval_novel_label", 12)]
    assert told[:5] == [("start", 12), *at_twelve, ("eval_no_support_zipfian", 12)]
    assert told[5] == ("train", 15)


def test_it_goes_on_in_another_engine(tmp_path):
    run = run_to_end(tmp_path / "run", config(10))
    assert _main(["resume", str(run.path), "--max-steps", "20", "--engine", "ensemble"]) == 0
    assert [one["engine"] for one in RunFolder.open(run.path).starts] == ["eager", "ensemble"]


def test_an_engine_that_the_device_lacks_leaves_the_run_as_it_was(tmp_path):
    run = run_to_end(tmp_path / "run", config(10))
    before = (run.path / "config.json").read_bytes()
    with pytest.raises(ValueError, match=r"^train\.engine must be one of auto, .* on a cpu, got graph$"):
        _main(["resume", str(run.path), "--max-steps", "20", "--engine", "graph", "--device", "cpu"])
    assert (run.path / "config.json").read_bytes() == before


def test_each_start_says_what_its_hardware_and_python_are(tmp_path):
    path = tmp_path / "run"
    run_to_end(path, config(4))
    assert _main(["resume", str(path), "--max-steps", "8"]) == 0
    said = [(start["hardware"], start["python"]) for start in RunFolder.open(path).starts]
    assert said == [(processor_name(), platform.python_version())] * 2
