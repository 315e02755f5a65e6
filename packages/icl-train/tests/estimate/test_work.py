"""What is left of a run, and how long that takes."""

from dataclasses import replace

import pytest

from icl_train import smoke
from icl_train._estimate.work import Times, Work


def config(steps=100, *, evaluation=None, checkpoint=None):
    base = smoke()
    train = replace(base.train, max_steps=steps, **(checkpoint or {}))
    return replace(base, train=train, eval=replace(base.eval, **(evaluation or {})))


@pytest.mark.parametrize("done", [0, 1, 49, 50, 99, 100])
@pytest.mark.parametrize("evaluation", [{"interval": 7}, {"interval": 50}, {"steps": (0, 3, 50)}, {"steps": (100,)}])
@pytest.mark.parametrize("checkpoint", [{"checkpoint_interval": 30}, {"checkpoint_steps": (0, 49, 51)}])
def test_what_is_left_is_what_the_loop_will_do(done, evaluation, checkpoint):
    run = config(evaluation=evaluation, checkpoint=checkpoint)
    steps = range(done + 1 if done else 0, 101)
    assert Work.left_of(run, done) == Work(
        updates=100 - done,
        evaluations=sum(step in run.evaluations for step in steps),
        checkpoints=sum(step in run.train.checkpoints for step in steps),
    )


def test_a_long_run_is_counted_at_once():
    assert Work.left_of(config(2**31 - 1, evaluation={"interval": 1})).evaluations == 2**31


def test_pieces_take_their_times():
    times = Times(update=2.0, evaluation=5.0, checkpoint=10.0, start=100.0)
    work = Work(updates=3, evaluations=2, checkpoints=1)
    assert times.of(work) == 26.0
    assert times.from_the_start(work) == 126.0


def test_what_is_done_needs_no_start():
    assert Times(update=2.0, start=100.0).from_the_start(Work.left_of(config(), 100)) == 0.0
