"""The example plugin, installed from its wheel: listed, trained, evaluated, drawn, and missed when it is gone."""

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "icl-plugin-example"
NAME = EXAMPLE.name
MODEL = ["--model.embedder", "my-embedder", "--model.embedder-config.width", "3"]
MODEL += ["--model.sequence-model", "linear-attention", "--model.sequence-model-config.expansion", "2"]
SWEEP = ["sweep", "figure3a", "--preset", "smoke", "--class-counts", "40", "64", "--jobs", "2"]
MISSING = f"{NAME} 0.1.0, which is not installed: pip install {NAME}==0.1.0"
LINES = f"embedder 'my-embedder' needs {MISSING}; sequence model 'linear-attention' needs {MISSING}"


def blocks(language):
    """Code blocks of the tutorial."""
    return re.findall(rf"^```{language}\n(.*?)^```", (EXAMPLE / "README.md").read_text(), re.MULTILINE | re.DOTALL)


def test_the_tutorials_embedder_is_the_installed_one_in_under_30_lines():
    code = (EXAMPLE / "src" / "icl_plugin_example" / "_embedder.py").read_text()
    assert code in blocks("python")
    assert len(code.splitlines()) < 30


def test_the_tutorials_other_files_are_those_of_the_example():
    (project,) = (tomllib.loads(block) for block in blocks("toml"))
    assert project == tomllib.loads((EXAMPLE / "pyproject.toml").read_text())
    suite = (EXAMPLE / "tests" / "test_conformance.py").read_text()
    assert any(block in suite for block in blocks("python") if "EmbedderConformance" in block)


def test_a_copy_renamed_as_the_tutorial_says_is_a_plugin_beside_the_example(site, command, tmp_path):
    shutil.copytree(EXAMPLE, tmp_path / NAME, ignore=shutil.ignore_patterns("__pycache__", "dist"))
    (renaming,) = (block for block in blocks("bash") if block.startswith("cp -r"))
    subprocess.run(["bash", "-euc", renaming], cwd=tmp_path, check=True)
    copy = tmp_path / "icl-plugin-wavelets"
    left = [
        f"{path.relative_to(copy)}: {name}"
        for path in copy.rglob("*")
        for name in ("icl-plugin-example", "icl_plugin_example", "my-embedder", "linear-attention", "my-launcher")
        if name in str(path.relative_to(copy)) or (path.is_file() and name in path.read_text())
    ]
    assert not left
    installed = site.install_from(copy)
    listed = command("icl-models", "plugins", "--json", plugins=[NAME], also=[installed], cwd=tmp_path)
    assert listed.returncode == 0, listed.stderr
    components = {one["name"]: one["components"] for one in json.loads(listed.stdout)}
    assert components["wavelets"] == {
        "embedders": ["wavelet-embedder"],
        "sequence_models": ["wavelet-attention"],
        "trackers": [],
        "experiments": ["wavelet-attention-gate"],
        "figures": ["wavelet-attention-gate"],
        "launchers": ["wavelet-launcher"],
    }
    assert components["example"]["embedders"] == ["my-embedder"]


@pytest.fixture(scope="module")
def swept(command, tmp_path_factory):
    """Two class counts trained with the plugin, one run more with built-in components alone."""
    cwd = tmp_path_factory.mktemp("swept")
    swept = command("icl-train", *SWEEP, *MODEL, plugins=[NAME], cwd=cwd)
    assert swept.returncode == 0, swept.stderr
    plain = command("icl-train", "run", "smoke", "--name", "plain", cwd=cwd)
    assert plain.returncode == 0, plain.stderr
    return cwd


@pytest.fixture
def run(swept, tmp_path):
    """A copy of one run of the plugin's models."""
    path = next(path.parent for path in swept.glob("runs/*/config.json") if "my-embedder" in path.read_text())
    return Path(shutil.copytree(path, tmp_path / "run"))


def test_the_listing_names_the_distribution_and_its_components(command, tmp_path):
    listed = command("icl-models", "plugins", "--json", plugins=[NAME], cwd=tmp_path)
    assert listed.returncode == 0
    assert json.loads(listed.stdout) == [
        {
            "name": "example",
            "distribution": NAME,
            "version": "0.1.0",
            "state": "loaded",
            "components": {
                "embedders": ["my-embedder"],
                "sequence_models": ["linear-attention"],
                "trackers": [],
                "experiments": ["linear-attention-gate"],
                "figures": ["linear-attention-gate"],
                "launchers": ["my-launcher"],
            },
            "error": None,
        }
    ]
    everything = command("icl-models", "plugins", "--json", "--all", plugins=[NAME], cwd=tmp_path)
    names = [one["name"] for one in json.loads(everything.stdout)]
    assert names == ["icl-models", "example", "icl-eval", "icl-train", "icl-train-experiments", "icl-train-launchers"]


def test_its_settings_are_options_with_help(command, tmp_path):
    shown = command("icl-train", "run", "laptop", *MODEL[:2], "--help", plugins=[NAME], cwd=tmp_path)
    assert shown.returncode == 0
    assert "--model.embedder-config.width N" in shown.stdout
    assert "Units of the hidden layer [128]" in shown.stdout


