"""Rows as CSV and JSON: whole files, the same numbers in both, text that stays text."""

import csv
import json

import pytest

from icl_eval import write_csv, write_json


def test_columns_are_the_union_of_the_rows_and_missing_values_stay_empty(tmp_path):
    write_csv(tmp_path / "a.csv", [{"a": 1, "b": "x, y"}, {"b": 0.1, "c": None}])
    assert (tmp_path / "a.csv").read_bytes() == b'a,b,c\n1,"x, y",\n,0.1,\n'


def test_a_table_that_cannot_be_written_leaves_the_older_one(tmp_path):
    file = tmp_path / "a.csv"
    write_csv(file, [{"a": 1}])

    class Unwritable:
        def __str__(self):
            raise RuntimeError("no")

    with pytest.raises(RuntimeError):
        write_csv(file, [{"a": Unwritable()}])
    assert file.read_text() == "a\n1\n"


def test_text_that_a_spreadsheet_takes_for_a_formula_is_quoted_and_numbers_stay_numbers(tmp_path):
    starts = ["=1+1", "+1", "-1", "@SUM(A1)"]
    write_csv(tmp_path / "a.csv", [{"run": text, "=loss": -0.5, "n": -3} for text in starts])
    with (tmp_path / "a.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["run", "'=loss", "n"]
    assert rows == [[f"'{text}", "-0.5", "-3"] for text in starts]


def test_text_that_moves_a_cursor_breaks_a_line_or_is_no_utf8_is_escaped_in_csv(tmp_path):
    write_csv(tmp_path / "a.csv", [{"run": "a\x1b[2Jb\nc\u202ed\udce9é"}])
    assert (tmp_path / "a.csv").read_text(encoding="utf-8") == "run\na\\x1b[2Jb\\nc\\u202ed\\udce9é\n"


def test_json_holds_the_rows_as_they_are_in_ascii(tmp_path):
    rows = [{"run": "=é\n\udce9", "step": 20, "iwl": 0.1}, {"run": "b", "iwl": None}]
    write_json(tmp_path / "a.json", rows)
    content = (tmp_path / "a.json").read_bytes()
    assert json.loads(content) == rows
    assert content.isascii()
