"""Checkpoints of the released code: what they hold is read exactly, and none runs anything."""

import os
import pickle
import pickletools
import re
import sys
from collections import OrderedDict, namedtuple
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from icl_models import ModelConfig, build_model
from icl_models.haiku import CheckpointError, export_variables, import_variables, load_checkpoint

CONFIG = ModelConfig(num_classes=5, example_shape=(28, 28, 1), emb_dim=16, num_layers=1)


@pytest.fixture(scope="module")
def exported() -> Any:
    return export_variables(build_model(CONFIG, seed=0))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_checkpoint_of_arrays_and_containers_is_read_exactly(tmp_path: Path, protocol: int, exported: Any) -> None:
    params, state = exported
    content = {
        "params": params,
        "state": OrderedDict(state),
        "step": np.int64(7),
        "more": [1, 2.5, "x", None, (b"y", True)],
    }
    path = tmp_path / "checkpoint.dill"
    path.write_bytes(pickle.dumps(content, protocol=protocol))
    read = load_checkpoint(path)
    assert read["step"] == 7
    assert read["more"] == content["more"]
    imported = import_variables(CONFIG, read["params"], read["state"])
    assert all(torch.equal(imported[name], t) for name, t in build_model(CONFIG, seed=0).state_dict().items())


@pytest.mark.parametrize("package", ["numpy.core", "numpy._core"])
def test_checkpoints_of_old_and_new_numpy_are_read(tmp_path: Path, package: str) -> None:
    path = tmp_path / "checkpoint.dill"
    stored = pickle.dumps({"w": np.arange(3.0)}, protocol=0)
    path.write_bytes(stored.replace(b"numpy._core.", b"numpy.core.").replace(b"numpy.core.", package.encode() + b"."))
    assert np.array_equal(load_checkpoint(path)["w"], np.arange(3.0))


