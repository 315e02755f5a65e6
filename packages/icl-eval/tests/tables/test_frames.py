"""Tables of pandas as files: what each format makes of names, missing cells and many rows."""

import csv
import io
import json

import numpy as np
import pandas as pd
import pytest

from icl_eval._tables import frames
from icl_eval._tables.frames import FRAME_WRITERS


@pytest.fixture
def table():
    return pd.DataFrame(
        {
            "run": pd.Categorical(["a", "b", None]),
            "path": pd.array(["x", None, "z"], dtype="str"),
            "count": pd.array([1, None, 2**60], dtype="Int64"),
            "whole": np.array([1, 2, 3]),
            "value": [0.1, np.nan, 1e-7],
            "flag": [True, False, True],
        }
    )


def written(table, kind):
    file = io.BytesIO()
    FRAME_WRITERS[kind](table, file)
    return file.getvalue()


def cells(table):
    return list(csv.reader(io.StringIO(written(table, "csv").decode())))


def test_csv_has_a_line_a_row_and_nothing_where_a_cell_is_missing(table):
    assert written(table, "csv").decode().splitlines() == [
        "run,path,count,whole,value,flag",
        "a,x,1,1,0.1,true",
        "b,,,2,,false",
        f",z,{2**60},3,1e-7,true",
    ]


@pytest.mark.parametrize("kind", ["category", "str"])
@pytest.mark.parametrize(
    ("name", "shown"), [("=1+1", "'=1+1"), ("a\nb", "a\\nb"), ("\x1b[31m", "\\x1b[31m"), ("a,b", "a,b")]
)
def test_text_in_csv_is_no_formula_and_moves_no_cursor(name, shown, kind):
    assert cells(pd.DataFrame({name: pd.Series([name, "b"], dtype=kind)})) == [[shown], [shown], ["b"]]


def test_json_is_a_list_of_objects_with_null_where_there_is_nothing(table):
    assert json.loads(written(table, "json")) == [
        {"run": "a", "path": "x", "count": 1, "whole": 1, "value": 0.1, "flag": True},
        {"run": "b", "path": None, "count": None, "whole": 2, "value": None, "flag": False},
        {"run": None, "path": "z", "count": 2**60, "whole": 3, "value": 1e-7, "flag": True},
    ]


def test_json_is_in_ascii():
    assert written(pd.DataFrame({"é": ["日本"]}), "json").isascii()


def test_infinity_is_no_number_of_json():
    assert json.loads(written(pd.DataFrame({"a": [np.inf]}), "json")) == [{"a": None}]


def test_markdown_aligns_numbers_to_the_right_and_escapes_bars():
    table = pd.DataFrame({"run": ["a|b", "c"], "value": [0.123456, np.nan]})
    assert written(table, "md").decode() == "| run | value |\n| --- | ---: |\n| a\\|b | 0.1235 |\n| c |  |\n"


def test_parquet_holds_the_same_with_its_types(table):
    polars = pytest.importorskip("polars")
    read = polars.read_parquet(io.BytesIO(written(table, "parquet")))
    assert read.to_dict(as_series=False) == {
        "run": ["a", "b", None],
        "path": ["x", None, "z"],
        "count": [1, None, 2**60],
        "whole": [1, 2, 3],
        "value": [0.1, None, 1e-7],
        "flag": [True, False, True],
    }


@pytest.mark.parametrize("kind", ["csv", "json", "md", "parquet"])
def test_many_rows_are_written_in_parts_that_make_the_same_file(table, kind, monkeypatch):
    table["same"] = pd.Categorical(["x"] * 3)
    table["missing"] = pd.array([None] * 3, dtype="Int64")
    whole = written(table, kind)
    monkeypatch.setattr(frames, "_ROWS", 2)
    in_parts = written(table, kind)
    if kind == "parquet":
        polars = pytest.importorskip("polars")
        one, other = (polars.read_parquet(io.BytesIO(file)) for file in (whole, in_parts))
        assert one.to_dict(as_series=False) == other.to_dict(as_series=False)
    else:
        assert in_parts == whole


@pytest.mark.parametrize("kind", ["csv", "json", "md", "parquet"])
def test_a_table_without_rows_can_be_written(table, kind):
    assert written(table.iloc[:0], kind)
