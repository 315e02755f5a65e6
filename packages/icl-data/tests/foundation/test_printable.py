"""Names from outside are data: no cursor moves, no line is reordered, no cell becomes a formula."""

from __future__ import annotations

import pytest

from icl_data.foundation.printable import csv_cell, encodable, one_line, printable, text_table


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("plain-name", "plain-name"),
        ("naïve ☃", "naïve ☃"),
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("two\nlines\r", r"two\nlines\r"),
        ("\x9b2J", r"\x9b2J"),
        ("right\u202eto left", r"right\u202eto left"),
        ("\udcff", r"\udcff"),
    ],
)
def test_what_could_move_a_cursor_is_escaped(name: str, shown: str) -> None:
    assert printable(name) == shown


@pytest.mark.parametrize(("name", "shown"), [("naïve ☃\n", "naïve ☃\n"), ("caf\udce9", r"caf\udce9")])
def test_what_is_no_utf8_is_escaped(name: str, shown: str) -> None:
    assert encodable(name) == shown


def test_a_message_is_one_line() -> None:
    assert one_line("the rule,\n  got \x07") == r"the rule, got \x07"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx"])
def test_text_that_starts_like_a_formula_is_kept_from_being_one(text: str) -> None:
    assert csv_cell(text) == f"'{text}"


@pytest.mark.parametrize("value", [-1, -0.5, "name", "", None, True])
def test_numbers_and_other_text_stay_as_they_are(value: object) -> None:
    assert csv_cell(value) is value


def test_a_table_is_aligned_on_what_is_shown() -> None:
    assert text_table([("run", "step"), ("\x1b", "5")], right=(1,)) == "run   step\n\\x1b     5"
