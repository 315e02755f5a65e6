"""The icl-eval command: which files appear, what is told, and that mistakes leave nothing behind."""

import csv
import shutil

import pytest

from icl_eval import FIGURES
from icl_eval._commands.main import _main
from icl_train import RunError, RunFolder

OF_CLASSES = ("figure3a", "figure3b")
SCORES = {0: (0.5, 0.0), 20: (0.75, 0.25)}


def figure_files(name):
    return [f"{name}{end}" for end in (".png", ".pdf", ".svg", ".csv", "_metrics.csv", "_timeseries.csv")]


def read(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", OF_CLASSES)
def test_a_figure_is_six_files_a_table_and_their_paths(trained, tmp_path, capsys, name):
    assert _main([name, str(trained), "--out", str(tmp_path / "new" / "out")]) == 0
    out = tmp_path / "new" / "out"
    assert names(out) == sorted(figure_files(name))
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-6:] == [str(out / file) for file in figure_files(name)]
    assert printed.err == ""
    assert "chance" in printed.out
    assert len(read(out / f"{name}_metrics.csv")) == 3
    assert len(read(out / f"{name}_timeseries.csv")) == 9


def test_without_out_the_files_go_to_the_runs_folder(trained, tmp_path, capsys):
    root = tmp_path / "runs"
    shutil.copytree(trained, root)
    before = names(root)
    assert _main(["figure3a", str(root)]) == 0
    assert names(root) == sorted(before + figure_files("figure3a"))
    # The files of a figure are in nobody's way.
    assert _main(["figure3a", str(root)]) == 0
    assert capsys.readouterr().err == ""


def test_folders_passed_over_are_named_one_to_a_line(write_run, tmp_path, capsys):
    write_run("good", SCORES)
    half = write_run("half", {0: (0.5, 0.0)}, done=False)
    garbage = write_run("garbage", SCORES)
    (garbage.path / "metrics.jsonl").write_text("nonsense\n{}\n")
    foreign = tmp_path / "runs" / "foreign"
    foreign.mkdir()
    (foreign / "config.json").write_text('{"model_type": "bert"}')
    assert _main(["figure3a", str(tmp_path / "runs"), "--out", str(tmp_path / "out")]) == 0
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    for path in (half.path, garbage.path, foreign):
        assert sum(line.startswith(f"skipped {path}: ") for line in lines) == 1
    assert [row["run"] for row in read(tmp_path / "out" / "figure3a_metrics.csv")] == ["good"]


def test_unfinished_runs_are_drawn_when_asked_for(write_run, tmp_path, capsys):
    write_run("half", {0: (0.5, 0.0)}, done=False)
    out = tmp_path / "out"
    with pytest.raises(RunError, match="figure3a needs at least one finished run"):
        _main(["figure3a", str(tmp_path / "runs"), "--out", str(out)])
    assert not out.exists()
    assert _main(["figure3a", str(tmp_path / "runs"), "--out", str(out), "--unfinished"]) == 0
    assert [row["step"] for row in read(out / "figure3a_metrics.csv")] == ["0"]


def test_the_final_csv_holds_the_last_and_the_time_series_every_evaluation(write_run, tmp_path, capsys):
    write_run("one", SCORES)
    assert _main(["figure3b", str(tmp_path), "--out", str(tmp_path)]) == 0
    (final,) = read(tmp_path / "figure3b_metrics.csv")
    assert (final["step"], final["iwl"]) == ("20", "0.25")
    series = read(tmp_path / "figure3b_timeseries.csv")
    assert [(row["step"], row["iwl"]) for row in series] == [("0", "0.0"), ("20", "0.25")]


def test_the_files_of_the_two_figures_are_not_the_same(write_run, tmp_path):
    write_run("one", SCORES)
    for name in OF_CLASSES:
        assert _main([name, str(tmp_path), "--out", str(tmp_path)]) == 0
    for end in ("metrics", "timeseries"):
        columns = [set(read(tmp_path / f"{name}_{end}.csv")[0]) for name in OF_CLASSES]
        assert columns[0] & columns[1] == {"run", "group", "classes", "seed", "step", "sequences"}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["figure3c"], "command must be one of figure2, figure3, .*, got 'figure3c'; did you mean"),
        (["figures", "{tmp}/nowhere"], "it does not exist"),
        (["figures", "--jsn"], "did you mean --json"),
        (["figure3a", "{tmp}/nowhere"], "it does not exist"),
        (["figure3a", "{tmp}"], "needs at least one finished run with evaluations of fewshot_holdout"),
        (["figure3a", "{tmp}", "--unfinishd"], "did you mean --unfinished"),
        (["evaluate", "{tmp}"], "a run folder holds config.json"),
        (["evaluate", "{run}", "--step", "20", "--all-checkpoints"], "not both"),
        (["evaluate", "{run}", "--step", "15"], r"\(10, 20\), got 15"),
        (["evaluate", "{run}", "--batches", "0"], "batches must be at least 1 and at most 10000000, got 0"),
        (["evaluate", "{run}", "--splits", "x"], "evaluations must be among"),
        (["evaluate", "{run}", "--protocol", "paperr"], "must be one of paper, released, both or None, got 'paperr'"),
        (["evaluate", "{run}", "--device", "cuda:99"], "must be one that this machine has"),
        (["evaluate", "{run}", "--sequences", "0"], "sequences must be at least 1 and at most 10000000, got 0"),
        (["evaluate", "{run}", "--sequences", "99999999999"], "at most 10000000, got 99999999999"),
        (["evaluate", "{run}", "--out", ""], "--out must be a path or None, got ''"),
        (["evaluate", "{run}", "--sequences", "9", "--batches", "1"], "give --batches or --sequences, not both"),
        (["evaluate", "{run}", "--json", "--csv"], "give --json or --csv, not both"),
        (["evaluate", "{run}", "--splits", "all", "flp"], "got 'flp'; did you mean flip"),
        (
            ["evaluate", "{run}", "--splits", "augmented"],
            "augmented needs a source of images, got data.source",
        ),
        (["evaluate", "{run}", "--splits", "many:base=flip,ways=99"], "evaluation many: .*Fewshot"),
        (["evaluate"], ""),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(trained, tmp_path, args, message):
    before = sorted(trained.rglob("*"))
    places = {"tmp": tmp_path, "run": trained / "c64-s0"}
    with pytest.raises(ValueError, match=message or "RUN|required") as caught:
        _main([arg.format(**places) for arg in args])
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    assert sorted(trained.rglob("*")) == before


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["evaluate", "{run}", "--device", "nonsense"], "device"),
        (["evaluate", "{run}", "--splits", "--out", "{tmp}/a.csv"], "split"),
        (["evaluate", "{run}", "--out", "{tmp}/here"], "--?out|file"),
        (["figure3a", "{root}", "--out", "{tmp}/here/file"], "--?out|folder"),
    ],
)
def test_other_mistakes_are_one_line_too(trained, tmp_path, args, message):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "file").touch()
    places = {"tmp": tmp_path, "run": trained / "c64-s0", "root": trained}
    with pytest.raises(ValueError, match=message):
        _main([arg.format(**places) for arg in args])
    assert names(tmp_path) == ["here"]


