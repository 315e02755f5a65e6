"""Options of icl-eval as other tools name and write them."""

import subprocess
import sys

import pytest

from icl_eval._commands.main import _main
from icl_train import PlainReporter, RunFolder, smoke, train


def icl_eval(*args):
    command = [sys.executable, "-m", "icl_eval", *map(str, args)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = RunFolder.create(tmp_path_factory.mktemp("runs") / "run", smoke(), device="cpu", threads=1)
    with open("/dev/null", "w") as nowhere:
        train(folder, PlainReporter(nowhere))
    return folder.path


@pytest.mark.parametrize(
    ("command", "name", "meant"),
    [
        ("evaluate", "--output", "--out"),
        ("evaluate", "--checkpoints", "--all-checkpoints"),
        ("evaluate", "--cuda", "--device"),
        ("evaluate", "--batch", "--batches"),
        ("figure3a", "--dir", "--out"),
    ],
)
def test_another_tools_name_for_an_option_leads_to_ours(command, name, meant, run):
    done = icl_eval(command, run, name, "x")
    assert done.returncode == 2
    assert done.stderr == f"icl-eval {command}: error: option {name} does not exist; did you mean {meant}?\n"
    help_text = icl_eval(command, "--help").stdout
    assert meant in help_text


@pytest.mark.parametrize(
    "args",
    [
        ["plot", "--where"],
        ["compare", "--metric"],
        ["compare", "--with-where"],
        ["claims", "--experiment"],
        ["table", "--split"],
    ],
)
def test_a_list_that_is_given_without_values_is_refused(args):
    with pytest.raises(ValueError, match=rf"^{args[-1]} needs at least one value, got none$"):
        _main([args[0], "runs", args[-1]])


def test_a_list_that_may_be_empty_stays_empty(run, capsys):
    assert _main(["table", str(run), "--format", "csv", "--settings"]) == 0
    assert "data.p_bursty" not in capsys.readouterr().out.splitlines()[0]


def test_values_written_another_way_are_read(run, tmp_path):
    options = ["--batches=1e0", "--all_checkpoints", "yes", "--splits", "fewshot_holdout", "--device", "cpu"]
    done = icl_eval("evaluate", run, *options, f"--out={tmp_path / 'x.csv'}")
    assert done.returncode == 0, done.stderr
    rows = (tmp_path / "x.csv").read_text().splitlines()
    assert len(rows) == 1 + 2  # a header, and the checkpoints of steps 20 and 40


def test_a_value_that_is_none_says_how_it_is_written(run):
    done = icl_eval("evaluate", run, "--all-checkpoints=maybe")
    assert done.stderr.endswith(
        "--all-checkpoints is a switch: --all-checkpoints or --no-all-checkpoints, got 'maybe'\n"
    )
