"""JSON from files that anybody may have written."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from icl_data.foundation.plain_json import read_json

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)


@given(values)
def test_what_json_writes_comes_back(value):
    assert read_json(json.dumps(value).encode()) == value
    assert read_json(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary())
def test_any_bytes_are_a_value_or_a_refusal_in_one_line(content):
    try:
        read_json(content)
    except ValueError as error:
        refusal = str(error)
    else:
        refusal = "it must"
    assert refusal.startswith("it must")
    assert "\n" not in refusal


REFUSED = {
    "nothing": (b"", "it must be JSON: Expecting value"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "it must be JSON in UTF-8, got UTF-8 with a byte order mark"),
    "UTF-16": ("{}".encode("utf-16"), "it must be JSON in UTF-8, got UTF-16"),
    "Latin 1": (b'"\xe9"', "it must be JSON in UTF-8: invalid continuation byte at byte 1"),
    "a zero byte": (b'{"a\0": 1}', "it must be JSON: Invalid control character"),
    "a name twice": (b'{"a": 1, "b": {"c": 1, "c": 2}}', "it must have each name once, got 'c' twice"),
    "half a character": (rb'["\ud800"]', r"it must have text that can be encoded, got '\ud800'"),
    "half a character in a name": (rb'{"\ud800": 1}', r"it must have text that can be encoded, got '\ud800'"),
    "60 lists in each other": (b"[" * 60 + b"]" * 60, "it must be JSON nested at most 50 deep"),
    "100,000 lists in each other": (b"[" * 100_000 + b"]" * 100_000, "it must be JSON nested at most 50 deep"),
    "a number of 10,000 digits": (b"9" * 10_000, "it must have numbers of at most 4300 digits"),
}


@pytest.mark.parametrize(("content", "message"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(content, message):
    with pytest.raises(ValueError) as caught:
        read_json(content)
    assert str(caught.value).startswith(message)


def test_the_name_of_a_file_that_is_no_utf_8_is_kept():
    assert read_json(rb'"caf\udce9"') == "caf\udce9"
