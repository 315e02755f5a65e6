"""The figure makes its numbers of a table: nothing has to be trained or drawn."""

import pandas as pd
import pytest
from icl_plugin_example._figure import GATE

SETTINGS = {"data.p_bursty": 1.0, "data.n_rare_classes": 54, "data.n_common_classes": 10, "train.batch_size": 16}


def rows(gated, values):
    run = {"run": f"gated {gated}", **SETTINGS, "model.sequence_model_config.gated": gated}
    measured = {"split": "fewshot_holdout", "metric": "accuracy_closed", "headline": True, "chance": 0.5}
    return [
        {
            **run,
            **measured,
            "step": step,
            "sequences": 16 * step,
            "value": value,
            "low": 0,
            "high": 1,
            "n_sequences": 64,
        }
        for step, value in values.items()
    ]


@pytest.fixture
def picture():
    return GATE.picture(pd.DataFrame(rows(True, {0: 0.5, 40: 0.9}) + rows(False, {0: 0.5, 40: 0.6})))


def test_there_is_a_line_with_and_one_without_the_gate(picture):
    (panel,) = picture.panels
    assert [(line.label, line.y.tolist()) for line in panel.lines] == [("no", [0.5, 0.6]), ("yes", [0.5, 0.9])]
