"""The numbers that results/fill.py writes are those of the rows that have them."""

import csv
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def fill():
    """The module."""
    spec = importlib.util.spec_from_file_location("filling", ROOT / "results" / "fill.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def told(fill, tmp_path):
    """What a block is filled with, of such rows of a file."""

    def told(words, *rows, file="values.csv"):
        path = tmp_path / file
        path.parent.mkdir(exist_ok=True)
        with path.open("w", newline="") as text:
            table = csv.DictWriter(text, rows[0], lineterminator="\n")
            table.writeheader()
            table.writerows(rows)
        page = tmp_path / "README.md"
        page.write_text(f"<!-- {words} -->\n<!-- end -->\n")
        return fill.filled(page).split("\n")[1:-2]

    return told


def row(run, step, icl, **others):
    bounds = {"icl_low": icl and icl - 0.1, "icl_high": icl and icl + 0.1}
    return {"run": run, "classes": 100, "step": step, "icl": icl, **bounds, **others}


def test_a_run_without_a_value_neither_bounds_nor_counts_where_another_has_one(told):
    rows = [row("a", 1, "", iwl=0.25), row("b", 1, 0.5, iwl=0.75)]
    table = told("means: values.csv icl,iwl 1 classes", *rows)
    assert table[2:] == ["| 100 | 1 | 2 | 0.50 (0.40 to 0.60) of 1 run | 0.50 (0.25 to 0.75) |"]
    (said,) = told("common: values.csv icl classes with {N} classes", *rows)
    assert said.endswith(", ICL is 0.500 (0.400 to 0.600) with 100 classes (1 run).")


@pytest.mark.parametrize(
    ("values", "cells"),
    [((0.5, ""), ("0.500 (0.400 to 0.600) of 1 run", "0.75 (ours -0.25)")), (("", ""), ("", "0.75"))],
)
def test_the_papers_value_stands_beside_runs_of_which_some_have_none(values, cells, told, tmp_path):
    (tmp_path / "paper.csv").write_text("classes,measure,step,value\n100,icl,1,0.75\n")
    place = {"images": "28x28", "sequences_per_statistics": 2, "icl_all_classes": "", "iwl": ""}
    rows = [row(run, 1, icl, **place) for run, icl in zip("ab", values, strict=True)]
    table = told("beside: values.csv paper.csv 1", *rows)
    assert [cell.strip() for cell in table[2].split("|")[6:8]] == list(cells)
