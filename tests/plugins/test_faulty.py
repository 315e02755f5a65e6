"""Plugins that break the contract: set aside or refused, in one line that names the distribution."""

import json

import pytest

EXAMPLE, BROKEN, DUPLICATE = "icl-plugin-example", "icl-plugin-broken", "icl-plugin-duplicate"
MISSPELT, NAMESAKE = "icl-plugin-misspelt", "icl-plugin-namesake"

SET_ASIDE = {
    BROKEN: "plugin 'broken' of icl-plugin-broken 1.2.0 is set aside: "
    "ModuleNotFoundError: No module named 'a_library_that_nobody_installed'",
    MISSPELT: "plugin 'misspelt' of icl-plugin-misspelt 1.2.0 is set aside: PluginError: hooks must be among "
    "icl_register_embedders, icl_register_experiments, icl_register_figures, icl_register_launchers, "
    "icl_register_sequence_models, icl_register_trackers, got icl_register_embeders "
    "(did you mean icl_register_embedders?)",
}
CONFLICT = {
    DUPLICATE: "embedder 'my-embedder' must have one owner, got plugin 'duplicate' of icl-plugin-duplicate 1.2.0 "
    "and plugin 'example' of icl-plugin-example 0.1.0; ICL_PLUGINS can leave one out",
    NAMESAKE: "plugin name 'example' must have one owner, got plugin 'example' of icl-plugin-example 0.1.0 "
    "and plugin 'example' of icl-plugin-namesake 1.2.0; uninstall one of them",
}


@pytest.mark.parametrize("name", SET_ASIDE)
def test_one_that_cannot_be_used_is_told_and_the_rest_works(name, command, tmp_path):
    done = command(
        "icl-train", "run", "smoke", "--model.embedder", "my-embedder", plugins=[name, EXAMPLE], cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == f"icl-train: warning: {SET_ASIDE[name]}\n"


@pytest.mark.parametrize("name", SET_ASIDE)
def test_the_listing_has_its_error(name, command, tmp_path):
    listed = command("icl-models", "plugins", "--json", plugins=[name, EXAMPLE], cwd=tmp_path)
    assert listed.returncode == 0
    assert listed.stderr == ""
    states = {one["distribution"]: one["state"] for one in json.loads(listed.stdout)}
    assert states == {name: "broken", EXAMPLE: "loaded"}
    (error,) = [one["error"] for one in json.loads(listed.stdout) if one["distribution"] == name]
    assert SET_ASIDE[name].endswith(error)


def test_asking_for_what_a_broken_one_may_have_offered_gives_its_error(command, tmp_path):
    asked = command("icl-train", "run", "smoke", "--model.embedder", "lost", plugins=[BROKEN], cwd=tmp_path)
    assert asked.returncode == 2
    assert asked.stderr.splitlines()[-1] == (
        "icl-train run: error: embedder must be one of embedding, linear, raw, resnet, vector, got 'lost'; "
        + SET_ASIDE[BROKEN]
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", CONFLICT)
def test_two_that_claim_one_name_are_refused_with_both_named(name, command, tmp_path):
    refused = command("icl-train", "run", "smoke", plugins=[name, EXAMPLE], cwd=tmp_path)
    assert refused.returncode == 2
    assert refused.stderr == f"icl-train run: error: {CONFLICT[name]}\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", CONFLICT)
def test_the_listing_shows_both_and_fails(name, command, tmp_path):
    listed = command("icl-models", "plugins", plugins=[name, EXAMPLE], cwd=tmp_path)
    assert listed.returncode == 2
    assert f"({name} 1.2.0), loaded" in listed.stdout
    assert f"({EXAMPLE} 0.1.0), loaded" in listed.stdout
    assert listed.stderr == f"icl-models plugins: error: {CONFLICT[name]}\n"


def test_icl_plugins_chooses_between_two_that_claim_one_component(command, tmp_path):
    arguments = ["run", "smoke", "--model.embedder", "my-embedder", "--name", "run"]
    done = command("icl-train", *arguments, plugins=[DUPLICATE, EXAMPLE], cwd=tmp_path, ICL_PLUGINS="duplicate")
    assert done.returncode == 0, done.stderr
    stored = json.loads((tmp_path / "runs" / "run" / "config.json").read_text())
    assert stored["environment"]["plugins"]["embedder"]["distribution"] == DUPLICATE
