"""icl-eval report: its files, its refusals, and that it writes the page anew as runs go on."""

import os
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest

from icl_data.foundation.command_line import run_command
from icl_eval._commands.main import _main
from icl_eval._commands.overview import report

SCORES = {0: (0.5, 0.0), 20: (0.75, 0.25)}


def code_of(*args):
    return run_command(_main, "icl-eval", ["report", *map(str, args)])


def test_the_files_are_in_the_folder_of_the_runs_and_printed(write_run, tmp_path, capsys):
    write_run("one", SCORES)
    assert code_of(tmp_path / "runs") == 0
    names = ["report.html", "report_runs.csv", "report_curves.csv"]
    assert capsys.readouterr().out.splitlines() == [str(tmp_path / "runs" / name) for name in names]
    assert all((tmp_path / "runs" / name).is_file() for name in names)


def test_a_title_and_what_the_runs_are_about_can_be_said(write_run, tmp_path, data_of):
    write_run("one", SCORES)
    assert code_of(tmp_path / "runs", "--title", "Bursts", "--about", "of <b>two</b>\nsources") == 0
    data = data_of(tmp_path / "runs" / "report.html")
    assert (data["title"], data["about"]) == ("Bursts", "of <b>two</b>\\nsources")


def test_a_damaged_folder_is_named_on_stderr_and_in_the_page(write_run, tmp_path, capsys, data_of):
    write_run("one", SCORES)
    (write_run("two", SCORES, seed=1).path / "config.json").write_text("{")
    assert code_of(tmp_path / "runs") == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert "runs/two" in line
    assert "runs/two" in data_of(tmp_path / "runs" / "report.html")["skipped"][0]


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["nowhere"], "does not exist"),
        (["."], "needs at least one run with evaluations"),
        ([".", "--out", "page.pdf"], "--out must end in .html or .htm"),
        ([".", "--out", "there/page.html"], "a file in a folder that exists"),
        ([".", "--watch", "0"], "--watch must be at least 1 and at most 86400 s, got 0"),
        ([".", "--watch", "1", "2"], "--watch must be one number of seconds"),
        ([".", "--where", "classes"], "--where must be setting=value"),
        ([], "runs must be a folder"),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(tmp_path, monkeypatch, capsys, args, told):
    monkeypatch.chdir(tmp_path)
    assert code_of(*args) == 2
    printed = capsys.readouterr()
    (line,) = printed.err.splitlines()
    assert told in line
    assert printed.out == ""
    assert list(tmp_path.iterdir()) == []


def test_a_value_that_no_run_has_is_refused_with_those_there_are(write_run, tmp_path, capsys):
    write_run("one", SCORES)
    assert code_of(tmp_path / "runs", "--where", "classes=7") == 2
    assert "--where classes must be one of 64, got '7'" in capsys.readouterr().err
    assert not (tmp_path / "runs" / "report.html").exists()


@pytest.fixture
def between_looks(monkeypatch):
    """Done one after another while the page is watched, which then ends."""

    def set_steps(*steps):
        left = iter(steps)

        def sleep(seconds):
            step = next(left, None)
            if step is None:
                raise KeyboardInterrupt
            step()

        # Of the page alone: locks, and threads that other tests have left, sleep as well.
        monkeypatch.setattr(report, "time", SimpleNamespace(sleep=sleep))

    return set_steps


def test_watch_waits_for_a_value_that_no_run_has_yet(write_run, tmp_path, capsys, between_looks, data_of):
    runs = tmp_path / "runs"
    write_run("one", SCORES)
    seen = []

    def see():
        seen.append([run["name"] for run in data_of(runs / "report.html")["runs"]])

    write, take_away = lambda: write_run("other", SCORES, count=128), lambda: (runs / "other").rename(tmp_path / "away")
    between_looks(see, write, see, take_away, see)
    assert code_of(runs, "--where", "classes=128", "--watch", "1") == 0
    assert seen == [[], ["other"], []]
    assert [line for line in capsys.readouterr().err.splitlines() if "waiting" in line] == [
        "icl-eval report: waiting for a run with classes=128: none that --where leaves has it yet"
    ]


def test_watch_shows_the_runs_of_those_values_that_are_there(write_run, tmp_path, between_looks, data_of):
    write_run("one", SCORES)
    between_looks()
    wanted = ("classes=64", "classes=128", "seeds.data=0")
    assert code_of(tmp_path / "runs", "--watch", "1", "--where", *wanted) == 0
    data = data_of(tmp_path / "runs" / "report.html")
    assert [run["name"] for run in data["runs"]] == ["one"]
    assert data["notes"] == ["waiting for a run with classes=128: none that --where leaves has it yet"]


def test_watch_does_not_wait_for_a_setting_that_there_is_not(write_run, tmp_path, capsys, between_looks):
    write_run("one", SCORES)
    between_looks()
    assert code_of(tmp_path / "runs", "--watch", "1", "--where", "classes=128", "p_brusty=1") == 2
    assert "--where must be a setting, got 'p_brusty'" in capsys.readouterr().err


def test_where_nothing_can_be_written_out_is_named(write_run, tmp_path, capsys, read_only):
    write_run("one", SCORES)
    read_only(tmp_path / "runs")
    assert code_of(tmp_path / "runs") == 2
    assert "--out FILE.html takes the page" in capsys.readouterr().err


def test_watch_writes_the_page_anew_when_a_run_has_gone_on(write_run, tmp_path, line):
    run = write_run("one", {0: (0.5, 0.0)}, done=False)
    page = tmp_path / "runs" / "report.html"
    command = [sys.executable, "-m", "icl_eval", "report", str(tmp_path / "runs"), "--watch", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watching:
        try:
            assert watching.stdout.readline() == f"{page}\n"
            first = page.stat()
            iwl = line("no_support_zipfian", 10, 0.0, chance=1 / 64, metric="accuracy_query")
            run.append([line("fewshot_holdout", 10, 0.9, chance=0.5), iwl])
            until = time.monotonic() + 60
            while page.stat().st_ino == first.st_ino and time.monotonic() < until:
                time.sleep(0.1)
            assert page.stat().st_ino != first.st_ino  # another file in its place: never half of one
            assert "0.9" in page.with_name("report_curves.csv").read_text()
        finally:
            os.kill(watching.pid, signal.SIGINT)
        assert watching.wait(30) == 0
        assert watching.stderr.read() == ""


def test_watch_outlives_the_folder_and_writes_it_when_it_is_there_again(write_run, tmp_path, between_looks, capsys):
    runs, page = tmp_path / "runs", tmp_path / "page.html"
    write_run("one", SCORES)
    between_looks(lambda: runs.rename(tmp_path / "away"), page.unlink, lambda: (tmp_path / "away").rename(runs))
    assert code_of(runs, "--watch", "1", "--out", page) == 0
    told = [line for line in capsys.readouterr().err.splitlines() if str(runs) in line]
    assert len(told) == 1
    assert page.exists()


def test_watch_waits_for_the_first_evaluation(tmp_path, write_run):
    (tmp_path / "runs").mkdir()
    command = [sys.executable, "-m", "icl_eval", "report", str(tmp_path / "runs"), "--watch", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as watching:
        try:
            assert watching.stdout.readline() == f"{tmp_path / 'runs' / 'report.html'}\n"
        finally:
            os.kill(watching.pid, signal.SIGINT)
        assert watching.wait(30) == 0
