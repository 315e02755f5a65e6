"""Checkpoints that claim more than they have are refused in little memory; none of them ends the process."""

import json
import os
import pickle
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import icl_models._haiku.checkpoint as checkpoint_module
from icl_models import ModelConfig, build_model
from icl_models.haiku import CheckpointError, checkpoint_variables, export_variables, infer_config, load_checkpoint

DEEP = 150_000
LONG = 1 << 40
MEGABYTE = 1 << 20


def array_over(buffer: bytes, count: int) -> bytes:
    """A pickle of a list of arrays, all over one buffer."""
    start = b"\x80\x05B" + struct.pack("<I", len(buffer)) + buffer + b"\x940"
    dtype = b"cnumpy\ndtype\n\x8c\x02u1\x85R\x940"
    shape = b"J" + struct.pack("<i", len(buffer)) + b"\x85\x940"
    function = b"cnumpy.core.numeric\n_frombuffer\n\x940"
    one = b"h\x03(h\x00h\x01h\x02\x8c\x01CtR"
    return start + dtype + shape + function + b"](" + one * count + b"e."


def same_text_encoded(text: bytes, count: int) -> bytes:
    start = b"\x80\x04X" + struct.pack("<I", len(text)) + text + b"\x940c_codecs\nencode\n\x940"
    return start + b"](" + b"h\x01h\x00\x8c\x06latin1\x86R" * count + b"e."


def doubled_tuples(levels: int) -> bytes:
    """A tuple that holds itself twice at every level, 2 ** levels times in all, as a key."""
    return b"\x80\x04})" + b"2\x86" * levels + b"K\x01s."


CASES: dict[str, tuple[bytes, str]] = {
    "tuples in each other": (b"\x80\x04)" + b"\x85" * DEEP + b".", "at most 100 deep"),
    "lists in each other": (b"\x80\x04" + b"]" * DEEP + b"a" * (DEEP - 1) + b".", "at most 100 deep"),
    "dicts in each other": (b"\x80\x04}" + b"K\x01}" * DEEP + b"s" * DEEP + b".", "at most 100 deep"),
    "sets in each other": (b"\x80\x04" + b"(" * DEEP + b"K\x01" + b"\x91" * DEEP + b".", "keys must be"),
    "a key of tuples in each other": (b"\x80\x04})" + b"\x85" * DEEP + b"K\x01s.", "keys must be"),
    "a key that is hashed for ever": (doubled_tuples(64), "keys must be"),
    "a key of many bits": (b"\x80\x04}\x8a\x10" + b"\x01" * 16 + b"K\x01s.", "keys must be"),
    "a place far away": (b"\x80\x02Nr\xff\xff\xff\x0d.", "must be numbered within its 9 bytes"),
    "nothing from far away": (b"\x80\x02j\xff\xff\xff\x7f.", "bytes that are none or damaged"),
    "a text of 1 TB": (b"\x80\x04\x8d" + struct.pack("<Q", LONG) + b"a.", "must be a pickle"),
    "bytes of 1 TB": (b"\x80\x04\x8e" + struct.pack("<Q", LONG) + b"a.", "must be a pickle"),
    "a byte array of 1 TB": (b"\x80\x05\x96" + struct.pack("<Q", LONG) + b"a.", "must be a pickle"),
    "a number of 1 GB": (b"\x80\x04\x8b" + struct.pack("<i", 1 << 30) + b"a.", "must be a pickle"),
    "a number of a million bits": (
        b"\x80\x04\x8b" + struct.pack("<i", 125_000) + b"\x01" * 125_000 + b".",
        "at most 4096 bits",
    ),
    "a frame of 1 TB of sets": (
        b"\x80\x04\x95" + struct.pack("<Q", LONG) + b"\x8f" * (8 * MEGABYTE) + b".",
        "at most 1,000,000 opcodes",
    ),
    "one buffer for 2,000 arrays": (array_over(bytes(8 * MEGABYTE), 2000), "some are named twice"),
    "one text for 2,000 bytes": (same_text_encoded(b"a" * (8 * MEGABYTE), 2000), "some are named twice"),
    "an axis of 2^63": (
        pickle.dumps({"w": np.zeros(1)}, 2).replace(b"K\x01\x85", b"\x8a\x09" + b"\xff" * 8 + b"\x00\x85", 1),
        "numbers",
    ),
    "no value": (b"\x80\x04.", "bytes that are none or damaged"),
    "a mark that is missing": (b"\x80\x04Nt.", "bytes that are none or damaged"),
    "a value of another process": (b"\x80\x04N\x51.", "plain containers only, got the opcode BINPERSID"),
    "a buffer of another file": (b"\x80\x05\x97.", "plain containers only, got the opcode NEXT_BUFFER"),
    "a protocol to come": (b"\x80\x06N.", "protocol 0 to 5, got 6"),
    "a list that is no list": (b"\x80\x04}K\x01a.", "must fill its containers only, got a dict"),
}

