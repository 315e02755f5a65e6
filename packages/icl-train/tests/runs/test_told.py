"""What lines of progress and the table of runs tell of a run's own evaluations."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from icl_train import EvalConfig, PlainReporter, RunFolder, headline_of, smoke, train
from icl_train._runs.headlines import headlines_in
from icl_train._runs.progress import headline_line
from icl_train._status.rows import Survey
from icl_train._status.table import status_table


def record(split, metric, value, chance=0.5):
    return {"split": f"eval_{split}", "step": 10, "headline": metric, metric: value, "chance": chance}


ICL = record("fewshot_holdout", "accuracy_closed", 0.75)
FLIPPED = record("flipped", "accuracy_closed", 0.25)
COMMON = record("no_support_common", "accuracy_closed", 0.5, chance=0.1)
RARE = record("no_support_rare", "accuracy_class", 0.25, chance=0.01)
OWN = record("long", "accuracy_query", 0.125, chance=0.125)


@pytest.mark.parametrize(
    ("records", "told"),
    [
        ([ICL, FLIPPED, COMMON, RARE], ["ICL .750", "IWL common .500", "IWL rare .250"]),
        ([OWN, FLIPPED, record("flip", "accuracy_closed", 1.0)], ["long .125", "ICL flipped .250"]),
        ([OWN | {"split": "train"}], []),
    ],
)
def test_a_line_tells_of_the_best_known_evaluations_or_of_the_first_two(records, told):
    assert headlines_in(records) == told


def test_a_sweep_tells_the_same_with_chance():
    assert headline_line([COMMON, OWN]) == "step 10: IWL common 0.500 (chance 0.1)"


def test_a_headline_is_of_the_metric_that_the_record_says():
    assert headline_of("no_support_rare", metric="accuracy_class").label == "no_support_rare accuracy over its classes"
    assert headline_of("fewshot_holdout", metric="accuracy_closed").short == "ICL"
    assert headline_of("long", metric="accuracy_query").label == "long accuracy over all labels"


def test_a_run_that_measures_common_and_rare_classes_shows_them_in_its_lines_and_in_status(tmp_path):
    config = replace(
        smoke(), eval=EvalConfig(interval=20, batches=1, evaluations=("no_support_common", "no_support_rare"))
    )
    config = replace(config, train=replace(config.train, max_steps=1, checkpoint_interval=1))
    run, said = RunFolder.create(tmp_path / "run", config, device="cpu", threads=1), io.StringIO()
    train(run, PlainReporter(said))
    assert "IWL common ." in said.getvalue()
    (row,) = Survey(tmp_path).look()
    assert set(row.scores) == {"no_support_common", "no_support_rare"}
    table = status_table([row], Console(width=200))
    assert {"IWL common", "IWL rare"} <= {column.header for column in table.columns}
    assert status_table([row], Console(width=40)).columns[0].header == "run"
