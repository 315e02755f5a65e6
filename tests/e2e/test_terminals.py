"""Every command on a real terminal, narrow and wide, and in a pipe: a mistake is one and the same clean line."""

import re
import subprocess
import sys

import pytest
from terminal import on_terminal, plain

REFUSALS = {
    "icl_data": [
        (["shw"], "invalid choice: 'shw'"),
        (["show", "--nope"], "option --nope does not exist"),
        (["show", "--source", "guassian"], "did you mean gaussian?"),
        (["show", "--n", "many"], "invalid int value: 'many'"),
        (["stats", "bursty", "--p-bursty", "1.3"], "p_bursty must be in [0, 1], got 1.3"),
        (["sanity-check", "--seed", "1"], "--seed and --sequences go with --reference"),
        (["omniglot", "fetch", "--url", "nowhere"], "--url must start with"),
    ],
    "icl_models": [
        (["summry"], "invalid choice: 'summry'"),
        (["plugins", "--jsn"], "option --jsn does not exist"),
        (["summary", "nowhere.json"], "No such file or directory: nowhere.json"),
        (["import-haiku", "nowhere.dill", "out.safetensors"], "No such file or directory: nowhere.dill"),
        (["export-haiku", "nowhere.safetensors", "out.dill"], "nowhere.safetensors"),
    ],
    "icl_train": [
        (["trian"], "command must be one of"),
        (["run", "labtop"], "preset must be one of"),
        (["run", "laptop", "--lr", "1"], "did you mean --optim.max-lr?"),
        (["run", "laptop", "--max-steps", "many"], "many"),
        (["run", "laptop", "--optim.optimizer", "adamax"], "adamw"),
        (["run", "laptop", "--optim.max-lr", "-1"], "optim.max_lr must be"),
        (["run", "laptop", "--model.sequence-model", "lsmt"], "did you mean"),
        (["run", "laptop", "--data.source", "nowhere:make"], "nowhere"),
        (["run", "laptop", "--max-steps"], "--max-steps"),
        (["sweep", "figure9"], "must be one of"),
        (["sweep", "figure3a", "--class-counts", "many"], "many"),
        (["resume", "nowhere"], "nowhere"),
        (["status", "nowhere"], "nowhere"),
        (["convert-config", "nowhere.py"], "No such file or directory: nowhere.py"),
        (["convert-config", "nowhere.py", "--strct"], "did you mean --strict?"),
        (["profile", "nowhere"], "nowhere"),
        (["profile", "smoke", "--steps", "0"], "steps must be in 1..1000, got 0"),
    ],
    "icl_eval": [
        (["figure9", "runs"], "command must be one of"),
        (["figure3a", "nowhere"], "nowhere"),
        (["figure3a", ".", "--unfnished"], "did you mean --unfinished?"),
        (["evaluate", "nowhere"], "nowhere"),
        (["evaluate", ".", "--step", "many"], "many"),
        (["figures", "3"], "it does not exist"),
        (["plot", ".", "--at", "first"], "--at must be last, peak or a step"),
        (["watch", "nowhere"], "nowhere"),
        (["watch", ".", "--interval", "0"], "interval must be from 0.2 to 3600 seconds, got 0.0"),
        (["heads", "nowhere"], "nowhere"),
        (["heads", ".", "--steps", "first"], "--steps must be steps of checkpoints, or all"),
        (["patch", "nowhere"], "nowhere"),
        (["report", "nowhere"], "nowhere"),
        (["report", ".", "--watch", "0"], "--watch must be at least 1"),
        (["patch", ".", "fewshot_holdot"], "did you mean fewshot_holdout?"),
    ],
}
CASES = [(module, args, told) for module, cases in REFUSALS.items() for args, told in cases]


