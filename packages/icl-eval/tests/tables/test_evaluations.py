"""Evaluations as rows and as a table: what was measured is named by the metric it was measured by."""

import pytest

from icl_eval._tables.evaluations import Measured, evaluation_rows, evaluation_table, short_names

COUNTS = {"n_sequences": 32, "sequences": 320, "step": 20, "protocol": "paper"}


def record(split, metric, value, chance):
    bounds = {f"{metric}_low": value - 0.125, f"{metric}_high": value + 0.125}
    return {"split": f"eval_{split}", "headline": metric, metric: value, "chance": chance, **bounds, **COUNTS}


def column(table, name):
    (found,) = [column for column in table.columns if column.header == name]
    return list(found.cells)


POLYSEMY = record("no_support_rare", "accuracy_class", 0.5, 1 / 54) | {"accuracy_closed": 0.25}
PLAIN = record("no_support_rare", "accuracy_closed", 0.5, 1 / 54)


@pytest.mark.parametrize(
    ("measured", "label"),
    [
        (POLYSEMY, "no_support_rare accuracy over its classes"),
        (PLAIN, "no_support_rare accuracy over its labels"),
        (record("fewshot_holdout", "accuracy_closed", 0.5, 0.5), "ICL two-way accuracy (new classes)"),
    ],
)
def test_a_row_says_what_was_measured_with_its_chance(measured, label):
    table = evaluation_table([Measured(name="one", records=[measured])])
    assert column(table, "measured") == [label]
    assert column(table, "accuracy") == ["0.500"]
    assert column(table, "95% interval") == ["0.375-0.625"]
    assert column(table, "chance") == [f"{measured['chance']:.3g}"]


def test_under_polysemy_the_row_of_a_file_holds_the_accuracy_by_class():
    (row,) = evaluation_rows([Measured(name="one", records=[POLYSEMY])])
    assert (row["no_support_rare"], row["no_support_rare_chance"]) == (0.5, 1 / 54)


def test_short_names_are_explained():
    measured = [Measured(name="one", records=[record("flipped", "accuracy_closed", 0.5, 0.5)])]
    assert column(evaluation_table(measured, short=True), "measured") == ["ICL flipped"]
    assert short_names(measured) == "ICL flipped: ICL two-way accuracy, labels flipped"


def test_two_protocols_are_rows_of_their_own_and_a_column():
    one = record("flip", "accuracy_closed", 0.5, 0.5)
    measured = [Measured(name="one", records=[one, one | {"protocol": "released"}])]
    assert column(evaluation_table(measured), "protocol") == ["paper", "released"]
    assert [row["flip_protocol"] for row in evaluation_rows(measured)] == ["paper", "released"]


def test_an_evaluation_of_a_runs_own_is_named_by_the_metric_it_says():
    found = evaluation_table([Measured(name="one", records=[record("long", "accuracy_query", 0.5, 0.1)])])
    assert column(found, "measured") == ["long accuracy over all labels"]


def test_an_evaluation_called_like_another_column_keeps_the_name_of_its_records():
    (row,) = evaluation_rows([Measured(name="one", records=[record("step", "accuracy_closed", 0.5, 0.5)])])
    assert (row["step"], row["eval_step"]) == (20, 0.5)
