"""The command ``icl-train sweep grid``: what it trains, what it refuses, and what it finds again."""

import shlex
from pathlib import Path

import numpy as np
import pytest

from icl_train import RunFolder
from icl_train._commands.main import _main

GRID = ["sweep", "grid", "smoke", "--max-steps", "20", "--eval-batches", "1"]


@pytest.fixture
def made(tmp_path, capsys):
    """``made(*options)``: the runs of a grid, in the order of their configurations' folders, none of them trained."""

    def make(*options, start=GRID):
        assert _main([*start, "--root", str(tmp_path / "runs"), "--launcher", "commands", *options]) == 0
        lines = capsys.readouterr().out.splitlines()
        return [RunFolder.open(Path(shlex.split(line)[2])) for line in lines]

    return make


def values(runs, name):
    return sorted({str(run.config.flat()[name]) for run in runs})


def test_every_combination_is_made_with_every_seed(made):
    varied = ["--vary", "data.p-bursty", "0", ".5", "--vary", "model.sequence_model", "transformer", "lstm"]
    runs = made(*varied, "--run-seeds", "0", "1")
    found = {(r.config.data.p_bursty, r.config.model.sequence_model, r.config.seeds.data) for r in runs}
    assert found == {(p, m, s) for p in (0.0, 0.5) for m in ("transformer", "lstm") for s in (0, 1)}
    assert {run.config.train.max_steps for run in runs} == {20}


@pytest.mark.parametrize(
    "written",
    [["data.p-bursty", "0,.5"], ["data.p_bursty=0,.5"], ["--data.p-bursty", "0", "0.50"], ["data.p-bursty=0", ".5"]],
)
def test_values_may_be_written_as_elsewhere(made, written):
    option = f"--vary={written[0]}" if written[0].startswith("-") else "--vary"
    runs = made(*([option, *written[1:]] if option != "--vary" else ["--vary", *written]))
    assert values(runs, "data.p_bursty") == ["0.0", "0.5"]


def test_negative_numbers_are_values(made):
    with pytest.raises(ValueError, match=r"p_bursty must be in \[0, 1\], got -0\.5"):
        made("--vary", "data.p-bursty", "1", "-.5")


def test_commas_join_the_values_of_a_list_and_part_others(made):
    lists = made("--vary", "eval.steps", "0,10", "0,20", "None")
    assert values(lists, "eval.steps") == ["None", "[0, 10]", "[0, 20]"]
    assert values(made("--vary", "model.sequence-model", "lstm,gru"), "model.sequence_model") == ["gru", "lstm"]


def test_a_components_own_settings_can_be_varied(made):
    chosen = made("--model.sequence-model", "transformer", "--vary", "model.sequence-model-config.norm", "pre", "post")
    assert values(chosen, "model.sequence_model_config.norm") == ["post", "pre"]


def test_pairs(made):
    runs = made("--zip", "--vary", "model.emb-dim", "16", "32", "--vary", "optim.max-lr", "3e-3", "1e-3")
    assert {(run.config.model.emb_dim, run.config.optim.max_lr) for run in runs} == {(16, 3e-3), (32, 1e-3)}


def test_a_value_may_come_in_several_pairs_and_a_run_is_one_however_often_it_is_named(made):
    varied = ["--vary", "data.p-bursty", "0", "0", "1", "1", "--vary", "optim.max-lr", "1e-3", "1e-2", "1e-3", "1e-2"]
    pairs = {(run.config.data.p_bursty, run.config.optim.max_lr) for run in made("--zip", *varied)}
    assert pairs == {(0, 1e-3), (0, 1e-2), (1, 1e-3), (1, 1e-2)}
    assert len(made("--vary", "model.num-layers", "1", "1", "2")) == 2


def test_draws_are_the_same_for_the_same_seed_and_more_of_them_go_on(made):
    drawn = ["--range", "optim.max-lr", "1e-4", "1e-2", "log", "--choices", "model.num-layers", "1,2"]
    first = {run.path for run in made("--sample", "2", *drawn)}
    more = {run.path for run in made("--sample", "4", *drawn)}
    other = {run.path for run in made("--sample", "2", *drawn, "--sample-seed", "1")}
    assert len(first) == 2
    assert first < more
    assert not first & other


