"""`icl-eval watch`: curves, values and what has no room, from run folders whose records are written by hand."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len

from icl_eval._commands.main import _main
from icl_eval._watch.called import called
from icl_eval._watch.curves import Curve, Curves
from icl_eval._watch.entries import Entry, entries_of, groups_of
from icl_eval._watch.page import page_of
from icl_eval._watch.sparks import ASCII, BLOCKS, spark
from icl_train import RunFolder, Survey, smoke

WATCH = [sys.executable, "-m", "icl_eval", "watch"]
HOSTILE = "eval\x1b[2J\u202egnp"


def made(root, name, line, *, seed=0, rate=1e-3, accuracies=(0.5, 0.75), done=True, more=()):
    """A run with an evaluation of both kinds after 0, 20, … updates."""
    base = smoke()
    config = replace(base, optim=replace(base.optim, max_lr=rate), seeds=replace(base.seeds, init=seed, data=seed))
    run = RunFolder.create(root / name, config, device="cpu", threads=1)
    records = [
        record
        for place, accuracy in enumerate(accuracies)
        for record in (
            line("fewshot_holdout", 20 * place, accuracy, chance=0.5),
            line("no_support_zipfian", 20 * place, 0.25, chance=0.125, metric="accuracy_query"),
        )
    ]
    run.append([*records, *more])
    if done:
        run.mark_done()
    return run


def looked(*roots):
    curves = Curves()
    survey = Survey(*roots, hears=curves.hear)
    return survey.look(), curves, survey


def plain(entries, width, height=100):
    return [text.plain for text in page_of(entries, width=width, height=height, levels=BLOCKS)]


def test_a_curve_goes_from_chance_to_one_over_all_updates():
    curve = Curve("ICL", steps=[0, 25, 50, 75], values=[0.5, 0.75, 0.99, 0.3], chance=0.5)
    assert spark(curve, 100, 4) == "▁▅█▁"
    assert spark(curve, 100, 4, ASCII) == "_-#_"


def test_what_is_to_come_is_empty_and_what_lies_between_is_as_before():
    curve = Curve("ICL", steps=[0, 40], values=[0.5, 1.0], chance=0.5)
    assert spark(curve, 100, 10) == "▁▁▁▁█     "


def test_values_have_their_interval_and_chance(tmp_path, line):
    made(tmp_path, "one", line)
    rows, curves, _ = looked(tmp_path)
    (head, *_) = plain(entries_of(rows, curves), 200)
    assert re.search(r"ICL \.750 \[\.657, \.825\] \(\.500\) ▁+▅", head)
    assert "IWL .250 [.175, .343] (.125) " in head


def test_a_run_that_went_back_loses_what_followed(tmp_path, line):
    curves = Curves()
    run = made(tmp_path, "one", line, accuracies=(0.5, 0.6, 0.7))
    curves.hear(run, [line("fewshot_holdout", step, 0.9, chance=0.5) for step in (0, 20, 40, 60)])
    curves.hear(run, [line("fewshot_holdout", 20, 0.8, chance=0.5)])
    assert curves.of(run.path, ["fewshot_holdout"])["fewshot_holdout"].steps == [0, 20]


@pytest.mark.parametrize("value", [None, True, "much", float("nan"), [1], 10**400])
def test_a_value_that_is_no_number_is_none_of_a_curve(value, tmp_path, line):
    run = made(tmp_path, "one", line)
    curves = Curves()
    curves.hear(run, [{**line("fewshot_holdout", 0, 0.5, chance=0.5), "accuracy_closed": value}])
    assert not curves.of(run.path, ["fewshot_holdout"])


def test_a_group_is_the_mean_over_its_seeds_where_all_have_a_value(tmp_path, line):
    for seed, accuracies in enumerate([(0.5, 0.6), (0.5, 0.8), (0.5, 0.7, 0.9)]):
        made(tmp_path, f"s{seed}", line, seed=seed, accuracies=accuracies, done=seed == 0)
    made(tmp_path, "other", line, rate=0.1)
    entries = {called(entry): entry for entry in groups_of(*looked(tmp_path))}
    assert set(entries) == {"max_lr=0.001 (3 seeds)", "max_lr=0.1 (1 seed)"}
    curve = entries["max_lr=0.001 (3 seeds)"].curves["fewshot_holdout"]
    assert (curve.steps, curve.values) == ([0, 20], [0.5, pytest.approx(0.7)])
    assert (curve.low, curve.high) == (pytest.approx(0.4516, abs=1e-4), pytest.approx(0.9484, abs=1e-4))
    assert entries["max_lr=0.001 (3 seeds)"].state == "2 interrupted, 1 done"


@pytest.mark.parametrize(("measured", "seeds"), [(0, "3 seeds"), (1, "1 of 3 seeds"), (2, "2 of 3 seeds")])
def test_a_group_of_which_some_seeds_have_no_value_says_how_many_its_mean_is_of(measured, seeds, tmp_path, line):
    for seed in range(3):
        accuracies = (0.5, 0.6 + 0.2 * seed) if seed < measured else ()
        made(tmp_path, f"s{seed}", line, seed=seed, accuracies=accuracies, done=False)
    (group,) = groups_of(*looked(tmp_path))
    assert called(group) == f"same settings ({seeds})"
    last = [group.curves["fewshot_holdout"].values[-1]] if measured else []
    assert last == [pytest.approx(0.5 + 0.1 * measured)][:measured]


def test_a_group_whose_curves_are_of_other_seeds_says_both_numbers(tmp_path, line):
    made(tmp_path, "both", line, seed=0)
    made(tmp_path, "one", line, seed=1, accuracies=(), more=[line("fewshot_holdout", 20, 0.5, chance=0.5)])
    made(tmp_path, "neither", line, seed=2, accuracies=())
    (group,) = groups_of(*looked(tmp_path))
    assert group.seeds == "1-2 of 3 seeds"


def entry(number, state="done", rank=5):
    curves = {name: Curve(name, [0, 50], [0.5, 0.9], 0.5, 0.85, 0.95) for name in ("ICL", "IWL")}
    return Entry(f"run-{number}", "max_lr=0.1", state, rank, 50, 100, "9.8", "0:10:00", curves)


@pytest.mark.parametrize("width", [20, 40, 80, 132, 200])
def test_two_hundred_runs_fit_any_screen_and_what_is_cut_is_counted(width):
    entries = [entry(number) for number in range(199)] + [entry(199, "running", 0)]
    lines = plain(entries, width, height=30)
    assert len(lines) <= 30
    assert max(map(cell_len, lines)) <= width
    if width >= 80:
        assert lines[0].startswith("run-199")
        shown = sum(line.startswith("run-") for line in lines)
        assert lines[-1] == f"and {200 - shown} more ({200 - shown} done), for which there is no room"


def test_wide_terminals_have_one_line_a_run_and_narrow_ones_two():
    assert len(plain([entry(1)], 200)) == 2
    assert len(plain([entry(1)], 80)) == 3


def test_a_name_keeps_both_ends():
    long = replace(entry(1), name="omniglot-" + "x" * 100, differs="seed=17")
    assert re.match(r"omniglot-x+\.\.x+ seed=17  done", plain([long], 80)[0])


SWEPT = {"name": "gaussian-p_bursty1-s1-7b1ce2dc", "differs": "p_bursty=1.0 data=1 init=1"}


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        (74, "gaussian-p_bursty1-s1-7b1ce2dc p_bursty=1.0 data=1 init=1  done  50/100"),
        (70, "gaussian-p_bursty1-s1.. p_bursty=1.0 data=1 init=1  done  50/100"),
        (60, "gaussian-..rsty1-s1 p_bursty=1.0 data=1 init=1  done  50/100"),
    ],
)
def test_settings_stay_whole_and_of_a_name_the_hash_gives_way_first(width, shown):
    head, *_ = plain([replace(entry(1), **SWEPT, speed="", left="")], width)
    assert head == shown


def test_settings_that_no_line_has_room_for_are_below_the_name_each_whole():
    long = replace(entry(1), **SWEPT | {"differs": " ".join(f"setting_{number}=0.{number}" for number in range(9))})
    head, *below = plain([long], 80)
    assert head.startswith("gaussian-p_bursty1-s1-7b1ce2dc  done")
    assert set(long.differs.split()) <= {word for line in below for word in line.split()}
    assert max(map(cell_len, below)) <= 80


@pytest.mark.parametrize(("columns", "width"), [(None, 132), ("80", 80), ("200", 200)])
def test_a_pipe_is_as_wide_as_the_variable_columns_says(columns, width, tmp_path, line):
    made(tmp_path, "n" * 250, line)
    env = {name: value for name, value in os.environ.items() if name != "COLUMNS"} | {"PYTHONIOENCODING": "utf-8"}
    env |= {"COLUMNS": columns} if columns else {}
    done = subprocess.run([*WATCH, str(tmp_path), "--once"], env=env, stdout=subprocess.PIPE, check=True)
    assert max(map(cell_len, done.stdout.decode().splitlines())) == width


def test_a_group_is_headed_by_its_settings_and_never_by_one_of_its_runs(tmp_path, line):
    for rate in (0.001, 0.1):
        for seed in (0, 1):
            made(tmp_path, f"gaussian-r{rate}-s{seed}-7b1ce2d{seed}", line, seed=seed, rate=rate)
    assert list(map(called, groups_of(*looked(tmp_path)))) == ["max_lr=0.001 (2 seeds)", "max_lr=0.1 (2 seeds)"]


def test_the_only_group_is_called_by_what_the_names_of_its_runs_have_in_common(tmp_path, line):
    for seed in (0, 1):
        made(tmp_path, f"gaussian-p_bursty1-s{seed}-7b1ce2d{seed}", line, seed=seed)
    assert list(map(called, groups_of(*looked(tmp_path)))) == ["gaussian-p_bursty1 (2 seeds)"]


def test_a_group_that_is_quite_another_makes_the_others_tell_no_more(tmp_path, line):
    for seed in (0, 1):
        made(tmp_path, f"plain-s{seed}", line, seed=seed)
    config = replace(smoke(), optim=replace(smoke().optim, max_lr=0.1, warmup_steps=7))
    config = replace(config, data=replace(config.data, p_bursty=0.25), train=replace(config.train, batch_size=8))
    RunFolder.create(tmp_path / "quite", config, device="cpu", threads=1)
    assert list(map(called, groups_of(*looked(tmp_path)))) == [
        "plain (2 seeds)",
        "p_bursty=0.25 max_lr=0.1 warmup_steps=7 batch_size=8 (1 seed)",
    ]


def test_names_from_outside_move_no_cursor(tmp_path, line):
    more = [line(HOSTILE, 20, 0.5, chance=0.5)]
    made(tmp_path, "wide-\u4e16\u754c\x1b[31m", line, accuracies=(), more=more)
    rows, curves, _ = looked(tmp_path)
    text = "\n".join(plain(entries_of(rows, curves), 80))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "wide-\u4e16\u754c\\x1b[31m" in text


def test_why_a_run_failed_is_told(tmp_path, line):
    made(tmp_path, "one", line, done=False).mark_failed("the loss must stay finite, got nan")
    rows, curves, _ = looked(tmp_path)
    assert "  the loss must stay finite, got nan" in plain(entries_of(rows, curves), 80)


def test_several_folders_are_watched_each_run_once(tmp_path, line):
    made(tmp_path / "a", "one", line)
    made(tmp_path / "b", "two", line)
    rows, _, _ = looked(tmp_path / "a", tmp_path / "b", tmp_path)
    assert [row.name for row in rows] == ["one", "two"]


def test_once_prints_everything_and_names_what_cannot_be_read(tmp_path, line, capsys):
    for number in range(40):
        made(tmp_path, f"run-{number}", line, rate=0.001 * (1 + number))
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "config.json").write_text("{")
    assert _main(["watch", str(tmp_path), "--once"]) == 0
    printed = capsys.readouterr()
    assert sum(text.startswith("run-") for text in printed.out.splitlines()) == 40
    assert f"skipped {tmp_path / 'bad'}: " in printed.err


def test_no_runs_are_no_mistake(tmp_path, capsys):
    assert _main(["watch", str(tmp_path), "--once"]) == 0
    assert capsys.readouterr().out.strip() == "no runs found"


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["nowhere"], "nowhere"),
        ([".", "--interval", "0"], "--interval must be from 0.2 to 3600 seconds, got 0.0"),
        ([".", "--interval", "nan"], "interval must be"),
        ([".", "--groups"], "did you mean --group?"),
    ],
)
def test_a_mistake_is_refused(args, told, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ValueError, OSError), match=re.escape(told)):
        _main(["watch", *args])
    assert not list(Path.cwd().iterdir())


def test_a_pipe_that_nobody_reads_is_told_by_the_exit_code(tmp_path, line):
    made(tmp_path, "one", line)
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run([*WATCH, str(tmp_path), "--once"], stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, b"")