class _Runs:
    """Pickles as a call of `function(*arguments)`."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.reduced = (function, arguments)

    def __reduce__(self) -> Any:
        return self.reduced


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    ("function", "arguments"),
    [
        (os.mkdir, ("{trap}",)),
        (eval, ("__import__('os').mkdir(r'{trap}')",)),
        (exec, ("open(r'{trap}', 'w')",)),
        (getattr, ("text", "upper")),
        (np.load, ("{trap}",)),
        (np.save, ("{trap}", 1)),
        (np.memmap, ("{trap}", "uint8", "w+", 0, 8)),
        (pickle.loads, (b"I1\n.",)),
        (Path, ("{trap}",)),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_malicious_checkpoint_is_refused_and_not_run(
    tmp_path: Path, protocol: int, function: Any, arguments: tuple[Any, ...]
) -> None:
    trap = tmp_path / "trap.npy"
    filled = [a.format(trap=trap) if isinstance(a, str) else a for a in arguments]
    path = tmp_path / "checkpoint.dill"
    path.write_bytes(pickle.dumps({"params": _Runs(function, *filled)}, protocol=protocol))
    with pytest.raises(CheckpointError, match="must hold numpy arrays and plain containers only, got "):
        load_checkpoint(path)
    assert not trap.exists()


def test_a_dotted_name_does_not_reach_through_an_allowed_one(tmp_path: Path) -> None:
    """Protocol 4 looks up attributes of attributes: numpy.ndarray.tofile would write a file."""
    path = tmp_path / "checkpoint.dill"
    dotted = b"\x80\x04\x8c\x05numpy\x8c\x0endarray.tofile\x93."
    assert [op.name for op, _, _ in pickletools.genops(dotted)][-2:] == ["STACK_GLOBAL", "STOP"]
    path.write_bytes(dotted)
    with pytest.raises(CheckpointError, match=r"got numpy\.ndarray\.tofile"):
        load_checkpoint(path)


def test_an_array_of_objects_smuggles_nothing(tmp_path: Path) -> None:
    path, trap = tmp_path / "checkpoint.dill", tmp_path / "trap"
    path.write_bytes(pickle.dumps(np.array([_Runs(os.mkdir, str(trap))], dtype=object)))
    with pytest.raises(CheckpointError, match="plain containers only"):
        load_checkpoint(path)
    assert not trap.exists()


@pytest.mark.parametrize("content", [b"", b"not a pickle", pickle.dumps({"w": np.zeros(100)})[:-50]])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "checkpoint.dill"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="must be a pickle"):
        load_checkpoint(path)


def test_a_missing_checkpoint_is_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_checkpoint(tmp_path / "nothing.dill")


class _Pickled:
    """Pickles as a call of `function(*arguments)`, followed by a state."""

    def __init__(self, function: Any, arguments: tuple[Any, ...], state: Any) -> None:
        self.reduced = (function, arguments, state)

    def __reduce__(self) -> Any:
        return self.reduced


_RECONSTRUCT, _, (_, _, _FLOAT32, _, _) = np.zeros(1, np.float32).__reduce__()


@pytest.mark.parametrize(
    ("function", "arguments", "state", "message"),
    [
        (np.ndarray, ((1,), "O", b"A" * 8), None, "must have content"),
        (np.ndarray, ((1,), "u1", b"", 0, (1 << 40,)), None, "must have content"),
        (
            _RECONSTRUCT,
            (np.ndarray, (0,), b"b"),
            (1, (1,), _Pickled(np.dtype, ("O", False, True), (3, "|", None, None, None, -1, -1, 0)), False, b"A" * 8),
            "must hold numbers, got dtype '|O'",
        ),
        (_RECONSTRUCT, (np.ndarray, (0,), b"b"), (1, (1 << 20,), _FLOAT32, False, b"A" * 8), "must have 1048576 num"),
        (_RECONSTRUCT, (np.ndarray, (0,), b"b"), (1, (-1,), _FLOAT32, False, b"A" * 8), "numbers from 0 on, got (-1,)"),
    ],
    ids=[
        "objects from bytes",
        "beyond a buffer",
        "objects by a changed dtype",
        "more than it has",
        "as many as it has",
    ],
)
def test_no_array_of_a_checkpoint_reaches_beyond_its_own_bytes(
    tmp_path: Path, function: Any, arguments: tuple[Any, ...], state: Any, message: str
) -> None:
    path = tmp_path / "checkpoint.dill"
    path.write_bytes(pickle.dumps({"w": _Pickled(function, arguments, state)}, protocol=2))
    with pytest.raises(CheckpointError, match=re.escape(message)):
        load_checkpoint(path)


@pytest.mark.parametrize(
    "named",
    [
        "numpy.core.numeric\n_frombuffer",
        "numpy.core.multiarray\n_reconstruct",
        "numpy.core.multiarray\nscalar",
        "numpy\ndtype",
        "numpy\nndarray",
        "collections\nOrderedDict",
        "_codecs\nencode",
        "jax._src.array\n_reconstruct_array",
        "haiku._src.data_structures\nFlatMapping",
        "dill._dill\n_create_namedtuple",
        "dill._dill\n_create_array",
        "dill._dill\n_load_type",
        "ml_dtypes\nbfloat16",
        "jaxline.utils\nSnapshotNT",
        "optax\nEmptyState",
    ],
)
@pytest.mark.parametrize("state", [b"}X\x08\x00\x00\x00__doc__1K\x01s", b"N}X\x08\x00\x00\x00__doc__1K\x01s\x86"])
def test_a_checkpoint_alters_nothing_that_it_names(tmp_path: Path, named: str, state: bytes) -> None:
    """BUILD sets attributes of whatever is on the stack, functions and classes included."""
    path = tmp_path / "checkpoint.dill"
    path.write_bytes(b"\x80\x02c" + named.encode() + b"\n" + state + b"b.")
    with pytest.raises(CheckpointError):
        load_checkpoint(path)


def test_a_checkpoint_does_not_alter_numpys_dtypes(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.dill"
    swapped = _Pickled(np.dtype, ("f4",), (3, ">", None, None, None, -1, -1, 0))
    path.write_bytes(pickle.dumps(swapped, protocol=2))
    assert load_checkpoint(path) == np.dtype(">f4")
    assert np.dtype("f4").isnative


@pytest.mark.parametrize(
    "module", ["jax._src.array._reconstruct_array", "jax._src.device_array.reconstruct_device_array"]
)
def test_a_whole_released_checkpoint_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str) -> None:
    """Besides the parameters it holds the optimiser's state, in named tuples of optax, and its arrays are JAX's."""
    module, _, name = module.rpartition(".")

    def rebuild(make: Any, arguments: Any, state: Any, aval: Any) -> None: ...

    rebuild.__module__, rebuild.__qualname__ = module, name
    adam = namedtuple("ScaleByAdamState", ["count", "mu", "nu"], module="optax._src.transform")
    for package in ("jax", "jax._src", "optax", "optax._src"):  # what a pickle imports on the way
        monkeypatch.setitem(sys.modules, package, SimpleNamespace())
    monkeypatch.setitem(sys.modules, module, SimpleNamespace(**{name: rebuild}))
    monkeypatch.setitem(sys.modules, "optax._src.transform", SimpleNamespace(ScaleByAdamState=adam))

    def jax_array(value: np.ndarray) -> Any:
        make, arguments, state = value.__reduce__()
        return _Runs(rebuild, make, arguments, state, {"weak_type": False})

    weights, count = np.arange(6, dtype=np.float32).reshape(2, 3), np.array(5, dtype=np.int32)
    content = {
        "global_step": 5,
        "params": {"transformer/linear": {"w": jax_array(weights.T)}},
        "opt_state": (adam(jax_array(count), {"m": jax_array(weights)}, None),),
    }
    path = tmp_path / "checkpoint.dill"
    path.write_bytes(pickle.dumps(content))
    read = load_checkpoint(path)
    assert read["global_step"] == 5
    assert np.array_equal(read["params"]["transformer/linear"]["w"], weights.T)
    ((read_count, read_mean, read_square),) = read["opt_state"]
    assert (read_count, read_square) == (count, None)
    assert np.array_equal(read_mean["m"], weights)


@pytest.mark.parametrize("name", ["FlatMapping", "frozendict"])
def test_the_immutable_dicts_of_old_haiku_are_read_as_dicts(tmp_path: Path, name: str) -> None:
    path = tmp_path / "checkpoint.dill"
    path.write_bytes(b"\x80\x02chaiku._src.data_structures\n" + name.encode() + b"\n}X\x01\x00\x00\x00wK\x03s\x85R.")
    assert load_checkpoint(path) == {"w": 3}


def test_a_named_tuple_whose_class_dill_describes_is_read_as_a_tuple(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.dill"
    described = b"X\x05\x00\x00\x00StateX\x05\x00\x00\x00countX\x02\x00\x00\x00mu\x86X\x05\x00\x00\x00optax\x87R"
    path.write_bytes(b"\x80\x02cdill._dill\n_create_namedtuple\n" + described + b"K\x03K\x04\x86\x81.")
    assert load_checkpoint(path) == (3, 4)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize(
    "array",
    [
        np.zeros((0, 3), np.float32),
        np.array(3, np.uint32),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        np.arange(3, dtype=">i4"),
        np.array([True, False]),
        np.arange(8, dtype=np.float16)[::2],
        np.arange(24, dtype=np.float32).reshape(2, 3, 4).transpose(1, 0, 2),
    ],
    ids=["empty", "no axis", "columns first", "big-endian", "booleans", "every second", "axes in another order"],
)
def test_arrays_of_every_form_are_read_exactly(tmp_path: Path, protocol: int, array: np.ndarray) -> None:
    path = tmp_path / "checkpoint.dill"
    path.write_bytes(pickle.dumps(array, protocol=protocol))
    read = load_checkpoint(path)
    assert read.dtype == array.dtype
    assert np.array_equal(read, array)
    assert read.shape == array.shape
    assert read.flags.writeable


def test_what_a_checkpoint_holds_once_is_read_once(tmp_path: Path) -> None:
    shared = [np.arange(3.0)]
    ring: list[Any] = [shared, shared]
    ring.append(ring)
    path = tmp_path / "checkpoint.dill"
    path.write_bytes(pickle.dumps(ring))
    read = load_checkpoint(path)
    assert read[0] is read[1]
    assert read[2] is read


def test_a_refused_name_stays_on_one_line(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.dill"
    path.write_bytes(b"\x80\x04\x8c\x04a\nb\x1b\x8c\x01c\x93.")
    with pytest.raises(CheckpointError, match=r"got a\\nb\\x1b\.c$"):
        load_checkpoint(path)
