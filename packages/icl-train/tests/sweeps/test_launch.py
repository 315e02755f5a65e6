"""Sweeps: which runs, in which folders; what is done is skipped, what broke goes on, what fails says why."""

import io
import shlex
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from icl_train import RunError, RunFailed, RunFolder, figure3a, smoke
from icl_train._commands.main import _main
from icl_train._sweeps.board import Board, Watched
from icl_train._sweeps.sweep import launch, prepare, run_name

SHORT = ["--preset", "smoke", "--max-steps", "20", "--eval-batches", "1"]


def short(**parts):
    config = smoke()
    parts = {"train": {"max_steps": 20}, "eval": {"batches": 1}} | parts
    return replace(config, **{name: replace(getattr(config, name), **changes) for name, changes in parts.items()})


def folders(root):
    return sorted(path.name for path in root.iterdir() if not path.name.startswith("."))


def test_there_is_a_run_for_each_count_and_seed_with_the_common_classes_counted_in():
    configs = figure3a(smoke(), class_counts=(64, 30), seeds=(0, 7))
    assert [(c.data.n_trained_classes, c.seeds.data, c.seeds.init) for c in configs] == [
        (64, 0, 0),
        (64, 7, 7),
        (30, 0, 0),
        (30, 7, 7),
    ]
    assert {c.data.n_common_classes for c in configs} == {10}
    # One split for all: the classes that are held out differ by class count alone.
    assert {c.seeds.split for c in configs} == {smoke().seeds.split}


def test_runs_of_a_sweep_differ_in_class_count_and_seeds_alone():
    base = short()
    for config in figure3a(base, class_counts=(64, 30), seeds=(0, 7)):
        data = replace(config.data, n_rare_classes=base.data.n_rare_classes)
        assert replace(config, data=data, seeds=base.seeds) == base


def test_a_count_without_rare_classes_is_refused():
    with pytest.raises(ValueError, match=r"class counts must be above data\.n_common_classes \(10\), got 10"):
        figure3a(smoke(), class_counts=(64, 10), seeds=(0,))


def test_names_are_the_same_every_time_and_another_for_every_other_setting():
    assert run_name(smoke()) == run_name(smoke())
    assert run_name(smoke()).startswith("gaussian-c00064-s0-")
    others = [
        *figure3a(smoke(), class_counts=(64, 30), seeds=(0, 1)),
        short(),
        short(optim={"max_lr": 0.5}),
        short(seeds={"init": 1}),
        short(model={"emb_dim": 32}),
    ]
    names = [run_name(config) for config in others]
    assert len(set(names)) == len(others)
    assert not any("/" in name or ":" in name for name in names)


def test_one_configuration_that_cannot_run_and_no_folder_is_made(tmp_path):
    good = short()
    bad = short(model={"num_heads": 3})
    with pytest.raises(ValueError, match="num_heads must divide emb_dim"):
        prepare([good, bad], tmp_path / "runs", jobs=1)
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--class-counts", "64", "12", "--data.n-common-classes", "2", "--data.seq-len", "30"], "need at least 30"),
        (["--class-counts", "64", "10"], "class counts must be above"),
        (["--jobs", "0"], "jobs must be at least 1, got 0"),
        (["--device", "cuda:99"], "device must be one that this machine has"),
        (["--class-counts", "64", "--model.embedder", "resnet"], "example_kind"),
        (["--preset", "smok"], "did you mean smoke"),
        (["--class-counts"], "at least one class count"),
    ],
)
def test_a_mistake_on_the_command_line_leaves_nothing(tmp_path, args, message):
    with pytest.raises(ValueError, match=message) as caught:
        _main(["sweep", "figure3a", *SHORT, "--root", str(tmp_path / "runs"), *args])
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_preparing_again_finds_the_runs_that_are_there(tmp_path):
    configs = figure3a(short(), class_counts=(64, 30), seeds=(0,))
    first = prepare(configs, tmp_path, jobs=1)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert [run.path for run in prepare(configs, tmp_path, jobs=1)] == [run.path for run in first]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_cores_are_shared_out_among_the_runs_unless_the_configuration_says(tmp_path, monkeypatch):
    monkeypatch.setattr("icl_train._sweeps.sweep.available_cores", lambda: 9)
    (shared,) = prepare([short(train={"threads": None})], tmp_path, jobs=4)
    (given,) = prepare([short(train={"threads": 3})], tmp_path / "given", jobs=4)
    (elsewhere,) = prepare([short(train={"threads": None})], tmp_path / "elsewhere", jobs=None)
    assert [run.environment["threads"] for run in (shared, given, elsewhere)] == [2, 3, None]