@pytest.mark.parametrize(("module", "args", "told"), CASES, ids=[" ".join([case[0], *case[1]]) for case in CASES])
def test_a_mistake_is_one_clean_line_on_a_terminal_and_in_a_pipe(module, args, told, tmp_path):
    piped = subprocess.run(
        [sys.executable, "-m", module, *args], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (piped.returncode, piped.stdout) == (2, "")
    assert told in piped.stderr
    assert piped.stderr.count("\n") == 1
    assert not set("│─╭╰\x1b") & set(piped.stderr)
    for width in (80, 200):
        assert on_terminal(module, args, width=width, cwd=tmp_path) == (2, piped.stderr)
    assert not [path for path in tmp_path.iterdir() if path.name != "cache"]


HELP = [
    ("icl_data", ["--help"]),
    ("icl_data", ["show", "--help"]),
    ("icl_models", ["--help"]),
    ("icl_models", ["import-haiku", "--help"]),
    ("icl_train", ["--help"]),
    ("icl_train", ["run", "--help"]),
    ("icl_train", ["run", "laptop", "--help"]),
    ("icl_train", ["sweep", "figure3a", "--help"]),
    ("icl_train", ["resume", "--help"]),
    ("icl_train", ["status", "--help"]),
    ("icl_train", ["profile", "--help"]),
    ("icl_train", ["convert-config", "--help"]),
    ("icl_eval", ["--help"]),
    ("icl_eval", ["figure3a", "--help"]),
    ("icl_eval", ["evaluate", "--help"]),
    ("icl_eval", ["watch", "--help"]),
    ("icl_eval", ["heads", "--help"]),
    ("icl_eval", ["patch", "--help"]),
    ("icl_eval", ["report", "--help"]),
]


@pytest.mark.parametrize(("module", "args"), HELP, ids=[" ".join([module, *args]) for module, args in HELP])
@pytest.mark.parametrize("width", [80, 200])
def test_help_fits_the_terminal(module, args, width, tmp_path):
    code, sent = on_terminal(module, args, width=width, cwd=tmp_path)
    assert code == 0
    assert max(map(len, plain(sent).splitlines())) <= width
    assert not [line for line in plain(sent).splitlines() if line.rstrip(" │").endswith("\u2026")]  # nothing is cut


TOLD = [("icl_train", ["profile", "smoke", "--steps", "2", "--device", "cpu"])]


@pytest.mark.parametrize(("module", "args"), TOLD, ids=[" ".join([module, *args]) for module, args in TOLD])
@pytest.mark.parametrize("width", [80, 200])
def test_what_is_told_fits_the_terminal(module, args, width, tmp_path):
    code, sent = on_terminal(module, args, width=width, cwd=tmp_path)
    assert code == 0
    assert max(map(len, plain(sent).splitlines())) <= width
    assert not set("\u2026\x1b") & set(sent)


LIGHT = [
    ("icl_data", ["show", "--help"]),
    ("icl_models", ["--help"]),
    ("icl_models", ["plugins"]),
    ("icl_models", ["summary", "nowhere.json"]),
    ("icl_train", ["--help"]),
    ("icl_train", ["run", "laptop", "--help"]),
    ("icl_train", ["run", "laptop", "--model.num-heads", "7"]),
    ("icl_train", ["run", "laptop", "--data.n-holdout-classes", "1"]),
    ("icl_train", ["run", "laptop", "--data.source", "nowhere:make"]),
    ("icl_train", ["sweep", "figure3a", "--class-counts", "3"]),
    ("icl_train", ["resume", "nowhere"]),
    ("icl_train", ["status", "."]),
    ("icl_train", ["profile", "--help"]),
    ("icl_train", ["profile", "laptop", "--model.num-heads", "7"]),
    ("icl_train", ["convert-config", "nowhere.py"]),
    ("icl_eval", ["--help"]),
    ("icl_eval", ["figures"]),
    ("icl_eval", ["figure3a", "nowhere"]),
    ("icl_eval", ["evaluate", "nowhere"]),
    ("icl_eval", ["table", "--help"]),
    ("icl_eval", ["table", "nowhere"]),
    ("icl_eval", ["watch", ".", "--once"]),
    ("icl_eval", ["heads", "nowhere"]),
    ("icl_eval", ["report", "--help"]),
    ("icl_eval", ["report", "nowhere"]),
    ("icl_eval", ["patch", "--help"]),
]


@pytest.mark.parametrize(("module", "args"), LIGHT, ids=[" ".join([module, *args]) for module, args in LIGHT])
def test_help_and_refusals_import_no_large_library(module, args, tmp_path):
    code = (
        f"import runpy, sys\nsys.argv = {[module, *args]!r}\n"
        f"try:\n    runpy.run_module({module!r}, run_name='__main__', alter_sys=True)\n"
        "except SystemExit:\n    pass\n"
        "print([name for name in ('torch', 'matplotlib', 'pandas', 'polars') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("module", REFUSALS)
def test_a_name_that_the_locale_has_no_letters_for_ends_no_command(module, tmp_path):
    unknown = {
        "icl_data": ["omniglot", "verify", "naïve-☃"],
        "icl_models": ["summary", "naïve-☃.json"],
        "icl_train": ["status", "naïve-☃"],
        "icl_eval": ["figure3a", "naïve-☃"],
    }[module]
    ascii_only = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    code, sent = on_terminal(module, unknown, width=80, cwd=tmp_path, variables=ascii_only)
    assert code in (1, 2)
    assert re.search(r"na\\xefve-\\u2603|na\\udcc3\\udcafve", sent), sent
    assert "Traceback" not in sent
