"""Columns of settings: numbers are numbers, truth values truth values, names categories."""

import numpy as np
import pandas as pd
import pytest

from icl_eval._loading.settings import column_of, settings_frame, varying
from icl_train import smoke

COLUMNS = {
    "whole numbers": ([1, 2], np.dtype(np.int64), [1, 2]),
    "whole numbers of which some are missing": ([1, None], pd.Int64Dtype(), [1, pd.NA]),
    "numbers": ([1, 0.5], np.dtype(np.float64), [1.0, 0.5]),
    "numbers of which some are missing": ([0.5, None], np.dtype(np.float64), [0.5, np.nan]),
    "numbers beyond whole ones": ([2**63, 1], np.dtype(np.float64), [2.0**63, 1.0]),
    "truth values": ([True, False], np.dtype(bool), [True, False]),
    "truth values of which some are missing": ([True, None], pd.BooleanDtype(), [True, pd.NA]),
    "names": (["a", "b"], "category", ["a", "b"]),
    "lists": ([[1, 2], [3]], "category", ["[1, 2]", "[3]"]),
    "what is no UTF-8": (["\udcff"], "category", ["\\udcff"]),
    "of several kinds": ([1, "a"], "category", ["1", "a"]),
}


@pytest.mark.parametrize(("values", "kind", "expected"), COLUMNS.values(), ids=list(COLUMNS))
def test_a_column_has_the_type_of_its_values(values, kind, expected):
    column = pd.Series(column_of(values))
    assert column.dtype == kind
    pd.testing.assert_series_equal(column.astype(object), pd.Series(expected, dtype=object))


def test_the_type_of_a_setting_does_not_hang_on_the_runs():
    types = settings_frame([smoke().flat()]).dtypes
    assert types["data.noise_scale"] == np.float64
    assert types["model.num_heads"] == pd.Int64Dtype()
    assert types["train.batch_size"] == np.int64
    assert types["data.augment"] == np.bool_
    assert types["data.source"] == "category"


def test_a_setting_of_another_component_is_missing():
    table = settings_frame([{"a": 1, "b": 2}, {"a": 3}])
    assert table["b"].tolist() == [2, pd.NA]


def test_settings_vary_if_they_differ_or_some_run_lacks_them():
    table = settings_frame([{"same": 1, "other": 1, "lacking": 1}, {"same": 1, "other": 2}])
    assert varying(table) == ["other", "lacking"]
