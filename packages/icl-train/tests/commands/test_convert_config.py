"""`convert-config`: what it writes trains, and every option that became nothing is named."""

import importlib.util
import json

import pytest
from released_configs import released_config

from icl_train._commands.main import _main
from icl_train.config import RunConfig

needs_yaml = pytest.mark.skipif(importlib.util.find_spec("yaml") is None, reason="needs the extra yaml")

SYMBOLIC = {
    "rare": 40,
    "more": """
inside = config.experiment_kwargs.config
inside.data.example_type = 'symbolic'
inside.embedding.example_encoding = 'embedding'
inside.embedding.emb_dim = 16
inside.transformer.num_layers = 1
inside.transformer.num_heads = 2
""",
}


@pytest.fixture
def convert(tmp_path, capsys, monkeypatch):
    """Converts a configuration; returns the lines on stderr, and what was written."""
    monkeypatch.chdir(tmp_path)

    def run(*args, **different):
        (tmp_path / "config.py").write_text(released_config(**different))
        assert _main(["convert-config", "config.py", *args]) == 0
        printed = capsys.readouterr()
        return printed.err.splitlines(), printed.out

    return run


@pytest.mark.parametrize("ending", ["json", "toml", pytest.param("yaml", marks=needs_yaml)])
def test_what_it_writes_trains(ending, convert, tmp_path):
    convert("--out", f"mine.{ending}", **SYMBOLIC)
    command = ["run", "--config", f"mine.{ending}", "--name", "one", "--eval-batches", "1", "--root", str(tmp_path)]
    assert _main([*command, "--max-steps", "2", "--device", "cpu"]) == 0
    assert (tmp_path / "one" / "DONE").is_file()


def test_standard_output_has_the_configuration_alone(convert):
    _, out = convert()
    assert RunConfig.from_dict(json.loads(out)).data.n_rare_classes == 1603


def test_an_option_that_does_nothing_there_is_named_with_its_line_and_the_reason(convert):
    told, _ = convert()
    assert "40 options carried over; does nothing there: 12; otherwise here: 7; not carried over: 0" in told[0]
    (clip,) = [line for line in told if "clip_level" in line]
    assert clip.startswith("does nothing there: line ")
    assert "gradients are never clipped there" in clip
    number = int(clip.split("line ")[1].split(":")[0])
    assert "clip_level" in released_config().splitlines()[number - 1]


def test_the_setting_that_no_file_has_is_asked_for(convert):
    assert "--devices" in convert()[0][-1]
    assert "--devices" not in convert("--devices", "16")[0][-1]


def test_an_option_that_is_none_is_named_with_what_may_be_meant(convert):
    told, _ = convert(more="config.experiment_kwargs.config.data.seq_config.p_busty = 0.5")
    (line,) = [line for line in told if line.startswith("not carried over")]
    assert "p_busty = 0.5 is no option of the released code; did you mean data.seq_config.p_bursty" in line


def test_decay_that_the_released_code_has_by_default_is_carried_over(convert):
    _, out = convert(optimizer="dict(name='adamw', kwargs=dict(), max_lr=3e-4, warmup_steps=4000)")
    assert json.loads(out)["optim"]["weight_decay"] == 1e-4


def test_the_steps_that_jaxline_makes_by_default_are_carried_over(convert, tmp_path):
    text = released_config().replace("config.training_steps = int(500000.0)", "")
    assert text != released_config()
    (tmp_path / "short.py").write_text(text)
    assert _main(["convert-config", "short.py", "--out", "short.json"]) == 0
    assert json.loads((tmp_path / "short.json").read_text())["train"]["max_steps"] == 10_000


@pytest.mark.parametrize(
    ("more", "setting", "value"),
    [
        ("inside.data.seq_config.grouped = True", ("data", "context_order"), "grouped"),
        ("inside.data.seq_config.grouped = True", ("eval", "context_order"), "grouped"),
        ("inside.data.generator_config.random_seed = 7", ("seeds", "split"), 7),
        ("config.random_seed = 8", ("seeds", "init"), 8),
        ("config.interval_type = 'steps'", ("train", "checkpoint_interval"), 300),
        ("config.checkpoint_interval_type = 'steps'", ("train", "checkpoint_interval"), 300),
        ("config.logging_interval_type = 'steps'", ("train", "log_interval"), 60),
        ("inside.optimizer.kwargs.b2 = 0.99", ("optim", "b2"), 0.99),
        ("inside.embedding.example_dropout_prob = 0.25", ("model", "example_dropout_prob"), 0.25),
        ("config.training_steps = 1e4", ("train", "max_steps"), 10_000),
    ],
)
def test_an_option_becomes_a_setting(more, setting, value, convert):
    _, out = convert(more=f"inside = config.experiment_kwargs.config\n{more}")
    assert json.loads(out)[setting[0]][setting[1]] == value


@pytest.mark.parametrize(
    "more",
    [
        "inside.data.seq_config.randomly_generate_rare = True",
        "inside.data.omniglot_config.omniglot_split = 'train'",
        "inside.data.omniglot_config.n_to_keep = 500",
        "inside.data.generator_config.preserve_ordering_every_n = 8",
        "inside.transformer.dense_init_scale = 0.5",
        "inside.optimizer.name = 'adamax'",
        "config.eval_modes = ('eval_everything',)",
    ],
)
def test_what_ours_cannot_do_is_lost_by_name(more, convert):
    told, _ = convert(more=f"inside = config.experiment_kwargs.config\n{more}")
    name = more.split(" = ")[0].removeprefix("inside.").removeprefix("config.")
    (line,) = [line for line in told if line.startswith("not carried over")]
    assert name in line


@pytest.mark.parametrize(
    ("args", "different", "told"),
    [
        (["--strict"], {"more": "config.nope = 1"}, "everything must be carried over with --strict, got 1 that is not"),
        (["--devices", "5"], {}, "--devices must divide training.batch_size, 32, got 5"),
        (["--devices", "0"], {}, "--devices must divide training.batch_size, 32, got 0"),
        (["--out", "mine.txt"], {}, "--out must end in .json, .toml, .yaml, .yml, got mine.txt"),
        (["--out", "mine.json", "--format", "toml"], {}, "--out must end as --format says"),
        ([], {"p_bursty": "'often'"}, "data.seq_config.p_bursty must be a number, got 'often'"),
        ([], {"p_bursty": 1.3}, "config.py: p_bursty must be in [0, 1], got 1.3"),
        ([], {"holdout": 0}, "config.py: data.n_holdout_classes must be at least data.ways (2)"),
    ],
)
def test_a_refusal_writes_nothing(args, different, told, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.py").write_text(released_config(**different))
    with pytest.raises(ValueError) as refused:
        _main(["convert-config", "config.py", *args])
    assert told in str(refused.value)
    assert capsys.readouterr().out == ""
    assert [path.name for path in tmp_path.iterdir()] == ["config.py"]
