"""NumPy's arrays as dill writes them: files that dill wrote are read exactly, hostile ones like them are refused."""

import importlib.util
import os
import pickle
import re
import struct
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from icl_models import load_model
from icl_models._commands.main import main
from icl_models.haiku import CheckpointError, export_variables, load_checkpoint

_spec = importlib.util.spec_from_file_location("dill_cases", Path(__file__).with_name("dill_cases.py"))
assert _spec is not None
assert _spec.loader is not None
dill_cases: Any = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(dill_cases)

KINDS = ("numpy", "jax", "bfloat16")


@pytest.fixture(scope="module", params=dill_cases.PROTOCOLS)
def read_forms(request: pytest.FixtureRequest) -> Any:
    return load_checkpoint(dill_cases.GOLDEN / f"dill_forms_{request.param}.dill")


@pytest.mark.parametrize("form", dill_cases.forms())
def test_arrays_that_dill_wrote_are_read_exactly(read_forms: Any, form: str) -> None:
    expected, read = dill_cases.forms()[form], read_forms[form]
    assert read.dtype == expected.dtype
    assert read.shape == expected.shape
    assert np.array_equal(read, expected)
    assert isinstance(read, np.generic) or read.flags.writeable


@pytest.mark.parametrize("kind", KINDS)
def test_a_checkpoint_of_numpy_jax_or_bfloat16_arrays_is_imported(tmp_path: Path, kind: str) -> None:
    """`jax.device_get` makes NumPy's arrays of JAX's, and that is what people save."""
    out = tmp_path / "model.safetensors"
    assert main(["import-haiku", str(dill_cases.GOLDEN / f"dill_checkpoint_{kind}.dill"), str(out)]) == 0
    params, _ = export_variables(load_model(out))
    for module, arrays in dill_cases.params().items():
        for name, array in arrays.items():
            assert np.array_equal(params[module][name], array)


@pytest.mark.parametrize("kind", KINDS)
def test_the_rest_of_a_checkpoint_is_read_as_plain_values(kind: str) -> None:
    read = load_checkpoint(dill_cases.GOLDEN / f"dill_checkpoint_{kind}.dill")
    ((trace,), empty) = read["opt_state"]
    assert read["global_step"] == 500_000
    assert trace.keys() == dill_cases.params().keys()
    assert empty == ()


def call(function: str, *arguments: Any) -> bytes:
    """A pickle that calls a function by its name, "module name"; neither needs to be there."""
    return b"\x80\x02c" + function.replace(" ", "\n").encode() + b"\n" + pickle.dumps(arguments, 2)[2:-1] + b"R."


class Pickled:
    """Pickles as a call of `function(*arguments)`, followed by a state."""

    def __init__(self, function: Any, arguments: tuple[Any, ...], state: Any) -> None:
        self.reduced = (function, arguments, state)

    def __reduce__(self) -> Any:
        return self.reduced


MAKE, ARGUMENTS, (VERSION, SHAPE, FLOAT32, FORTRAN, CONTENT) = np.arange(2, dtype=np.float32).__reduce__()
STATE = (VERSION, SHAPE, FLOAT32, FORTRAN, CONTENT)
ARRAY = "dill._dill _create_array"
OBJECTS = Pickled(np.dtype, ("O", False, True), (3, "|", None, None, None, -1, -1, 63))
FIELDS = np.dtype([("a", "f4")])


