"""What the lines of a configuration do is followed as Python and ml_collections do it, and what is not is named."""

import pytest
from released_configs import of, read, released_config

from icl_train._converting.values import Unknown


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ("config.training_steps = elsewhere.tweak(config)", "a call of elsewhere.tweak"),
        ("config.training_steps = 5\nsteps = elsewhere.tweak(of=config)", "a call of elsewhere.tweak"),
        ("steps = config.pop('training_steps')", "a call of config.pop"),
        ("steps = config.setdefault('training_steps', 5)", "a call of config.setdefault"),
        ("steps = (lambda of: of.update(training_steps=7))(config)", "a call of of.update"),
    ],
)
def test_a_call_whose_value_is_taken_is_named_if_it_may_change_options(more, line, tmp_path):
    assert line in read(tmp_path, released_config(more=more)).passed_over.values()


@pytest.mark.parametrize("look", ["len(config)", "config.get('seed')", "config.to_dict()", "elsewhere.rate(3)"])
def test_a_call_that_only_looks_at_options_is_not_named(look, tmp_path):
    assert not read(tmp_path, released_config(more=f"seen = {look}")).passed_over


@pytest.mark.parametrize("define", ["def steps(of=rate):\n  return of", "steps = lambda of=rate: of"])
def test_what_an_argument_is_by_default_is_made_where_the_function_is_defined(define, tmp_path):
    assert of(tmp_path, "steps()", before=f"rate = 3\n{define}\nrate = 1") == 3


@pytest.mark.parametrize(
    ("later", "known"),
    [
        ("own['steps'] = 7", 5),  # a ConfigDict has a copy of the dict
        ("inner['steps'] = 7", 5),
        ("config.own.steps = 7", 7),
        ("config.own['steps'] = 7", 7),
    ],
)
def test_a_dict_that_becomes_an_option_is_copied(later, known, tmp_path):
    before = f"inner = dict(steps=5)\nown = dict(steps=5, inner=inner)\nconfig.own = own\n{later}"
    assert of(tmp_path, "config.own.steps", before=before) == known
    if later.startswith("inner"):
        assert of(tmp_path, "config.own.inner.steps", before=before) == 5


def test_a_configdict_that_becomes_an_option_stays_the_same_one(tmp_path):
    before = "own = config_dict.ConfigDict(dict(steps=5))\nconfig.own = own\nown.steps = 7"
    assert of(tmp_path, "config.own.steps", before=before) == 7


def test_a_dict_is_updated_without_joining_what_is_in_it(tmp_path):
    before = "own = dict(a=dict(x=1, y=2))\nown.update(dict(a=dict(x=3)))\nconfig.own = own"
    found = read(tmp_path, released_config(more=before)).options
    assert (found["own.a.x"].value, "own.a.y" in found) == (3, False)


def test_a_reference_that_others_may_change_is_not_known(tmp_path):
    before = "steps = config_dict.FieldReference(64)\nconfig.first = steps\nconfig.first = 32"
    assert isinstance(of(tmp_path, "steps * 2", before=before), Unknown)


def test_a_name_that_is_bound_within_an_expression_is_not_known(tmp_path):
    assert isinstance(of(tmp_path, "steps", before="steps = 3\nother = (steps := 8)"), Unknown)
