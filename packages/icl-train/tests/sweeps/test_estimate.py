"""How long runs take, from a few that were timed."""

from dataclasses import replace

import pytest

from icl_train import chan2022
from icl_train._estimate.work import Times
from icl_train._sweeps import estimate
from icl_train._sweeps.cost import expected_cost
from icl_train._sweeps.estimate import Left, Timing, as_ensembles, expected_times, kind_of, sweep_seconds, to_time

TIMES = Times(update=2.0, evaluation=5.0, checkpoint=1.0, start=3.0)


def left(*configs):
    return [Left(config, 0, "cpu", 1) for config in configs]


def test_a_costlier_run_of_the_same_kind_takes_longer_in_proportion(short):
    small, large = short(), short(model={"emb_dim": 32})
    found = expected_times(large, [Timing(small, TIMES)])
    ratio = expected_cost(large) / expected_cost(small)
    assert kind_of(small) == kind_of(large)
    assert (found.update, found.evaluation) == pytest.approx((2.0 * ratio, 5.0 * ratio))
    assert (found.checkpoint, found.start) == (1.0, 3.0)


def test_between_two_that_were_timed_times_lie_on_a_line(short):
    """An embedder has its share of an update whatever comes behind it, so that times are in no proportion to costs."""
    low, middle, high = (short(model={"num_layers": layers}) for layers in (1, 4, 12))
    ends = [Timing(low, Times(update=1.0)), Timing(high, Times(update=2.0))]
    share = (expected_cost(middle) - expected_cost(low)) / (expected_cost(high) - expected_cost(low))
    assert expected_times(middle, ends).update == pytest.approx(1.0 + share)


def test_evaluations_take_as_long_as_they_have_sequences(short):
    few, many = short(eval={"batches": 2}), short(eval={"batches": 6})
    assert expected_times(many, [Timing(few, TIMES)]).evaluation == 15.0


def test_the_dearest_and_the_cheapest_of_each_kind_are_timed(short):
    runs = [short(model={"num_layers": layers}) for layers in (1, 2, 8, 12)]
    other = short(model={"sequence_model": "lstm", "num_heads": None, "sequence_model_config": None})
    chosen = to_time(left(*runs, other))
    assert [one.config.model.num_layers for one in chosen] == [12, 1, other.model.num_layers]


def test_runs_of_equal_cost_are_timed_once(short):
    assert len(to_time(left(short(), short(optim={"max_lr": 0.1})))) == 1


def test_what_was_timed_before_is_not_timed_again(short):
    assert to_time(left(short()), [Timing(short(), TIMES)]) == []


def test_a_sweep_takes_as_long_as_its_runs_side_by_side(short):
    config = short(train={"max_steps": 10}, eval={"batches": 1, "steps": (0,)})
    timings = [Timing(config, Times(update=1.0))]
    run = Left(config, 0, "cpu", 1)
    assert sweep_seconds([run] * 3, timings, jobs=2, start=1.0) == 22
    assert sweep_seconds([run, run._replace(done=5)], timings, jobs=1, start=1.0) == 17


def test_without_timings_there_is_no_estimate(short):
    assert expected_times(short(), []) is None
    with pytest.raises(ValueError, match="timings must be of at least one run, got none"):
        sweep_seconds(left(short()), [], jobs=1, start=0.0)


def test_what_is_chosen_is_trained_for_a_moment(short, monkeypatch):
    asked = []
    monkeypatch.setattr(estimate, "time_runs", lambda configs, **how: asked.append((configs, how)) or TIMES)
    (found,) = estimate.timed(left(short()), seconds=0.5, sequences=10)
    assert asked == [([short()], {"device": "cpu", "threads": 1, "seconds": 0.5, "sequences": 10})]
    assert found == Timing(short(), TIMES)


def test_runs_on_other_numbers_of_threads_are_timed_apart(short):
    assert kind_of(short()) != kind_of(short(train={"threads": 2}))


def test_images_are_timed_apart_by_their_number():
    config = chan2022()
    assert kind_of(config) != kind_of(replace(config, train=replace(config.train, batch_size=64)))


def ensemble(short, seed=0, *, steps=20):
    base = short(train={"engine": "ensemble", "max_steps": steps}, eval={"batches": 1, "steps": (0,)})
    return replace(base, seeds=replace(base.seeds, init=seed))


def test_runs_of_an_ensemble_are_timed_and_take_their_updates_together(short):
    runs = as_ensembles([Left(ensemble(short, seed), 0, "cpu", 1) for seed in range(3)], members=None)
    assert [one.members for one in runs] == [3]
    timings = [Timing(runs[0].config, Times(update=1.0, evaluation=10.0), 3)]
    assert sweep_seconds(runs, timings, jobs=1, start=0.0) == 20 * 1.0 + 3 * 2 * 10.0


def test_no_more_runs_are_one_ensemble_than_may_be(short):
    runs = [Left(ensemble(short, seed), 0, "cpu", 1) for seed in range(3)]
    assert [one.members for one in as_ensembles(runs, members=2)] == [2, 1]


def test_ensembles_of_other_sizes_are_timed_apart(short):
    runs = [Left(ensemble(short, seed), 0, "cpu", 1) for seed in range(3)]
    assert [one.members for one in to_time(as_ensembles(runs, members=2))] == [2, 1]


def test_runs_that_are_trained_by_themselves_stay_so(short):
    runs = left(short(), short())
    assert as_ensembles(runs, members=None) == runs
