"""A folder of somebody else's: no command runs what lies in it."""

import json
import os
import shutil
import subprocess
import sys

import pytest

from icl_eval._commands.main import COMMANDS
from icl_train._commands.main import _main

MODULE = """\
from pathlib import Path
import numpy as np
from icl_data import ArraySource
with (Path(__file__).parent / "ran").open("a") as file:
    file.write(__name__ + "\\n")
def make():
    return ArraySource(np.random.default_rng(0).normal(size=(80, 9, 4)).astype("float32"))
"""
# What is imported where it is installed, and would be taken from here where it is not.
OTHERS = ("yaml", "tensorboard", "transformers", "tensorflow_datasets", "icl_plugin_example", "sitecustomize")
# Runs commands one after the other in one process that began as the installed command does, not as `python -m`.
DRIVER = """\
import importlib, json, sys
codes = []
for package, args in json.loads(sys.argv[1]):
    sys.argv = [package, *args]
    main = importlib.import_module(f"icl_{package}._commands.main").main
    try:
        codes.append(main())
    except SystemExit as stop:
        codes.append(stop.code)
print("codes", json.dumps(codes))
"""
SHORT = ["--max-steps", "2", "--eval-batches", "1"]
COMMANDS_ON = {
    "train": {
        "run": [["run", "--config", "runs/one", "--root", "out"], ["run", "smoke", *SHORT, "--root", "runs"]],
        "resume": [["resume", "runs/one"], ["resume", "runs/one", "--max-steps", "80"]],
        "sweep": [
            ["sweep", "grid", "--config", "runs/one", "--root", "out"],
            ["sweep", "figure3a", "--preset", "smoke", "--class-counts", "30", "--root", "runs", *SHORT],
            ["sweep", "figure2", "--scale", "laptop", "--root", "runs", "--dry-run"],
        ],
        "experiments": [["experiments"], ["experiments", "figure2"]],
        "status": [["status", "runs"], ["status", "runs", "--json"]],
        "show-config": [["show-config", "runs/one"], ["show-config", "runs/one/config.json"]],
        "verify": [["verify", "runs"]],
        "convert-config": [["convert-config", "their_own.py"]],
        "profile": [["profile", "runs/one"], ["profile", "runs/one/config.json"]],
    },
    "eval": {
        "figure3a": [["figure3a", "runs", "--unfinished", "--output", "out.png"]],
        "plot": [["plot", "runs", "--unfinished", "--x", "step", "--output", "plot.png"]],
        "evaluate": [["evaluate", "runs/one"], ["evaluate", "runs"], ["evaluate", "runs/one", "--all-checkpoints"]],
        "compare": [["compare", "runs", "--with", "runs/one", "--unfinished"]],
        "table": [["table", "runs", "--unfinished"], ["table", "runs", "--wide", "--unfinished"]],
        "watch": [["watch", "runs", "--once"], ["watch", "runs", "--once", "--group"]],
        "report": [["report", "runs"], ["report", "runs", "--out", "page.html"]],
        "claims": [["claims", "runs", "--unfinished"]],
        "figures": [["figures", "runs"]],
        "heads": [["heads", "runs/one"], ["heads", "runs/one", "--steps", "all", "--out", "out"]],
        "patch": [["patch", "runs/one"], ["patch", "runs/one", "fewshot_holdout", "flipped"]],
    },
    "data": {"show": [["show"]], "stats": [["stats"]]},
    "models": {"plugins": [["plugins"]], "summary": [["summary", "runs/one/checkpoints/step_0000040"]]},
}


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """A run of a source of somebody's own code, as it came from another machine, and other things beside it."""
    made = tmp_path_factory.mktemp("made")
    (made / "their_own.py").write_text(MODULE)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made)
        assert _main(["run", "smoke", "--data.source", "their_own:make", "--name", "one"]) == 0
    sys.modules.pop("their_own")
    (made / "ran").unlink()
    return made


