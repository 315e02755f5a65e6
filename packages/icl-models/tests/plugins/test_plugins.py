"""Plugins, through fake distributions on the path: loaded, broken, in conflict, misspelt, left out."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from plugin_sources import GOOD

from icl_models import (
    ModelConfig,
    PluginError,
    PluginWarning,
    build_model,
    component_owner,
    find_embedder,
    find_tracker,
    hookspecs,
    known_embedders,
    known_trackers,
    unusable_component,
)
from icl_models._commands.main import main
from icl_models._plugins.registry import Registry

VECTORS: dict[str, Any] = {"num_classes": 4, "example_kind": "vector", "example_shape": (3,), "num_layers": 1}


def test_a_plugins_embedder_is_built_with_its_own_settings(install: Any) -> None:
    install("good", GOOD.format(name="doubled"))
    assert "doubled" in known_embedders()
    settings = ModelConfig(**VECTORS, embedder="doubled").to_dict() | {"embedder_config": {"scale": 2.0}}
    config = ModelConfig.from_dict(settings)
    model = build_model(config, seed=0)
    plain = build_model(ModelConfig(**VECTORS, embedder="doubled"), seed=0)
    x = torch.ones(1, 2, 3)
    torch.testing.assert_close(model.embed_examples(x), 2 * plain.embed_examples(x))
    assert ModelConfig.from_dict(config.to_dict()) == config


def test_settings_of_a_plugin_survive_json(install: Any) -> None:
    install("good", GOOD.format(name="fine").replace("scale: float = 1.0", "scale: tuple[float, ...] = (1.0, 2.0)"))
    config = ModelConfig(**VECTORS, embedder="fine", embedder_config=find_embedder("fine").config())
    assert ModelConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config


def test_a_broken_plugin_is_set_aside_with_a_warning_that_names_it(install: Any) -> None:
    install("broken", "import a_module_that_is_not_there")
    install("good", GOOD.format(name="fine"))
    with pytest.warns(
        PluginWarning, match=r"plugin 'broken' of icl-dist-broken 1\.0 is set aside: ModuleNotFoundError"
    ):
        registry = Registry()
    assert "fine" in registry.names("embedder")
    assert registry.find("embedder", "resnet")[0].name == "resnet"


def test_asking_for_a_broken_plugins_component_gives_its_error(install: Any) -> None:
    install("broken", "raise RuntimeError('no licence\\nfor today')")
    with pytest.warns(PluginWarning):
        registry = Registry()
    with pytest.raises(
        PluginError, match=r"icl-dist-broken 1\.0 is set aside: RuntimeError: no licence for today"
    ) as error:
        registry.find("embedder", "broken")
    assert isinstance(error.value.__cause__, RuntimeError)


def test_two_plugins_that_claim_one_name_are_both_named(install: Any) -> None:
    install("one", GOOD.format(name="same"))
    install("two", GOOD.format(name="same"), version="2.0")
    owners = r"plugin 'one' of icl-dist-one 1\.0 and plugin 'two' of icl-dist-two 2\.0"
    message = f"embedder 'same' must have one owner, got {owners}"
    with pytest.raises(PluginError, match=message):
        ModelConfig(**VECTORS, embedder="same")
    with pytest.raises(PluginError, match=message):
        known_embedders()


def test_a_plugin_cannot_take_a_built_in_name(install: Any) -> None:
    install("thief", GOOD.format(name="vector"))
    with pytest.raises(
        PluginError, match=r"'vector' must have one owner, got plugin 'icl-models' .* and plugin 'thief'"
    ):
        known_embedders()


def test_icl_plugins_settles_a_conflict(install: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    install("one", GOOD.format(name="same"))
    install("two", GOOD.format(name="same"))
    monkeypatch.setenv("ICL_PLUGINS", "two")
    registry = Registry()
    assert "same" in registry.names("embedder")
    assert {r.name: r.state for r in registry.records} == {"icl-models": "loaded", "one": "disabled", "two": "loaded"}


def test_two_plugins_of_one_name_are_both_named(install: Any) -> None:
    install("one", GOOD.format(name="first"), plugin="mine")
    install("two", GOOD.format(name="second"), version="2.0", plugin="mine")
    owners = r"plugin 'mine' of icl-dist-one 1\.0 and plugin 'mine' of icl-dist-two 2\.0"
    message = f"plugin name 'mine' must have one owner, got {owners}; uninstall one of them"
    with pytest.raises(PluginError, match=message):
        known_embedders()
    with pytest.raises(PluginError, match=message):
        ModelConfig(**VECTORS)


def test_a_plugin_cannot_take_the_name_of_the_built_ins(install: Any, capsys: pytest.CaptureFixture[str]) -> None:
    install("thief", GOOD.format(name="fine"), plugin="icl-models")
    with pytest.raises(PluginError, match=r"plugin name 'icl-models' must have one owner, got .* and .*icl-dist-thief"):
        known_embedders()
    assert main(["plugins"]) == 2
    assert "icl-models (icl-dist-thief 1.0)" in capsys.readouterr().out


def test_what_this_projects_packages_register_is_built_in(
    install: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install("own", GOOD.format(name="ours"), distribution="icl-train")
    monkeypatch.setenv("ICL_PLUGINS", "")
    assert "ours" in Registry().names("embedder")
    assert main(["plugins"]) == 0
    assert capsys.readouterr().out == "no plugins installed\n"
    assert main(["plugins", "--all"]) == 0
    assert "own (icl-train 1.0), loaded: ours" in capsys.readouterr().out


def test_an_empty_icl_plugins_leaves_the_built_ins(install: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    install("broken", "raise RuntimeError")
    monkeypatch.setenv("ICL_PLUGINS", "")
    assert Registry().names("embedder") == ("embedding", "linear", "raw", "resnet", "vector")


def test_icl_plugins_must_name_installed_plugins(install: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    install("good", GOOD.format(name="fine"))
    monkeypatch.setenv("ICL_PLUGINS", "god")
    with pytest.raises(PluginError, match=r"ICL_PLUGINS must name installed plugins \(good\), got 'god'"):
        Registry().names("embedder")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (
            GOOD.format(name="x").replace("icl_register_embedders", "icl_register_embeders"),
            r"hooks must be among icl_register_embedders, icl_register_experiments, icl_register_figures, "
            r"icl_register_launchers, icl_register_sequence_models, icl_register_trackers, got icl_register_embeders "
            r"\(did you mean icl_register_embedders\?\)",
        ),
        (GOOD.format(name="x").replace("example_kinds=(", "example_kinds=('sound', "), "got 'sound'"),
        (
            GOOD.format(name="x").replace("return [Emb", "return ['e'] and [repr] and ['e'] or [Emb"),
            "must return EmbedderSpec",
        ),
        (GOOD.format(name="x").replace('name="x", ', 'name="", '), "must be a non-empty string"),
        (GOOD.format(name="x").replace("config=xConfig", "config=dict"), "must be a subclass of ComponentConfig"),
        (GOOD.format(name="x").replace("embedders()", "embedders(everything)"), "everything"),
        (
            GOOD.format(name="x").replace("@dataclass(frozen=True, kw_only=True)", ""),
            r"xConfig must be a frozen dataclass: @dataclass\(frozen=True, kw_only=True\)",
        ),
        (
            GOOD.format(name="x").replace("scale: float = 1.0", "scale: float"),
            "every field of xConfig must have a default, got 'scale' without",
        ),
        (
            GOOD.format(name="x").replace("scale: float = 1.0", "scale: type = float"),
            "fields of xConfig must be bool, int, float, str, None or tuples of these, got scale=<class 'float'>",
        ),
    ],
    ids=[
        "misspelt hook",
        "kind",
        "not a spec",
        "no name",
        "config",
        "argument",
        "no dataclass",
        "no default",
        "no JSON",
    ],
)
def test_a_plugin_that_breaks_the_contract_is_set_aside(install: Any, source: str, reason: str) -> None:
    install("wrong", source)
    with pytest.warns(PluginWarning, match=reason):
        registry = Registry()
    assert registry.names("embedder") == ("embedding", "linear", "raw", "resnet", "vector")
    assert registry.records[-1].state == "broken"


def test_a_plugin_that_ends_the_process_is_set_aside(install: Any) -> None:
    install("exits", "raise SystemExit('usage: exits FILE')")
    with pytest.warns(PluginWarning, match="'exits' .* is set aside: SystemExit: usage: exits FILE"):
        registry = Registry()
    assert registry.find("embedder", "resnet")[0].name == "resnet"


def test_what_a_plugin_lists_may_be_a_generator(install: Any) -> None:
    install("lazy", GOOD.format(name="lazy").replace('("vector",)', '(kind for kind in ["vector"])'))
    for _ in range(2):
        assert ModelConfig(**VECTORS, embedder="lazy").embedder == "lazy"


def test_every_hook_is_documented_and_the_contract_is_short() -> None:
    hooks = [getattr(hookspecs, name) for name in dir(hookspecs) if name.startswith("icl_")]
    assert len(hooks) == 6
    assert all(hook.__doc__ for hook in hooks)
    assert len(Path(hookspecs.__file__).read_text().splitlines()) < 70


SEQUENCE_MODEL = """
from torch import nn
from icl_models import SequenceModelSpec, hookimpl

