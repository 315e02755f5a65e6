"""How fast a run goes and how long it takes: updates, evaluations and checkpoints are timed apart."""

import io

import pytest

from icl_train._estimate.work import Work
from icl_train._runs.pace import Pace, clock_text, duration_text
from icl_train._runs.progress import PlainReporter


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


class Run:
    """A run whose updates take a second each, evaluations 20 and checkpoints 5."""

    def __init__(self, *, first=0, last=1000, reporter=None):
        self.clock = Clock()
        self.evaluations = [step for step in range(0 if not first else first + 1, last + 1) if step % 100 == 0]
        self.checkpoints = [step for step in range(first + 1, last + 1) if step % 500 == 0]
        self.pace = Pace(first, last, left=self.left, clock=self.clock)
        self.step = first
        if first == 0:
            self.evaluate()

    def left(self, done):
        return Work(
            updates=self.pace.last - done,
            evaluations=sum(step > done for step in self.evaluations),
            checkpoints=sum(step > done for step in self.checkpoints),
        )

    def evaluate(self):
        with self.pace.aside("evaluation"):
            self.clock.now += 20

    def to(self, step):
        while self.step < step:
            self.step += 1
            self.clock.now += 1.0
            self.pace.advance(self.step)
            if self.step in self.evaluations:
                self.evaluate()
            if self.step in self.checkpoints:
                with self.pace.aside("checkpoint"):
                    self.clock.now += 5
        return self.pace


def test_the_rate_leaves_out_evaluations_and_checkpoints():
    run = Run()
    assert run.to(1).steps_per_second is None
    for step in (10, 100, 101, 550):
        assert run.to(step).steps_per_second == pytest.approx(1.0)


def test_the_time_left_includes_evaluations_and_checkpoints():
    run = Run()
    assert run.to(50).seconds_from(50) == pytest.approx(950 + 10 * 20)  # no checkpoint is known yet
    assert run.to(550).seconds_from(550) == pytest.approx(450 + 5 * 20 + 5)
    assert run.to(1000).seconds_from(1000) == pytest.approx(0)


def test_the_rate_is_that_of_the_last_minute():
    run = Run()
    run.to(200)
    for step in range(201, 400):
        run.clock.now += 2.0
        run.pace.advance(step)
    assert run.pace.steps_per_second == pytest.approx(0.5)


def test_an_estimate_waits_for_a_few_timed_steps():
    run = Run()
    assert not run.to(6).is_known
    assert run.to(7).is_known


def test_no_time_is_told_of_a_single_update():
    run = Run()
    run.clock.now += 60.0  # beside the start of another process
    assert run.to(4).times() is not None
    assert (run.pace.measured(), run.pace.seconds_from(4)) == (None, None)
    assert run.to(7).seconds_from(7) is not None


def test_the_time_of_slow_updates_is_told_too():
    run = Run()
    for step in range(1, 20):
        run.clock.now += 40.0
        run.pace.advance(step)
    assert run.pace.is_known
    assert run.pace.seconds_from(19) == pytest.approx(981 * 40 + 10 * 20)


def test_the_estimate_is_of_the_whole_run():
    assert Run().to(10).estimate() == "about 20 minutes for 1,000 steps at 1 steps/s on this machine"
    assert Run(first=300).to(310).estimate() == "about 12 minutes for 700 steps more at 1 steps/s on this machine"


@pytest.mark.parametrize(
    ("seconds", "words", "clock"),
    [
        (0.2, "1 second", "0:00"),
        (42, "42 seconds", "0:42"),
        (130, "2 minutes", "2:10"),
        (3600, "60 minutes", "1:00:00"),
        (3 * 3600 + 50, "3 hours", "3:00:50"),
        (86_400, "24 hours", "24:00:00"),
        (9.2 * 86_400, "9 days", "9 days"),
    ],
)
def test_durations_are_told_as_people_do(seconds, words, clock):
    assert (duration_text(seconds), clock_text(seconds)) == (words, clock)


def evaluation(step, icl, iwl):
    return [
        {"split": "eval_fewshot_holdout", "step": step, "accuracy_closed": icl, "chance": 0.5},
        {"split": "eval_flipped", "step": step, "accuracy_closed": 0.1, "chance": 0.5},
        {"split": "eval_no_support_zipfian", "step": step, "accuracy_query": iwl, "chance": 1 / 32},
    ]


def training(step, loss):
    return [{"split": "train", "step": step, "loss": loss}]


@pytest.fixture
def told():
    """A run of a second a step with a reporter, its lines so far, and the reporter's own clock."""
    run, stream, clock = Run(), io.StringIO(), Clock()
    reporter = PlainReporter(stream, clock=clock)
    reporter.start("mine", 0, 1000, 64, run.pace)
    reporter.records(evaluation(0, 0.5, 0.25))
    return run, reporter, clock, lambda: stream.getvalue().splitlines()


def test_an_evaluation_is_one_line_that_people_read(told):
    run, reporter, _, lines = told
    run.to(100)
    reporter.records(training(100, 3.4136))
    reporter.records(evaluation(100, 0.498, 1.0))
    assert lines() == [
        "mine: steps 1 to 1000 of 64 sequences",
        "step 0/1000  ICL .500 (chance .500)  IWL .250 (chance .031)",
        "step 100/1000  ICL .498  IWL 1.000  loss 3.41  64 seq/s  18:00 left",
    ]


def test_between_evaluations_it_is_told_after_half_a_minute_how_training_goes(told):
    run, reporter, clock, lines = told
    run.to(10)
    for step, seconds in ((10, 29), (20, 2), (30, 29), (40, 30)):
        clock.now += seconds
        reporter.records(training(step, 3.0))
    assert [line.split("  ")[0] for line in lines()[2:]] == ["step 20/1000", "step 40/1000"]
    assert lines()[2] == "step 20/1000  loss 3  64 seq/s  19:40 left"


def test_the_estimate_is_told_once(told):
    run, reporter, _, lines = told
    for step in range(1, 30):
        run.to(step)
        reporter.advance(step)
    assert lines()[2:] == ["about 20 minutes for 1,000 steps at 1 steps/s on this machine"]


def test_a_run_of_seconds_needs_no_estimate():
    run, stream = Run(last=8), io.StringIO()
    reporter = PlainReporter(stream)
    reporter.start("mine", 0, 8, 64, run.pace)
    run.clock.now += 0
    for step in range(1, 8):
        run.to(step)
        reporter.advance(step)
    assert "about" not in stream.getvalue()