def test_its_mistakes_are_one_line_and_make_no_run(command, tmp_path):
    wrong = command("icl-train", "run", "smoke", *MODEL[:3], "0", plugins=[NAME], cwd=tmp_path)
    assert wrong.returncode == 2
    assert wrong.stderr == "icl-train run: error: model.embedder-config: width must be at least 1, got 0\n"
    assert list(tmp_path.iterdir()) == []


def test_config_json_has_its_settings_and_whose_they_are(run):
    stored = json.loads((run / "config.json").read_text())
    assert stored["config"]["model"]["embedder_config"] == {"width": 3}
    assert stored["config"]["model"]["sequence_model_config"] == {"gated": True, "expansion": 2}
    of = {"distribution": NAME, "version": "0.1.0"}
    assert stored["environment"]["plugins"] == {
        "embedder": {"name": "my-embedder", **of},
        "sequence_model": {"name": "linear-attention", **of},
    }


def test_its_checkpoint_is_evaluated_with_the_numbers_of_training(command, run, tmp_path):
    done = command("icl-eval", "evaluate", run, "--out", tmp_path / "e.csv", plugins=[NAME], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    header, values = (line.split(",") for line in (tmp_path / "e.csv").read_text().splitlines())
    again = float(dict(zip(header, values, strict=True))["icl_two_way"])
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert again == [one for one in records if one["split"] == "eval_fewshot_holdout"][-1]["accuracy_closed"]


def test_its_runs_are_drawn(command, swept, tmp_path):
    done = command("icl-eval", "figure3a", swept / "runs", "--out", tmp_path, plugins=[NAME], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    assert (tmp_path / "figure3a.png").read_bytes().startswith(b"\x89PNG")
    assert "linear-attention" in (tmp_path / "figure3a_metrics.csv").read_text()


def test_its_figure_is_a_command_of_icl_eval(command, swept, tmp_path):
    done = command("icl-eval", "linear-attention-gate", swept / "runs", "--out", tmp_path, plugins=[NAME], cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "linear-attention-gate.png").read_bytes().startswith(b"\x89PNG")
    listed = command("icl-eval", "figures", plugins=[NAME], cwd=tmp_path)
    assert "linear-attention-gate" in listed.stdout


def test_without_it_every_run_is_still_drawn_and_a_line_says_what_is_missing(command, swept, tmp_path):
    done = command("icl-eval", "figure3a", swept / "runs", "--out", tmp_path, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert all(line.endswith(f": drawn from its records; {LINES}") for line in lines)
    assert len((tmp_path / "figure3a_metrics.csv").read_text().splitlines()) == 1 + 3


@pytest.mark.parametrize("words", [("icl-eval", "evaluate"), ("icl-train", "resume")])
def test_without_it_no_model_is_built_and_one_line_says_what_is_missing(words, command, run, tmp_path):
    (run / "DONE").unlink()
    refused = command(*words, run, cwd=tmp_path)
    assert refused.returncode == 2
    assert refused.stderr == f"{words[0]} {words[1]}: error: {LINES}\n"
    assert refused.stdout == ""
    assert not (run / "FAILED").exists()


def test_without_it_status_says_what_is_missing(command, run, tmp_path):
    shown = command("icl-train", "status", tmp_path, cwd=tmp_path)
    assert shown.returncode == 0
    assert f"{run}: {LINES}\n" in shown.stdout


def test_another_version_is_told_in_one_line_a_component_and_used(command, run, tmp_path):
    done = command("icl-eval", "evaluate", run, plugins=[NAME], versions={NAME: "0.2.0"}, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    was = f"was of {NAME} 0.1.0 when the run was made, and is of {NAME} 0.2.0 here"
    assert done.stderr == (
        f"icl-eval: warning: embedder 'my-embedder' {was}\nicl-eval: warning: sequence model 'linear-attention' {was}\n"
    )


def test_left_out_by_icl_plugins_it_is_named_as_that(command, run, tmp_path):
    refused = command("icl-eval", "evaluate", run, plugins=[NAME], cwd=tmp_path, ICL_PLUGINS="")
    assert refused.returncode == 2
    assert f"'my-embedder' needs {NAME} 0.1.0, whose plugin 'example' ICL_PLUGINS leaves out" in refused.stderr


def test_its_experiment_is_listed_swept_at_smoke_scale_and_its_claim_checked(command, tmp_path):
    listed = command("icl-train", "experiments", "linear-attention-gate", "--no-time", plugins=[NAME], cwd=tmp_path)
    assert listed.returncode == 0, listed.stderr
    assert "linear-attention-gate: The gate of linear attention changes what is learned in context." in listed.stdout
    sweep = ["sweep", "linear-attention-gate", "--scale", "smoke", "--jobs", "2"]
    swept = command("icl-train", *sweep, plugins=[NAME], cwd=tmp_path)
    assert swept.returncode == 0, swept.stderr
    gated = [json.loads(file.read_text())["config"]["model"] for file in tmp_path.glob("runs/*/config.json")]
    assert sorted(one["sequence_model_config"]["gated"] for one in gated) == [False, False, True, True]
    claims = command("icl-eval", "claims", "runs", plugins=[NAME], cwd=tmp_path)
    assert claims.returncode == 0, claims.stderr
    assert "linear-attention-gate at scale smoke: 4 runs" in claims.stdout
    assert "holds" in claims.stdout
