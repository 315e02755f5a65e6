"""The command ``icl-train status``: which runs there are, what each is, and what sets them apart, in any width."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace

import pytest

from icl_data.foundation.sealed import seal_object
from icl_train import RunFolder, smoke
from icl_train._commands.main import _main
from icl_train._sweeps.sweep import prepare

EVERY_COLUMN = ["run", "state", "step", "of", "steps/s", "left", "ICL", "IWL"]
STATUS = [sys.executable, "-m", "icl_train", "status"]


def short(**parts):
    config = smoke()
    parts = {"train": {"max_steps": 20}, "eval": {"batches": 1}} | parts
    return replace(config, **{name: replace(getattr(config, name), **changes) for name, changes in parts.items()})


def sealed(value):
    return seal_object(json.dumps(value, indent=1) + "\n")


def beat(run, step, speed):
    (run.path / "heartbeat.json").write_text(
        sealed(
            {"step": step, "steps_per_second": speed, "pid": 4321, "host": "node7", "time": 0.0}
            | {"times": {"update": 1 / speed}}
        )
    )


def score(split, step, accuracy):
    metric = "accuracy_query" if split == "no_support_zipfian" else "accuracy_closed"
    return {"split": f"eval_{split}", "step": step, metric: accuracy, "chance": 0.5}


@pytest.fixture
def runs(tmp_path):
    """A run in each state, by state; the one that runs is locked by this process."""
    names = ("done", "failed", "interrupted", "queued", "running")
    steps = {"train": {"max_steps": 5000}}
    made = {
        name: RunFolder.create(
            tmp_path / "runs" / name, short(**steps, optim={"max_lr": rate}), device="cpu", threads=1
        )
        for name, rate in zip(names, (0.1, 0.2, 0.3, 0.4, 0.4), strict=True)
    }
    made["done"].append([score("fewshot_holdout", 5000, 0.875), score("no_support_zipfian", 5000, 0.125)])
    made["done"].mark_done()
    made["failed"].append([score("fewshot_holdout", 10, 0.5)])
    made["failed"].mark_failed("the loss must stay finite, got nan by step 20")
    made["interrupted"].append([score("fewshot_holdout", 40, 0.5)])
    with made["running"].lock():
        made["running"].append([score("fewshot_holdout", 1000, 0.625)])
        beat(made["running"], 1400, 0.5)
        yield made


def rows(text):
    """Name of a run → the words after it, of the lines that begin with one."""
    lines = [line.split() for line in text.splitlines()]
    return {words[0]: words[1:] for words in lines if words and not words[0].endswith(":")}


def test_a_run_is_what_its_folder_says(runs, tmp_path, capsys):
    assert _main(["status", str(tmp_path / "runs")]) == 0
    found = rows(capsys.readouterr().out)
    assert {name: found[name][0] for name in runs} == {name: name for name in runs}


def test_a_pipe_gets_every_column_and_each_run_on_one_line(runs, tmp_path, capsys):
    _main(["status", str(tmp_path / "runs")])
    printed = capsys.readouterr().out
    found = rows(printed)
    assert printed.splitlines()[0].split() == [*EVERY_COLUMN, "differs", "in"]
    assert found["running"] == ["running", "1400", "5000", "0.5", "2:00:00", "0.625", "-"]
    assert found["done"] == ["done", "5000", "5000", "-", "-", "0.875", "0.125", "optim.max_lr=0.1"]
    assert found["interrupted"] == ["interrupted", "40", "5000", "-", "-", "0.500", "-", "optim.max_lr=0.3"]


def test_the_reason_of_a_failure_is_below_the_table(runs, tmp_path, capsys):
    _main(["status", str(tmp_path / "runs")])
    told = capsys.readouterr().out.splitlines()
    assert "failed: failed: the loss must stay finite, got nan by step 20" in told
    assert "5 runs: 1 running, 1 failed, 1 interrupted, 1 queued, 1 done" in told


@pytest.mark.parametrize("columns", [80, 200])
def test_what_sets_runs_apart_is_shown_in_any_width(columns, tmp_path, on_terminal):
    configs = [
        short(),
        short(optim={"max_lr": 0.1}),
        short(optim={"max_lr": 1e30, "warmup_steps": 1}, model={"emb_dim": 32, "num_heads": 4}),
    ]
    prepare(configs, tmp_path, jobs=1)
    terminal = on_terminal([*STATUS, str(tmp_path)], columns=columns)
    assert terminal.end() == 0
    assert all(len(line) <= columns for line in terminal.shown.splitlines())
    for word in ("optim.max_lr=0.1", "optim.max_lr=1e+30", "optim.warmup_steps=1", "model.emb_dim=32"):
        assert word in terminal.shown
    # Beside the names where there is room, below them otherwise.
    assert ("differs in" in terminal.shown) == (columns == 200)


def test_columns_that_are_needed_least_leave_first(runs, tmp_path, on_terminal):
    heads = {}
    for columns in (200, 80, 60, 40):
        terminal = on_terminal([*STATUS, str(tmp_path / "runs")], columns=columns)
        terminal.end()
        heads[columns] = next(line.split() for line in terminal.shown.splitlines() if line.strip().startswith("run "))
        assert all(len(line) <= columns for line in terminal.shown.splitlines() if "running" in line.split())
        assert "optim.max_lr=0.3" in terminal.shown
    assert heads[200] == [*EVERY_COLUMN, "differs", "in"]
    assert heads[80] == EVERY_COLUMN
    assert set(heads[40]) < set(heads[60]) < set(heads[80])
    assert {"run", "state"} <= set(heads[40])


def test_columns_that_would_be_empty_are_not_there(tmp_path, capsys):
    prepare([short()], tmp_path, jobs=1)
    _main(["status", str(tmp_path)])
    assert capsys.readouterr().out.splitlines()[0].split() == ["run", "state", "step", "of"]


def test_status_says_what_sets_runs_apart(tmp_path, capsys):
    prepare([short(), short(seeds={"data": 1}), short(optim={"max_lr": 0.1})], tmp_path, jobs=1)
    assert _main(["status", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert printed.count("optim.max_lr=0.1") == 1
    assert "seeds.data" not in printed  # the names say it


def test_names_of_ones_own_say_nothing_of_seeds_so_the_table_does(tmp_path, capsys):
    for name, seed in (("mine", 0), ("other", 0), ("yours", 1)):
        RunFolder.create(tmp_path / name, short(seeds={"data": seed}), device="cpu", threads=1)
    _main(["status", str(tmp_path)])
    assert rows(capsys.readouterr().out)["yours"][-1] == "seeds.data=1"


def test_runs_of_one_name_are_told_apart_by_the_folders_above_them(tmp_path, capsys):
    for folder in ("a", "b"):
        RunFolder.create(tmp_path / folder / "run", short(), device="cpu", threads=1)
    _main(["status", str(tmp_path)])
    assert {"a/run", "b/run"} <= rows(capsys.readouterr().out).keys()


def test_status_names_a_run_it_cannot_read_and_lists_the_others(tmp_path, capsys):
    good, bad = prepare([short(), short(seeds={"data": 1})], tmp_path, jobs=1)
    (bad.path / "metrics.jsonl").write_text('nonsense\n{"split": "train"}\n')
    assert _main(["status", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert good.name in printed
    assert f"{bad.name}: damaged: cannot read its metrics.jsonl: line 1 must have the crc32" in printed


def test_names_and_reasons_from_outside_are_text_and_nothing_else(tmp_path, capsys):
    run = RunFolder.create(tmp_path / "[red]:smile:\x1b[2J\nname", short(), device="cpu", threads=1)
    run.mark_failed("[bold]\x1b[2Jreason\nnext")
    _main(["status", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert r"[red]:smile:\x1b[2J name" in printed
    assert r"failed: [bold]\x1b[2Jreason next" in printed


def test_letters_that_the_output_has_not_end_nothing(tmp_path):
    RunFolder.create(tmp_path / "\u03b1-run", short(), device="cpu", threads=1)
    environment = {"PYTHONIOENCODING": "ascii"}
    process = subprocess.run(
        [*STATUS, str(tmp_path)],
        capture_output=True,
        check=True,
        env={**os.environ, **environment},
    )
    assert rb"\u03b1-run" in process.stdout


def test_json_has_the_documented_keys(runs, tmp_path, capsys):
    (tmp_path / "runs" / "bad").mkdir()
    (tmp_path / "runs" / "bad" / "config.json").write_text("{")
    assert _main(["status", str(tmp_path / "runs"), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    found = {run["name"]: run for run in told["runs"]}
    assert found["running"] == {
        "path": str(runs["running"].path),
        "name": "running",
        "state": "running",
        "step": 1400,
        "max_steps": 5000,
        "steps_per_second": 0.5,
        "seconds_left": 7200.0,
        "process": {"pid": 4321, "host": "node7"},
        "job": None,
        "scores": {"fewshot_holdout": {"step": 1000, "accuracy": 0.625, "chance": 0.5}},
        "differs": {},
        "reason": None,
        "unusable": None,
    }
    assert found["failed"]["reason"] == "the loss must stay finite, got nan by step 20"
    assert found["done"]["differs"] == {"optim.max_lr": "0.1"}
    assert [(entry["path"], entry["reason"][:11]) for entry in told["unreadable"]] == [
        (str(tmp_path / "runs" / "bad"), "cannot read")
    ]


def test_json_and_watch_are_not_given_together(tmp_path):
    with pytest.raises(ValueError, match="--json prints once, and cannot be given with --watch"):
        _main(["status", str(tmp_path), "--json", "--watch"])


def test_a_folder_that_is_not_there_is_a_mistake(tmp_path):
    process = subprocess.run([*STATUS, str(tmp_path / "nowhere")], capture_output=True, text=True, check=False)
    assert process.returncode == 2
    assert "it does not exist" in process.stderr


def test_no_runs_are_no_mistake(tmp_path, capsys):
    assert _main(["status", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "no runs found\n"


def test_status_needs_no_pytorch(runs, tmp_path):
    code = (
        "import sys\n"
        "from icl_train._commands.main import _main\n"
        f"assert _main(['status', {str(tmp_path / 'runs')!r}]) == 0\n"
        "print('torch' in sys.modules, file=sys.stderr)\n"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stderr == "False\n"


@pytest.mark.parametrize("key", ["q", "\x03"])
@pytest.mark.parametrize("columns", [80, 200])
def test_watch_redraws_until_q_or_ctrl_c_and_leaves_the_table(columns, key, runs, tmp_path, on_terminal):
    terminal = on_terminal([*STATUS, str(tmp_path / "runs"), "--watch"], columns=columns)
    terminal.until("q ends")
    terminal.until(" 1400 ")
    beat(runs["running"], 1700, 0.5)
    terminal.until(" 1700 ")
    terminal.press(key)
    assert terminal.end() == 0
    assert "5 runs: 1 running" in terminal.shown.rpartition("q ends")[2]


def test_watch_on_a_low_terminal_shows_what_is_news_first(runs, tmp_path, on_terminal):
    terminal = on_terminal([*STATUS, str(tmp_path / "runs"), "--watch"], columns=80, lines=6)
    first = terminal.until("q ends") and terminal.until(" 1400 ")
    terminal.press("q")
    assert terminal.end() == 0
    assert "interrupted  " not in first.partition(" 1400 ")[0].partition("q ends")[2]


def test_watch_into_a_pipe_prints_a_line_for_each_run_and_one_for_each_change(runs, tmp_path):
    process = subprocess.Popen([*STATUS, str(tmp_path / "runs"), "--watch"], stdout=subprocess.PIPE, text=True)
    try:
        first = sorted(process.stdout.readline() for _ in runs)
        assert first[-1] == "running: running, step 1400 of 5000, ICL 0.625, 0.5 steps/s, 2:00:00 left\n"
        beat(runs["running"], 1401, 0.5)  # no change that is worth a line
        time.sleep(1.5)
        runs["queued"].mark_failed("out of luck")
        assert process.stdout.readline() == "queued: failed, step 0 of 5000, out of luck\n"
        process.send_signal(2)
        assert process.wait(timeout=180) == 0
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_watch_tells_of_runs_that_come_and_go(runs, tmp_path):
    process = subprocess.Popen([*STATUS, str(tmp_path / "runs"), "--watch"], stdout=subprocess.PIPE, text=True)
    try:
        for _ in runs:
            process.stdout.readline()
        made = RunFolder.create(tmp_path / "runs" / "new", short(), device="cpu", threads=1)
        assert process.stdout.readline() == "new: queued, step 0 of 20\n"
        (made.path / "config.json").unlink()
        assert process.stdout.readline() == f"{made.path}: cannot be read any more\n"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def test_a_pipe_that_nobody_reads_is_told_by_the_exit_code(tmp_path):
    RunFolder.create(tmp_path / "runs" / "one", short(), device="cpu", threads=1)
    reading, writing = os.pipe()
    os.close(reading)
    command = [*STATUS, str(tmp_path / "runs")]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")
