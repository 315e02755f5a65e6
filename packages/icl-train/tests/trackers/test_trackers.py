"""Trackers: told of everything that the run writes down, able to change nothing."""

import json
from dataclasses import replace

import pytest
from safetensors.torch import load_file

from icl_models import PluginWarning, find_tracker
from icl_train import PlainReporter, RunConfig, RunFailed, RunFolder, smoke, train, why_failed
from icl_train._commands.main import _main

RECORDER = """
import json, random
from dataclasses import dataclass

import numpy as np
import torch

from icl_models import ComponentConfig, TrackerSpec, hookimpl

@dataclass(frozen=True, kw_only=True)
class RecorderConfig(ComponentConfig):
    '''Where the recorder writes.

    Args:
        file: name of its file in the run folder.
        raise_in: method that raises; default: none.
    '''

    file: str = "recorder.jsonl"
    raise_in: str = ""

    def __post_init__(self):
        if "/" in self.file:
            raise ValueError(f"file must be a name in the run folder, got {self.file!r}")

class Recorder:
    def __init__(self, folder, settings, own):
        self.file, self.raise_in = folder / own.file, own.raise_in
        self.write("build", settings["train"]["max_steps"])

    def write(self, method, *values):
        with self.file.open("a") as file:
            file.write(json.dumps([method, *values]) + chr(10))
        torch.manual_seed(1)
        random.seed(1)
        np.random.seed(1)
        if self.raise_in == method:
            raise OSError(f"no network in {method}")

    def start(self, from_step):
        self.write("start", from_step)

    def log(self, records):
        self.write("log", records)
        for record in records:
            record.clear()

    def finish(self, outcome, reason):
        self.write("finish", outcome, reason)

def check(own):
    if own.file == "taken":
        raise ValueError("file must be free, got 'taken'")

@hookimpl
def icl_register_trackers():
    return [TrackerSpec(name="recorder", build=Recorder, config=RecorderConfig, check=check)]
"""


@pytest.fixture(autouse=True)
def recorder(plugins):
    plugins.install("recorder", RECORDER)


def tracked(name="recorder", **own):
    """A smoke run with the tracker."""
    config = smoke()
    settings = find_tracker(name).config(**own) if name else None
    return replace(config, train=replace(config.train, tracker=name, tracker_config=settings, log_interval=2))


def made(path, config):
    return RunFolder.create(path, config, device="cpu", threads=1)


def told(run, file="recorder.jsonl"):
    return [json.loads(line) for line in (run.path / file).read_text().splitlines()]


def told_records(run):
    """What a log that drops what comes again would hold."""
    records = []
    for method, *values in told(run):
        if method == "start":
            records = [record for record in records if record["step"] < values[0]]
        if method == "log":
            records += values[0]
    return records


def outcome(run):
    """Records without their clock, and the last weights."""
    records = run.records()
    for record in records:
        record.pop("sequences_per_second", None)
    weights = load_file(run.checkpoints / "step_0000040" / "model.safetensors")
    return records, {name: value.tolist() for name, value in weights.items()}


class Quiet(PlainReporter):
    def __init__(self, interrupted_at=None):
        super().__init__()
        self.interrupted_at = interrupted_at

    def start(self, *arguments):
        pass

    def records(self, records):
        pass

    def advance(self, step):
        if step == self.interrupted_at:
            raise KeyboardInterrupt


def test_a_tracker_is_told_what_metrics_jsonl_holds_and_how_it_ended(tmp_path):
    run = made(tmp_path / "run", tracked())
    train(run, Quiet())
    events = told(run)
    assert events[:2] == [["build", 40], ["start", 0]]
    assert events[-1] == ["finish", "done", ""]
    assert told_records(run) == run.records()


def test_a_tracker_changes_no_number_of_the_run(tmp_path):
    plain, followed = made(tmp_path / "plain", tracked(None)), made(tmp_path / "followed", tracked())
    train(plain, Quiet())
    train(followed, Quiet())
    assert outcome(followed) == outcome(plain)


@pytest.mark.parametrize("method", ["build", "start", "log", "finish"])
def test_a_tracker_that_raises_is_set_aside_and_the_run_goes_on(method, tmp_path):
    plain, run = made(tmp_path / "plain", tracked(None)), made(tmp_path / "run", tracked(raise_in=method))
    train(plain, Quiet())
    message = (
        r"training goes on without its tracker 'recorder' \(plugin 'recorder' of icl-dist-recorder 1\.0\): "
        rf"OSError: no network in {method}"
    )
    with pytest.warns(PluginWarning, match=message) as warned:
        train(run, Quiet())
    assert len(warned) == 1
    assert run.status() == "done"
    assert told(run)[-1][0] == method
    assert outcome(run) == outcome(plain)