def build(model, own):
    {build}

@hookimpl
def icl_register_sequence_models():
    return [SequenceModelSpec(name="odd", build=build)]
"""


@pytest.mark.parametrize(
    ("build", "message"),
    [
        ("return nn.Identity()", "must have an attribute out_features, the width of its output, got None"),
        ("return 3", r"must be a torch\.nn\.Module, got 3"),
        ("return nn.Linear(None)", "cannot be built: TypeError: "),
    ],
)
def test_what_cannot_be_built_names_the_component_and_its_plugin(install: Any, build: str, message: str) -> None:
    install("odd", SEQUENCE_MODEL.format(build=build))
    config = ModelConfig(**VECTORS, embedder="vector", sequence_model="odd")
    with pytest.raises(PluginError, match=rf"sequence model 'odd' \(plugin 'odd' of icl-dist-odd 1\.0\) {message}"):
        build_model(config, seed=0)


def test_settings_that_a_plugin_refuses_when_building_are_its_own_words(install: Any) -> None:
    install("odd", SEQUENCE_MODEL.format(build="raise ValueError('emb_dim must be odd, got 64')"))
    with pytest.raises(ValueError, match=r"^emb_dim must be odd, got 64$"):
        build_model(ModelConfig(**VECTORS, embedder="vector", sequence_model="odd"), seed=0)


def test_whose_a_component_is_can_be_asked(install: Any) -> None:
    install("good", GOOD.format(name="fine"), version="3.1")
    owner = component_owner("embedder", "fine")
    assert (owner.distribution, owner.version, owner.built_in) == ("icl-dist-good", "3.1", False)
    assert component_owner("embedder", "vector").built_in
    with pytest.raises(ValueError, match=r"embedder must be one of .*, got 'fin' \(did you mean 'fine'\?\)"):
        component_owner("embedder", "fin")


@pytest.mark.parametrize(
    ("source", "plugins", "reason"),
    [
        (None, None, r"needs icl-dist-good 1\.0, which is not installed: pip install icl-dist-good==1\.0"),
        (GOOD.format(name="fine"), "", r"needs icl-dist-good 1\.0, whose plugin 'good' ICL_PLUGINS leaves out"),
        (GOOD.format(name="other"), None, r"needs icl-dist-good 1\.0; icl-dist-good 2\.0, .* has none of that name"),
        ("raise OSError('no disk')", None, r"needs icl-dist-good 1\.0: .*good 2\.0 is set aside: OSError: no disk"),
    ],
    ids=["not installed", "left out", "renamed", "broken"],
)
@pytest.mark.filterwarnings("ignore::icl_models.PluginWarning")
def test_why_a_component_of_old_cannot_be_used(
    install: Any, monkeypatch: pytest.MonkeyPatch, source: str | None, plugins: str | None, reason: str
) -> None:
    if source is not None:
        install("good", source, version="2.0")
    if plugins is not None:
        monkeypatch.setenv("ICL_PLUGINS", plugins)
    told = unusable_component("embedder", "fine", distribution="icl-dist-good", version="1.0")
    assert told is not None
    assert re.fullmatch(f"embedder 'fine' {reason}", told)


def test_a_component_that_is_there_is_usable_whatever_its_version(install: Any) -> None:
    install("good", GOOD.format(name="fine"), version="2.0")
    assert unusable_component("embedder", "fine", distribution="icl-dist-good", version="1.0") is None


def test_a_tracker_is_found_by_its_name(install: Any) -> None:
    install(
        "tracker",
        "from icl_models import TrackerSpec, hookimpl\n"
        "@hookimpl\ndef icl_register_trackers():\n    return [TrackerSpec(name='mine', build=print)]\n",
    )
    assert known_trackers() == ("mine",)
    assert find_tracker("mine").build is print
    with pytest.raises(ValueError, match="tracker must be one of mine, got 'yours'"):
        find_tracker("yours")


def test_without_trackers_the_message_says_that_there_is_none(install: Any) -> None:
    with pytest.raises(ValueError, match=r"tracker must be one of \(none installed\), got 'mine'"):
        find_tracker("mine")
