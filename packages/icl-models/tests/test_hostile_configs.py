"""Configs of any JSON: what is no configuration is refused in one short line that names the setting."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from icl_models import ModelConfig
from icl_models._commands.config_file import read_config
from icl_models._commands.main import main

GOOD: dict[str, Any] = {
    "num_classes": 5,
    "example_kind": "id",
    "example_shape": [],
    "embedder": "embedding",
    "emb_dim": 16,
    "num_layers": 1,
}
DEEP = json.loads("[" * 500 + "]" * 500)
WRONG: list[tuple[str, Any]] = [
    *(
        (name, value)
        for name in ("num_classes", "emb_dim", "num_layers", "num_heads", "num_ids", "hidden_size")
        for value in (54.5, True, "5", [1], {"a": 1}, float("inf"), 2**63, -1, 0, DEEP)
    ),
    *((name, None) for name in ("num_classes", "emb_dim", "num_layers")),
    *(
        (name, value)
        for name in ("dropout_prob", "example_dropout_prob", "positional_dropout_prob")
        for value in (False, "0", [0], float("nan"), float("inf"), 1, 10**300, DEEP, None)
    ),
    *((name, value) for name in ("use_positional_encodings", "concatenate_labels") for value in (1, "yes", [], None)),
    *((name, value) for name in ("embedder", "sequence_model") for value in (5, [], {}, None, "x" * 10**5, DEEP)),
    *(("example_kind", value) for value in (5, [], None, "thing", DEEP)),
    *(("example_shape", value) for value in (5, [1], "abc", None, {"a": 1}, DEEP)),
    *(("sequence_model_config", value) for value in (5, [1], "abc", DEEP, {"norm": []}, {"mlp_layers": [DEEP]})),
    ("sequence_model_config", {"mlp_layers": list(range(10**4))}),
    ("sequence_model_config", {"positions": "learned", "num_positions": 10**30}),
    ("sequence_model_config", {"positions": "learned", "num_positions": 2.5}),
    ("embedder_config", {"unknown": 1}),
    ("x" * 10**5, 1),
]


@pytest.mark.parametrize(("setting", "value"), WRONG, ids=lambda value: str(value)[:30])
def test_a_value_of_another_sort_is_refused_in_a_line_that_names_the_setting(setting: str, value: Any) -> None:
    with pytest.raises(ValueError) as caught:
        ModelConfig.from_dict({**GOOD, setting: value})
    line = str(caught.value)
    inside = next(iter(value)) if isinstance(value, dict) and len(value) == 1 else ""
    assert setting[:40] in line or inside in line or "TransformerConfig" in line
    assert "\n" not in line
    assert len(line) < 700


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 100_000, "a config must be a JSON file or a saved model"),
        ('{"num_layers":' + "9" * 5000 + "}", "a config must be a JSON file or a saved model"),
        (json.dumps(GOOD | {"num_layers": 10**9}), "num_layers must be at most 10,000 to be summarized"),
        (json.dumps(GOOD | {"emb_dim": 2**40}), "emb_dim"),
        (json.dumps([GOOD]), "a config must be a JSON object, got a list"),
        ('{"num_classes": 5}' + " " * 2**20, "must have at most 1,048,576 bytes, got 1,048,594"),
        ("\ufeff{}", "a config must be a JSON file or a saved model"),
    ],
    ids=["deep", "a long number", "layers", "width", "a list", "large", "a mark"],
)
def test_a_config_that_cannot_be_is_one_line_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    (tmp_path / "config.json").write_text(text, encoding="utf-8")
    assert main(["summary", str(tmp_path / "config.json")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert captured.err.count("\n") == 1


def test_an_assignment_that_is_too_deep_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "config.json").write_text(json.dumps(GOOD))
    assert main(["summary", str(tmp_path / "config.json"), "--set", "num_layers=" + "[" * 100_000]) == 2
    assert "--set 'num_layers' must have a value that is not nested so deep" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="no such pipes there")
def test_a_pipe_in_a_configs_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.json")
    with pytest.raises(OSError, match="must be a file, got a pipe"):
        read_config(tmp_path / "config.json", {})


def test_what_a_plugins_settings_raise_names_the_plugin(install: Any) -> None:
    install(
        "odd",
        "from dataclasses import dataclass\n"
        "from icl_models import ComponentConfig, EmbedderSpec, hookimpl\n"
        "@dataclass(frozen=True, kw_only=True)\n"
        "class Odd(ComponentConfig):\n"
        "    width: int = 4\n"
        "    def __post_init__(self):\n"
        "        self.width + 1\n"
        "def check(model, own):\n"
        "    1 / (own.width - 3)\n"
        "@hookimpl\n"
        "def icl_register_embedders():\n"
        "    return [EmbedderSpec(name='odd', build=None, config=Odd, check=check)]\n",
    )
    odd = {**GOOD, "embedder": "odd"}
    with pytest.raises(
        ValueError, match=r"embedder 'odd' \(plugin 'odd' of icl-dist-odd 1\.0\) cannot take its settings"
    ):
        ModelConfig.from_dict(odd | {"embedder_config": {"width": "four"}})
    with pytest.raises(ValueError, match=r"'odd' \(plugin .*\) cannot check its settings: ZeroDivisionError"):
        ModelConfig.from_dict(odd | {"embedder_config": {"width": 3}})
