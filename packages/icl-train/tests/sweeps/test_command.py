"""The command ``icl-train sweep``: what it refuses, what it prints for a cluster, and its exit codes."""

import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from icl_models import ComponentConfig
from icl_train import RunFailed, RunFolder
from icl_train._commands.main import _main

SWEEP = ["sweep", "figure3a", "--preset", "smoke", "--max-steps", "20", "--eval-batches", "1"]


def folders(root):
    return sorted(path.name for path in root.iterdir() if not path.name.startswith("."))


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--class-counts", "64", "12", "--data.n-common-classes", "2", "--data.seq-len", "30"], "need at least 30"),
        (["--class-counts", "64", "10"], "class counts must be above"),
        (["--jobs", "0"], "jobs must be at least 1, got 0"),
        (["--members", "2"], "members must be left out where no run has --engine ensemble, got 2"),
        (["--members", "2", "--dry-run"], "members must be left out where no run has --engine ensemble, got 2"),
        (["--grace", "-1"], "grace must be a number of seconds, at least 0, got -1"),
        (["--grace", "nan"], "grace must be a number of seconds, at least 0, got nan"),
        (["--device", "cuda:99"], "device must be one that this machine has"),
        (["--class-counts", "64", "--model.embedder", "resnet"], "example_kind"),
        (["--preset", "smok"], "did you mean smoke"),
        (["--class-counts"], "at least one class count"),
    ],
)
def test_a_mistake_on_the_command_line_leaves_nothing(tmp_path, args, message):
    with pytest.raises(ValueError, match=message) as caught:
        _main([*SWEEP, "--root", str(tmp_path / "runs"), *args])
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("option", [["--seeds.data", "5"], ["--seeds.init", "5"], ["--data.n-rare-classes", "20"]])
def test_an_option_that_a_sweep_replaces_is_refused(tmp_path, option):
    with pytest.raises(ValueError, match=option[0]):
        _main([*SWEEP, "--root", str(tmp_path), "--launcher", "commands", *option])


def test_the_commands_launcher_prints_a_command_for_each_run_and_trains_nothing(tmp_path, capsys):
    args = [*SWEEP, "--root", str(tmp_path), "--class-counts", "64", "30", "--launcher", "commands"]
    assert _main(args) == 0
    printed = [shlex.split(line) for line in capsys.readouterr().out.splitlines()]
    assert [words[:2] for words in printed] == [["icl-train", "resume"]] * 2
    runs = [RunFolder.open(Path(words[2])) for words in printed]
    assert [run.config.data.n_trained_classes for run in runs] == [64, 30]
    assert {run.status() for run in runs} == {"queued"}
    assert len(folders(tmp_path)) == 2


