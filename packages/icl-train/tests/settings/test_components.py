"""Components of plugins: their settings are options, kept with whose they are, and missed by name."""

import json
from dataclasses import replace

import pytest

from icl_models import PluginWarning
from icl_train import PlainReporter, RunConfig, RunError, RunFolder, Task, resolve_device, smoke, train
from icl_train._commands.main import _main

EMBEDDER = """
from dataclasses import dataclass
from torch import nn
from icl_models import ComponentConfig, EmbedderSpec, hookimpl

@dataclass(frozen=True, kw_only=True)
class TriedConfig(ComponentConfig):
    width: int = 5
    '''Units of the hidden layer.'''
    sizes: tuple[int, ...] = (1, 2)
    '''Not used.'''

    def __post_init__(self):
        if self.width < 1:
            raise ValueError(f"width must be at least 1, got {self.width}")

def build(model, own):
    return nn.Sequential(nn.Linear(model.example_shape[0], own.width), nn.Linear(own.width, model.emb_dim))

@hookimpl
def icl_register_embedders():
    return [EmbedderSpec(name="tried", build=build, config=TriedConfig, example_kinds=["vector"])]
"""
OPTIONS = ["--model.embedder", "tried", "--model.embedder-config.width", "3"]
MISSING = "embedder 'tried' needs icl-dist-tried 1.0, which is not installed: pip install icl-dist-tried==1.0"


@pytest.fixture(autouse=True)
def tried(plugins):
    plugins.install("tried", EMBEDDER)


@pytest.fixture
def run(tmp_path, capsys):
    assert _main(["run", "smoke", "--root", str(tmp_path), "--name", "run", *OPTIONS]) == 0
    capsys.readouterr()
    return RunFolder.open(tmp_path / "run")


def test_settings_and_owner_are_in_config_json(run):
    stored = json.loads((run.path / "config.json").read_text())
    assert stored["config"]["model"]["embedder_config"] == {"width": 3, "sizes": [1, 2]}
    owner = {"name": "tried", "distribution": "icl-dist-tried", "version": "1.0"}
    assert stored["environment"]["plugins"] == {"embedder": owner}


def test_a_run_of_built_in_components_names_no_plugin(tmp_path):
    made = RunFolder.create(tmp_path / "run", smoke(), device="cpu", threads=1)
    assert made.environment["plugins"] == {}


def test_a_checkpoint_of_a_plugins_model_opens_again(run):
    assert run.config.model.embedder_config.width == 3
    assert run.config.model.embedder_config.sizes == (1, 2)
    run.require_components()
    model = Task.build(run.config, device=resolve_device("cpu")).build_model()
    assert model.embedder[0].out_features == 3


def test_a_components_settings_are_options_with_help(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit):
        _main(["run", "laptop", "--model.embedder", "tried", "--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert "--model.embedder-config.width N" in shown
    assert "Units of the hidden layer [5]" in shown


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model.embedder", "tired"], r"embedder must be one of .*, got 'tired' \(did you mean 'tried'\?\)"),
        (
            ["--model.embedder", "tried", "--model.embedder-config.widht", "3"],
            r"does not exist; did you mean --model\.embedder-config\.width\?",
        ),
        (
            ["--model.embedder", "tried", "--model.embedder-config.width", "0"],
            r"^model\.embedder-config: width must be at least 1, got 0$",
        ),
        (["--model.embedder", "tried", "--model.embedder-config.width", "a"], r"--model\.embedder-config\.width.*'a'"),
    ],
)
def test_a_mistake_about_a_plugin_is_one_line_and_makes_no_run(options, message, tmp_path):
    with pytest.raises(ValueError, match=message) as caught:
        _main(["run", "smoke", "--root", str(tmp_path / "runs"), *options])
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "runs").exists()


def test_without_its_plugin_a_run_is_read_but_not_trained(run, plugins):
    before = run.config.to_dict(), run.config.digest()
    plugins.uninstall("tried")
    again = RunFolder.open(run.path)
    assert (again.config.to_dict(), again.config.digest()) == before
    assert again.records() == run.records()
    assert again.unusable == MISSING
    with pytest.raises(RunError) as caught:
        again.require_components()
    assert str(caught.value) == MISSING
    with pytest.raises(ValueError, match="needs icl-dist-tried"):
        Task.build(again.config, device=resolve_device("cpu")).build_model()


def test_resuming_without_the_plugin_leaves_the_folder_as_it_is(run, plugins):
    (run.path / "DONE").unlink()
    plugins.uninstall("tried")
    files = {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()}
    with pytest.raises(RunError, match="which is not installed: pip install icl-dist-tried==1"):
        _main(["resume", str(run.path)])
    assert {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file()} == files


def test_status_shows_the_run_and_says_which_plugin_is_missing(run, plugins, capsys):
    plugins.uninstall("tried")
    assert _main(["status", str(run.path.parent)]) == 0
    shown = capsys.readouterr().out
    assert "done" in shown
    assert f"{run.path}: {MISSING}\n" in shown


def test_another_version_of_the_plugin_is_told_in_one_line_that_names_both(run, plugins):
    plugins.install("tried", EMBEDDER, version="2.0")
    again = RunFolder.open(run.path)
    message = r"embedder 'tried' was of icl-dist-tried 1\.0 when the run was made, and is of icl-dist-tried 2\.0 here"
    with pytest.warns(PluginWarning, match=message) as warned:
        train(again, PlainReporter())
    assert len(warned) == 1


def test_a_version_that_refuses_the_stored_settings_is_named_with_the_one_that_took_them(run, plugins):
    plugins.install("tried", EMBEDDER.replace("width", "units"), version="2.0")
    again = RunFolder.open(run.path)
    assert again.unusable == (
        "embedder 'tried' of icl-dist-tried 1.0 has settings that icl-dist-tried 2.0 refuses: "
        "settings must be ones that this version knows, got model.embedder_config.width"
    )
    assert again.config.to_dict() == run.config.to_dict()


def test_settings_without_an_owner_need_their_component(run, plugins):
    settings = run.config.to_dict()
    plugins.uninstall("tried")
    with pytest.raises(ValueError, match=r"embedder must be one of .*, got 'tried'"):
        RunConfig.from_dict(settings)


def test_plugins_that_cannot_be_used_together_are_told_when_a_run_is_opened(run, plugins):
    plugins.install("twin", EMBEDDER)
    with pytest.raises(RunError, match=r"embedder 'tried' must have one owner, got .*icl-dist-tried.*icl-dist-twin"):
        RunFolder.open(run.path)


def test_the_plugin_changes_the_model(run, tmp_path):
    other = replace(smoke(), model=run.config.model)
    assert other.digest() != smoke().digest()