READ_ALL = """
import json, resource, sys
from pathlib import Path
from icl_models._haiku.checkpoint import load_checkpoint
def peak():  # `resource` tells that of the process which started this one, if that was more
    try:
        return int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
for path in sorted(Path(sys.argv[1]).iterdir()):
    try:
        load_checkpoint(path)
        said = "read"
    except ValueError as error:
        said = str(error)
    print(json.dumps([path.name, said, peak()]), flush=True)
"""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Any]]:
    """What a process of its own, which may have 2 GB, says of each case."""
    pytest.importorskip("resource")
    folder = tmp_path_factory.mktemp("cases")
    for name, (content, _) in CASES.items():
        (folder / name).write_bytes(content)
    done = subprocess.run([sys.executable, "-c", READ_ALL, str(folder)], stdout=subprocess.PIPE, check=False)
    return {name: rest for name, *rest in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("case", CASES)
def test_a_checkpoint_that_claims_more_than_it_has_is_refused_in_one_line(
    case: str, answers: dict[str, list[Any]]
) -> None:
    said, _ = answers[case]
    assert CASES[case][1] in said
    assert "\n" not in said
    assert len(said) < 1000


def test_all_of_that_takes_little_memory(answers: dict[str, list[Any]]) -> None:
    assert max(kilobytes for _, kilobytes in answers.values()) < 600_000


def test_arrays_that_are_one_are_not_made_thousands(tmp_path: Path) -> None:
    shared = np.zeros((MEGABYTE,), np.float32)
    params = {"transformer": {f"w{i}": shared for i in range(200)}}
    path = tmp_path / "checkpoint.dill"
    path.write_bytes(pickle.dumps({"params": params}))
    with pytest.raises(ValueError, match="must have arrays of their own, got 1 of 4,194,304 bytes"):
        checkpoint_variables(load_checkpoint(path))


def test_zeros_that_variables_share_are_read() -> None:
    zeros = np.zeros(8, np.float32)
    params = {"a": {"b": zeros, "offset": zeros, "w": zeros}}
    assert checkpoint_variables({"params": params}).params == params


@pytest.mark.parametrize("value", [[[0.0]], (1.0,), {"w": 1}, "text", None])
def test_a_variable_that_is_no_array_is_named(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^transformer\|w must be an array, got "):
        checkpoint_variables({"params": {"transformer": {"w": value}}})


def test_layers_that_have_no_variables_are_not_built() -> None:
    config = ModelConfig(
        num_classes=5, example_kind="id", example_shape=(), embedder="embedding", emb_dim=16, num_layers=2
    )
    params, _ = export_variables(build_model(config, seed=0))
    params["transformer/transformer_block_99/layer_norm"] = {"scale": np.zeros(16, np.float32)}
    with pytest.raises(ValueError, match="layers must be numbered from 0 without gaps, got 99 as the last"):
        infer_config(params)


@pytest.mark.skipif(sys.platform == "win32", reason="no such pipes there")
def test_a_pipe_in_a_checkpoints_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="must be a file, got a pipe"):
        load_checkpoint(tmp_path / "pipe")


def test_a_checkpoint_larger_than_memory_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "checkpoint.dill"
    with path.open("wb") as file:
        file.truncate(1 << 40)  # of which the disk holds nothing
    monkeypatch.setattr(checkpoint_module, "machine_memory", lambda: 1 << 34)
    with pytest.raises(CheckpointError, match=r"must fit into memory, 16\.0 GiB, got 1\.0 TiB in "):
        load_checkpoint(path)
