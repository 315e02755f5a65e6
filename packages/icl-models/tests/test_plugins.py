"""Plugins, through fake distributions on the path: loaded, broken, in conflict, misspelt, left out."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import icl_models._registry as registry_module
from icl_models import ModelConfig, PluginError, PluginWarning, build_model, hookspecs, known_embedders
from icl_models._cli import main
from icl_models._registry import Registry
from icl_models.testing import SequenceModelConformance

GOOD = """
from dataclasses import dataclass
from torch import nn
from icl_models import ComponentConfig, EmbedderSpec, hookimpl

@dataclass(frozen=True, kw_only=True)
class {name}Config(ComponentConfig):
    scale: float = 1.0

class {name}(nn.Module):
    def __init__(self, model, own):
        super().__init__()
        self.scale = own.scale
        self.linear = nn.Linear(model.example_shape[0], model.emb_dim)

    def forward(self, examples):
        return self.scale * self.linear(examples)

@hookimpl
def icl_register_embedders():
    return [EmbedderSpec(name="{name}", build={name}, config={name}Config, example_kinds=("vector",))]
"""


class Installer:
    """Puts distributions with one plugin each into a folder on the path."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, name: str, source: str, version: str = "1.0") -> None:
        module = f"icl_fake_{name}"
        (self.folder / f"{module}.py").write_text(source)
        info = self.folder / f"icl_dist_{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: icl-dist-{name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[icl]\n{name} = {module}\n")


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installer]:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delenv("ICL_PLUGINS", raising=False)
    registry_module.registry.cache_clear()
    yield Installer(tmp_path)
    registry_module.registry.cache_clear()
    for module in [name for name in sys.modules if name.startswith("icl_fake_")]:
        del sys.modules[module]


VECTORS: dict[str, Any] = {"num_classes": 4, "example_kind": "vector", "example_shape": (3,), "num_layers": 1}


def test_a_plugins_embedder_is_built_with_its_own_settings(install: Installer) -> None:
    install("good", GOOD.format(name="doubled"))
    assert "doubled" in known_embedders()
    settings = ModelConfig(**VECTORS, embedder="doubled").to_dict() | {"embedder_config": {"scale": 2.0}}
    config = ModelConfig.from_dict(settings)
    model = build_model(config, seed=0)
    plain = build_model(ModelConfig(**VECTORS, embedder="doubled"), seed=0)
    x = torch.ones(1, 2, 3)
    torch.testing.assert_close(model.embed_examples(x), 2 * plain.embed_examples(x))
    assert ModelConfig.from_dict(config.to_dict()) == config


def test_a_broken_plugin_is_set_aside_with_a_warning_that_names_it(install: Installer) -> None:
    install("broken", "import a_module_that_is_not_there")
    install("good", GOOD.format(name="fine"))
    with pytest.warns(
        PluginWarning, match=r"plugin 'broken' of icl-dist-broken 1\.0 is set aside: ModuleNotFoundError"
    ):
        registry = Registry()
    assert "fine" in registry.embedders()
    assert registry.embedder("resnet").name == "resnet"


def test_asking_for_a_broken_plugins_component_gives_its_error(install: Installer) -> None:
    install("broken", "raise RuntimeError('no licence\\nfor today')")
    with pytest.warns(PluginWarning):
        registry = Registry()
    with pytest.raises(
        PluginError, match=r"icl-dist-broken 1\.0 is set aside: RuntimeError: no licence for today"
    ) as error:
        registry.embedder("broken")
    assert isinstance(error.value.__cause__, RuntimeError)


def test_two_plugins_that_claim_one_name_are_both_named(install: Installer) -> None:
    install("one", GOOD.format(name="same"))
    install("two", GOOD.format(name="same"), version="2.0")
    owners = r"plugin 'one' of icl-dist-one 1\.0 and plugin 'two' of icl-dist-two 2\.0"
    message = f"embedder 'same' must have one owner, got {owners}"
    with pytest.raises(PluginError, match=message):
        ModelConfig(**VECTORS, embedder="same")
    with pytest.raises(PluginError, match=message):
        known_embedders()


def test_a_plugin_cannot_take_a_built_in_name(install: Installer) -> None:
    install("thief", GOOD.format(name="vector"))
    with pytest.raises(
        PluginError, match=r"'vector' must have one owner, got plugin 'icl-models' .* and plugin 'thief'"
    ):
        known_embedders()


def test_icl_plugins_settles_a_conflict(install: Installer, monkeypatch: pytest.MonkeyPatch) -> None:
    install("one", GOOD.format(name="same"))
    install("two", GOOD.format(name="same"))
    monkeypatch.setenv("ICL_PLUGINS", "two")
    registry = Registry()
    assert "same" in registry.embedders()
    assert {r.name: r.state for r in registry.records} == {"icl-models": "loaded", "one": "disabled", "two": "loaded"}


def test_an_empty_icl_plugins_leaves_the_built_ins(install: Installer, monkeypatch: pytest.MonkeyPatch) -> None:
    install("broken", "raise RuntimeError")
    monkeypatch.setenv("ICL_PLUGINS", "")
    assert Registry().embedders() == ("embedding", "linear", "resnet", "vector")


