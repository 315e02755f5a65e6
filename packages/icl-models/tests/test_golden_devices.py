"""Statistics of groups of sequences are those of the released trainer's devices.

Held to what JAX computed on two devices with 2 of 4 sequences each, gradients averaged, which the project's
`tests/parity/live_devices.py` writes. Tolerances as in test_golden.
"""

import importlib.util
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from icl_models import InContextModel, ModelConfig, ResNetConfig, build_model
from icl_models.haiku import export_variables, import_variables

GOLDEN = Path(__file__).parent / "golden" / "devices_resnet28"
_spec = importlib.util.spec_from_file_location("golden_cases", Path(__file__).with_name("golden_cases.py"))
assert _spec is not None
assert _spec.loader is not None
golden_cases: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(golden_cases)


@pytest.fixture(scope="module")
def case() -> Any:
    with np.load(GOLDEN.with_suffix(".npz")) as arrays:
        return golden_cases.GoldenCase("two devices", json.loads(GOLDEN.with_suffix(".json").read_text()), dict(arrays))


def config_of(case: Any, sequences_per_statistics: int | None = 2) -> ModelConfig:
    own = ResNetConfig(sequences_per_statistics=sequences_per_statistics)
    return ModelConfig.from_dict(case.config.to_dict() | {"embedder_config": own})


def named(flat: np.ndarray, like: Any) -> Any:
    """Variables, nested as `like`, of their numbers in one row."""
    nested: dict[str, dict[str, Any]] = {}
    for module in sorted(like):
        for name in sorted(like[module]):
            array = like[module][name]
            part, flat = np.split(flat, [array.size])
            nested.setdefault(module, {})[name] = part.reshape(array.shape).astype(array.dtype)
    assert not flat.size
    return nested


def released_model(case: Any, sequences_per_statistics: int | None = 2) -> InContextModel:
    model = build_model(config_of(case, sequences_per_statistics), seed=0)
    params, state = export_variables(model)
    model.load_state_dict(import_variables(model, named(case.arrays["params"], params), state))
    return model


def query_loss(model: InContextModel, batch: tuple[torch.Tensor, torch.Tensor]) -> torch.Tensor:
    examples, labels = batch
    return F.cross_entropy(model(examples, labels, "query"), labels[:, -1])


def test_groups_of_two_sequences_give_two_devices_logits_and_loss(case: Any) -> None:
    model = released_model(case)
    examples, labels = case.batch(0)
    logits = model(examples, labels)
    assert np.abs(logits.detach().numpy() - case.arrays["logits_train"]).max() < 2e-5
    loss = F.cross_entropy(logits[:, -1], labels[:, -1])
    assert loss.item() == pytest.approx(case.arrays["trajectory_loss"][0], abs=2e-5)


def test_the_whole_batch_as_one_group_gives_others(case: Any) -> None:
    logits = released_model(case, None)(*case.batch(0))
    assert np.abs(logits.detach().numpy() - case.arrays["logits_train"]).max() > 0.1


def test_gradients_are_the_devices_mean(case: Any) -> None:
    model = released_model(case)
    query_loss(model, case.batch(0)).backward()
    holder = build_model(model.config, seed=0)
    with torch.no_grad():
        for ours, theirs in zip(holder.parameters(), model.parameters(), strict=True):
            ours.copy_(torch.zeros_like(theirs) if theirs.grad is None else theirs.grad)
    found = export_variables(holder)[0]
    expected = case.arrays["grads"].astype(np.float64) * case.arrays["grads_scale"]
    mine = np.concatenate([found[module][name].ravel() for module in sorted(found) for name in sorted(found[module])])
    assert np.abs(expected - mine).max() < 5e-2 * np.abs(expected).max()
    assert expected @ mine / np.sqrt((expected @ expected) * (mine @ mine)) > 0.999


def test_running_averages_are_the_mean_of_the_devices(case: Any) -> None:
    """Each device keeps its own; as they are linear in the statistics, our one is their mean at every step."""
    model = released_model(case)
    model(*case.batch(0))
    found = export_variables(model)[1]
    expected = named(case.arrays["states_after_1"].mean(0), found)
    for name, theirs, mine in golden_cases.pairs(expected, found):
        np.testing.assert_allclose(mine, theirs, rtol=1e-4, atol=1e-4, err_msg=name)


def test_evaluation_is_that_by_the_devices_mean_averages(case: Any) -> None:
    """The released trainer evaluates by the first device's, which gives other logits."""
    model = released_model(case)
    model(*case.batch(0))
    logits = model.eval()(*case.batch(0)).detach().numpy()
    assert np.abs(logits - case.arrays["logits_eval_after_1_mean"]).max() < 2e-5
    assert np.abs(logits - case.arrays["logits_eval_after_1_first"]).max() > 1e-2


def test_the_first_devices_averages_can_be_loaded(case: Any) -> None:
    model = released_model(case)
    params, state = export_variables(model)
    first = named(case.arrays["states_after_1"][0], state)
    model.load_state_dict(import_variables(model, params, first))
    logits = model.eval()(*case.batch(0)).detach().numpy()
    assert np.abs(logits - case.arrays["logits_eval_after_1_first"]).max() < 2e-5


def test_ten_optimiser_steps_follow_two_devices(case: Any) -> None:
    model = released_model(case)
    optimizer = torch.optim.Adam(model.parameters(), lr=1.0)
    losses = []
    for step in range(1, 11):
        optimizer.param_groups[0]["lr"] = case.rate(step)
        loss = query_loss(model, case.batch((step - 1) % 2))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert case.trajectory_error(losses).max() < golden_cases.TRAJECTORIES[True, torch.float32][0]