def test_the_commands_launcher_prints_a_command_for_each_run_and_trains_nothing(tmp_path, capsys):
    args = [
        "sweep",
        "figure3a",
        *SHORT,
        "--root",
        str(tmp_path),
        "--class-counts",
        "64",
        "30",
        "--launcher",
        "commands",
    ]
    assert _main(args) == 0
    printed = [shlex.split(line) for line in capsys.readouterr().out.splitlines()]
    assert [words[:2] for words in printed] == [["icl-train", "resume"]] * 2
    runs = [RunFolder.open(Path(words[2])) for words in printed]
    assert [run.config.data.n_trained_classes for run in runs] == [64, 30]
    assert {run.status() for run in runs} == {"unfinished"}
    assert len(folders(tmp_path)) == 2


def test_printed_commands_are_good_for_a_shell(tmp_path, capsys):
    root = tmp_path / "my runs"
    assert (
        _main(["sweep", "figure3a", *SHORT, "--root", str(root), "--class-counts", "64", "--launcher", "commands"]) == 0
    )
    (line,) = capsys.readouterr().out.splitlines()
    assert len(shlex.split(line)) == 3


@pytest.mark.parametrize("option", [["--seeds.data", "5"], ["--seeds.init", "5"], ["--data.n-rare-classes", "20"]])
def test_an_option_that_a_sweep_replaces_is_refused(tmp_path, option):
    with pytest.raises(ValueError, match=option[0]):
        _main(["sweep", "figure3a", *SHORT, "--root", str(tmp_path), "--launcher", "commands", *option])


@pytest.fixture(scope="module")
def swept(tmp_path_factory):
    """Two runs at a time: the folder, the runs (the first one fails), those reported as failed, what was told."""
    root = tmp_path_factory.mktemp("swept")
    # A learning rate passes all checks beforehand.
    (failing,) = figure3a(short(optim={"max_lr": 1e30}), class_counts=(16,), seeds=(0,))
    configs = [failing, *figure3a(short(), class_counts=(64, 30), seeds=(0,))]
    runs = prepare(configs, root, jobs=2)
    stream = io.StringIO()
    return root, runs, launch(runs, jobs=2, stream=stream), stream.getvalue()


def test_a_sweep_trains_every_run_and_tells_how_each_does(swept):
    _, (_, *runs), _, told = swept
    for run in runs:
        assert run.status() == "done"
        assert run.checkpoint_steps()[-1] == 20
        label = f"{run.config.data.n_trained_classes} classes, s0"
        assert told.splitlines().count(f"{label}: started in {run.path}") == 1
        assert told.splitlines().count(f"{label}: done") == 1
    assert "step 0: ICL 0." in told
    assert "(chance 0.5)" in told


def test_a_run_that_fails_is_named_with_its_reason_while_others_finish(swept):
    _, runs, failed, told = swept
    assert failed == runs[:1]
    assert [run.status() for run in runs] == ["failed", "done", "done"]
    assert "16 classes, s0: failed, RunFailed: the loss must stay finite, got nan by step 10\n" in told


def test_a_sweep_skips_what_is_done_and_goes_on_with_what_broke(swept, tmp_path):
    root = tmp_path / "runs"
    shutil.copytree(swept[0], root)
    done, broken = (RunFolder.open(root / run.name) for run in swept[1][1:])
    expected = [record["loss"] for record in broken.records() if record["split"] == "train"]
    assert len(expected) == 2
    (broken.path / "DONE").unlink()
    (broken.path / "metrics.jsonl").unlink()
    shutil.rmtree(broken.checkpoints)
    before = {path: path.stat().st_mtime_ns for path in done.path.rglob("*")}
    stream = io.StringIO()
    assert launch([done, broken], jobs=1, stream=stream) == []
    assert "64 classes, s0: done, skipped\n" in stream.getvalue()
    assert f"30 classes, s0: started in {broken.path}\n" in stream.getvalue()
    assert broken.status() == "done"
    assert [record["loss"] for record in broken.records() if record["split"] == "train"] == expected
    assert {path: path.stat().st_mtime_ns for path in done.path.rglob("*")} == before


def test_the_command_passes_its_jobs_on_and_fails_if_a_run_fails(tmp_path, monkeypatch):
    jobs_given = []

    def launch_none(runs, *, jobs, stream):
        jobs_given.append(jobs)
        return runs[1:]

    monkeypatch.setattr("icl_train._commands.sweep.launch", launch_none)
    args = ["sweep", "figure3a", *SHORT, "--root", str(tmp_path), "--class-counts", "64", "30", "--jobs", "2"]
    with pytest.raises(RunFailed, match=r"^1 of 2 runs failed: gaussian-c00030"):
        _main(args)
    assert jobs_given == [2]


def test_a_folder_that_is_no_run_is_in_the_way_with_a_reason(tmp_path):
    (tmp_path / run_name(short())).mkdir()
    with pytest.raises(RunError, match=r"a run folder holds config\.json"):
        prepare([short()], tmp_path, jobs=1)


