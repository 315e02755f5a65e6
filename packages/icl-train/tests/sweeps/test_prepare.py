"""The run folders of a sweep: made once, all or none, and what is in the way fails alone."""

import pytest

from icl_train import RunError, RunFolder, figure3a
from icl_train._plans.labels import run_name
from icl_train._sweeps.sweep import default_jobs, launch, prepare

PICKY = """
from torch import nn
from icl_models import ComponentConfig, EmbedderSpec, hookimpl

def build(model, own):
    if model.num_classes > 50:
        raise ValueError(f"picky needs at most 50 labels, got {model.num_classes}")
    return nn.Linear(model.example_shape[0], model.emb_dim)

@hookimpl
def icl_register_embedders():
    return [EmbedderSpec(name="picky", build=build, config=ComponentConfig, example_kinds=["vector"])]
"""


@pytest.fixture
def own_source(tmp_path, monkeypatch):
    """A source of 80 classes under a name to load it by."""
    folder = tmp_path / "modules"
    folder.mkdir()
    (folder / "eighty_classes.py").write_text(
        "import numpy as np\nfrom icl_data import ArraySource\n"
        "def make(): return ArraySource(np.random.default_rng(0).normal(size=(80, 9, 4)).astype('float32'))\n"
    )
    monkeypatch.syspath_prepend(str(folder))
    return "eighty_classes:make"


def test_one_configuration_that_cannot_run_and_no_folder_is_made(short, tmp_path):
    good = short()
    bad = short(model={"num_heads": 3})
    with pytest.raises(ValueError, match=r"num_heads must divide emb_dim.* \(in the run 64 classes, s0, model.num_hea"):
        prepare([good, bad], tmp_path / "runs", jobs=1)
    assert not (tmp_path / "runs").exists()


def test_a_count_that_the_source_has_no_room_for_is_refused_with_those_that_fit(short, tmp_path, own_source):
    base = short(data={"source": own_source, "dim": None, "noise_scale": None})
    configs = figure3a(base, class_counts=(40, 71, 70, 90), seeds=(0, 1))
    message = (
        r"class counts must be at most 70 with data\.source eighty_classes:make \(80 classes, of which 10 are held "
        r"out\), got 71, 90; of those given, 40, 70 fit$"
    )
    with pytest.raises(ValueError, match=message):
        prepare(configs, tmp_path / "runs", jobs=1)
    assert not (tmp_path / "runs").exists()


def test_a_count_that_fits_no_sequence_is_refused_with_those_that_fit(short, tmp_path):
    base = short(data={"seq_len": 30, "n_common_classes": 2})
    with pytest.raises(ValueError, match=r"need at least 30.* \(class counts 12; of those given, 64 fits\)$"):
        prepare(figure3a(base, class_counts=(64, 12), seeds=(0,)), tmp_path / "runs", jobs=1)
    assert not (tmp_path / "runs").exists()


def test_a_count_that_a_plugin_refuses_only_when_it_is_built_is_refused_with_those_that_fit(short, tmp_path, plugins):
    plugins.install("picky", PICKY)
    base = short(data={"n_labels": None}, model={"embedder": "picky", "embedder_config": None})
    with pytest.raises(ValueError, match=r"at most 50 labels.* \(class counts 64; of those given, 30 fits\)$"):
        prepare(figure3a(base, class_counts=(64, 30), seeds=(0,)), tmp_path / "runs", jobs=1)
    assert not (tmp_path / "runs").exists()


def test_a_mistake_that_all_runs_share_says_nothing_of_counts(short, tmp_path):
    base = short(model={"num_heads": 3})
    with pytest.raises(ValueError, match=r"^num_heads must divide emb_dim, 16, got 3$"):
        prepare(figure3a(base, class_counts=(64, 30), seeds=(0,)), tmp_path / "runs", jobs=1)


def test_preparing_again_finds_the_runs_that_are_there(short, tmp_path):
    configs = figure3a(short(), class_counts=(64, 30), seeds=(0,))
    first = prepare(configs, tmp_path, jobs=1)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    assert [run.path for run in prepare(configs, tmp_path, jobs=1)] == [run.path for run in first]
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before


def test_cores_are_shared_out_among_the_runs_unless_the_configuration_says(short, tmp_path, monkeypatch):
    monkeypatch.setattr("icl_train._sweeps.sweep.available_cores", lambda: 9)
    free = short(train={"threads": None})
    (shared,) = prepare([free], tmp_path, jobs=4)
    (alone,) = prepare([free], tmp_path / "alone")
    (given,) = prepare([short(train={"threads": 3})], tmp_path / "given", jobs=4)
    (elsewhere,) = prepare([free], tmp_path / "elsewhere", elsewhere=True)
    assert [run.environment["threads"] for run in (shared, alone, given, elsewhere)] == [2, 9, 3, None]


def test_there_are_as_many_jobs_as_cores_on_the_cpu_and_no_more_than_runs(short, monkeypatch):
    monkeypatch.setattr("icl_train._sweeps.sweep.available_cores", lambda: 3)
    assert default_jobs([short(train={"device": "cpu"})] * 5) == 3
    assert default_jobs([short(train={"device": "cpu"})] * 2) == 2


def test_a_folder_that_is_no_run_is_in_the_way_with_a_reason(short, tmp_path):
    (tmp_path / run_name(short())).mkdir()
    with pytest.raises(RunError, match=r"a run folder holds config\.json"):
        prepare([short()], tmp_path, jobs=1)


def test_one_run_folder_that_cannot_be_read_fails_alone(short, tmp_path, child, launched):
    configs = figure3a(short(), class_counts=(64, 30), seeds=(0,))
    damaged = prepare(configs, tmp_path, jobs=1)[1].path
    (damaged / "config.json").write_text("{")
    broken = []
    (good,) = prepare(configs, tmp_path, jobs=1, broken=broken)
    child()
    told, result = launched([good], jobs=1, broken=broken)
    assert result() == []
    assert good.status() == "done"
    last = told.lines()[-1]
    assert last.startswith(f"{damaged.name}: failed, cannot read {damaged / 'config.json'}: ")
    assert "1 of 2 done, 1 failed" in told.lines()


def test_a_folder_that_another_sweep_makes_in_the_same_moment_is_shared(short, tmp_path, monkeypatch):
    create = RunFolder.create

    def beaten(path, config, **options):
        create(path, config, **options)
        return create(path, config, **options)

    monkeypatch.setattr(RunFolder, "create", beaten)
    (run,) = prepare([short()], tmp_path, jobs=1)
    assert run.config == short()


def test_a_root_where_nothing_can_be_made_is_an_error(short, tmp_path, monkeypatch):
    def refuse(*args, **options):
        raise PermissionError(13, "Permission denied", str(tmp_path))

    monkeypatch.setattr(RunFolder, "create", refuse)
    with pytest.raises(PermissionError):
        prepare([short()], tmp_path, jobs=1, broken=[])


def test_a_sweep_for_other_machines_records_the_device_that_is_wanted(short, tmp_path):
    (run,) = prepare([short(train={"device": "cuda:7"})], tmp_path, elsewhere=True)
    assert run.environment["device"] == "cuda:7"


def test_a_run_that_is_trained_where_its_device_is_missing_fails_with_the_reason(short, tmp_path, capsys):
    (run,) = prepare([short(train={"device": "cuda:99"})], tmp_path, elsewhere=True)
    import sys

    assert launch([run], jobs=1, stream=sys.stdout) == [run]
    told = capsys.readouterr().out
    assert "failed, " in told
    assert "device must be one that this machine has" in told
