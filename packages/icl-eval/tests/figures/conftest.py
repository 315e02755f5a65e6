"""Runs for the figures whose accuracies are written by hand."""

import pytest


@pytest.fixture
def measured(write_run, line):
    """Makes a run with these accuracies: ``measured(name, {evaluation: {step: (accuracy, chance)}}, …)``."""

    def make(name, accuracies, **options):
        run = write_run(name, {}, done=False, **options)
        run.append(
            [
                line(
                    split,
                    step,
                    of_steps[step][0],
                    chance=of_steps[step][1],
                    metric="accuracy_query" if split.startswith("no_support") else "accuracy_closed",
                )
                for step in next(iter(accuracies.values()))
                for split, of_steps in accuracies.items()
            ]
        )
        run.mark_done()
        return run

    return make
