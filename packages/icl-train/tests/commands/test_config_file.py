"""Settings from files, and a configuration as a file: what is shown is what is read back."""

import importlib.util
import json
import os

import pytest

from icl_train import PRESETS, RunFolder, figure3a, laptop, smoke
from icl_train._commands import config_file
from icl_train._commands import run as run_module
from icl_train._commands.config_file import read_settings, with_file_settings
from icl_train._commands.configs.text import config_text
from icl_train._commands.main import _main
from icl_train.config import RunConfig

needs_yaml = pytest.mark.skipif(importlib.util.find_spec("yaml") is None, reason="needs the extra yaml")
FORMATS = ["json", "toml", pytest.param("yaml", marks=needs_yaml)]


def read(path):
    file, settings = read_settings(path)
    return with_file_settings(RunConfig(), settings, of=file)


def shown(capsys, *args):
    assert _main(["show-config", *args]) == 0
    return capsys.readouterr().out


@pytest.fixture
def trained(monkeypatch):
    """The configurations of the runs that were started, none of which trains."""
    configs = []
    monkeypatch.setattr(run_module, "train_here", lambda run: configs.append(run.config) or 0)
    return configs


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("preset", PRESETS)
def test_a_configuration_that_was_shown_is_read_back_the_same(preset, form, tmp_path, capsys):
    options = ["--model.sequence-model-config.mlp-layers", "1", "--data.n-labels", "None", "--optim.max-lr", "1e-9"]
    file = tmp_path / f"mine.{form}"
    file.write_text(shown(capsys, preset, "--format", form, *options))
    config = read(file)
    assert config.model.sequence_model_config.mlp_layers in ((1,), 1)  # which layers, or how many
    assert config.optim.max_lr == 1e-9
    file.write_text(shown(capsys, str(file), "--format", form))
    assert read(file) == config
    assert read(file).digest() == config.digest()
    assert config.preset == preset


@pytest.mark.parametrize("form", FORMATS)
def test_a_source_whose_folder_has_any_letters_is_read_back_the_same(form, tmp_path):
    settings = {"data": {"source": '/\U0001f600 \x7f\u0085é\\ud83d"#'}}
    file = tmp_path / f"mine.{form}"
    file.write_text(config_text(settings, form))
    assert read_settings(file)[1] == {"data.source": settings["data"]["source"]}


def test_half_a_letter_that_toml_does_not_have_is_refused():
    settings = {"data": {"source": "folder:/caf\udce9"}}
    with pytest.raises(ValueError, match=r"TOML must have whole letters alone.*--format json"):
        config_text(settings, "toml")
    assert json.loads(config_text(settings, "json")) == settings


def test_a_pipe_in_the_place_of_a_file_of_settings_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(OSError, match="must be a file, got a pipe"):
        read_settings(tmp_path / "pipe.json")


def test_show_config_takes_a_run(tmp_path, capsys):
    config = smoke()
    RunFolder.create(tmp_path / "run", config, device="cpu", threads=1)
    (tmp_path / "again.json").write_text(shown(capsys, str(tmp_path / "run"), "--format", "json"))
    assert read(tmp_path / "again.json") == config


def test_show_config_refuses_what_is_neither_preset_nor_file():
    with pytest.raises(
        ValueError,
        match=r"preset \(chan2022, laptop, .*, smoke\), or a file .* got 'labtop'; did you mean",
    ):
        _main(["show-config", "labtop"])


def test_options_go_on_top_of_the_file_and_the_file_on_top_of_the_preset(tmp_path, trained):
    file = tmp_path / "mine.toml"
    file.write_text('preset = "other"\n[train]\nmax_steps = 7\nbatch-size = 8\n[data]\np_bursty = 0.25\n')
    assert _main(["run", "smoke", "--config", str(file), "--batch-size", "4", "--root", str(tmp_path / "runs")]) == 0
    (config,) = trained
    assert (config.train.max_steps, config.train.batch_size, config.data.p_bursty) == (7, 4, 0.25)
    assert config.model == smoke().model
    assert config.preset == "smoke"