def test_options_apply_to_all_and_stay_where_a_source_brings_its_own(made, tmp_path):
    for name in ("one", "two"):
        np.save(tmp_path / f"{name}.npy", np.random.default_rng(0).normal(size=(90, 6, 4)).astype("float32"))
    sources = [str(tmp_path / f"{name}.npy") for name in ("one", "two")]
    runs = made("--data.n-rare-classes", "25", "--vary", "data.source", *sources, "--data.no-augment")
    assert values(runs, "data.n_rare_classes") == ["25"]
    assert sorted(run.name.partition("-")[0] for run in runs) == ["one.npy", "two.npy"]


def test_a_file_is_what_the_runs_start_from(made, tmp_path):
    (tmp_path / "mine.toml").write_text("[data]\nn_labels = 8\ndim = 8\n[model]\nemb_dim = 16\nnum_layers = 1\n")
    start = ["sweep", "grid", "--config", str(tmp_path / "mine.toml"), "--max-steps", "9", "--eval-batches", "1"]
    runs = made("--vary", "data.p-bursty", "0", "1", "--data.n-rare-classes", "40", start=start)
    assert values(runs, "model.emb_dim") == ["16"]
    assert values(runs, "data.p_bursty") == ["0.0", "1.0"]


def test_the_preset_can_be_named_as_an_option(made):
    start = ["sweep", "grid", "--preset", "smoke", "--max-steps", "20"]
    assert len(made("--vary", "data.p-bursty", "0", start=start)) == 1


def test_a_run_that_figure3a_has_made_is_found_by_a_grid_and_the_other_way_round(made, tmp_path):
    start = ["sweep", "figure3a", "--preset", "smoke", "--max-steps", "20", "--eval-batches", "1"]
    (first,) = made("--class-counts", "64", start=start)
    again = made("--vary", "data.n-rare-classes", "54", "20", "--run-seeds", "0")
    assert first.path in {run.path for run in again}
    (both,) = made("--class-counts", "30", start=start)
    assert both.path in {run.path for run in again}
    assert len(list((tmp_path / "runs").glob("*/config.json"))) == 2


def test_what_is_done_is_skipped_and_lines_are_called_by_what_varies(tmp_path, child, capsys):
    child()
    args = [*GRID, "--root", str(tmp_path), "--vary", "data.p-bursty", "0", ".5", "--run-seeds", "0", "1"]
    assert _main(args) == 0
    told = capsys.readouterr()
    assert told.err == "4 runs: 2 p_bursty x 2 seeds\n"
    assert "p_bursty 0.5, s1: done" in told.out.splitlines()
    assert told.out.splitlines()[-1] == f"how well they do: icl-train status {tmp_path}"
    assert _main(args) == 0
    assert "p_bursty 0.5, s1: done, skipped" in capsys.readouterr().out.splitlines()


