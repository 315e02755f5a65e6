"""icl-eval compare: which runs belong together, what is printed and written, and that mistakes leave nothing behind."""

import csv
import json

import numpy as np
import pytest

from icl_eval._commands.main import _main
from icl_train import RunError

STEPS = range(0, 21, 5)
METRIC = "eval_fewshot_holdout/accuracy_closed"
FILES = [f"compare{end}" for end in (".pdf", ".png", ".svg", "_curves.csv", "_differences.csv", "_tests.csv")]


def emergence(at):
    """Scores of a run whose ICL emerges at that update."""
    return {step: (0.9 if step >= at else 0.5, 0.03) for step in STEPS}


@pytest.fixture
def runs(write_run, tmp_path):
    """Four seeds of one setting, emerging at 5, 10, 10 and 15."""
    for seed, at in enumerate((5, 10, 10, 15)):
        write_run(f"s{seed}", emergence(at), seed=seed)
    return tmp_path / "runs"


@pytest.fixture
def archived(tmp_path):
    """Writes one archived run: ``archived(name, at)``, or with its rows."""

    def write(name, at=10, rows=None):
        file = tmp_path / f"{name}.csv"
        # a little of its own in each, as in each seed
        own = sum(map(ord, name)) % 7 / 1000
        if rows is None:
            rows = [(step, METRIC, icl + own) for step, (icl, _) in emergence(at).items()]
        file.write_text("step,metric,value\n" + "".join(f"{','.join(map(str, row))}\n" for row in rows))
        return str(file)

    return write