def test_without_a_preset_the_file_stands_alone(tmp_path, trained, capsys):
    file = tmp_path / "mine.toml"
    file.write_text(shown(capsys, "smoke", "--max-steps", "7"))
    assert _main(["run", "--config", str(file), "--root", str(tmp_path / "runs")]) == 0
    assert trained[0].train.max_steps == 7
    assert trained[0].digest() == read(file).digest()


def test_a_runs_own_config_json_starts_the_same_run_again(tmp_path, trained):
    RunFolder.create(tmp_path / "run", smoke(), device="cpu", threads=1)
    for number, name in enumerate(("run", "run/config.json")):
        args = ["--config", str(tmp_path / name), "--root", str(tmp_path / "runs"), "--name", f"again{number}"]
        assert _main(["run", *args]) == 0
    assert trained == [smoke(), smoke()]


def test_a_file_cannot_lead_out_of_the_root_by_the_name_of_its_preset(tmp_path, trained):
    file, config = tmp_path / "mine.json", smoke().to_dict()
    file.write_text(json.dumps(config | {"preset": "../../evil\x1b[31m"}))
    assert _main(["run", "--config", str(file), "--root", str(tmp_path / "a" / "runs")]) == 0
    (made,) = tmp_path.rglob("config.json")
    assert made.parent.parent == tmp_path / "a" / "runs"
    assert made.parent.name.startswith("evil-31m-gaussian-")


def test_a_sweep_starts_from_a_file(tmp_path, capsys):
    file = tmp_path / "mine.toml"
    file.write_text("[data]\nn_labels = 8\ndim = 8\n[model]\nemb_dim = 16\nnum_layers = 1\n[eval]\nbatches = 1\n")
    args = ["--class-counts", "30", "--launcher", "commands", "--max-steps", "9", "--root", str(tmp_path / "runs")]
    assert _main(["sweep", "figure3a", "--config", str(file), *args]) == 0
    (run,) = (RunFolder.open(path.parent) for path in tmp_path.glob("runs/*/config.json"))
    assert (run.config.data.n_labels, run.config.model.emb_dim, run.config.train.max_steps) == (8, 16, 9)
    assert run.config == figure3a(run.config, class_counts=(30,), seeds=(0,))[0]


def test_a_file_with_another_source_or_component_gets_its_defaults(tmp_path):
    file = tmp_path / "mine.json"
    file.write_text(json.dumps({"data": {"source": "symbolic"}, "model": {"sequence_model": "lstm"}}))
    _, settings = read_settings(file)
    config = with_file_settings(laptop(), settings, of=file)
    assert (config.model.embedder, config.model.sequence_model, config.model.num_heads) == ("embedding", "lstm", None)