def test_the_last_line_is_one_that_no_terminal_obeys(tmp_path, child, capsys):
    child()
    root = tmp_path / "a\n\x1b[31mb"
    assert _main([*GRID, "--root", str(root), "--vary", "data.p-bursty", "0"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"how well they do: icl-train status '{tmp_path}/a\\n\\x1b[31mb'"


def test_a_run_given_twice_is_trained_once_and_told(tmp_path, child, capsys):
    kind = child()
    assert _main([*GRID, "--root", str(tmp_path), "--vary", "data.p-bursty", "0.5", "0.50", "1"]) == 0
    assert len(kind.started) == 2
    assert "left out, as another is the same run: 1 (p_bursty 0.5, s0)" in capsys.readouterr().err.splitlines()


def test_runs_are_trained(tmp_path, capsys):
    args = [*GRID, "--root", str(tmp_path), "--vary", "model.sequence-model", "lstm", "--vary", "max-steps", "5"]
    assert _main([arg for arg in args if arg not in ("--max-steps", "20")]) == 0
    (run,) = (RunFolder.open(path.parent) for path in tmp_path.glob("*/config.json"))
    assert run.status() == "done"
    assert run.name == f"gaussian-lstm-max_steps5-s0-{run.config.digest()}"
    assert any(line.startswith("lstm, max_steps 5, s0: step 5: ") for line in capsys.readouterr().out.splitlines())


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ([], "needs something to vary, got nothing: --vary SETTING VALUE ..."),
        (["--vary"], "--vary needs a setting and its values, got nothing"),
        (["--vary", "data.p-bursty"], "--vary data.p-bursty needs at least one value, got none"),
        (["--vary", "data.p-busty", "0"], "setting data.p_busty does not exist; did you mean data.p_bursty?"),
        (["--vary", "data.p-bursty", "high"], "data.p_bursty must be a number, got 'high'"),
        (["--vary", "max-steps", "5", "6"], "train.max_steps is varied, and cannot be set to 20 for all runs as well"),
        (["--vary", "data.p-bursty", "0", "--vary", "data.p_bursty", "1"], "data.p_bursty is varied twice"),
        (["--zip", "--vary", "data.p-bursty", "0"], "--zip pairs the values of two settings or more, got 1"),
        (
            ["--zip", "--vary", "data.p-bursty", "0", "--vary", "model.emb-dim", "8", "16"],
            "settings that are paired must have equally many values, got data.p_bursty 1, model.emb_dim 2",
        ),
        (["--sample", "2"], "--sample and --sample-seed need something to draw from: --range or --choices"),
        (["--vary", "data.p-bursty", "0", "--sample-seed", "2"], "--sample and --sample-seed need something"),
        (["--range", "optim.max-lr", "1", "2"], "say how often with --sample N"),
        (["--sample", "0", "--range", "optim.max-lr", "1", "2"], "--sample must be at least 1, got 0"),
        (
            ["--sample", "1", "--range", "optim.max-lr", "2", "1"],
            "a range of optim.max_lr must go from a number to a larger one",
        ),
        (["--vary", "", "1"], "setting '' does not exist"),
        (["--sample", "1", "--range", "optim.max-lr", "1"], "--range must be SETTING LOW HIGH, or SETTING LOW HIGH"),
        (["--sample", "1", "--choices", "optim.max-lr"], "--choices optim.max-lr needs at least one value"),
        (["--vary", "seeds.data", "1", "--run-seeds", "1"], "seeds.data is set by the seeds of the runs"),
        (["--vary", "train.device", "cpu", "cuda"], "train.device decides where a run is computed"),
        (["--preset", "laptop", "--vary", "data.p-bursty", "0"], "one preset, got smoke and --preset laptop"),
        (["--plot", "--vary", "data.p-bursty", "0"], "option --plot does not exist"),
        (
            ["--vary", "model.num-heads", "2", "3", "--run-seeds", "0", "1"],
            "num_heads must divide emb_dim, 16, got 3 (in 2 of 4 runs, the first: num_heads 3, s0)",
        ),
    ],
)
def test_a_mistake_is_one_line_and_leaves_nothing(tmp_path, args, message, capsys):
    with pytest.raises(ValueError) as caught:
        _main([*GRID, "--root", str(tmp_path / "runs"), *args])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr() == ("", "")


def test_without_a_preset_or_a_file_it_says_what_there_is():
    with pytest.raises(ValueError, match=r"grid needs a preset, one of chan2022, laptop, .*, smoke, or a file"):
        _main(["sweep", "grid", "--vary", "data.p-bursty", "0"])


@pytest.mark.parametrize("args", [["--help"], ["-h"]])
def test_what_can_be_swept_is_listed(args, capsys):
    assert _main(["sweep", *args]) == 0
    told = capsys.readouterr().out
    assert "grid" in told
    assert "figure3a" in told


def test_nothing_and_something_else_cannot_be_swept():
    with pytest.raises(ValueError, match="what to sweep must be given: grid, figure3a, or an experiment"):
        _main(["sweep"])
    with pytest.raises(ValueError, match="got 'gird'; did you mean grid"):
        _main(["sweep", "gird"])


@pytest.mark.parametrize("columns", [80, 200, None])
@pytest.mark.parametrize(
    "args", [["sweep", "--help"], ["sweep", "grid", "--help"], ["sweep", "grid", "smoke", "--help"]]
)
def test_help_fits_its_terminal(terminal, plain, columns, args):
    told, code = terminal(*args, columns=columns)
    assert code == 0
    assert max(map(len, plain(told).splitlines())) <= (columns or 120)
    assert "--vary SETTING VALUE ..." in told or args == ["sweep", "--help"]


WORDY = """
from dataclasses import dataclass
from torch import nn
from icl_models import ComponentConfig, EmbedderSpec, hookimpl

@dataclass(frozen=True, kw_only=True)
class Config(ComponentConfig):
    words: tuple[str, ...] = ()

@hookimpl
def icl_register_embedders():
    return [EmbedderSpec(name="wordy", build=lambda m, c: nn.Linear(8, 16), config=Config, example_kinds=["vector"])]
"""


def test_lists_of_texts_are_written_as_json_has_them(made, plugins):
    plugins.install("wordy", WORDY)
    texts = ['["a", "b,c"]', "alone"]
    runs = made("--model.embedder", "wordy", "--vary", "model.embedder-config.words", *texts)
    assert values(runs, "model.embedder_config.words") == ["['a', 'b,c']", "['alone']"]
