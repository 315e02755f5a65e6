"""Any JSON value in the place of any setting is refused by a ValueError, or is the setting that is then stored."""

import copy
import json

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings

from icl_train import RunConfig, laptop, smoke

EXAMPLES = {"short": 300, "usual": 3_000, "long": 30_000}
ORIGINALS = [smoke().to_dict(), laptop().to_dict()]
ODD = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
NAMES = st.text(max_size=8)
VALUES = st.recursive(ODD, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3))


def places(value, path=()):
    """Where the parts of a JSON value are."""
    if not isinstance(value, dict):
        return [path]
    return [path, *(place for name, part in value.items() for place in places(part, (*path, name)))]


@st.composite
def stored(draw):
    """A configuration as plain values, with anything in one place."""
    value = copy.deepcopy(draw(st.sampled_from(ORIGINALS)))
    *above, last = draw(st.sampled_from(places(value)[1:]))
    holder = value
    for name in above:
        holder = holder[name]
    holder[last] = draw(VALUES)
    return value


def test_only_value_errors_come_of_settings_of_any_type(size):
    @settings(max_examples=EXAMPLES[size], deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(stored())
    def each(value):
        try:
            config = RunConfig.from_dict(value)
        except ValueError:
            return
        assert RunConfig.from_dict(json.loads(json.dumps(config.to_dict()))) == config

    each()


@pytest.mark.parametrize("value", [None, [], 1, "x", {"x": {}}])
def test_what_is_no_group_of_settings_is_refused(value):
    with pytest.raises(ValueError):
        RunConfig.from_dict(value)
