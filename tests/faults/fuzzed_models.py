"""Fuzzers of what icl-models reads: saved models, and checkpoints of the released code."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import re
import struct
from pathlib import Path
from typing import Any

import numpy as np
from fuzzing import Fuzzer, Prepared
from mutation import Random, changed_value, mutated, pick

CONFIG = "icl_models.config"


def with_header(header: dict[str, Any], data: bytes) -> bytes:
    """A safetensors file."""
    text = json.dumps(header, separators=(",", ":")).encode("utf-8", "surrogatepass")
    return struct.pack("<Q", len(text)) + text + data


def resealed(content: bytes) -> bytes:
    """A saved model with its own hash made right again, if it has one."""
    found = re.search(rb'"icl_models\.sha256":"([0-9a-f]{64})"', content)
    if found is None:
        return content
    before, after = content[: found.start(1)], content[found.end(1) :]
    return before + hashlib.sha256(before + b"0" * 64 + after).hexdigest().encode() + after


def _saved_models(folder: Path) -> Prepared:
    import torch

    from icl_models import ModelConfig, build_model, load_model, save_model

    torch.set_num_threads(1)
    settings: dict[str, Any] = {"num_classes": 5, "example_kind": "id", "example_shape": (), "embedder": "embedding"}
    settings |= {"emb_dim": 8, "num_layers": 1}
    originals = []
    for number, own in enumerate(({"num_heads": 2}, {"sequence_model": "lstm", "hidden_size": 6})):
        file = folder / f"{number}.safetensors"
        save_model(build_model(ModelConfig(**settings, **own), seed=0), file)
        originals.append(file.read_bytes())
    place = folder / "read.safetensors"

    def parts(content: bytes) -> tuple[dict[str, Any], bytes]:
        (length,) = struct.unpack_from("<Q", content)
        return json.loads(content[8 : 8 + length]), content[8 + length :]

    def with_config(content: bytes, config: Any) -> bytes:
        header, data = parts(content)
        return with_header(header | {"__metadata__": {**header["__metadata__"], CONFIG: json.dumps(config)}}, data)

    def draw(random: Random) -> bytes:
        content = damaged(pick(originals, random), random)
        return resealed(content) if random.random() < 0.8 else content

    def damaged(original: bytes, random: Random) -> bytes:
        chance = random.random()
        if chance < 0.5:
            return mutated(original, random, originals)
        header, data = parts(original)
        if chance < 0.8:
            return with_config(original, changed_value(json.loads(header["__metadata__"][CONFIG]), random))
        changed = changed_value(header, random)
        return with_header(changed if isinstance(changed, dict) else {"x": changed}, data)

    def read(content: bytes) -> None:
        place.write_bytes(content)
        load_model(place)

    header, data = parts(originals[0])
    config = json.loads(header["__metadata__"][CONFIG])
    tensor = next(name for name in header if name != "__metadata__")
    start, end = header[tensor]["data_offsets"]
    beyond = {"data_offsets": [start, end + 10**15]}
    known = {
        "vast": with_config(originals[0], config | {"emb_dim": 2**20, "num_layers": 2**20}),
        "many-layers": with_config(originals[0], config | {"num_layers": 10**6}),
        "many-classes": with_config(originals[0], config | {"num_classes": 2**62}),
        "wide": with_config(originals[0], config | {"emb_dim": 65536}),
        "list": with_config(originals[0], []),
        "deep": with_header(header | {"__metadata__": {CONFIG: "[" * 100_000}}, data),
        "endless-header": b"\xff" * 8 + originals[0][8:],
        "other-type": with_header(header | {tensor: header[tensor] | {"dtype": "F8_E4M3"}}, data),
        "beyond-the-end": with_header(header | {tensor: header[tensor] | beyond}, data),
    }
    return Prepared(draw, read, known | {f"{name}-with-hash": resealed(content) for name, content in known.items()})


def _haiku(folder: Path) -> Prepared:
    from icl_models.haiku import checkpoint_variables, import_variables, infer_config, load_checkpoint

    random = np.random.default_rng(3)
    width, classes = 8, 5
    shapes = {
        "input_embedder": {"embs": (classes, width)},
        "input_embedder/embed": {"embeddings": (classes, width)},
        "rnn/lstm/linear": {"w": (2 * width, 4 * width), "b": (4 * width,)},
        "rnn/linear": {"w": (width, classes), "b": (classes,)},
    }
    params = {
        module: {name: random.normal(size=shape).astype(np.float32) for name, shape in arrays.items()}
        for module, arrays in shapes.items()
    }
    on_devices = {m: {n: np.stack([a, a]) for n, a in arrays.items()} for m, arrays in params.items()}
    nested = {"experiment_module": {"params": on_devices, "state": {}}, "global_step": np.int64(5)}
    originals = [pickle.dumps(nested)]
    originals += [pickle.dumps({"params": params, "state": {}}, protocol=protocol) for protocol in range(6)]
    golden = Path(__file__).parents[2] / "packages" / "icl-models" / "tests" / "golden"
    originals += [file.read_bytes() for file in sorted(golden.glob("dill_*.dill"))]
    place = folder / "checkpoint.dill"
    numbers = (0, 1, -1, 2**20, 2**31, 2**40, 2**62)

    def draw(random: Random) -> bytes:
        if random.random() < 0.7:
            return mutated(pick(originals, random), random, originals)
        changed: dict[str, Any] = {module: dict(arrays) for module, arrays in params.items()}
        module = pick(list(changed), random)
        name = pick(list(changed[module]), random)
        chance = random.random()
        if chance < 0.3:
            shape = tuple(int(side) for side in random.integers(0, 9, size=int(random.integers(0, 5))))
            changed[module][name] = np.zeros(shape, pick(("f4", "f8", "i4", "?", "c8", "U3", "M8[s]"), random))
        elif chance < 0.5:
            changed[module][name] = pick((None, 1, "x", [], {}, float("nan"), [[1.0]], np.float32(2)), random)
        elif chance < 0.7:
            del changed[module][name]
        else:
            number = pick(numbers, random)
            layer = (
                f"rnn/lstm_{number}/linear" if random.random() < 0.5 else f"transformer/transformer_block_{number}/x"
            )
            changed[layer] = changed["rnn/lstm/linear"]
        return pickle.dumps({"params": changed, "state": pick(({}, None, [], {"x": {}}), random)})

    def read(content: bytes) -> None:
        place.write_bytes(content)
        found = checkpoint_variables(load_checkpoint(place))
        config = infer_config(found.params)
        import_variables(config, found.params, found.state)

    def calls(function: object, *arguments: object) -> bytes:
        class Called:
            def __reduce__(self) -> tuple[Any, ...]:
                return function, arguments

        return pickle.dumps({"params": Called()}, protocol=2)

    vast = np.broadcast_to(np.float32(0), (1,))
    reduced = vast.__reduce__()
    known = {
        "calls-the-system": calls(os.getcwd),
        "vast-array": pickle.dumps({"params": params}).replace(b"K\x05K\x08", b"J\xff\xff\xff\x7fK\x08"),
        "place-beyond-the-end": b"\x80\x04N" + b"r\xff\xff\xff\x7f" + b".",
        "long-number": b"\x80\x04\x8b" + struct.pack("<i", 2**31 - 1) + b"\x01.",
        "long-text": b"\x80\x04\x8d" + struct.pack("<Q", 2**62) + b"x.",
        "long-bytes": b"\x80\x04\x8e" + struct.pack("<Q", 2**40) + b"x.",
        "long-frame": b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b"N.",
        "byte-array": b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b"x.",
        "deep": b"\x80\x04" + b"]" * 1 + b"(" * 50_000 + b"l" * 50_000 + b".",
        "doubled-lists": b"\x80\x04](" + b"".join(b"q" + bytes([n]) + b"h" + bytes([n]) for n in range(200)) + b"e.",
        "reconstructed": pickle.dumps({"params": {"x": {"y": reduced}}}, protocol=2),
        "nothing": b"",
    }
    return Prepared(draw, read, known)


FUZZERS = (Fuzzer("saved-models", _saved_models), Fuzzer("haiku", _haiku))