def test_the_hostile_calls_differ_from_a_good_one_by_their_fault_alone(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.dill"
    path.write_bytes(call(ARRAY, MAKE, ARGUMENTS, STATE, None))
    assert np.array_equal(load_checkpoint(path), [0.0, 1.0])


HOSTILE: dict[str, tuple[bytes, str]] = {
    "runs a function": (call(ARRAY, os.mkdir, ("trap",), STATE, None), "plain containers only, got "),
    "makes it of a string": (call(ARRAY, "numpy", ARGUMENTS, STATE, None), "made by numpy, got text"),
    "makes it by a dtype": (call(ARRAY, np.dtype, ("f4",), STATE, None), "made by numpy, got another name"),
    "makes it by a call": (call(ARRAY, np.float32(3), ARGUMENTS, STATE, None), "made by numpy, got a number"),
    "a subclass": (call(ARRAY, MAKE, (np.matrix, (0,), b"b"), STATE, {}), "plain containers only, got numpy"),
    "a subclass of records": (call(ARRAY, MAKE, (np.recarray, (0,), b"b"), STATE, {}), "only, got numpy"),
    "attributes": (call(ARRAY, MAKE, ARGUMENTS, STATE, {"__class__": 1}), "must have no attributes, got a dict"),
    "no state": (call(ARRAY, MAKE, ARGUMENTS, None, None), "bytes that are none or damaged"),
    "half a state": (call(ARRAY, MAKE, ARGUMENTS, STATE[:3], None), "bytes that are none or damaged"),
    "too many arguments": (call(ARRAY, MAKE, ARGUMENTS, STATE, None, None), "bytes that are none or damaged"),
    "objects": (call(ARRAY, MAKE, ARGUMENTS, (1, (1,), OBJECTS, False, b"A" * 8), None), "numbers, got dtype '|O'"),
    "fields": (call(ARRAY, MAKE, ARGUMENTS, (1, (2,), FIELDS, False, CONTENT), None), "numbers, got dtype '|V4'"),
    "a dtype of a dtype": (
        call(ARRAY, MAKE, ARGUMENTS, (1, (2,), Pickled(np.dtype, (FLOAT32,), None), False, CONTENT), None),
        "must hold numbers, got dtype of another object",
    ),
    "a shape without data": (
        call(ARRAY, MAKE, ARGUMENTS, (1, (1 << 20, 1 << 20), FLOAT32, False, b""), None),
        "must have 1099511627776 numbers, got 0",
    ),
    "a shape of text": (call(ARRAY, MAKE, ARGUMENTS, (1, (1 << 40, "ab"), FLOAT32, False, b""), None), "from 0 on"),
    "a shape below 0": (call(ARRAY, MAKE, ARGUMENTS, (1, (-1, -2), FLOAT32, False, CONTENT), None), "from 0 on"),
    "a shape of 65 axes": (call(ARRAY, MAKE, ARGUMENTS, (1, (1,) * 65, FLOAT32, False, b"A" * 4), None), "from 0 on"),
    "text for bytes": (call(ARRAY, MAKE, ARGUMENTS, (1, (2,), FLOAT32, False, "A" * 8), None), "of bytes, got text"),
    "an array for bytes": (
        call(ARRAY, MAKE, ARGUMENTS, (1, (2,), FLOAT32, False, np.zeros(2, np.float32)), None),
        "made of bytes, got another object",
    ),
    "axes twice": (
        call("numpy.core.numeric _frombuffer", CONTENT, FLOAT32, (1, 2), "K", (0, 0)),
        "bytes that are none or damaged",
    ),
    "another library's numbers": (call("ml_dtypes float8_e4m3fn"), "containers only, got ml_dtypes.float8_e4m3fn"),
    "a type by its name": (call("dill._dill _load_type", "CodeType"), "only, got dill's type 'CodeType'"),
    "no type's name": (call("dill._dill _load_type", ["bytes"]), r"only, got dill's type ['bytes']"),
    "a class": (b"\x80\x02}X\x01\x00\x00\x00wcnumpy\nndarray\ns.", "plain containers only, got a class"),
    "a place far away": (b"\x80\x02Nr" + struct.pack("<I", 1 << 31) + b".", "within its 9 bytes, got 2147483648"),
    "a place far away in text": (b"Np4000000000\n.", "within its 14 bytes, got 4000000000"),
    **{
        f"dill's {name}": (call(f"dill._dill {name}", *arguments), f"containers only, got dill._dill.{name}")
        for name, arguments in {
            "_create_function": (b"code", {}),
            "_create_type": ("type", "A", (), {}),
            "_create_code": (0,),
            "_eval_repr": ("__import__('os').mkdir('trap')",),
            "_get_attr": ("os", "mkdir"),
            "_import_module": ("os.mkdir",),
            "_create_dtypemeta": (None,),
            "_create_stringi": ("a",),
        }.items()
    },
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_malicious_checkpoint_like_dills_is_refused_in_one_line_and_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    content, message = HOSTILE[kind]
    path = tmp_path / "checkpoint.dill"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=re.escape(message)):
        load_checkpoint(path)
    assert main(["import-haiku", str(path), str(tmp_path / "model.safetensors")]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert os.listdir(tmp_path) == ["checkpoint.dill"]


def test_bfloat16_is_read_as_float32_without_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ml_dtypes", None)  # whoever imports it now fails
    read = load_checkpoint(dill_cases.GOLDEN / "dill_checkpoint_bfloat16.dill")
    assert {array.dtype for arrays in read["params"].values() for array in arrays.values()} == {np.dtype(np.float32)}
