"""Numbers in arguments of the bank and of data sets: what is none is refused in a line that names the argument."""

import pytest

torch = pytest.importorskip("torch")

from icl_data import BatchSampler, Bursty, ClassSplit, GaussianSource  # noqa: E402
from icl_data.torch import ExampleBank, SequenceDataset  # noqa: E402

SOURCE = GaussianSource(50, dim=4)
SAMPLER = BatchSampler(SOURCE, ClassSplit(50, n_rare=35, n_common=5, n_holdout=10), Bursty(), batch_size=4, seed=0)


@pytest.mark.parametrize("value", [1.5, 2.0, float("nan"), True, "3"])
@pytest.mark.parametrize("name", ["start_step", "n_steps", "rank", "world_size"])
def test_a_data_set_asks_for_integers(name, value):
    with pytest.raises(ValueError, match=f"^{name} must be an integer, got "):
        SequenceDataset(SAMPLER, SOURCE, **{name: value})


@pytest.mark.parametrize("value", [1.5, True, None, "3"])
@pytest.mark.parametrize("name", ["seed", "step"])
def test_noise_is_a_function_of_integers(name, value):
    with pytest.raises(ValueError, match=f"^{name} must be an integer, got "):
        ExampleBank(SOURCE, device="cpu")(SAMPLER(0), **{"seed": 0, "step": 0, name: value})


@pytest.mark.parametrize("value", ["1", None, True, -0.1])
def test_noise_of_a_bank_that_is_no_standard_deviation_is_refused(value):
    with pytest.raises(ValueError, match=r"^noise_scale must be >= 0 and finite"):
        ExampleBank(SOURCE, device="cpu", noise_scale=value)
