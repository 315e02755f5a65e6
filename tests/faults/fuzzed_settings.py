"""Fuzzers of settings: a run's configuration as plain values, and files of settings."""

from __future__ import annotations

import json
from pathlib import Path

from fuzzing import Fuzzer, Prepared
from mutation import Random, changed_value, json_bytes, mutated_text, pick

SUFFIXES = {b"j": ".json", b"t": ".toml", b"y": ".yaml"}


def _settings(folder: Path) -> Prepared:
    from icl_train import PRESETS, RunConfig

    originals = [make().to_dict() for make in PRESETS.values()]

    def read(content: bytes) -> None:
        config = RunConfig.from_dict(json.loads(content))
        assert RunConfig.from_dict(config.to_dict()) == config  # what is taken is what it seems to be
        config.digest()

    def known(group: str, name: str, value: object) -> bytes:
        return json_bytes(originals[0] | {group: originals[0][group] | {name: value}})

    return Prepared(
        lambda random: json_bytes(changed_value(pick(originals, random), random)),
        read,
        {
            "a-number-for-a-truth": known("data", "augment", 1),
            "no-number": known("optim", "max_lr", float("nan")),
            "endless": known("data", "noise_scale", float("inf")),
            "half-a-step": known("train", "max_steps", 2.5),
            "huge": known("train", "batch_size", 10**400),
            "text-for-a-number": known("model", "emb_dim", "64"),
            "no-group": json_bytes(originals[0] | {"data": None}),
            "no-object": b"[]",
            "odd-name": json_bytes(originals[0] | {"\ud800": 1}),
            "list-for-a-component": known("model", "embedder", ["vector"]),
            "object-for-a-component": known("model", "sequence_model", {}),
        },
    )


def _config_files(folder: Path) -> Prepared:
    from icl_train import laptop
    from icl_train._commands.config_file import read_settings, with_file_settings

    base = laptop()
    value = base.to_dict()
    toml = "".join(
        f"[{group}]\n" + "".join(f"{name} = {json.dumps(part)}\n" for name, part in settings.items() if _in_toml(part))
        for group, settings in value.items()
        if isinstance(settings, dict)
    ).encode()
    yaml = json.dumps(value, indent=1).replace('"', "").replace("{", "").replace("}", "").replace(",", "").encode()
    flow = json.dumps(value).encode()
    originals = {b"j": [json_bytes(value), json_bytes({"config": value})], b"t": [toml], b"y": [yaml, flow]}

    def draw(random: Random) -> bytes:
        kind = pick([b"j", b"t", b"y"], random)
        if kind == b"j" and random.random() < 0.5:
            return kind + json_bytes(changed_value(value, random))
        return kind + mutated_text(pick(originals[kind], random), random, originals[kind])

    def read(content: bytes) -> None:
        file = folder / f"settings{SUFFIXES.get(content[:1], '.json')}"
        file.write_bytes(content[1:])
        of, settings = read_settings(file)
        with_file_settings(base, settings, of=of)

    bomb = b"y" + b"".join(b"a%d: &a%d [%s]\n" % (n, n, b",".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 12))
    return Prepared(
        draw,
        read,
        {
            "aliases": bomb.replace(b"[*a0,*a0,*a0,*a0,*a0,*a0,*a0,*a0,*a0]", b"[x]"),
            "to-itself": b"y&a [*a]",
            "group-in-itself": b"ydata: &a {x: *a}",
            "key-in-itself": b"y? &a [*a]\n: 1",
            "deep": b"j" + b"[" * 100_000,
            "deep-yaml": b"y" + b"[" * 20_000,
            "deep-toml": b"tx = " + b"[" * 100_000,
            "deep-toml-names": b"t" + b".".join([b"a"] * 20_000) + b" = 1",
            "long-number": b"j" + b"1" * 10_000,
            "long-number-toml": b"tx = " + b"1" * 10_000,
            "long-number-yaml": b"yx: " + b"1" * 10_000,
            "sixties": b"yx: " + b":".join([b"59"] * 5000),
            "date": b"tdata.dim = 1979-05-27",
            "date-that-is-none": b"ydata: {dim: 2020-99-99}",
            "python": b"ydata: !!python/object/apply:os.getcwd []",
            "no-text": b"j\xff\xfe\x00",
            "list-for-a-name": b"y[a]: 1",
            "set": b"ydata: !!set {a, b}",
            "bytes": b"ydata: {dim: !!binary aGk=}",
        },
    )


def _in_toml(value: object) -> bool:
    return value is not None and not isinstance(value, (dict, list))


FUZZERS = (Fuzzer("settings", _settings), Fuzzer("config-files", _config_files))