def test_a_figure_that_fails_leaves_the_files_that_were_there(trained, tmp_path, monkeypatch, capsys):
    for name in figure_files("figure3a"):
        (tmp_path / name).write_bytes(b"older")

    def fail(*arguments, **more):
        raise RuntimeError("no")

    monkeypatch.setattr("icl_eval._drawing.page.draw_panel", fail)
    with pytest.raises(RuntimeError):
        _main(["figure3a", str(trained), "--out", str(tmp_path)])
    assert names(tmp_path) == sorted(figure_files("figure3a"))
    assert {path.read_bytes() for path in tmp_path.iterdir()} == {b"older"}


def test_evaluate_writes_the_numbers_of_training_for_the_last_checkpoint(trained, tmp_path, capsys):
    out = tmp_path / "a.csv"
    run = RunFolder.open(trained / "c64-s0")
    assert _main(["evaluate", str(run.path), "--out", str(out), "--device", "cpu"]) == 0
    printed = capsys.readouterr()
    assert printed.out.splitlines()[-1] == str(out)
    assert printed.err == ""
    (row,) = read(out)
    last = {r["split"]: r for r in run.records() if r["step"] == 20}
    assert (row["run"], row["step"], row["sequences"]) == ("c64-s0", "20", "320")
    assert float(row["icl_two_way"]) == last["eval_fewshot_holdout"]["accuracy_closed"]
    assert float(row["icl_both_ways"]) == last["eval_flipped"]["accuracy_both"]
    assert float(row["iwl"]) == last["eval_no_support_zipfian"]["accuracy_query"]
    assert f"{float(row['iwl']):.3f}" in printed.out
    assert names(tmp_path) == ["a.csv"]


def test_evaluate_all_checkpoints_covers_each_and_tells_its_progress(trained, tmp_path, capsys):
    out = tmp_path / "a.csv"
    run = trained / "c64-s0"
    assert _main(["evaluate", str(run), "--all-checkpoints", "--out", str(out), "--device", "cpu"]) == 0
    assert [row["step"] for row in read(out)] == ["10", "20"]
    assert capsys.readouterr().err.splitlines() == ["step 10 measured", "step 20 measured"]


def test_evaluate_takes_step_splits_batches_and_protocol(trained, tmp_path, capsys):
    out = tmp_path / "a.csv"
    args = ["--step", "10", "--splits", "fewshot_rare", "no_support_rare", "--batches", "3", "--protocol", "released"]
    assert _main(["evaluate", str(trained / "c30-s0"), *args, "--out", str(out), "--device", "cpu"]) == 0
    (row,) = read(out)
    assert row["step"] == "10"
    for split in ("fewshot_rare", "no_support_rare"):
        assert row[f"{split}_n_sequences"] == "48"
        assert row[f"{split}_protocol"] == "released"
    assert "icl_two_way" not in row


def test_evaluate_writes_into_the_run_folder_unless_told_otherwise(trained, tmp_path, capsys):
    shutil.copytree(trained / "c30-s0", tmp_path / "run")
    assert _main(["evaluate", str(tmp_path / "run"), "--batches", "1", "--device", "cpu"]) == 0
    assert (tmp_path / "run" / "evaluation.csv").is_file()


def test_the_figures_are_listed(capsys):
    assert _main(["figures"]) == 0
    listed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in listed if line[2] != " "] == list(FIGURES)  # a long title goes on below


@pytest.mark.parametrize(("args", "code"), [([], 2), (["--help"], 0)])
def test_usage_names_every_command(capsys, args, code):
    assert _main(args) == code
    printed = capsys.readouterr().out
    for name in ("evaluate", "figures", *FIGURES):
        assert name in printed
