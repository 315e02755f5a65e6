"""Sweeping an experiment: at a scale, with other points, seeds and settings, and what is refused."""

import json

import pytest

from icl_models import find_experiment
from icl_train import RunFolder, experiment_runs, find_runs
from icl_train._commands.sweeps import experiment as command
from icl_train._commands.sweeps.sweep import sweep


@pytest.fixture
def planned(mine, monkeypatch):
    """``planned("--vary", …)``: the settings of the runs that the command would make."""
    mine()
    plans = []
    monkeypatch.setattr(command, "carry_out", lambda plan, options, when_done: plans.append(plan) or 0)

    def run(*args, scale="small"):
        assert sweep(["mine", "--scale", scale, *args]) == 0
        return plans.pop()

    return run


def flat(plan, *names):
    return [tuple(config.flat()[name] for name in names) for config in plan.configs]


def test_the_runs_are_those_of_the_scale(planned):
    plan = planned()
    assert flat(plan, "model.emb_dim", "data.p_bursty", "train.max_steps", "data.dim") == [
        (8, 1.0, 20, 8),
        (32, 1.0, 20, 8),
    ]
    expected = [run.config for run in experiment_runs(find_experiment("mine"), "small")]
    assert list(plan.configs) == expected


def test_points_are_picked_by_their_labels_also_those_beside_the_axis(planned):
    assert flat(planned("--vary", "width", "wider", "wide one"), "model.emb_dim") == [(64,), (32,)]


def test_an_axis_that_is_a_setting_takes_any_value_in_any_spelling(planned):
    assert flat(planned("--vary", "data.p-bursty", "0,0.50"), "model.emb_dim", "data.p_bursty") == [
        (8, 0.0),
        (8, 0.5),
        (32, 0.0),
        (32, 0.5),
    ]


def test_a_setting_replaces_the_axis_that_sets_it(planned):
    assert flat(planned("--vary", "model.emb-dim", "16", "24"), "model.emb_dim") == [(16,), (24,)]


def test_another_setting_is_one_axis_more(planned):
    plan = planned("--vary", "width", "narrow", "--vary", "optim.l2", "0", "1e-4")
    assert flat(plan, "model.emb_dim", "optim.l2") == [(8, 0.0), (8, 1e-4)]


def test_seeds_and_options_of_a_run_go_on_top(planned):
    plan = planned("--run-seeds", "3", "4", "--max-steps", "7", "--vary", "width", "narrow")
    assert flat(plan, "train.max_steps", "seeds.init", "seeds.data") == [(7, 3, 3), (7, 4, 4)]


def test_draws_are_refused_where_the_scale_draws_nothing(planned):
    with pytest.raises(ValueError, match=r"--sample needs an experiment that draws .*mine at scale small does not"):
        planned("--sample", "3")


def test_a_file_goes_on_top_of_the_scale_and_options_on_top_of_both(planned, tmp_path):
    (tmp_path / "mine.json").write_text(json.dumps({"train.max_steps": 5, "data.dim": 4}))
    plan = planned("--config", str(tmp_path / "mine.json"), "--data.dim", "6")
    assert set(flat(plan, "train.max_steps", "data.dim", "eval.batches")) == {(5, 6, 1)}


def test_hyper_parameters_are_drawn_as_often_as_the_scale_or_the_option_says(planned):
    assert len(planned(scale="drawn").configs) == 2 * 2 * 3 * 2  # width, p_bursty, draws, seeds
    assert len(planned("--sample", "5", scale="drawn").configs) == 2 * 2 * 5 * 2


def test_what_is_set_is_not_drawn(planned):
    assert set(flat(planned("--optim.max-lr", "0.5", scale="drawn"), "optim.max_lr")) == {(0.5,)}


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["mien"], r"sweep must be one of grid, figure3a, .*, got 'mien'; did you mean mine\?"),
        (["mine", "--scale", "smal"], r"scale of mine must be one of small, drawn, got 'smal'; did you mean small\?"),
        (
            ["mine", "--vary", "width", "narow"],
            r"points of mine on width must be among narrow, wide one, wider, got 'narow'; did you mean narrow\?",
        ),
        (["mine", "--vary", "width", "300"], r"got '300' \(--vary takes settings as well: model.emb_dim\)"),
        (["mine", "--vary", "width"], r"--vary width needs at least one point, got none"),
        (
            ["mine", "--vary", "widht", "narrow"],
            r"--vary needs an axis of mine \(width, data.p_bursty\) or a setting, got",
        ),
        (["mine", "--vary", "data.p-burst", "1"], r"setting data.p_burst does not exist; did you mean data.p_bursty\?"),
        (["mine", "--vary", "data.p-bursty", "2"], r"p_bursty must be in \[0, 1\], got 2"),
        (
            ["mine", "--vary", "width", "narrow", "--vary", "model.emb-dim", "16"],
            r"model.emb-dim is varied twice: give all of its points at once",
        ),
        (
            ["mine", "--data.p-bursty", "1"],
            r"--data.p-bursty cannot be set in mine, which varies it: use --vary data",
        ),
        (
            ["mine", "--model.emb-dim", "16"],
            r"--model.emb-dim cannot be set in mine, which .*: use --vary width",
        ),
        (["mine", "--seeds.data", "1"], r"--seeds.data cannot be set in a sweep, .*: use --run-seeds"),
    ],
)
def test_a_mistake_is_refused_and_nothing_is_made(mine, args, message, tmp_path):
    mine()
    with pytest.raises(ValueError, match=message):
        sweep([*args, "--root", str(tmp_path / "runs")])
    assert not (tmp_path / "runs").exists()


def test_a_preset_that_does_not_exist_is_refused(mine):
    mine(preset="smke")
    with pytest.raises(ValueError, match=r"preset of scale small of mine must be one of .*, got 'smke'; did you mean"):
        sweep(["mine", "--scale", "small"])


def test_a_setting_that_does_not_exist_is_refused(mine):
    mine(setting="data.dimm")
    with pytest.raises(ValueError, match=r"setting data.dimm does not exist; did you mean data.dim\?"):
        sweep(["mine", "--scale", "small"])


def test_a_plugins_experiment_is_trained_and_the_same_command_again_trains_nothing(mine, tmp_path, capsys):
    mine()
    args = ["mine", "--scale", "small", "--root", str(tmp_path), "--jobs", "2"]
    assert sweep(args) == 0
    told = capsys.readouterr().out
    assert f"draw the figure with: icl-eval figure3a {tmp_path}" in told
    assert f"check the claims with: icl-eval claims {tmp_path} --experiment mine" in told
    runs, broken = find_runs(tmp_path)
    assert broken == []
    assert {run.name for run in runs} == {run.folder for run in experiment_runs(find_experiment("mine"), "small")}
    assert {run.status() for run in runs} == {"done"}
    before = {run.path: (run.path / "metrics.jsonl").stat().st_mtime_ns for run in runs}
    assert sweep(args) == 0
    assert {path: (path / "metrics.jsonl").stat().st_mtime_ns for path in before} == before
    assert RunFolder.open(runs[0].path).config.train.max_steps == 20


def test_where_settings_are_changed_no_claim_is_offered(planned, mine, monkeypatch, capsys):
    mine()
    monkeypatch.setattr(command, "carry_out", lambda plan, options, when_done: when_done())
    assert sweep(["mine", "--scale", "small", "--max-steps", "7"]) == 0
    assert "claims" not in capsys.readouterr().out
