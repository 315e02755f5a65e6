"""Runs of one shape are one process's, where the engine is ensemble."""

import io

from icl_models import Job
from icl_train import figure3a
from icl_train._sweeps.jobs import job_of
from icl_train._sweeps.sweep import default_jobs, launch, prepare
from icl_train._sweeps.teams import teams_of


def _configs(short, engine):
    small, large = (
        short(train={"max_steps": 20, "engine": engine}),
        short(train={"max_steps": 20, "engine": engine}, model={"num_layers": 2}),
    )
    return [
        *figure3a(small, class_counts=(64, 30), seeds=(0,)),
        *figure3a(large, class_counts=(64,), seeds=(0,)),
        *figure3a(small, class_counts=(64,), seeds=(1,)),
    ]


def test_an_ensemble_has_the_runs_of_one_shape(short):
    configs = _configs(short, "ensemble")
    places = {id(config): place for place, config in enumerate(configs)}
    found = [[places[id(one)] for one in team] for team in teams_of(configs, lambda config: config)]
    assert found == [[0, 1, 3], [2]]
    found = [[places[id(one)] for one in team] for team in teams_of(configs, lambda config: config, members=2)]
    assert found == [[0, 1], [2], [3]]


def test_runs_of_other_engines_are_trained_one_by_one(short):
    assert [len(team) for team in teams_of(_configs(short, "eager"), lambda config: config)] == [1, 1, 1, 1]


def test_an_ensemble_takes_one_core(short, monkeypatch):
    monkeypatch.setattr("icl_train._sweeps.sweep.available_cores", lambda: 8)
    assert default_jobs(_configs(short, "ensemble")) == 2


def test_a_sweep_trains_an_ensemble_in_one_process(short, tmp_path):
    configs = _configs(short, "ensemble")
    diverging = figure3a(
        short(train={"max_steps": 20, "engine": "ensemble"}, optim={"max_lr": 1e30}), class_counts=(16,), seeds=(0,)
    )
    runs = prepare([*configs, *diverging], tmp_path, jobs=2)
    stream = io.StringIO()
    failed = launch(runs, jobs=2, stream=stream)
    assert [run.status() for run in runs] == ["done"] * 4 + ["failed"]
    assert failed == runs[4:]
    logs = [run for run in runs if (run.path / "log.txt").exists()]
    assert len(logs) == 2  # one for each process


def test_the_command_of_a_job_names_all_of_its_runs(short, tmp_path):
    runs = prepare(_configs(short, "ensemble")[:2], tmp_path, jobs=1)
    job = job_of(runs, here=True)
    assert isinstance(job, Job)
    assert [str(run.path) for run in runs] == [part for part in job.command if part.startswith(str(tmp_path))]
