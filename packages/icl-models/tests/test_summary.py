"""Counts against counting by hand, memory against a real forward pass, and the command that prints them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from icl_models import ModelConfig, ResNetConfig, build_model, summarize
from icl_models._commands.main import main

IDS: dict[str, Any] = {"num_classes": 12, "example_kind": "id", "example_shape": (), "embedder": "embedding"}


@pytest.fixture
def config_file(tmp_path: Path) -> Callable[..., str]:
    def write(**settings: Any) -> str:
        path = tmp_path / "config.json"
        path.write_text(json.dumps(ModelConfig(**settings).to_dict()))
        return str(path)

    return write


def test_the_papers_smaller_model_has_the_released_number_of_parameters() -> None:
    summary = summarize(ModelConfig(num_classes=1623, num_layers=2))
    outermost = [part for part in summary.parts if "." not in part.name]
    assert summary.parameters == sum(part.parameters for part in outermost) == 331_639


def transformer_flops(tokens: int, width: int, layers: int, classes: int) -> int:
    attention = 2 * tokens * width * 4 * width + 2 * 2 * tokens * tokens * width  # projections; scores and mixing
    mlp = 2 * 2 * tokens * width * 4 * width
    return layers * (attention + mlp) + 2 * tokens * width * classes


@pytest.mark.parametrize(("seq_len", "emb_dim", "num_layers"), [(9, 64, 2), (5, 16, 3)])
def test_a_transformers_operations_are_those_counted_by_hand(seq_len: int, emb_dim: int, num_layers: int) -> None:
    summary = summarize(ModelConfig(**IDS, emb_dim=emb_dim, num_layers=num_layers), seq_len=seq_len)
    forward = transformer_flops(2 * seq_len - 1, emb_dim, num_layers, 12)
    assert summary.flops_forward == forward
    # Every product has two of its size behind it: the embeddings, too, are learned.
    assert summary.flops_training == 3 * forward


@pytest.mark.parametrize(("sequence_model", "gates"), [("vanilla_rnn", 1), ("gru", 3), ("lstm", 4)])
def test_a_recurrent_models_operations_are_those_counted_by_hand(sequence_model: str, gates: int) -> None:
    summary = summarize(ModelConfig(**IDS, emb_dim=16, sequence_model=sequence_model, hidden_size=24, num_layers=2))
    per_token = gates * 24 * (16 + 24) + gates * 24 * (24 + 24) + 24 * 12
    assert summary.flops_forward == 17 * 2 * per_token


def test_a_linear_embedders_operations_are_those_counted_by_hand() -> None:
    config = ModelConfig(num_classes=5, example_shape=(28, 28, 1), embedder="linear", emb_dim=16, num_layers=1)
    embedder = next(part for part in summarize(config, seq_len=4).parts if part.name == "embedder")
    assert (embedder.parameters, embedder.flops) == (28 * 28 * 16 + 16, 2 * 4 * 28 * 28 * 16)


@pytest.mark.parametrize(
    "settings",
    [
        IDS | {"num_layers": 2},
        IDS | {"num_layers": 2, "concatenate_labels": True},
        IDS | {"num_layers": 2, "sequence_model": "vanilla_rnn"},
        {"num_classes": 12, "num_layers": 1, "example_shape": (28, 28, 3)},
    ],
    ids=["transformer", "concatenated", "vanilla_rnn", "resnet"],
)
def test_activation_memory_is_what_a_real_forward_pass_saves(settings: dict[str, Any]) -> None:
    config = ModelConfig(**settings)
    model = build_model(config, seed=0)
    saved: dict[int, torch.UntypedStorage] = {}

    def note(tensor: torch.Tensor) -> torch.Tensor:
        saved[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage()
        return tensor

    examples = torch.zeros(3, 5, *config.example_shape, dtype=torch.int64 if config.example_kind == "id" else None)
    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        logits = model(examples, torch.zeros(3, 5, dtype=torch.int64))
    assert logits.requires_grad
    weights = {t.untyped_storage().data_ptr() for t in (*model.parameters(), *model.buffers())}
    expected = sum(storage.nbytes() for pointer, storage in saved.items() if pointer not in weights)
    assert summarize(config, batch_size=3, seq_len=5).activation_bytes == expected


@pytest.mark.parametrize("sequence_model", ["transformer", "lstm", "vanilla_rnn", "gru"])
def test_activation_memory_grows_with_the_batch_alone(sequence_model: str) -> None:
    config = ModelConfig(**IDS, num_layers=2, sequence_model=sequence_model)
    one, two, four = (summarize(config, batch_size=n) for n in (1, 2, 4))
    assert 2 * (two.activation_bytes - one.activation_bytes) == four.activation_bytes - two.activation_bytes > 0
    assert one.flops_training == four.flops_training


def test_a_model_that_no_memory_could_hold_is_summarized() -> None:
    summary = summarize(ModelConfig(**IDS, emb_dim=2**16, num_layers=2, num_heads=64), batch_size=2**16)
    assert summary.parameters * 4 > 2**36
    assert summary.activation_bytes > 2**36


@pytest.mark.parametrize("size", ["batch_size", "seq_len"])
def test_sizes_below_one_are_refused(size: str) -> None:
    with pytest.raises(ValueError, match=f"{size} must be at least 1, got 0"):
        summarize(ModelConfig(**IDS), **{size: 0})


def test_the_command_prints_the_parts_and_the_totals(
    config_file: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["summary", config_file(num_classes=1623)]) == 0
    printed = capsys.readouterr().out
    rows = {tuple(line.split()[:-2]): line.split()[-2:] for line in printed.splitlines() if line}
    assert rows["total",] == ["831,479", "223,143,360"]
    assert rows["embedder",] == ["22,176", "198,669,888"]
    assert rows["label_table",] == ["103,872", "0"]
    assert rows["readout",][0] == "105,495"
    assert rows["blocks.0", "to", "11,", "each"] == ["49,984", "1,745,152"]
    assert rows["attention",] == ["16,640", "631,040"]
    assert max(map(len, printed.splitlines())) <= 80


def test_the_command_prints_the_same_as_json(
    config_file: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    config = ModelConfig(**IDS, num_layers=3)
    assert main(["summary", config_file(**IDS, num_layers=3), "--json", "--batch-size", "5", "--seq-len", "4"]) == 0
    printed = json.loads(capsys.readouterr().out)
    summary = summarize(config, batch_size=5, seq_len=4)
    assert ModelConfig.from_dict(printed.pop("config")) == config
    assert [part["name"] for part in printed.pop("parts")] == [part.name for part in summary.parts]
    assert printed == {name: getattr(summary, name) for name in printed}
    assert {"parameters", "flops_forward", "flops_training", "activation_bytes", "batch_size", "seq_len"} == set(
        printed
    )


def test_settings_on_the_command_line_go_before_those_of_the_file(
    config_file: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = config_file(num_classes=5, example_shape=(32, 32, 1), emb_dim=64)
    changes = ["num_layers=1", "sequence_model=gru", 'embedder_config={"flatten_superpixels": true}']
    assert main(["summary", path, "--json", *(part for change in changes for part in ("--set", change))]) == 0
    assert ModelConfig.from_dict(json.loads(capsys.readouterr().out)["config"]) == ModelConfig(
        num_classes=5,
        example_shape=(32, 32, 1),
        num_layers=1,
        sequence_model="gru",
        embedder_config=ResNetConfig(flatten_superpixels=True),
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nowhere.json"], "No such file or directory: nowhere.json"),
        (["{folder}"], "a saved model must be a file, or a folder with a model.safetensors, got "),
        (["{text}"], "a config must be a JSON file or a saved model, got "),
        (["{list}"], "a config must be a JSON object, got a list in "),
        (["{bytes}"], "a config must be a JSON file or a saved model, got "),
        (["{config}", "--set", "num_layrs=2"], "ModelConfig has no setting 'num_layrs' (did you mean 'num_layers'?)"),
        (["{config}", "--set", "num_layers"], "--set must be KEY=VALUE, got 'num_layers'"),
        (["{config}", "--set", "num_layers=two"], "num_layers must be a positive integer, got 'two'"),
        (["{config}", "--set", "emb_dim=20"], "num_heads must divide emb_dim, 20, got 8"),
        (
            ["{config}", "--set", "emb_dim=1000000000000000"],
            "a model must have less than 2**62 bytes to be summarized, got ",
        ),
        (["{config}", "--batch-size", "0"], "batch_size must be at least 1, got 0"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_2(
    config_file: Callable[..., str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    for name, content in (("text", b"num_classes: 5"), ("list", b"[]"), ("bytes", b"\xff\xfe\x00")):
        (tmp_path / name).write_bytes(content)
    places = {name: tmp_path / name for name in ("text", "list", "bytes")}
    given = [part.format(config=config_file(**IDS), folder=tmp_path, **places) for part in arguments]
    assert main(["summary", *given]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"icl-models summary: error: {message}")
    assert captured.err.count("\n") == 1
