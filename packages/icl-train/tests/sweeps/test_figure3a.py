"""Which runs a sweep has, what they are called, and in what order they start."""

from dataclasses import replace

import pytest

from icl_train import RunFolder, figure3a, smoke
from icl_train._plans.labels import labels, run_name
from icl_train._sweeps.cost import clock, expected_cost, longest_first, seconds_left


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


def test_runs_of_a_sweep_differ_in_class_count_and_seeds_alone(short):
    base = short()
    for config in figure3a(base, class_counts=(64, 30), seeds=(0, 7)):
        data = replace(config.data, n_rare_classes=base.data.n_rare_classes)
        assert replace(config, data=data, seeds=base.seeds) == base


def test_a_count_given_twice_is_one_run():
    configs = figure3a(smoke(), class_counts=(64, 64), seeds=(0, 0))
    assert len(configs) == 1


def test_counts_without_rare_classes_are_refused_and_those_that_fit_are_named():
    message = r"class counts must be above data\.n_common_classes \(10\), got 10, 3; of those given, 64, 30 fit$"
    with pytest.raises(ValueError, match=message):
        figure3a(smoke(), class_counts=(64, 10, 30, 3), seeds=(0,))


def test_names_are_the_same_every_time_and_another_for_every_other_setting(short):
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


def test_where_and_how_often_make_no_other_run_and_the_rest_does(short):
    bookkeeping = ({"threads": 2}, {"log_interval": 7}, {"checkpoint_interval": 3}, {"device": "cpu"})
    same = [short(train={"max_steps": 20} | changes) for changes in bookkeeping]
    other = [short(train={"max_steps": 21}), short(optim={"max_lr": 0.1}), short(data={"p_bursty": 0.3})]
    assert {run_name(config) for config in same} == {run_name(short())}
    assert len({run_name(config) for config in [short(), *other]}) == 4


def test_labels_are_class_count_and_seed_where_nothing_else_differs():
    configs = figure3a(smoke(), class_counts=(64, 30), seeds=(0, 7))
    assert labels(configs) == ["64 classes, s0", "64 classes, s7", "30 classes, s0", "30 classes, s7"]


def test_labels_tell_runs_apart_whatever_differs(short):
    configs = [
        short(),
        short(optim={"max_lr": 0.1}),
        short(seeds={"init": 5}),
        short(seeds={"data": 5}),
        short(data={"n_rare_classes": 44, "n_common_classes": 20}),  # as many classes
        short(model={"emb_dim": 32}),
    ]
    found = labels(configs)
    assert len(set(found)) == len(configs)
    assert found[:2] == ["64 classes, s0", "64 classes, s0, optim.max_lr=0.1"]


def test_a_label_is_one_line_that_moves_no_cursor(short):
    hostile = short(data={"source": "my[red]\x1b[2J\nmodule:make", "dim": None})
    (_, label) = labels([short(), hostile])
    assert label.isprintable()


def test_more_labels_in_the_readout_cost_more(short):
    few, many = figure3a(short(data={"n_labels": None}), class_counts=(64, 640), seeds=(0,))
    assert expected_cost(many) > expected_cost(few)


def test_the_run_with_the_most_left_to_compute_starts_first(short, tmp_path):
    steps = {"little": 10, "most": 400, "some": 100, "as much": 100}
    runs = [
        RunFolder.create(tmp_path / name, short(train={"max_steps": count}), device="cpu", threads=1)
        for name, count in steps.items()
    ]
    assert [run.name for run in longest_first(runs)] == ["most", "some", "as much", "little"]
    (tmp_path / "most" / "checkpoints" / "step_0000395").mkdir(parents=True)
    assert [run.name for run in longest_first(runs)] == ["some", "as much", "little", "most"]


@pytest.mark.parametrize(
    ("running", "waiting", "jobs", "seconds"),
    [
        ([], [], 2, 0),
        ([10, 4], [], 2, 10),
        ([10, 4], [7], 2, 11),  # starts when the second place becomes free
        ([10, 4], [7, 7], 2, 17),
        ([], [5, 5, 5], 2, 10),
        ([3], [5], 4, 5),
    ],
)
def test_a_sweep_lasts_as_long_as_its_runs_in_the_places_there_are(running, waiting, jobs, seconds):
    assert seconds_left(running, waiting, jobs) == seconds


def test_a_duration_is_hours_minutes_and_seconds():
    assert [clock(seconds) for seconds in (0, 59.6, 4320, 200_000)] == ["0:00:00", "0:01:00", "1:12:00", "55:33:20"]
