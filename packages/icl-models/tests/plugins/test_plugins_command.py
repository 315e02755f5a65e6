"""``icl-models plugins``: what is installed, in which state, and what is wrong."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest
from plugin_sources import GOOD

from icl_models._commands.main import main


def test_the_command_lists_plugins_with_components_and_state(install: Any, capsys: pytest.CaptureFixture[str]) -> None:
    install("broken", "raise RuntimeError('why')")
    install("good", GOOD.format(name="fine"), version="3.1")
    assert main(["plugins", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert listed == [
        {
            "name": "broken",
            "distribution": "icl-dist-broken",
            "version": "1.0",
            "state": "broken",
            "components": {
                "embedders": [],
                "sequence_models": [],
                "trackers": [],
                "experiments": [],
                "figures": [],
                "launchers": [],
            },
            "error": "RuntimeError: why",
        },
        {
            "name": "good",
            "distribution": "icl-dist-good",
            "version": "3.1",
            "state": "loaded",
            "components": {
                "embedders": ["fine"],
                "sequence_models": [],
                "trackers": [],
                "experiments": [],
                "figures": [],
                "launchers": [],
            },
            "error": None,
        },
    ]
    assert main(["plugins", "--json", "--all"]) == 0
    built_in = json.loads(capsys.readouterr().out)[0]
    assert built_in["components"]["sequence_models"] == ["transformer", "lstm", "vanilla_rnn", "gru", "mamba", "reddy"]
    assert main(["plugins"]) == 0
    assert "good (icl-dist-good 3.1), loaded: fine" in capsys.readouterr().out


def test_the_command_reports_a_conflict_with_exit_code_2(install: Any, capsys: pytest.CaptureFixture[str]) -> None:
    install("one", GOOD.format(name="same"))
    install("two", GOOD.format(name="same"))
    assert main(["plugins"]) == 2
    captured = capsys.readouterr()
    assert "one (icl-dist-one 1.0)" in captured.out
    assert captured.err.count("\n") == 1


def test_the_command_says_when_there_is_nothing(install: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins"]) == 0
    assert capsys.readouterr().out == "no plugins installed\n"


@pytest.mark.parametrize("arguments", [[], ["plugins", "--yaml"], ["plugin"], ["plugins", "one"]])
def test_wrong_arguments_are_one_line_and_exit_code_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("icl-models")
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_a_reader_who_leaves_early_gets_no_traceback() -> None:
    read, write = os.pipe()
    os.close(read)
    script = "from icl_models._commands.main import main; raise SystemExit(main(['plugins', '--all']))"
    with os.fdopen(write) as pipe:
        ended = subprocess.run([sys.executable, "-c", script], stdout=pipe, stderr=subprocess.PIPE, check=False)
    assert ended.returncode == 141
    assert ended.stderr == b""
