"""First weights are drawn from the distributions that Haiku's own initialisers draw from.

Deviations and means of many draws are compared within six standard errors; were the seeds drawn anew, all of these
comparisons together would fail by chance less than once in 10,000 runs. The largest draws are compared within what a
normal cut at two deviations leaves for both with a probability of 1 - 1e-8.
"""

import math

import numpy as np
import pytest

pytest.importorskip("optax", reason="needs JAX, dm-haiku and optax: `nox -s parity` installs them")

from live_cases import CASES, first_variables

DENSITY_AT_THE_CUT = 4 * 0.0566  # per relative distance from it: two ends, two deviations, a unit normal's density


@pytest.fixture(scope="module", params=CASES[:-1], ids=lambda case: case.name)  # the last is another's model
def drawn(request):
    """The model's name, and {parameter: (Haiku's draws, ours)}."""
    case = request.param
    n_seeds = 2 if case.config.num_layers > 2 else 32
    draws = {
        source: [_named(first_variables(case, source, seed)[0]) for seed in range(1, n_seeds + 1)]
        for source in ("haiku", "torch")
    }
    pairs = {
        name: tuple(np.concatenate([named[name] for named in draws[source]]) for source in ("haiku", "torch"))
        for name in draws["haiku"][0]
    }
    return case.name, pairs


def _named(params):
    return {
        f"{module}|{name}": np.ravel(value).astype(np.float64)
        for module, names in params.items()
        for name, value in names.items()
    }


def test_weights_have_the_mean_deviation_and_bounds_of_haikus(drawn, add_row):
    model, pairs = drawn
    random = {name: pair for name, pair in pairs.items() if pair[0].std() > 0}
    deviations, means, bounds = {}, {}, {}
    for name, (theirs, ours) in random.items():
        variance = theirs.var() + ours.var()
        # A cut normal's sample deviation varies less than a normal's, so this error is on the safe side.
        deviations[name] = abs(theirs.std() - ours.std()) / math.sqrt(variance / (2 * ours.size))
        means[name] = abs(theirs.mean() - ours.mean()) / math.sqrt(variance / ours.size)
        smaller, larger = sorted((np.abs(theirs).max(), np.abs(ours).max()))
        bounds[name] = (1 - smaller / larger) * DENSITY_AT_THE_CUT * ours.size / -math.log(1e-8)
    row = {"model": model, "parameters": str(len(random)), "draws each": f"{min(p[0].size for p in random.values())}+"}
    numbers = {"deviation": deviations, "mean": means, "bound": bounds}
    add_row(
        "first weights beside Haiku's: largest differences, in standard errors; of the bounds, in what is allowed",
        row | {column: f"{max(values.values()):.1f}" for column, values in numbers.items()},
    )
    assert max(deviations.values()) < 6, max(deviations, key=deviations.get)
    assert max(means.values()) < 6, max(means, key=means.get)
    assert max(bounds.values()) < 1, max(bounds, key=bounds.get)


def test_what_is_not_drawn_is_equal(drawn):
    constant = {name: pair for name, pair in drawn[1].items() if pair[0].std() == 0}
    assert constant
    for name, (theirs, ours) in constant.items():
        np.testing.assert_array_equal(ours, theirs, err_msg=name)
