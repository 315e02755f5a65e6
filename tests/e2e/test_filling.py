"""The numbers that results/fill.py writes are those of the rows that have them."""

import csv
import importlib.util
import json
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


def test_the_last_step_is_one_that_every_run_has(told):
    rows = [row("a", step, 0.25) for step in (0, 1000, 2000, 3000)] + [row("b", step, 0.75) for step in (0, 1000, 2500)]
    (said,) = told("common: values.csv icl classes with {N} classes", *rows)
    when = "At update 1,000, the last that all of these runs have, "
    assert said == f"{when}ICL is 0.500 (0.250 to 0.750) with 100 classes (2 runs)."
    table = told("means: values.csv icl 2500,last classes", *rows)
    assert table[2:] == ["| 100 | 1,000 | 2 | 0.50 (0.25 to 0.75) |", "| 100 | 2,500 | 1 | 0.75 (0.65 to 0.85) |"]


def test_runs_without_a_step_in_common_are_told_as_such(told):
    rows = [row("a", 1000, 0.25), row("b", 2500, 0.75), row("c", 2500, 0.5, classes=200)]
    (said,) = told("common: values.csv icl classes with {N} classes", *rows)
    first = "ICL is not told with 100 classes (2 runs, no update in common)"
    second = "0.500 (0.400 to 0.600) with 200 classes (1 run, update 2,500)"
    assert said == f"At the last update that all runs of a kind have, {first}; {second}."
    (said,) = told("common: values.csv icl classes with {N} classes", *rows[:2])
    assert first in said


def test_steps_are_in_order_once_each_and_of_those_that_there_are(told):
    rows = [row("a", step, 0.25) for step in (1000, 9000)] + [row("b", step, 0.5) for step in (2500, 9500)]
    of = {"a": "0.25 (0.15 to 0.35)", "b": "0.50 (0.40 to 0.60)"}

    def steps(asked, rows):
        return told(f"means: values.csv icl {asked} classes", *rows)[2:]

    both = [f"| 100 | {step} | 1 | {of[run]} |" for step, run in (("2,500", "b"), ("9,000", "a"), ("9,500", "b"))]
    assert steps("9500,2500,700,last", rows) == both  # without a step in common the last of each
    assert steps("9000,last,1000", rows[:2]) == [f"| 100 | {step} | 1 | {of['a']} |" for step in ("1,000", "9,000")]
    nameless = [{name: cell for name, cell in one.items() if name != "run"} for one in rows]
    assert steps("9000", nameless) == [f"| 100 | 9,000 | 1 | {of['a']} |"]


def test_differences_are_told_by_measure_and_of_single_runs_without_bounds(told):
    of = {"step": 10, "mean_ours": 0.5, "mean_theirs": 0.5}
    rows = [
        {"metric": "train/loss", **of, "difference": -0.0001, "low": "", "high": ""},
        {"metric": "eval_flipped/accuracy_both", **of, "difference": 0.25, "low": -0.0004, "high": 0.5},
    ]
    table = told("differences: pair 10", *rows, file="pair/compare_differences.csv")
    assert table[2:] == [
        "| [pair](pair) | training loss | 10 | 0.500 | 0.500 | +0.000 |",
        "| [pair](pair) | both ways right | 10 | 0.500 | 0.500 | +0.250 (+0.000 to +0.500) |",
    ]


def test_claims_are_those_of_the_experiment_that_the_pattern_is_in(fill, tmp_path):
    rows = [
        {"experiment": experiment, "claim": claim, "measured": 0.256, "low": low, "high": 0.3, "n_seeds": 2}
        for experiment, claim, low in (("a", "This is more.", 0.2), ("a", "That.", 0.2), ("b", "This is more.", None))
    ]
    (tmp_path / "claims.json").write_text(json.dumps(rows))
    page = tmp_path / "README.md"
    asked = ("claims.json a ^This is", "claims.json b")
    page.write_text("".join(f"<!-- claims: {words} -->\n<!-- end -->\n" for words in asked))
    told = [line for line in fill.filled(page).split("\n") if line.startswith("| T")]
    assert told == ["| This is more. | 0.26 | 0.20 to 0.30 | 2 |", "| This is more. | 0.26 |  | 2 |"]
