"""The setting `sequences_per_statistics`: what it means for a batch, where it is refused, and that it is never lost."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from icl_models import (
    ModelConfig,
    ResNetConfig,
    SimpleResNet,
    ablate,
    build_model,
    capture,
    edit,
    load_model,
    save_model,
    summarize,
)
from icl_models._commands.main import main
from icl_models.haiku import export_variables, import_variables, infer_config, load_checkpoint, save_checkpoint
from icl_models.testing import EmbedderConformance

SETTING = "sequences_per_statistics"


def config(size: int | None = 2, **settings: Any) -> ModelConfig:
    own = ResNetConfig(sequences_per_statistics=size)
    return ModelConfig(
        **{"num_classes": 5, "emb_dim": 16, "num_layers": 1, "example_shape": (28, 28, 1), "embedder_config": own}
        | settings
    )


def net(size: int | None) -> SimpleResNet:
    torch.manual_seed(0)
    return SimpleResNet(image_size=(28, 28), emb_dim=16, sequences_per_statistics=size)


def images(sequences: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    ink = torch.rand(sequences, 3, 1, 1, 1, generator=generator)
    return (torch.rand(sequences, 3, 28, 28, 1, generator=generator) < ink).float()


class TestByGroups(EmbedderConformance):
    config = config()


@pytest.mark.parametrize("size", [1, 2, 3])
def test_sequences_are_embedded_as_if_their_group_were_the_batch(size: int) -> None:
    given = images(6)
    alone = torch.cat([net(None)(part) for part in given.split(size)])
    torch.testing.assert_close(net(size)(given), alone, rtol=1e-4, atol=1e-4)


def test_running_averages_of_every_layer_are_the_groups_mean() -> None:
    together = net(2)
    together(images(6))
    apart = [net(None) for _ in range(3)]
    for one, part in zip(apart, images(6).split(2), strict=True):
        one(part)
    for name, buffer in together.named_buffers():
        mean = torch.stack([one.get_buffer(name) for one in apart]).double().mean(0)
        torch.testing.assert_close(buffer.double(), mean, rtol=1e-4, atol=1e-4, msg=name)


def test_one_group_is_the_whole_batch_to_the_last_bit() -> None:
    whole, grouped = net(None), net(6)
    assert torch.equal(whole(images(6)), grouped(images(6)))
    assert all(torch.equal(buffer, grouped.get_buffer(name)) for name, buffer in whole.named_buffers())


@pytest.mark.parametrize(("sequences", "size"), [(5, 2), (1, 2), (32, 3)])
def test_a_size_that_does_not_divide_the_batch_is_refused(sequences: int, size: int) -> None:
    message = f"sequences_per_statistics must divide the batch, {sequences} sequences, got {size}"
    with pytest.raises(ValueError, match=message):
        net(size)(images(sequences))


def test_evaluation_takes_any_batch_and_makes_no_difference() -> None:
    assert torch.equal(net(2).eval()(images(5)), net(None).eval()(images(5)))


@pytest.mark.parametrize("size", [0, -2, 1.0, "2", True])
def test_a_size_that_is_no_positive_integer_is_refused(size: Any) -> None:
    message = f"sequences_per_statistics must be None or a positive integer, got {size!r}"
    with pytest.raises(ValueError, match=message):
        ResNetConfig(sequences_per_statistics=size)
    with pytest.raises(ValueError, match=message):
        SimpleResNet(sequences_per_statistics=size)


def test_it_survives_json() -> None:
    plain = json.loads(json.dumps(config().to_dict()))
    assert plain["embedder_config"][SETTING] == 2
    assert ModelConfig.from_dict(plain) == config()


def test_a_config_from_before_there_was_the_setting_is_of_the_whole_batch() -> None:
    plain = config().to_dict()
    del plain["embedder_config"][SETTING]
    assert ModelConfig.from_dict(plain) == config(None)


def test_it_survives_a_saved_model(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    save_model(build_model(config(), seed=0), path)
    loaded = load_model(path)
    assert loaded.config == config()
    assert loaded.embedder.sequences_per_statistics == 2


def test_weights_are_exchanged_between_models_of_other_sizes() -> None:
    source, target = build_model(config(2), seed=0), build_model(config(4), seed=1)
    source(images(4), torch.zeros(4, 3, dtype=torch.int64))
    target.load_state_dict(source.state_dict())
    given = images(3), torch.zeros(3, 3, dtype=torch.int64)
    assert torch.equal(target.eval()(*given), source.eval()(*given))


def test_released_variables_are_exchanged_whatever_the_size() -> None:
    model = build_model(config(2), seed=0)
    params, state = export_variables(model)
    imported = import_variables(config(None), params, state)
    assert all(torch.equal(imported[name], tensor) for name, tensor in model.state_dict().items())


def test_it_is_given_to_the_import_of_released_variables_beside_what_they_tell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """No checkpoint tells it, while the shapes tell the switch that stands beside it."""
    own = {"flatten_superpixels": True}
    source = ModelConfig.from_dict({"num_classes": 5, "num_layers": 1, "embedder_config": own})
    save_checkpoint(tmp_path / "released.dill", *export_variables(build_model(source, seed=0)))
    paths = str(tmp_path / "released.dill"), str(tmp_path / "model.safetensors")
    assert main(["import-haiku", *paths, "--set", 'embedder_config={"sequences_per_statistics": 2}']) == 0
    expected = ResNetConfig(flatten_superpixels=True, sequences_per_statistics=2)
    assert load_model(paths[1]).config.embedder_config == expected
    rows = [line.split(maxsplit=2) for line in capsys.readouterr().out.splitlines()]
    assert ["embedder_config.flatten_superpixels", "True", "checkpoint"] in rows
    assert [f"embedder_config.{SETTING}", "2", "the command line"] in rows


def test_an_own_config_that_is_given_whole_goes_before_what_the_shapes_tell() -> None:
    params, _ = export_variables(build_model(config(), seed=0))
    own = ResNetConfig(sequences_per_statistics=4)
    assert infer_config(params, embedder_config=own).embedder_config == own


def test_its_model_can_be_exported_to_a_released_checkpoint(tmp_path: Path) -> None:
    model = build_model(config(), seed=0)
    save_model(model, tmp_path / "model.safetensors")
    assert main(["export-haiku", str(tmp_path / "model.safetensors"), str(tmp_path / "again.dill")]) == 0
    read, (params, _) = load_checkpoint(tmp_path / "again.dill"), export_variables(model)
    assert all(np.array_equal(read["params"][m][n], a) for m, arrays in params.items() for n, a in arrays.items())


def test_the_summary_counts_the_same_operations_and_parameters() -> None:
    grouped, whole = summarize(config(2)), summarize(config(None))
    assert grouped.parts == whole.parts
    assert grouped.flops_training == whole.flops_training


def test_the_summary_of_a_batch_that_it_does_not_divide_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(config().to_dict()))
    assert main(["summary", str(path)]) == 0
    assert main(["summary", str(path), "--batch-size", "3"]) == 2
    error = "icl-models summary: error: sequences_per_statistics must divide the batch, 3 sequences, got 2\n"
    assert capsys.readouterr().err == error


def test_the_parts_of_its_net_are_captured_and_edited() -> None:
    model = build_model(config(), seed=0)
    given = images(4), torch.zeros(4, 3, dtype=torch.int64)
    places = ("embedder.groups", "embedder.groups.1", "embedder.groups.1.0", "embedder.groups.1.0.norm_1")
    with torch.no_grad(), capture(model, *places) as trace:
        before = model(*given)
    assert [len(trace[place]) for place in places] == [12, 12, 12, 12]
    with torch.no_grad(), edit(model, {"embedder.groups.1": ablate()}):
        assert not torch.equal(model(*given), before)