def test_icl_plugins_must_name_installed_plugins(install: Installer, monkeypatch: pytest.MonkeyPatch) -> None:
    install("good", GOOD.format(name="fine"))
    monkeypatch.setenv("ICL_PLUGINS", "god")
    with pytest.raises(PluginError, match=r"ICL_PLUGINS must name installed plugins \(good\), got 'god'"):
        Registry().embedders()


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (GOOD.format(name="x").replace("icl_register_embedders", "icl_register_embeders"), "icl_register_embeders"),
        (GOOD.format(name="x").replace("example_kinds=(", "example_kinds=('sound', "), "got 'sound'"),
        (
            GOOD.format(name="x").replace("return [Emb", "return ['e'] and [repr] and ['e'] or [Emb"),
            "must return EmbedderSpec",
        ),
        (GOOD.format(name="x").replace('name="x", ', 'name="", '), "must be a non-empty string"),
        (GOOD.format(name="x").replace("config=xConfig", "config=dict"), "must be a subclass of ComponentConfig"),
        (GOOD.format(name="x").replace("embedders()", "embedders(everything)"), "everything"),
    ],
    ids=["misspelt hook", "kind", "not a spec", "no name", "config", "argument"],
)
def test_a_plugin_that_breaks_the_contract_is_set_aside(install: Installer, source: str, reason: str) -> None:
    install("wrong", source)
    with pytest.warns(PluginWarning, match=reason):
        registry = Registry()
    assert registry.embedders() == ("embedding", "linear", "resnet", "vector")
    assert registry.records[-1].state == "broken"


def test_the_command_lists_plugins_with_components_and_state(
    install: Installer, capsys: pytest.CaptureFixture[str]
) -> None:
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
            "components": {"embedders": [], "sequence_models": []},
            "error": "RuntimeError: why",
        },
        {
            "name": "good",
            "distribution": "icl-dist-good",
            "version": "3.1",
            "state": "loaded",
            "components": {"embedders": ["fine"], "sequence_models": []},
            "error": None,
        },
    ]
    assert main(["plugins", "--json", "--all"]) == 0
    built_in = json.loads(capsys.readouterr().out)[0]
    assert built_in["components"]["sequence_models"] == ["transformer", "lstm", "vanilla_rnn", "gru", "mamba"]
    assert main(["plugins"]) == 0
    assert "good (icl-dist-good 3.1), loaded: fine" in capsys.readouterr().out


def test_the_command_reports_a_conflict_with_exit_code_2(
    install: Installer, capsys: pytest.CaptureFixture[str]
) -> None:
    install("one", GOOD.format(name="same"))
    install("two", GOOD.format(name="same"))
    assert main(["plugins"]) == 2
    captured = capsys.readouterr()
    assert "one (icl-dist-one 1.0)" in captured.out
    assert captured.err.count("\n") == 1


def test_the_command_says_when_there_is_nothing(install: Installer, capsys: pytest.CaptureFixture[str]) -> None:
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
    script = "from icl_models._cli import main; raise SystemExit(main(['plugins', '--all']))"
    with os.fdopen(write) as pipe:
        ended = subprocess.run([sys.executable, "-c", script], stdout=pipe, stderr=subprocess.PIPE, check=False)
    assert ended.returncode == 141
    assert ended.stderr == b""


def test_a_plugin_that_ends_the_process_is_set_aside(install: Installer) -> None:
    install("exits", "raise SystemExit('usage: exits FILE')")
    with pytest.warns(PluginWarning, match="'exits' .* is set aside: SystemExit: usage: exits FILE"):
        registry = Registry()
    assert registry.embedder("resnet").name == "resnet"


def test_what_a_plugin_lists_may_be_a_generator(install: Installer) -> None:
    install("lazy", GOOD.format(name="lazy").replace('("vector",)', '(kind for kind in ["vector"])'))
    for _ in range(2):
        assert ModelConfig(**VECTORS, embedder="lazy").embedder == "lazy"


def test_every_hook_is_documented_and_the_contract_is_short() -> None:
    hooks = [getattr(hookspecs, name) for name in dir(hookspecs) if name.startswith("icl_")]
    assert len(hooks) == 2
    assert all(hook.__doc__ for hook in hooks)
    assert len(Path(hookspecs.__file__).read_text().splitlines()) < 60


FAULTY = """
import torch
from torch import nn
from icl_models import SequenceModelSpec, hookimpl

class Faulty(nn.Module):
    def __init__(self, model, own):
        super().__init__()
        self.out_features = model.token_width
        self.linear = nn.Linear(model.token_width, model.token_width)
        {extra}

    def forward(self, tokens, positions="all"):
        h = self.linear(tokens){mix}
        return h[:, -1] if positions == "query" else h

@hookimpl
def icl_register_sequence_models():
    return [SequenceModelSpec(name="faulty", build=Faulty)]
"""


@pytest.mark.parametrize(
    ("extra", "mix", "claim"),
    [
        ("pass", ".mean(1, keepdim=True) + tokens", "test_no_output_depends_on_a_later_token"),
        ("pass", " + torch.rand(())", "test_evaluation_gives_the_same_values_twice"),
        ("self.unused = nn.Parameter(torch.ones(3))", ".cumsum(1)", "test_gradients_reach_every_parameter"),
        ("pass", "", "test_an_earlier_label_changes_the_query"),
        ("self.memory = []", " + (self.memory.append(0) or len(self.memory))", "test_state_dict_restores_the_outputs"),
    ],
)
def test_the_conformance_suite_finds_the_fault(install: Installer, extra: str, mix: str, claim: str) -> None:
    install("faulty", FAULTY.format(extra=extra, mix=mix))

    class Suite(SequenceModelConformance):
        config = ModelConfig(**VECTORS, embedder="vector", emb_dim=8, sequence_model="faulty")

    with pytest.raises(AssertionError):
        getattr(Suite(), claim)()


def test_the_conformance_suite_passes_a_plugin_that_keeps_the_contract(install: Installer) -> None:
    install("sound", FAULTY.format(extra="pass", mix=".cumsum(1)"))

    class Suite(SequenceModelConformance):
        config = ModelConfig(**VECTORS, embedder="vector", emb_dim=8, sequence_model="faulty")

    for claim in [name for name in dir(Suite) if name.startswith("test_")]:
        getattr(Suite(), claim)()
