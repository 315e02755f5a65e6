"""The tracker that comes with icl-train."""

import importlib
import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from icl_models import find_tracker
from icl_models.testing import TrackerConformance
from icl_train import PlainReporter, RunFolder, smoke, train
from icl_train._commands.main import _main

needs_tensorboard = pytest.mark.skipif(
    importlib.util.find_spec("tensorboard") is None, reason="tensorboard is not installed"
)


def scalars(folder):
    """Tag → [(step, value), ...] as TensorBoard reads them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder))
    events.Reload()
    return {tag: [(event.step, event.value) for event in events.Scalars(tag)] for tag in events.Tags()["scalars"]}


def expected(run):
    """The same from metrics.jsonl."""
    series = {}
    for record in run.records():
        for name, value in record.items():
            if name != "step" and isinstance(value, (int, float)):
                series.setdefault(f"{record['split']}/{name}", []).append((record["step"], pytest.approx(value)))
    return series


class Interrupting(PlainReporter):
    def advance(self, step):
        if step == 25:
            raise KeyboardInterrupt


@needs_tensorboard
class TestTensorBoard(TrackerConformance):
    name = "tensorboard"


@needs_tensorboard
def test_every_number_of_the_records_is_a_scalar(tmp_path, capsys):
    assert _main(["run", "smoke", "--root", str(tmp_path), "--name", "run", "--train.tracker", "tensorboard"]) == 0
    run = RunFolder.open(tmp_path / "run")
    assert scalars(run.path / "tensorboard") == expected(run)


@needs_tensorboard
def test_a_resumed_run_has_each_step_once(tmp_path, capsys):
    config = smoke()
    config = replace(config, train=replace(config.train, tracker="tensorboard", log_interval=2))
    run = RunFolder.create(tmp_path / "run", config, device="cpu", threads=1)
    with pytest.raises(KeyboardInterrupt):
        train(run, Interrupting())
    train(run, PlainReporter())
    assert scalars(run.path / "tensorboard") == expected(run)


@needs_tensorboard
def test_event_files_of_all_runs_can_go_to_one_folder(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    options = ["--train.tracker", "tensorboard", "--train.tracker-config.folder", "events"]
    assert _main(["run", "smoke", "--root", str(tmp_path), "--name", "run", *options]) == 0
    assert list((tmp_path / "events" / "run").glob("events.*"))
    assert not (tmp_path / "run" / "tensorboard").exists()
    assert RunFolder.open(tmp_path / "run").config.train.tracker_config.folder == str(tmp_path / "events")


NOT_INSTALLED = r"needs tensorboard, which is not installed: pip install \"icl-train\[tensorboard\]\""


def without_tensorboard(monkeypatch, first):
    """As if it were not installed, with a folder to be looked into first.

    Not by ``syspath_prepend``, which would put the shortened path back in the end.
    """
    for name in [name for name in sys.modules if name.partition(".")[0] == "tensorboard"]:
        monkeypatch.delitem(sys.modules, name)
    folders = [folder for folder in sys.path if not (Path(folder) / "tensorboard" / "summary").exists()]
    monkeypatch.setattr(sys, "path", [str(first), *folders])
    importlib.invalidate_caches()


def start(root):
    return _main(["run", "smoke", "--root", str(root), "--train.tracker", "tensorboard"])


def test_without_tensorboard_one_line_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.setattr("icl_data.foundation.extras.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=NOT_INSTALLED):
        start(tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("name", ["tensorboard", "tensorboard.py"])
def test_a_folder_or_file_of_that_name_is_no_tensorboard(name, tmp_path, monkeypatch):
    without_tensorboard(monkeypatch, tmp_path)
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).touch() if name.endswith(".py") else (tmp_path / name).mkdir()
    with pytest.raises(ValueError, match=NOT_INSTALLED):
        start(tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_tensorboard_that_cannot_be_imported_is_one_line(tmp_path, monkeypatch):
    without_tensorboard(monkeypatch, tmp_path)
    (tmp_path / "tensorboard").mkdir()
    (tmp_path / "tensorboard" / "__init__.py").write_text("raise TypeError('Descriptors cannot be created')\n")
    with pytest.raises(ValueError, match="cannot use the tensorboard that is installed: TypeError: Descriptors cannot"):
        start(tmp_path / "runs")


def test_a_folder_called_icl_eval_cannot_plot(tmp_path, monkeypatch):
    others = [path for path in sys.path if not (Path(path) / "icl_eval").exists()]
    monkeypatch.setattr(sys, "path", [str(tmp_path), *others])
    for name in [name for name in sys.modules if name.partition(".")[0] == "icl_eval"]:
        monkeypatch.delitem(sys.modules, name)
    (tmp_path / "icl_eval").mkdir()
    with pytest.raises(ValueError, match=r"--plot needs icl_eval, which is not installed: pip install \"icl-eval\""):
        _main(["sweep", "figure3a", "--preset", "smoke", "--plot", "--root", str(tmp_path / "runs")])


def test_it_is_built_in():
    assert find_tracker("tensorboard").name == "tensorboard"
