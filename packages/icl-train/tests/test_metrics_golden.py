"""The metrics equal the released code's on every golden case."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from icl_train.metrics import LabelGroups, sequence_metrics

GOLDEN = Path(__file__).parent / "golden"
CASES = json.loads((GOLDEN / "metrics.json").read_text())


@pytest.fixture(scope="module")
def arrays():
    with np.load(GOLDEN / "metrics.npz") as loaded:
        yield loaded


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_every_scalar_equals_the_released_codes(case, arrays):
    logits = torch.from_numpy(arrays[f"{case['name']}/logits"])
    target = torch.from_numpy(arrays[f"{case['name']}/target"]).long()
    _, polysemy, multiplicity = case["labeling_rare"].rpartition("polysemy")
    x = int(multiplicity) if polysemy else 1
    # At the query no golden case answers with another label of the class, and none is no_support_common under polysemy:
    # test_metrics.py has both.
    # Under polysemy the released common range starts at n_rare * X but still ends at n_rare + n_common: it is empty.
    # LabelGroups.ordered has the range that the labels really take; here the released one is spelt out.
    groups = LabelGroups(
        rare=torch.arange(case["n_rare"] * x),
        common=torch.arange(case["n_rare"], case["n_rare"] + case["n_common"]) if x == 1 else torch.arange(0),
        ways=case["ways"],
        multiplicity=x,
    )
    metrics = sequence_metrics(
        logits[:, ::2], target[:, ::2], sequence_type=case["seq_type"], groups=groups, w_interim=case["w_interim"]
    )
    assert metrics.keys() == case["metrics"].keys()
    for name, expected in case["metrics"].items():
        assert metrics[name] == pytest.approx(expected, abs=1e-5), name
