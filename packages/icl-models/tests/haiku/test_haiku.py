"""Variables of the released model that do not fit are named in one line; nothing is shared with the arrays."""

import copy
from typing import Any

import numpy as np
import pytest
import torch

from icl_models import ModelConfig, ResNetConfig, TransformerConfig, build_model
from icl_models.haiku import export_variables, import_variables

CONFIG = ModelConfig(num_classes=5, example_shape=(28, 28, 1), emb_dim=16, num_layers=1)
CONV = "input_embedder/simple_res_net/~/initial_conv"
EMA = "input_embedder/simple_res_net/~/initial_batchnorm/~/mean_ema"


@pytest.fixture(scope="module")
def exported() -> Any:
    return export_variables(build_model(CONFIG, seed=0))


def test_a_configuration_is_as_good_as_a_model(exported: Any) -> None:
    model = build_model(CONFIG, seed=0)
    random_state = torch.get_rng_state()
    imported = import_variables(CONFIG, *exported)
    assert torch.equal(torch.get_rng_state(), random_state)
    assert imported.keys() == model.state_dict().keys()
    assert all(torch.equal(imported[name], tensor) for name, tensor in model.state_dict().items())


def test_an_import_shares_no_memory_with_the_arrays(exported: Any) -> None:
    params, state = copy.deepcopy(exported)
    imported = import_variables(CONFIG, params, state)
    before = imported["label_table.weight"].clone()
    params["input_embedder"]["embs"] += 1
    assert torch.equal(imported["label_table.weight"], before)


def test_an_export_shares_no_memory_with_the_model() -> None:
    model = build_model(CONFIG, seed=0)
    params, _ = export_variables(model)
    before = params["input_embedder"]["embs"].copy()
    with torch.no_grad():
        model.label_table.weight += 1
    assert np.array_equal(params["input_embedder"]["embs"], before)


def test_every_misfit_is_named_in_one_line(exported: Any) -> None:
    params, state = copy.deepcopy(exported)
    del params["transformer/linear"]["b"]
    params[CONV]["w"] = params[CONV]["w"][..., :3]
    params["input_embedder"]["embs"] = params["input_embedder"]["embs"].astype(np.float64)
    params["transformer/extra"] = {"w": np.zeros(2, np.float32)}
    state[EMA]["counter"] = np.array(3, np.int32)
    with pytest.raises(ValueError, match="variables must fit the model") as error:
        import_variables(CONFIG, params, state)
    message = str(error.value)
    assert "\n" not in message
    for part in (
        "transformer/linear|b is missing",
        f"{CONV}|w must be float32 (7, 7, 1, 64), got float32 (7, 7, 1, 3)",
        "input_embedder|embs must be float32 (5, 16), got float64 (5, 16)",
        "params has no place for transformer/extra|w",
        f"{EMA}|counter and {EMA.replace('mean', 'var')}|counter must be equal, got 3 and 0",
    ):
        assert part in message
    assert message.count(";") == 4


@pytest.mark.parametrize("dtype", ["float16", ">f4"])
def test_numbers_that_float32_has_all_are_imported_exactly(exported: Any, dtype: str) -> None:
    params, state = copy.deepcopy(exported)
    narrow = params["transformer/linear"]["w"] = params["transformer/linear"]["w"].astype(dtype)
    imported = import_variables(CONFIG, params, state)["readout.weight"]
    assert imported.dtype == torch.float32
    assert np.array_equal(imported.numpy(), narrow.T)


def test_integers_are_no_weights(exported: Any) -> None:
    params, state = copy.deepcopy(exported)
    params["transformer/linear"]["b"] = np.zeros(5, np.int8)
    with pytest.raises(ValueError, match=r"transformer/linear\|b must be float32 \(5,\), got int8 \(5,\)"):
        import_variables(CONFIG, params, state)


def test_a_residual_net_needs_its_state(exported: Any) -> None:
    with pytest.raises(ValueError, match=r"mean_ema\|hidden is missing"):
        import_variables(CONFIG, exported[0])


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"example_kind": "vector", "example_shape": (4,), "embedder": "vector"},
            "embedder must be one .* got 'vector'",
        ),
        (
            {"example_shape": (28, 28, 1), "embedder_config": ResNetConfig(flatten_superpixels=True)},
            "embedder must be one .* got 'resnet'",
        ),
        *(
            (
                {"example_shape": (28, 28, 1), "sequence_model_config": TransformerConfig(**{setting: value})},
                f"sequence_model_config.{setting} must be .*, as in the released model, got ",
            )
            for setting, value in (("norm", "post"), ("mlp_layers", ()), ("positions", "rotary"))
        ),
        (
            {"example_shape": (28, 28, 1), "sequence_model": "gru"},
            "sequence_model must be one .*transformer, lstm, vanilla_rnn.* got 'gru'",
        ),
        (
            {"example_shape": (28, 28, 1), "sequence_model": "reddy"},
            "sequence_model must be one .*transformer, lstm, vanilla_rnn.* got 'reddy'",
        ),
        (
            {"example_kind": "vector", "example_shape": (64,), "embedder": "raw"},
            "embedder must be one .* got 'raw'",
        ),
        (
            {"example_shape": (28, 28, 1), "fixed_labels": True},
            "fixed_labels must be False, as in the released model, got True",
        ),
    ],
)
def test_a_model_without_released_counterpart_is_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        export_variables(build_model(ModelConfig(num_classes=5, num_layers=1, **settings), seed=0))
    assert "\n" not in str(error.value)


def test_a_transformer_whose_layers_all_have_an_mlp_can_be_exported() -> None:
    own = TransformerConfig(mlp_layers=(0,))
    config = ModelConfig(num_classes=5, example_shape=(28, 28, 1), num_layers=1, sequence_model_config=own)
    model = build_model(config, seed=0)
    imported = import_variables(model, *export_variables(model))
    assert imported.keys() == model.state_dict().keys()


@pytest.mark.parametrize("params", [[1], {"transformer/linear": 3}, {"transformer/linear": np.zeros(2)}])
def test_variables_that_are_not_nested_dicts_are_refused(params: Any) -> None:
    with pytest.raises(ValueError, match="variables must be nested dicts"):
        import_variables(CONFIG, params)