def rows_of(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def run(*arguments):
    return _main(["compare", *map(str, arguments)])


def test_a_comparison_is_a_picture_in_three_formats_and_three_tables(runs, archived, tmp_path, capsys):
    assert run(runs, "--with", archived("a"), archived("b"), "--out", tmp_path / "out") == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == FILES
    printed = capsys.readouterr()
    assert printed.err == ""
    assert [line.split("/")[-1] for line in printed.out.splitlines()[-6:]] == [
        f"compare{end}" for end in (".png", ".pdf", ".svg", "_curves.csv", "_differences.csv", "_tests.csv")
    ]


def test_without_out_the_files_lie_beside_the_runs(runs, archived):
    assert run(runs, "--with", archived("a")) == 0
    assert set(FILES) <= {path.name for path in runs.iterdir()}


def test_the_curves_hold_every_run_and_the_means_that_are_drawn(runs, archived, tmp_path):
    run(runs, "--with", archived("a"), archived("b"), "--out", tmp_path / "out")
    rows = rows_of(tmp_path / "out" / "compare_curves.csv")
    drawn = {side: {row["run"] for row in rows if row["side"] == side} for side in ("ours", "theirs")}
    assert drawn == {"ours": {"s0", "s1", "s2", "s3", "mean"}, "theirs": {"a.csv", "b.csv", "mean"}}
    at_10 = {row["run"]: float(row["value"]) for row in rows if row["side"] == "ours" and row["step"] == "10"}
    assert at_10.pop("mean") == pytest.approx(np.mean(list(at_10.values())))


def test_differences_are_ours_minus_theirs_at_each_common_step(runs, archived, tmp_path):
    run(runs, "--with", archived("a", at=100), archived("b", at=100), "--out", tmp_path / "out")
    rows = rows_of(tmp_path / "out" / "compare_differences.csv")
    assert [int(row["step"]) for row in rows] == list(STEPS)
    last = rows[-1]
    assert float(last["difference"]) == pytest.approx(float(last["mean_ours"]) - float(last["mean_theirs"]))
    assert float(last["difference"]) > 0.39
    assert float(last["low"]) < float(last["difference"]) < float(last["high"])


def test_json_has_the_rows_of_the_files_and_stdout_nothing_else(runs, archived, tmp_path, capsys):
    run(runs, "--with", archived("a"), archived("b"), "--out", tmp_path / "out", "--json")
    told = json.loads(capsys.readouterr().out)
    assert told["ours"]["runs"] == ["s0", "s1", "s2", "s3"]
    assert told["theirs"] == {"name": "theirs", "runs": ["a.csv", "b.csv"]}
    written = rows_of(tmp_path / "out" / "compare_tests.csv")
    assert (
        [row["test"] for row in told["tests"]]
        == [row["test"] for row in written]
        == [
            "mean over training",
            "crossing",
        ]
    )
    assert told["tests"][1]["ours"] == float(written[1]["ours"]) == 10.0


def test_a_delay_of_enough_runs_is_found_and_said(write_run, archived, tmp_path, capsys):
    for seed, at in enumerate((15, 15, 20, 20, 15)):
        write_run(f"late{seed}", emergence(at), seed=seed)
    theirs = [archived(name, at) for name, at in zip("abcde", (5, 5, 10, 5, 10), strict=True)]
    run(tmp_path / "runs", "--with", *theirs, "--out", tmp_path / "out")
    said = " ".join(capsys.readouterr().out.split())
    assert "ours is 10 updates later (95% interval +5 to +15). They differ: p = 0.0079" in said


def test_three_against_three_cannot_tell_and_the_command_says_so(write_run, archived, tmp_path, capsys):
    for seed in range(3):
        write_run(f"never{seed}", emergence(100), seed=seed)
    run(tmp_path / "runs", "--with", archived("a"), archived("b"), archived("c"), "--out", tmp_path / "out")
    said = " ".join(capsys.readouterr().out.split())
    assert "ours none of 3 by 20; theirs 10 10 10" in said
    assert "can reach is 0.1: no test of these runs can reach p < .05, whatever they measured" in said
    assert "Beside 3 of theirs, 5 of ours could." in said
    assert "about 1 in 20" not in said  # none can


def test_small_values_of_what_is_no_accuracy_are_told_with_digits(write_run, tmp_path, capsys):
    for side, size in (("a", 1), ("b", 2)):
        for seed in (0, 1):
            training = {step: {"loss": size * 1e-5 * (1 + seed / 10)} for step in STEPS[1:]}
            write_run(f"{side}{seed}", emergence(10), seed=seed, training=training, data={"p_bursty": size / 2})
    where = ["--where", "data.p-bursty=0.5", "--with-where", "data.p-bursty=1"]
    folder = tmp_path / "runs"
    assert run(folder, "--with", folder, *where, "--metric", "loss", "--out", tmp_path / "out") == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "5 1.05e-05 2.1e-05 -1.05e-05" in said
    assert "p_bursty 0.5 1.05e-05, p_bursty 1.0 2.1e-05, difference -1.05e-05 (95% interval " in said


def test_a_single_run_has_no_interval(runs, archived, tmp_path):
    run(runs, "--with", archived("a"), "--out", tmp_path / "out")
    assert {row["low"] for row in rows_of(tmp_path / "out" / "compare_differences.csv")} == {""}


def test_two_settings_of_our_runs_are_compared_by_one_command(runs, write_run, tmp_path, capsys):
    for seed, at in enumerate((15, 20, 20, 15)):
        write_run(f"../other/s{seed}", emergence(at), seed=seed, data={"p_bursty": 0.5})
    assert run(runs, "--with", tmp_path / "other", "--out", tmp_path / "out") == 0
    assert "4 runs of p_bursty 0.9 and 4 runs of p_bursty 0.5" in capsys.readouterr().out


def test_both_sides_can_be_chosen_from_one_folder(runs, write_run, tmp_path, capsys):
    for seed in range(2):
        write_run(f"sparse{seed}", emergence(20), seed=seed, data={"p_bursty": 0.5})
    where = ("--where", "data.p-bursty=0.9", "--with-where", "data.p_bursty=.5")
    assert run(runs, "--with", runs, *where, "--out", tmp_path / "out") == 0
    assert "4 runs of p_bursty 0.9 and 2 runs of p_bursty 0.5" in capsys.readouterr().out


@pytest.mark.parametrize("value", ["classes=64", "p-bursty=0.90", "data.n_labels=8"])
def test_runs_are_chosen_by_what_plot_takes(runs, write_run, archived, tmp_path, value, capsys):
    write_run("other", emergence(20), count=30, data={"p_bursty": 0.5, "n_labels": 4})
    assert run(runs, "--with", archived("a"), "--where", value, "--out", tmp_path / "out") == 0
    assert "4 runs of ours" in capsys.readouterr().out


def test_sides_that_differ_in_several_settings_say_so(runs, write_run, tmp_path, capsys):
    write_run("../other/s0", emergence(20), data={"p_bursty": 0.5}, optim={"max_lr": 0.5})
    run(runs, "--with", tmp_path / "other", "--out", tmp_path / "out")
    assert "differ in several settings: data.p_bursty 0.9 / 0.5; optim.max_lr 0.001 / 0.5." in capsys.readouterr().out


def test_runs_of_several_settings_are_refused_with_the_way_to_choose(runs, write_run, archived):
    write_run("c30", emergence(10), count=30)
    with pytest.raises(ValueError, match=r"seeds alone, got data\.n_rare_classes 20 \(1 run\) / 54 \(4 runs\)") as said:
        run(runs, "--with", archived("a"))
    assert "choose with --where, as --where data.n-rare-classes=54" in str(said.value)


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("data.n_rare_clases=54", "must be a setting, got 'data.n_rare_clases'; did you mean data.n_rare_classes"),
        ("data.n_rare_classes=55", r"--where data\.n_rare_classes must be one of 54, got '55'"),
        ("data.n_rare_classes", "--where must be setting=value"),
    ],
)
def test_a_choice_that_names_nothing_is_refused(runs, archived, where, said):
    with pytest.raises(ValueError, match=said):
        run(runs, "--with", archived("a"), "--where", where)


@pytest.mark.parametrize("metric", [METRIC, "fewshot_holdout/accuracy_closed", "fewshot_holdout", "icl"])
def test_a_metric_may_be_named_in_full_or_by_its_evaluation(runs, archived, tmp_path, metric):
    assert run(runs, "--with", archived("a"), "--metric", metric, "--out", tmp_path / "out") == 0
    assert {row["metric"] for row in rows_of(tmp_path / "out" / "compare_tests.csv")} == {METRIC}


