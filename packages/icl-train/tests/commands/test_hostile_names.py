"""A name is data: no terminal obeys it, no line breaks at it, and no encoding ends a command."""

import re
import shutil

import pytest

from icl_train import PlainReporter, RunFolder, smoke, train

HOSTILE = "[red]n\x1b[31mX\x1b]0;title\x07\nline\u202eé"
SHOWN = "[red]n\\x1b[31mX\\x1b]0;title\\x07\\nline"
SHORT = ["--max-steps", "6", "--eval-batches", "1"]
ASCII = {"LC_ALL": "C", "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def unobeyed(printed):
    """What is shown, when no escape sequence of the name's own is among it."""
    for sequence in ("\x1b[31mX", "\x1b]0;", "\x07", "\u202e", "\nline\u202e"):
        assert sequence not in printed
    return re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", printed)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    run = RunFolder.create(tmp_path_factory.mktemp("finished") / "run", smoke(), device="cpu", threads=1)
    with open("/dev/null", "w") as nowhere:
        train(run, PlainReporter(nowhere))
    return run.path


def copied(finished, folder, *, done):
    run = folder / HOSTILE
    shutil.copytree(finished, run)
    if not done:
        (run / "DONE").unlink()
        RunFolder.open(run).mark_failed("\x1b[31mXred")
    return run


@pytest.mark.parametrize("environment", [{}, ASCII], ids=["utf8", "ascii"])
@pytest.mark.parametrize("columns", [None, 80, 200])
def test_run_shows_a_hostile_name_as_text(columns, environment, tmp_path, terminal):
    printed, code = terminal(
        "run", "smoke", "--root", "runs", "--name", HOSTILE, *SHORT, columns=columns, **environment
    )
    assert code == 0, printed
    shown = unobeyed(printed)
    assert (SHOWN if columns is None else SHOWN[:8]) in shown
    assert f"runs/{SHOWN}" in shown.splitlines()[-1]
    assert (tmp_path / "runs" / HOSTILE / "DONE").exists()


@pytest.mark.parametrize("environment", [{}, ASCII], ids=["utf8", "ascii"])
@pytest.mark.parametrize("columns", [None, 80, 200])
@pytest.mark.parametrize("done", [True, False])
def test_resume_and_status_show_a_hostile_name_as_text(done, columns, environment, finished, tmp_path, terminal):
    run = copied(finished, tmp_path, done=done)
    printed, code = terminal("status", tmp_path, columns=columns, **environment)
    assert code == 0, printed
    assert "[red]n" in unobeyed(printed)
    printed, code = terminal("resume", run, columns=columns, **environment)
    assert code == 0, printed
    assert "[red]n" in unobeyed(printed)


@pytest.mark.parametrize("environment", [{}, ASCII], ids=["utf8", "ascii"])
@pytest.mark.parametrize("columns", [None, 80])
def test_refusals_show_a_hostile_name_on_one_line(columns, environment, finished, tmp_path, terminal):
    run = copied(finished, tmp_path, done=True)
    (run / "config.json").write_text("{")
    for args in (
        ["resume", run],
        ["resume", tmp_path / f"{HOSTILE}nowhere"],
        ["run", "smoke", "--root", tmp_path, "--name", HOSTILE],
        ["run", HOSTILE],
        ["run", "smoke", "--config", tmp_path / f"{HOSTILE}.toml"],
        ["run", "smoke", f"--{HOSTILE}", "1"],
        ["run", "smoke", "--max-steps", HOSTILE],
        [HOSTILE],
    ):
        printed, code = terminal(*args, columns=columns, **environment)
        assert code == (1 if args == ["resume", run] else 2), printed  # a run that is damaged, or a mistake
        assert "\x1b" not in printed
        assert printed.count("\n") == 1
