"""What several processes cannot do is refused in one line, before anything is made."""

from dataclasses import replace

import pytest
import several

from icl_models import ResNetConfig
from icl_train import smoke
from icl_train._check_settings import check_settings
from icl_train._commands.main import main
from icl_train._commands.run import run
from icl_train._computing.launch import Launch, launched, share_of, threads_here


@pytest.fixture
def third_of_three(monkeypatch):
    for name, value in several.as_rank(2, 3, "29500").items():
        monkeypatch.setenv(name, value)


def config_of(*, embedder_config=None, **settings):
    config = smoke()
    model = config.model
    if embedder_config is not None:
        model = replace(model, embedder="resnet", embedder_config=embedder_config)
    return replace(config, model=model, train=replace(config.train, **{"batch_size": 12} | settings))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 16}, r"^train.batch_size must be a multiple of the 3 processes, got 16$"),
        (
            {"embedder_config": ResNetConfig(sequences_per_statistics=3)},
            r"^model.embedder_config.sequences_per_statistics must divide the share of each process "
            r"\(12 / 3 = 4 sequences\), got 3$",
        ),
        (
            {"engine": "graph", "device": "cuda"},
            r"^train.engine must be one of auto, eager, compiled in 3 processes, got graph$",
        ),
        (
            {"engine": "fused", "device": "cuda"},
            r"^train.engine must be one of auto, eager, compiled in 3 processes, got fused$",
        ),
        ({"device": "cuda:1"}, r"^train.device must be one of auto, cpu, cuda in 3 processes, .*, got cuda:1$"),
    ],
)
def test_settings_that_cannot_be_shared_out(third_of_three, settings, message):
    with pytest.raises(ValueError, match=message):
        check_settings(config_of(**settings))


def test_a_process_alone_has_no_such_rules():
    check_settings(config_of(batch_size=17))


def test_the_refusal_is_one_line_of_all_processes(tmp_path):
    command = several.icl_train("run", "smoke", "--batch-size", "7", "--name", "run")
    first, second = several.ended(several.start(2, command, cwd=tmp_path))
    assert first == (2, "", "icl-train run: error: train.batch_size must be a multiple of the 2 processes, got 7\n")
    assert second[1:] == ("", "")
    assert second[0] != 0
    assert not (tmp_path / "runs").exists()


def test_an_ensemble_is_refused_before_its_folder_is_made(third_of_three, tmp_path):
    with pytest.raises(ValueError, match=r"^train.engine must be one of auto, .* in 3 processes, got ensemble$"):
        run(["smoke", "--batch-size", "12", "--engine", "ensemble", "--root", str(tmp_path)])
    assert list(tmp_path.iterdir()) == []


def test_help_is_printed_once(tmp_path):
    first, second = several.ended(several.start(2, several.icl_train("run", "smoke", "--help"), cwd=tmp_path))
    assert (first[0], second[0]) == (0, 0)
    assert first[1].startswith("usage: icl-train run smoke")
    assert second[1:] == ("", "")


def test_other_commands_are_refused(third_of_three, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["icl-train", "sweep", "figure3a"])
    assert main() == 2
    assert capsys.readouterr().err == (
        "icl-train sweep: error: several processes must run one of run, resume, got 3 for sweep\n"
    )


def test_who_is_started_is_asked_of_the_environment(third_of_three):
    assert launched() == Launch(rank=2, size=3, local_rank=2, local_size=3)
    assert share_of(12) == 4


def test_one_process_under_torchrun_is_alone(monkeypatch):
    for name, value in several.as_rank(0, 1, "29500").items():
        monkeypatch.setenv(name, value)
    assert launched() is None
    assert share_of(12) == 12


@pytest.mark.parametrize(("name", "value"), [("RANK", "3"), ("WORLD_SIZE", "0"), ("LOCAL_RANK", "x"), ("RANK", "-1")])
def test_numbers_that_cannot_be(third_of_three, monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ValueError, match=rf"^a process must be one of those .*{name}={value}"):
        launched()


def test_cores_are_shared_by_the_processes_of_a_machine(third_of_three):
    assert threads_here(8, cores=6, are_given=False) == 2
    assert threads_here(8, cores=2, are_given=False) == 1
    assert threads_here(8, cores=6, are_given=True) == 8
