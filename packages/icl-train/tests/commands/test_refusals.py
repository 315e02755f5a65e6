"""What is refused is refused in one clean line: on a terminal, narrow or wide, as in a pipe; and without PyTorch."""

import subprocess
import sys

import pytest

LEARNED = ["--model.sequence-model-config.positions", "learned"]
REFUSALS = {
    "an unknown option": (
        ["run", "laptop", "--lr", "0.1"],
        "icl-train run: error: option --lr does not exist; did you mean --optim.max-lr?",
    ),
    "a value of another type": (
        ["run", "laptop", "--max-steps", "many"],
        "icl-train run: error: --max-steps must be a whole number, got 'many'",
    ),
    "a choice that is none": (
        ["run", "laptop", "--optimizer", "lion"],
        "icl-train run: error: --optimizer must be one of adam, adamw, sgd, got 'lion'",
    ),
    "a rule of the settings": (
        ["run", "laptop", "--data.p-bursty", "1.3"],
        "icl-train run: error: p_bursty must be in [0, 1], got 1.3",
    ),
    "a rule of a component's own settings": (
        ["run", "laptop", *LEARNED, "--model.sequence-model-config.num-positions", "-4"],
        "icl-train run: error: model.sequence-model-config: num_positions must be a positive integer, got -4",
    ),
    "a value that is missing": (
        ["run", "laptop", "--max-steps", "--batch-size", "8"],
        "icl-train run: error: --max-steps needs a value: a whole number, got the option --batch-size",
    ),
    "a command that is missing": (
        [],
        "icl-train: error: a command must be given: one of run, sweep, experiments, resume, status, verify, "
        "show-config, convert-config, profile (see icl-train --help)",
    ),
    "an experiment that is missing": (
        ["sweep"],
        "icl-train sweep: error: what to sweep must be given: grid, figure3a, or an experiment "
        "(see icl-train sweep --help)",
    ),
    "a file of settings that is not there": (
        ["run", "smoke", "--config", "nope.toml"],
        "icl-train run: error: --config must be a file of settings or a run folder, got nope.toml, which is not there",
    ),
    "a file to convert that is not there": (
        ["convert-config", "nope.py"],
        "icl-train convert-config: error: No such file or directory: nope.py",
    ),
    "a file to convert that is none": (
        ["convert-config", "nope.json"],
        "icl-train convert-config: error: a configuration of the released code must end in .py, got nope.json",
    ),
    "a folder that is missing": (
        ["resume"],
        "icl-train resume: error: RUN must be given (see icl-train resume --help)",
    ),
    "one argument too many": (
        ["status", "runs", "more"],
        "icl-train status: error: argument more is one too many (see icl-train status --help)",
    ),
    "a component that is none": (
        ["run", "laptop", "--model.sequence-model", "lstmm", "--model.num-heads", "None"],
        "(did you mean 'lstm'?)",
    ),
    "a preset that is none": (["run", "labtop"], "got 'labtop'; did you mean laptop?"),
    "a rule of a sweep": (
        ["sweep", "figure3a", "--class-counts", "10"],
        "icl-train sweep: error: class counts must be above data.n_common_classes (10), got 10; "
        "none of those given fits",
    ),
}


@pytest.mark.parametrize("columns", [None, 80, 200])
@pytest.mark.parametrize("kind", REFUSALS)
def test_a_refusal_is_one_clean_line_on_a_terminal_as_in_a_pipe(kind, columns, terminal):
    args, line = REFUSALS[kind]
    printed, code = terminal(*args, columns=columns)
    assert code == 2
    assert printed.endswith(f"{line}\n")
    assert printed.count("\n") == 1
    assert not set("\x1b\r│─╭╰+|") & set(printed)


WITHOUT_TORCH = """
import sys
from icl_train._commands.main import main
sys.argv = ["icl-train", *sys.argv[1:]]
try:
    main()
except SystemExit:
    pass
heavy = {"torch", "matplotlib", "scipy"} & set(sys.modules)
assert not heavy, heavy
"""


@pytest.mark.parametrize(
    "args",
    [
        ["--help"],
        ["run", "--help"],
        ["run", "laptop", "--help"],
        ["run", "laptop", "--help-all"],
        ["sweep", "figure3a", "--help"],
        ["sweep", "figure3a", "--help-all"],
        ["resume", "--help"],
        ["status", "--help"],
        ["status", "."],
        ["show-config", "laptop"],
        ["convert-config", "--help"],
        *(args for args, _ in REFUSALS.values()),
    ],
    ids=" ".join,
)
def test_help_and_refusals_do_not_wait_for_pytorch(args, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_TORCH, *args], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