def test_watching_a_run_that_was_rewound_and_has_outgrown_its_old_length_starts_at_a_line(tmp_path):
    run = RunFolder.create(tmp_path / "run", short(), device="cpu", threads=1)
    record = {"split": "eval_fewshot_holdout", "sequences": 0, "accuracy_closed": 0.5, "chance": 0.5}
    run.append([record | {"step": step} for step in (0, 10, 20)])
    stream = io.StringIO()
    watched = Watched(run, Board(stream))
    run.rewind(10)
    run.append([record | {"step": step, "sequences": 16 * step} for step in (20, 30)])
    watched.look()
    assert "step 30: ICL 0.500 (chance 0.5)" in stream.getvalue()


def test_a_count_given_twice_is_one_run():
    configs = figure3a(smoke(), class_counts=(64, 64), seeds=(0, 0))
    assert len(configs) == 1


def test_a_terminated_sweep_ends_its_runs_with_a_checkpoint(tmp_path):
    root = tmp_path / "runs"
    options = ["--preset", "smoke", "--max-steps", "100000", "--class-counts", "64", "--root", str(root)]
    command = [sys.executable, "-m", "icl_train", "sweep", "figure3a", *options]
    sweep = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    give_up = time.monotonic() + 60
    while not list(root.glob("*/checkpoints/step_*")) and time.monotonic() < give_up:
        time.sleep(0.05)
    sweep.terminate()
    assert sweep.wait(timeout=60) == 130
    (config,) = root.glob("*/config.json")
    run = RunFolder.open(config.parent)
    assert run.status() == "unfinished"
    last = run.checkpoint_steps()[-1]
    time.sleep(0.5)
    assert run.checkpoint_steps()[-1] == last


def test_where_and_how_often_make_no_other_run_and_the_rest_does():
    bookkeeping = ({"threads": 2}, {"log_interval": 7}, {"checkpoint_interval": 3}, {"device": "cpu"})
    same = [short(train={"max_steps": 20} | changes) for changes in bookkeeping]
    other = [short(train={"max_steps": 21}), short(optim={"max_lr": 0.1}), short(data={"p_bursty": 0.3})]
    assert {run_name(config) for config in same} == {run_name(short())}
    assert len({run_name(config) for config in [short(), *other]}) == 4


def test_status_names_a_run_it_cannot_read_and_lists_the_others(tmp_path, capsys):
    good, bad = prepare([short(), short(seeds={"data": 1})], tmp_path, jobs=1)
    (bad.path / "metrics.jsonl").write_text('nonsense\n{"split": "train"}\n')
    assert _main(["status", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert good.name in printed
    assert f"skipped {bad.path}: cannot read its metrics.jsonl" in printed


def test_an_evaluation_is_told_even_if_its_training_line_was_seen_before(tmp_path):
    run = RunFolder.create(tmp_path / "run", short(), device="cpu", threads=1)
    stream = io.StringIO()
    watched = Watched(run, Board(stream))
    run.append([{"split": "train", "step": 10, "sequences": 160}])
    watched.look()
    run.append([{"split": "eval_fewshot_holdout", "step": 10, "accuracy_closed": 0.5, "chance": 0.5}])
    watched.look()
    assert stream.getvalue().count("step 10: ICL 0.500 (chance 0.5)") == 1


def test_status_says_what_sets_runs_apart(tmp_path, capsys):
    prepare([short(), short(seeds={"data": 1}), short(optim={"max_lr": 0.1})], tmp_path, jobs=1)
    assert _main(["status", str(tmp_path)]) == 0
    assert capsys.readouterr().out.count("optim.max_lr=0.1") == 1


def test_commands_for_a_cluster_leave_out_what_is_done_and_cannot_plot(tmp_path, capsys):
    args = ["sweep", "figure3a", *SHORT, "--root", str(tmp_path), "--class-counts", "64", "--launcher", "commands"]
    assert _main(args) == 0
    (line,) = capsys.readouterr().out.splitlines()
    RunFolder.open(Path(shlex.split(line)[2])).mark_done()
    assert _main(args) == 0
    assert capsys.readouterr().out == ""
    with pytest.raises(ValueError, match="--plot needs --launcher local"):
        _main([*args, "--plot"])


def test_a_source_of_ones_own_gets_the_embedder_for_its_examples(tmp_path, monkeypatch, capsys):
    (tmp_path / "own_source.py").write_text(
        "import numpy as np\nfrom icl_data import ArraySource\n"
        "def vectors(): return ArraySource(np.random.default_rng(0).normal(size=(80, 9, 4)).astype('float32'))\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    args = ["run", "smoke", "--data.source", "own_source:vectors", "--root", str(tmp_path / "runs"), "--name", "own"]
    assert _main(args) == 0
    assert RunFolder.open(tmp_path / "runs" / "own").config.model.embedder == "vector"


def test_a_reader_that_leaves_does_not_make_a_run_failed(tmp_path):
    options = ["--root", str(tmp_path), "--name", "run"]
    command = [sys.executable, "-m", "icl_train", "run", "smoke", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 141
    assert RunFolder.open(tmp_path / "run").status() == "unfinished"