def test_printed_commands_can_be_run_from_any_folder(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert _main([*SWEEP, "--root=-runs", "--class-counts", "64", "--launcher", "commands"]) == 0
    (words,) = [shlex.split(line) for line in capsys.readouterr().out.splitlines()]
    assert Path(words[2]).parent == tmp_path / "-runs"


@pytest.mark.parametrize(
    ("option", "rule"),
    [
        (["--jobs", "3"], "jobs must be left out with --launcher commands, which starts none, got 3"),
        (["--grace", "5"], "grace must be left out with --launcher commands"),
        (["--stall-minutes", "3"], "stall-minutes must be left out with --launcher commands"),
        (["--no-follow"], "follow must be left out with --launcher commands"),
    ],
)
def test_an_option_that_says_nothing_to_other_schedulers_is_refused_and_nothing_is_made(tmp_path, option, rule):
    with pytest.raises(ValueError, match=rule):
        _main([*SWEEP, "--root", str(tmp_path / "runs"), "--class-counts", "64", "--launcher", "commands", *option])
    assert list(tmp_path.iterdir()) == []


def test_commands_for_a_cluster_need_neither_its_gpus_here_nor_pytorch(tmp_path):
    args = [*SWEEP, "--root", str(tmp_path / "runs"), "--class-counts", "64", "--launcher", "commands"]
    code = (
        "import sys\n"
        "from icl_train._commands.main import _main\n"
        f"assert _main({[*args, '--device', 'cuda']!r}) == 0\n"
        "print('torch' in sys.modules, file=sys.stderr)\n"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stderr == "False\n"
    (config,) = (tmp_path / "runs").glob("*/config.json")
    assert RunFolder.open(config.parent).environment["device"] == "cuda"


def test_the_record_of_the_cuda_that_pytorch_was_built_with_needs_no_pytorch(tmp_path):
    import torch

    assert _main([*SWEEP, "--root", str(tmp_path), "--class-counts", "64", "--launcher", "commands"]) == 0
    (config,) = tmp_path.glob("*/config.json")
    assert RunFolder.open(config.parent).environment["cuda"] == torch.version.cuda


def test_printed_commands_are_good_for_a_shell(tmp_path, capsys):
    root = tmp_path / "my runs"
    assert _main([*SWEEP, "--root", str(root), "--class-counts", "64", "--launcher", "commands"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert len(shlex.split(line)) == 3


def test_commands_for_a_cluster_leave_out_what_is_done_or_running_and_cannot_plot(tmp_path, capsys):
    args = [*SWEEP, "--root", str(tmp_path), "--class-counts", "64", "--launcher", "commands"]
    assert _main(args) == 0
    (line,) = capsys.readouterr().out.splitlines()
    run = RunFolder.open(Path(shlex.split(line)[2]))
    with run.lock():
        assert _main(args) == 0
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == f"{run.path}: running, left out\n"
    run.mark_done()
    assert _main(args) == 0
    assert capsys.readouterr().out == ""
    with pytest.raises(ValueError, match="--plot needs --launcher local"):
        _main([*args, "--plot"])


def test_the_command_passes_its_options_on_and_fails_if_a_run_fails(tmp_path, monkeypatch):
    given = []

    def launch_none(runs, **options):
        given.append({name: value for name, value in options.items() if name not in ("stream", "plan")})
        return runs[1:]

    monkeypatch.setattr("icl_train._commands.sweeps.carry_out.launch", launch_none)
    args = [*SWEEP, "--root", str(tmp_path), "--class-counts", "64", "30", "--jobs", "2", "--grace", "5", "--no-follow"]
    with pytest.raises(RunFailed, match=r"^1 of 2 runs failed: gaussian-c00030"):
        _main(args)
    (options,) = given
    assert (options.pop("launcher"), options.pop("launcher_config")) == ("local", ComponentConfig())
    assert options == {"jobs": 2, "broken": [], "grace": 5.0, "follow": False, "stall_minutes": None, "members": None}


def test_a_folder_that_cannot_be_read_counts_as_a_run_that_failed(tmp_path, child):
    args = [*SWEEP, "--root", str(tmp_path), "--class-counts", "64", "30"]
    assert _main([*args, "--launcher", "commands"]) == 0
    (damaged,) = tmp_path.glob("gaussian-c00030-*")
    (damaged / "config.json").write_text("{")
    child()
    with pytest.raises(RunFailed, match=f"^1 of 2 runs failed: {damaged.name}$"):
        _main(args)


def test_an_interrupted_sweep_ends_with_130_and_says_how_to_go_on(tmp_path, monkeypatch, capsys):
    def interrupted(runs, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr("icl_train._commands.sweeps.carry_out.launch", interrupted)
    assert _main([*SWEEP, "--root", str(tmp_path), "--class-counts", "64"]) == 130
    assert capsys.readouterr().err == "interrupted; the same command goes on\n"


def test_the_hint_at_the_figure_comes_when_all_runs_are_done(tmp_path, child, capsys):
    child()
    assert _main([*SWEEP, "--root", str(tmp_path), "--class-counts", "64"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"draw the figure with: icl-eval figure3a {tmp_path}"


@pytest.mark.parametrize(("returned", "code"), [(0, 0), (1, 1), (2, 2), (-9, 137)])
def test_plot_ends_with_the_exit_code_of_icl_eval(returned, code, tmp_path, child, monkeypatch):
    pytest.importorskip("icl_eval")
    asked = []

    def run(command, **options):
        asked.append(command)
        return subprocess.CompletedProcess(command, returned)

    child()
    monkeypatch.setattr("icl_train._commands.sweeps.carry_out.subprocess", SimpleNamespace(run=run))
    assert _main([*SWEEP, "--root", str(tmp_path), "--class-counts", "64", "--plot"]) == code
    # -P: an icl_eval.py in the folder is not icl-eval
    assert asked == [[sys.executable, "-P", "-m", "icl_eval", "figure3a", str(tmp_path)]]


def test_exit_codes_are_in_the_help(capsys):
    with pytest.raises(SystemExit):
        _main(["sweep", "figure3a", "--help"])
    told = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for words in ("0 all runs are done", "1 some failed", "2 a mistake", "3 with --no-follow:", "130 interrupted"):
        assert words in told


def test_a_mistake_shows_before_pytorch_is_imported(tmp_path):
    args = [*SWEEP, "--root", str(tmp_path / "runs"), "--class-counts", "64", "--model.num-heads", "3"]
    code = (
        "import sys\n"
        "from icl_train._commands.main import _main\n"
        f"try: _main({args!r})\n"
        "except ValueError: print('torch' in sys.modules)\n"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout == "False\n"
