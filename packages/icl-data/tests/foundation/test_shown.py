"""Values in messages are short, and what sort of thing they are is said in words."""

from __future__ import annotations

import numpy as np
import pytest

from icl_data.foundation.shown import kind_in_words, shown

LONG = {"digits": 10**400, "too many digits": -(10**5000), "text": "a" * 1000, "lists": [[1] * 1000] * 1000}


@pytest.mark.parametrize("value", LONG.values(), ids=LONG)
def test_what_is_long_is_shown_short(value: object) -> None:
    assert len(shown(value)) < 300


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "nothing"),
        (True, "true or false"),
        (3, "a number"),
        (np.float32(3), "a number"),
        ("a", "text"),
        (b"a", "bytes"),
        ([1], "a list"),
        ((1,), "a tuple"),
        ({}, "a dict"),
        (set(), "a set"),
        (np.zeros(2), "an array"),
        (object(), "another object"),
    ],
)
def test_what_sort_of_thing_a_value_is(value: object, words: str) -> None:
    assert kind_in_words(value) == words
