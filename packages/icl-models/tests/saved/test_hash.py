"""A saved model tells whether it is as it was written, down to the last bit."""

import hashlib
import random
import shutil
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from saved_files import joined, parts, without_hash

from icl_data.foundation.sealed import Damaged
from icl_models import InContextModel, ModelConfig, build_model, load_model, read_weights, save_model
from icl_models._commands.main import main
from icl_models._saved_config import saved_config

CONFIG = ModelConfig(num_classes=5, example_kind="id", example_shape=(), embedder="embedding", emb_dim=8, num_layers=1)


@pytest.fixture(scope="module")
def model() -> InContextModel:
    return build_model(CONFIG, seed=0)


@pytest.fixture
def path(tmp_path: Path, model: InContextModel) -> Path:
    save_model(model, tmp_path / "model.safetensors")
    return tmp_path / "model.safetensors"


def test_every_flipped_bit_of_the_header_is_seen(path: Path) -> None:
    content = path.read_bytes()
    end = len(content) - len(parts(content)[1])
    for position in range(end):
        flipped = bytearray(content)
        flipped[position] ^= 1 << position % 8
        path.write_bytes(flipped)
        with pytest.raises(ValueError, match=r"^a saved model must "):
            saved_config(path)


def test_flipped_bits_of_the_weights_are_seen(path: Path) -> None:
    content = path.read_bytes()
    end = len(content) - len(parts(content)[1])
    generator = random.Random(0)
    for _ in range(200):
        flipped = bytearray(content)
        flipped[generator.randrange(end, len(content))] ^= 1 << generator.randrange(8)
        path.write_bytes(flipped)
        with pytest.raises(Damaged, match=r"must have the icl_models\.sha256 that it was written with"):
            load_model(path)


@pytest.mark.parametrize("missing", ["icl_models.format", "icl_models.sha256"])
def test_one_of_its_two_marks_is_enough_to_miss_the_other(path: Path, missing: str) -> None:
    header, tensors = parts(path.read_bytes())
    del header["__metadata__"][missing]
    path.write_bytes(joined(header, tensors))
    with pytest.raises(Damaged, match="damaged"):
        load_model(path)


def test_a_file_that_was_written_before_there_were_hashes_is_read(path: Path, model: InContextModel) -> None:
    path.write_bytes(without_hash(path.read_bytes()))
    assert all(torch.equal(t, model.state_dict()[name]) for name, t in load_model(path).state_dict().items())


def test_a_file_that_was_cut_is_refused(path: Path) -> None:
    content = path.read_bytes()
    for length in (0, 7, 8, 100, len(content) - 1):
        path.write_bytes(content[:length])
        with pytest.raises(ValueError, match="a saved model must be a safetensors file, got"):
            load_model(path)


def test_a_damaged_model_is_exit_code_1_and_one_line(
    path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    for command in (["summary", str(path)], ["export-haiku", str(path), str(tmp_path / "out.dill")]):
        assert main(command) == 1
        line = capsys.readouterr().err
        assert line.startswith(f"icl-models {command[0]}: a saved model must be as it was written, got {path}")
        assert line.count("\n") == 1
    assert not (tmp_path / "out.dill").exists()


def test_weights_are_read_from_the_bytes_of_a_file(path: Path, model: InContextModel) -> None:
    weights = read_weights(path.read_bytes(), model, name="step 3")
    assert weights.keys() == model.state_dict().keys()
    assert all(torch.equal(tensor, model.state_dict()[name]) for name, tensor in weights.items())


def changed(content: bytes, how: str) -> bytes:
    header, tensors = parts(without_hash(content))
    if how == "damage":
        return content[:-1] + b"\x01"
    if how == "nothing":
        return b""
    if how == "a name":
        header["other"] = header.pop("readout.bias")
    return joined(header, tensors)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ("damage", "a saved model must be as it was written, got step 3: it must have the icl_models.sha256"),
        ("nothing", "a saved model must be a safetensors file, got step 3: its header must have at most 0 bytes"),
        ("a name", "the weights in step 3 must fit its model: readout.bias must be F64 or F32 or F16 or BF16 (5,)"),
    ],
)
def test_bytes_that_are_not_the_models_are_refused(path: Path, model: InContextModel, how: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        read_weights(changed(path.read_bytes(), how), model, name="step 3")
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_a_weight_that_is_not_finite_is_named(path: Path, model: InContextModel, number: float) -> None:
    header, tensors = parts(without_hash(path.read_bytes()))
    start = header["readout.weight"]["data_offsets"][0]
    path.write_bytes(joined(header, tensors[:start] + struct.pack("<f", number) + tensors[start + 4 :]))
    with pytest.raises(ValueError, match=rf"must be finite, got {number} in readout\.weight$"):
        load_model(path)


def test_a_model_that_has_diverged_is_not_saved(tmp_path: Path) -> None:
    diverged = build_model(CONFIG, seed=0)
    with torch.no_grad():
        diverged.readout.bias[2] = float("nan")
    with pytest.raises(ValueError, match=r"must be finite, got nan in readout\.bias$"):
        save_model(diverged, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_a_copy_elsewhere_is_the_same_model(path: Path, tmp_path: Path) -> None:
    shutil.copy(path, tmp_path / "copy")
    assert load_model(tmp_path / "copy").config == CONFIG


def test_the_hash_is_of_the_file_with_zeros_in_its_place(path: Path) -> None:
    content = path.read_bytes()
    digest: Any = parts(content)[0]["__metadata__"]["icl_models.sha256"]
    assert hashlib.sha256(content.replace(digest.encode(), b"0" * 64)).hexdigest() == digest