def test_a_metric_that_one_side_lacks_is_refused_with_those_that_both_have(runs, archived):
    with pytest.raises(
        ValueError, match=r"both sides have \(eval_fewshot_holdout/accuracy_closed\), got .*accuracy_c;"
    ):
        run(runs, "--with", archived("a"), "--metric", "eval_fewshot_holdout/accuracy_c")


def test_sides_without_a_common_metric_or_steps_are_refused(runs, archived):
    with pytest.raises(ValueError, match="a metric in common, got eval_fewshot_holdout"):
        run(runs, "--with", archived("a", rows=[(0, "other", 1)]))
    with pytest.raises(ValueError, match=r"two steps in common or more, got 0 \(steps 0 to 20 of ours, steps 3 to 4"):
        run(runs, "--with", archived("b", rows=[(3, METRIC, 0.5), (4, METRIC, 0.5)]))


def test_a_run_on_both_sides_is_refused(runs):
    with pytest.raises(ValueError, match=r"on one side, got .*s0 on both"):
        run(runs, "--with", runs)


def test_files_and_folders_together_are_refused(runs, archived):
    with pytest.raises(ValueError, match="CSV files or folders of runs, not both"):
        run(runs, "--with", archived("a"), runs)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--threshold", "nan"], "threshold must be a finite number"),
        (["--threshold", "75"], r"in \[0, 1\) for accuracies"),
        (["--seed", "-1"], "seed must not be negative"),
        (["--names", "a", "a"], "two different names"),
        (["--with-where", "data.p_bursty=0.9"], "files, which have no settings"),
    ],
)
def test_options_that_cannot_be_are_refused_and_nothing_is_written(runs, archived, options, said):
    before = sorted(runs.iterdir())
    with pytest.raises(ValueError, match=said):
        run(runs, "--with", archived("a"), *options)
    assert sorted(runs.iterdir()) == before


def test_without_anything_to_compare_with_the_option_is_named(runs):
    with pytest.raises(ValueError, match="--with must be one CSV file or folder or more, got none"):
        run(runs)


def test_broken_and_unfinished_runs_are_named_and_passed_over(runs, write_run, archived, tmp_path, capsys):
    write_run("unfinished", emergence(10), seed=7, done=False)
    (runs / "s1" / "config.json").write_text("{")
    assert run(runs, "--with", archived("a"), "--out", tmp_path / "out") == 0
    told = capsys.readouterr()
    assert "3 runs of ours" in told.out
    assert [line.split()[1].rpartition("/")[2] for line in sorted(told.err.splitlines())] == ["s1:", "unfinished:"]


def test_a_folder_without_runs_is_refused(runs, archived, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunError, match="got none below"):
        run(tmp_path / "empty", "--with", archived("a"))


def test_steps_that_not_all_runs_have_are_left_out_and_counted(runs, archived, tmp_path, capsys):
    rows = [(step, METRIC, 0.5) for step in (0, 5, 7, 20)]
    run(runs, "--with", archived("a", rows=rows), "--out", tmp_path / "out")
    assert "3 steps from 0 to 20, 3 that not all have left out" in capsys.readouterr().out


def test_training_losses_over_other_spans_are_said_to_be_something_else(runs, trained, archived, tmp_path, capsys):
    with_loss = archived("a", rows=[(step, "train/loss", 2.0) for step in (5, 10, 15, 20)])
    where = ("--where", "data.n_rare_classes=54", "--metric", "train/loss", "--out", tmp_path / "out")
    run(trained, "--with", with_loss, *where)
    assert "over 10 of ours and 5 of theirs, which is not the same" in " ".join(capsys.readouterr().err.split())
    alike = archived("b", rows=[(step, "train/loss", 2.0) for step in (10, 20)])
    run(trained, "--with", alike, *where)
    assert capsys.readouterr().err == ""


def test_hostile_names_move_no_cursor_and_make_no_formula(runs, write_run, archived, tmp_path, capsys):
    write_run("=1+1\x1b[2J", emergence(10), seed=9)
    assert run(runs, "--with", archived("a"), "--names", "$x$\x1b[31m", "@b", "--out", tmp_path / "out") == 0
    assert "\x1b" not in capsys.readouterr().out
    rows = rows_of(tmp_path / "out" / "compare_curves.csv")
    assert {row["run"][0] for row in rows if row["run"].endswith("2J")} == {"'"}
    assert {row["name"][:2] for row in rows if row["side"] == "theirs"} == {"'@"}


def test_where_runs_end_too_soon_for_any_delay_to_be_found_the_command_says_so(write_run, archived, tmp_path, capsys):
    for seed, at in enumerate((15, 20, 20, 100)):
        write_run(f"s{seed}", emergence(at), seed=seed)
    theirs = [archived(name, at) for name, at in zip("abcd", (15, 20, 100, 20), strict=True)]
    run(tmp_path / "runs", "--with", *theirs, "--out", tmp_path / "out")
    said = " ".join(capsys.readouterr().out.split())
    assert "as they end at 20, no delay would be found in 80 of 100 such experiments" in said