def test_a_resumed_run_tells_each_record_of_its_own_once(tmp_path):
    run = made(tmp_path / "run", tracked())
    with pytest.raises(KeyboardInterrupt):
        train(run, Quiet(interrupted_at=25))
    assert told(run)[-1] == ["finish", "interrupted", ""]
    train(RunFolder.open(run.path), Quiet())
    assert [values for method, *values in told(run) if method == "start"] == [[0], [21]]
    first = told(run)[: told(run).index(["start", 21])]
    assert max(record["step"] for method, *values in first if method == "log" for record in values[0]) == 24
    assert told(run)[-1] == ["finish", "done", ""]
    assert told_records(run) == run.records()
    steps = [(record["split"], record["step"]) for record in run.records()]
    assert len(set(steps)) == len(steps)


def test_a_tracker_hears_why_a_run_failed(tmp_path):
    config = tracked()
    run = made(tmp_path / "run", replace(config, optim=replace(config.optim, max_lr=1e38)))
    with pytest.raises(RunFailed):
        train(run, Quiet())
    method, outcome, reason = told(run)[-1]
    assert (method, outcome) == ("finish", "failed")
    assert reason == why_failed(run)


def test_a_run_whose_tracker_is_not_installed_is_resumed_without_it(tmp_path, plugins):
    run = made(tmp_path / "run", tracked())
    plugins.uninstall("recorder")
    again = RunFolder.open(run.path)
    assert again.config.to_dict() == run.config.to_dict()
    message = r"without its tracker: tracker 'recorder' needs icl-dist-recorder 1\.0, which is not installed: pip"
    with pytest.warns(PluginWarning, match=message):
        train(again, Quiet())
    assert again.status() == "done"


def test_a_tracker_makes_no_other_experiment():
    names = {config.digest() for config in (tracked(None), tracked(), tracked(file="other"))}
    assert len(names) == 1


def test_settings_of_a_tracker_go_to_config_json_and_back(tmp_path):
    run = made(tmp_path / "run", tracked(file="mine"))
    stored = json.loads((run.path / "config.json").read_text())
    assert stored["config"]["train"]["tracker_config"] == {"file": "mine", "raise_in": ""}
    owner = {"name": "recorder", "distribution": "icl-dist-recorder", "version": "1.0"}
    assert stored["environment"]["plugins"] == {"tracker": owner}
    assert RunFolder.open(run.path).config == run.config
    assert RunConfig.from_dict(run.config.to_dict()) == run.config


def test_a_trackers_settings_are_options_with_help(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit):
        _main(["run", "smoke", "--train.tracker", "recorder", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "--train.tracker-config.file NAME" in shown
    assert "name of its file in the run folder" in shown
    options = ["--train.tracker", "recorder", "--train.tracker-config.file", "mine"]
    assert _main(["run", "smoke", "--root", str(tmp_path), "--name", "run", *options]) == 0
    assert told(RunFolder.open(tmp_path / "run"), "mine")[-1] == ["finish", "done", ""]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--train.tracker", "recoder"], r"tracker must be one of .*, got 'recoder' \(did you mean 'recorder'\?\)"),
        (
            ["--train.tracker", "recorder", "--train.tracker-config.flie", "x"],
            r"does not exist; did you mean --train\.tracker-config\.file\?",
        ),
        (
            ["--train.tracker", "recorder", "--train.tracker-config.file", "a/b"],
            r"^train\.tracker-config: file must be a name in the run folder, got 'a/b'$",
        ),
        (["--train.tracker", "recorder", "--train.tracker-config.file", "taken"], r"^file must be free, got 'taken'$"),
        (["--train.tracker-config.file", "x"], r"option --train\.tracker-config\.file does not exist"),
    ],
)
def test_a_mistake_about_trackers_is_one_line_and_makes_no_run(options, message, tmp_path):
    with pytest.raises(ValueError, match=message) as caught:
        _main(["run", "smoke", "--root", str(tmp_path / "runs"), *options])
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "runs").exists()


def test_a_tracker_can_be_taken_back(tmp_path, capsys):
    options = ["--train.tracker", "recorder", "--train.tracker", "None"]
    assert _main(["run", "smoke", "--root", str(tmp_path), "--name", "run", *options]) == 0
    assert not (tmp_path / "run" / "recorder.jsonl").exists()


def test_settings_without_their_tracker_are_refused():
    config = tracked()
    with pytest.raises(ValueError, match=r"train\.tracker_config needs train\.tracker, got RecorderConfig"):
        replace(config.train, tracker=None)
    with pytest.raises(ValueError, match=r"train\.tracker_config must be TensorBoardConfig for 'tensorboard', got Rec"):
        replace(config.train, tracker="tensorboard")
