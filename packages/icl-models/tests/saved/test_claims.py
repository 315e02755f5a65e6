"""What a saved model claims, of its tensors or in its config, is held against the file before anything is built."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from saved_files import joined, parts, without_hash

from icl_models import ModelConfig, build_model, load_model, save_model

resource = pytest.importorskip("resource")
CONFIG = ModelConfig(num_classes=5, example_kind="id", example_shape=(), embedder="embedding", emb_dim=8, num_layers=1)


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    save_model(build_model(CONFIG, seed=0), tmp_path / "good")
    return (tmp_path / "good").read_bytes()


CLAIMS: list[tuple[dict[str, Any], str]] = [
    ({"num_layers": 10**9}, "num_layers must be at most 18, got 1,000,000,000"),
    ({"num_layers": 2}, "sequence_model.blocks.1.norm_attention.weight must be .*, got none"),
    ({"emb_dim": 10**9}, "num_classes and emb_dim make label_table.weight \\(5, 1000000000\\), got \\(5, 8\\)"),
    ({"num_classes": 10**12}, "num_classes and emb_dim make label_table.weight \\(1000000000000, 8\\), got"),
    ({"num_ids": 10**15}, "embedder.table.weight must be .* \\(1000000000000000, 8\\), got F32 \\(5, 8\\)"),
    ({"emb_dim": 2**60}, "must fit its config"),
    ({"sequence_model": "gru", "hidden_size": 10**12}, "and hidden_size 1000000000000 need at least 3,000,000,"),
    ({"sequence_model": "lstm"}, "sequence_model.layers.0.input_weight must be .*, got none"),
    (
        {"sequence_model_config": {"positions": "learned", "num_positions": 10**12}},
        "sequence_model.learned_positions.table must be .*, got none",
    ),
    ({"num_layers": 10**400}, "num_layers must be below 2\\*\\*63, got 1000000"),
    ({"num_layers": float("inf")}, "num_layers must be a positive integer, got inf"),
]


@pytest.mark.parametrize(("changes", "message"), CLAIMS, ids=lambda value: str(value)[:40])
def test_a_config_that_claims_more_than_the_file_has_is_refused(
    tmp_path: Path, content: bytes, changes: dict[str, Any], message: str
) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(without_hash(content, **changes))
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")  # forgets the most memory that was held so far
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match=message) as caught:
        load_model(path)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 2000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000  # kilobytes


def overlapping(header: dict[str, Any]) -> None:
    header["readout.bias"]["data_offsets"] = [0, 20]


def far_away(header: dict[str, Any]) -> None:
    header["readout.bias"]["data_offsets"] = [2**62, 2**62 + 20]


def of_integers(header: dict[str, Any]) -> None:
    header["readout.bias"]["dtype"] = "I32"


def of_nothing(header: dict[str, Any]) -> None:
    header["readout.bias"]["dtype"] = "X9"


def huge(header: dict[str, Any]) -> None:
    header["readout.bias"]["shape"] = [2**62, 2**62]


def below_zero(header: dict[str, Any]) -> None:
    header["readout.bias"]["shape"] = [-5]


def text_for_a_shape(header: dict[str, Any]) -> None:
    header["readout.bias"]["shape"] = "five"


def text_for_a_tensor(header: dict[str, Any]) -> None:
    header["readout.bias"] = "five"


def one_more(header: dict[str, Any]) -> None:
    header["mystery"] = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}


def numbers_for_texts(header: dict[str, Any]) -> None:
    header["__metadata__"] = {"icl_models.config": 5}


HEADERS: list[tuple[Callable[[dict[str, Any]], None], str]] = [
    (overlapping, "its tensors must lie one behind the other"),
    (far_away, "its tensors must lie one behind the other, got 'readout.weight'"),
    (of_integers, r"readout\.bias must be F64 or F32 or F16 or BF16 \(5,\), got I32 \(5,\)"),
    (of_nothing, "'readout.bias' must have a dtype among F64, F32, .*, got 'X9'"),
    (huge, "'readout.bias' must have the bytes of F32"),
    (below_zero, r"'readout.bias' must have a shape of numbers from 0 on, got \[-5\]"),
    (text_for_a_shape, "'readout.bias' must have a shape of numbers from 0 on, got 'five'"),
    (text_for_a_tensor, "'readout.bias' in its header must have dtype, shape and data_offsets"),
    (one_more, "the model has no 'mystery'"),
    (numbers_for_texts, "__metadata__ in its header must be texts by name"),
]


@pytest.mark.parametrize(("change", "message"), HEADERS, ids=lambda value: getattr(value, "__name__", ""))
def test_a_header_that_lies_is_refused(
    tmp_path: Path, content: bytes, change: Callable[[dict[str, Any]], None], message: str
) -> None:
    header, tensors = parts(without_hash(content))
    change(header)
    path = tmp_path / "model.safetensors"
    path.write_bytes(joined(header, tensors))
    with pytest.raises(ValueError, match=message) as caught:
        load_model(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("file", "message"),
    [
        (b"\xff" * 7, "must have at most 0 bytes"),
        (b"\xff" * 8 + b"{}", "its header must have at most 2 bytes, got 18,446,744,073,709,551,615"),
        (joined(b"[" * 100_000, b""), "its header must be JSON"),
        (joined(b"[]", b""), "its header must be a JSON object, got a list"),
        (joined(b'{"a":1,"a":1}', b""), "it must name everything once"),
        (joined(b'{"a":' + b"9" * 5000 + b"}", b""), "its header must be JSON"),
        (joined(b"{}" + b" " * (17 << 20), b""), "its header must have at most 16,777,216 bytes, got 17,825,794"),
    ],
    ids=["short", "a length that lies", "deep", "a list", "a name twice", "a long number", "17 MB"],
)
def test_a_header_that_is_none_is_refused(tmp_path: Path, file: bytes, message: str) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(file)
    with pytest.raises(ValueError, match=message):
        load_model(path)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_a_model_of_another_precision_is_read(tmp_path: Path, dtype: torch.dtype) -> None:
    model = build_model(CONFIG, seed=0).to(dtype)
    save_model(model, tmp_path / "model")
    weights = load_model(tmp_path / "model").state_dict()
    assert all(torch.equal(weights[name].to(dtype), tensor) for name, tensor in model.state_dict().items())


@pytest.mark.skipif(sys.platform == "win32", reason="no such pipes there")
def test_what_is_no_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.safetensors")
    with pytest.raises(OSError, match="must be a file"):
        load_model(tmp_path)


def test_a_file_that_is_no_model_of_ours_is_refused(tmp_path: Path) -> None:
    save_file({"w": torch.zeros(2)}, tmp_path / "other", {"icl_models.config": json.dumps({"num_classes": 2})})
    with pytest.raises(ValueError, match="must be at most 1, got 12"):
        load_model(tmp_path / "other")


@pytest.mark.skipif(sys.platform != "linux", reason="uses the limit of a process")
def test_a_model_that_memory_cannot_hold_is_refused_before_it_is_built() -> None:
    code = (
        "import resource\nfrom icl_models import ModelConfig, build_model\n"
        "ids = dict(example_kind='id', example_shape=(), embedder='embedding')\n"
        "for changes in ({'num_classes': 10**15}, {'emb_dim': 10**9}, {'num_layers': 10**9}, {'num_ids': 10**12},\n"
        "                {'sequence_model': 'gru', 'hidden_size': 10**12}):\n"
        "    try:\n        build_model(ModelConfig(**ids | {'num_classes': 5} | changes), seed=0)\n"
        "    except ValueError as error:\n        print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    settings = [
        "num_classes 1,000",
        "num_layers 12 and emb_dim 1,",
        "num_layers 1,000,",
        "num_ids 1,000,",
        "num_layers 12",
    ]
    lines = done.stdout.splitlines()
    assert len(lines) == len(settings)
    for line, setting in zip(lines, settings, strict=True):
        assert line.startswith(f"a model must fit into memory, got {setting}"), line