def test_dotted_names_in_a_file_are_groups(tmp_path):
    file = tmp_path / "mine.json"
    file.write_text('{"data.p_bursty": 0.5, "model": {"sequence-model-config.norm": "post"}}')
    config = read(file)
    assert (config.data.p_bursty, config.model.sequence_model_config.norm) == (0.5, "post")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[data]\np_busty = 0.5\n", "setting data.p_busty does not exist; did you mean data.p_bursty?"),
        ("max_steps = 5\n", "setting max_steps does not exist; did you mean train.max_steps?"),
        ('[data]\np_bursty = "high"\n', "data.p_bursty must be a number, got 'high'"),
        ("[data]\np_bursty = 1.5\n", "p_bursty must be in [0, 1], got 1.5"),
        ("[data]\naugment = 2\n", "data.augment must be true or false, got '2'"),
        ("[train]\nmax_steps = 2.5\n", "train.max_steps must be a whole number, got '2.5'"),
        ("[train]\nmax_steps = true\n", "train.max_steps must be a whole number, got true"),
        ("[train]\nmax_steps = [1, 2]\n", "train.max_steps must be a whole number, got [1, 2]"),
        ('[train]\nmax_steps = "None"\n', "train.max_steps must be a whole number, got 'None'"),
        (
            '[optim]\noptimizer = "adma"\n',
            "optim.optimizer must be one of adam, adamw, sgd, got 'adma'; did you mean adam?",
        ),
        ('data = "omniglot"\n', "setting data does not exist"),
        ("[data\n", "cannot read"),
    ],
)
def test_what_is_wrong_in_a_file_is_one_line_with_its_name_and_the_setting(text, message, tmp_path, monkeypatch):
    (tmp_path / "mine.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError) as caught:
        _main(["run", "smoke", "--config", "mine.toml"])
    assert "mine.toml" in str(caught.value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.toml"]


def test_a_setting_that_cannot_be_nothing_says_so(tmp_path):
    (tmp_path / "mine.json").write_text('{"train": {"max_steps": null}}')
    with pytest.raises(ValueError, match=r"mine\.json: train\.max_steps must be a whole number, got nothing"):
        read(tmp_path / "mine.json")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("mine.ini", b"", r"must end in \.json, \.toml, \.yaml, \.yml, got .*mine\.ini"),
        ("mine.json", b"[1, 2]", r"mine\.json must hold groups of settings by name, got \[1, 2\]"),
        ("mine.json", b"\xff\xfe", r"cannot read .*mine\.json"),
        ("mine.json", b"[" * 100_000, r"cannot read .*mine\.json"),
    ],
)
def test_a_file_that_holds_no_settings_is_refused(name, content, message, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_settings(tmp_path / name)


def test_yaml_without_its_library_says_how_to_get_it(tmp_path, monkeypatch):
    (tmp_path / "mine.yaml").write_text("data: {}\n")
    monkeypatch.setattr("icl_data.foundation.extras.find_spec", lambda name: None)
    with pytest.raises(
        ValueError, match=r"in YAML needs yaml, which is not installed: pip install .icl-train\[yaml\]."
    ):
        read_settings(tmp_path / "mine.yaml")


@needs_yaml
def test_yaml_that_is_none_is_one_line(tmp_path):
    (tmp_path / "mine.yaml").write_text("data: [1\nb: }")
    with pytest.raises(ValueError, match=r"cannot read .*mine\.yaml: .*") as caught:
        read_settings(tmp_path / "mine.yaml")
    assert "\n" not in str(caught.value)


@needs_yaml
def test_numbers_that_yaml_takes_for_texts_are_numbers(tmp_path):
    (tmp_path / "mine.yml").write_text("optim:\n  max_lr: 1e-3\ntrain:\n  max_steps: 1e5\n")
    assert read(tmp_path / "mine.yml").optim.max_lr == 1e-3
    assert read(tmp_path / "mine.yml").train.max_steps == 100_000


def test_a_folder_that_is_no_run_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"^a folder of settings must be a run folder, which holds config\.json, got "):
        _main(["run", "--config", str(tmp_path), "--root", str(tmp_path / "runs")])
    assert list(tmp_path.iterdir()) == []


def of_itself(depth):
    """What a dozen lines of YAML make: ten times ten times ten times …"""
    value = [1]
    for _ in range(depth):
        value = [value] * 10
    return value


ROUND: dict[str, object] = {}
ROUND["x"] = ROUND


@pytest.mark.parametrize("value", [of_itself(12), {"eval": ROUND}], ids=["ten to the twelfth", "round and round"])
def test_a_file_whose_values_name_each_other_again_and_again_is_refused(value, tmp_path, monkeypatch):
    monkeypatch.setattr(config_file, "_read", lambda *_: value)
    (tmp_path / "mine.yaml").touch()
    with pytest.raises(ValueError, match=r"mine\.yaml: it must have at most 1,000,000 values, nested at most 50 deep"):
        read_settings(tmp_path / "mine.yaml")


def test_a_setting_that_a_file_has_twice_is_refused(tmp_path):
    (tmp_path / "mine.json").write_text('{"seeds": {"data": 1, "data": 2}}')
    with pytest.raises(ValueError, match=r"mine\.json: it must have each name once, got 'data' twice"):
        read_settings(tmp_path / "mine.json")


@pytest.mark.parametrize("text", [f"{'.'.join('a' * 20_000)} = 1", "a.b.c.d = 1\n" * 20_000], ids=["long", "many"])
def test_toml_whose_names_would_fill_memory_is_refused(text, tmp_path):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match="TOML must have at most 200 dots on a line"):
        read_settings(file)