@pytest.fixture
def folder(stranger, tmp_path):
    shutil.copytree(stranger, tmp_path / "theirs")
    folder = tmp_path / "theirs"
    (folder / "runs" / "two").symlink_to(folder / "runs" / "one")
    for name in OTHERS:
        (folder / f"{name}.py").write_text(MODULE)
    # A plugin that says of itself that it is installed
    (folder / "stranger.py").write_text(MODULE)
    plugin = folder / "stranger-1.0.dist-info"
    plugin.mkdir()
    (plugin / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (plugin / "entry_points.txt").write_text("[icl]\nstranger = stranger\n")
    return folder


def run_commands(folder, commands, **variables):
    environment = {**os.environ, "ICL_STATE": str(folder.parent / "state"), **variables}
    command = [sys.executable, "-P", "-c", DRIVER, json.dumps(commands)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    assert "Traceback" not in done.stderr, done.stderr
    return json.loads(done.stdout.splitlines()[-1].removeprefix("codes ")), done.stderr


def ran(folder):
    return sorted(path for path in folder.rglob("ran"))


def known_train_commands():
    with pytest.raises(ValueError, match="a command must be given: one of") as caught:
        _main([])
    return set(str(caught.value).partition("one of ")[2].partition(" (")[0].split(", "))


def test_the_commands_below_are_all_that_look_into_runs():
    assert known_train_commands() <= COMMANDS_ON["train"].keys()
    assert {*COMMANDS, "figure3a"} == COMMANDS_ON["eval"].keys()


@pytest.mark.parametrize("package", COMMANDS_ON)
def test_no_command_runs_what_lies_in_a_strangers_folder(package, folder):
    commands = [
        (package, args)
        for name, several in COMMANDS_ON[package].items()
        for args in several
        if package != "train" or name in known_train_commands()
    ]
    (folder / "runs" / "one" / "DONE").unlink()  # with which there is nothing to resume
    codes, told = run_commands(folder, commands)
    assert ran(folder) == []
    refused = [code for (_, args), code in zip(commands, codes, strict=True) if "runs/one" in " ".join(args)]
    assert codes
    if package == "train":
        assert refused == [2] * len(refused)
        assert told.count("it would import their_own, from ") == len(refused)


FLAT = {"data": {"source": "their_own:make"}}
TURNED = {"config.json of no run": FLAT, "config.json of dotted names": {"data.source": "their_own:make"}}


@pytest.mark.parametrize("settings", TURNED.values(), ids=TURNED.keys())
def test_a_config_json_that_is_not_of_a_run_is_no_settings(settings, folder):
    (folder / "runs" / "one" / "config.json").write_text(json.dumps(settings))
    commands = [("train", args) for name in ("run", "sweep", "show-config") for args in COMMANDS_ON["train"][name][:1]]
    codes, told = run_commands(folder, [*commands, ("train", ["show-config", "runs/one/config.json"])])
    assert ran(folder) == []
    assert codes == [2] * 4
    assert told.count("must be of a run, with its settings in 'config'") == 4


@pytest.mark.parametrize("source", [["their_own:make"], {"a": "their_own:make"}, 5, True])
def test_a_source_that_is_no_text_is_not_made_one(source, folder):
    file = folder / "runs" / "one" / "config.json"
    stored = json.loads(file.read_text())
    del stored["sha256"]
    stored["config"]["data"]["source"] = source
    (folder / "copy.json").write_text(json.dumps(stored))
    (folder / "settings.json").write_text(json.dumps({"data": {"source": source}}))
    for module in ("['their_own", '["their_own', "{'a'"):
        (folder / f"{module}.py").write_text(MODULE)
    codes, told = run_commands(folder, [("train", ["show-config", name]) for name in ("copy.json", "settings.json")])
    assert ran(folder) == []
    assert codes == [2, 2]
    assert told.count("data.source") == 2


@pytest.mark.parametrize(("package", "args"), [("train", ["resume", "runs/one"]), ("eval", ["evaluate", "runs/one"])])
def test_with_trust_the_source_is_imported(package, args, folder):
    (folder / "runs" / "one" / "DONE").unlink()
    codes, told = run_commands(folder, [(package, args), (package, [*args, "--trust"])])
    assert codes == [2, 0], told
    assert "(--trust allows it)" in told
    assert (folder / "ran").read_text() == "their_own\n"


def test_of_several_runs_a_strangers_is_passed_over_and_named(folder):
    codes, told = run_commands(
        folder, [("train", ["run", "smoke", *SHORT, "--name", "own"]), ("eval", ["evaluate", "runs"])]
    )
    assert codes == [0, 0]
    assert [line for line in told.splitlines() if "skipped" in line and "their_own" in line]
    assert (folder / "runs" / "own" / "evaluation.csv").exists()
    assert ran(folder) == []
