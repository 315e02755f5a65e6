"""Fuzzers of run folders: one file of a finished run is damaged, a healthy run stands beside it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from fuzzed_models import resealed
from fuzzing import MIB, Fuzzer, Prepared
from mutation import Random, changed_value, json_bytes, mutated, mutated_text, pick
from tiny_runs import is_sealed, seal, sealed_lines, train, unsealed

BEAT = {"step": 7, "steps_per_second": 2.5, "pid": 1, "host": "h", "time": 1.7e9}


class _Folder:
    """Two runs in memory, of which one is damaged and mended again for each input.

    An input is the file's name, a line break, and what the file then holds.
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder / "runs"
        self.run = train(self.root, "damaged")
        self.healthy = train(self.root, "healthy", "--seeds.init", 1)  # no copy, which would be passed over
        self.sealed = is_sealed((self.run / "config.json").read_bytes())
        self.identity = unsealed((self.run / "config.json").read_bytes()).get("run")
        files = [path for path in self.run.rglob("*") if path.is_file() and path.name != ".lock"]
        self.files = {str(path.relative_to(self.run)): path.read_bytes() for path in sorted(files)}

    def put(self, content: bytes) -> Callable[[], None] | None:
        """Damage the run; what mends it again, or None if the input names no file."""
        name, _, content = content.partition(b"\n")
        file = self.run / name.decode(errors="replace")
        if "/" in name.decode(errors="replace").replace("checkpoints/step_0000020/", "") or not name.isascii():
            return None
        try:
            file.write_bytes(content)
        except (OSError, ValueError):
            return None
        before = self.files.get(name.decode())

        def mend() -> None:
            if before is None:
                file.unlink(missing_ok=True)
            else:
                file.write_bytes(before)

        return mend

    def input(self, name: str, content: bytes) -> bytes:
        return name.encode() + b"\n" + content

    def draw_object(self, name: str, random: Random) -> bytes:
        """A JSON file with bytes changed, or with values changed and its hash made right again."""
        original = self.files.get(name) or self.write({"format": 2, **BEAT} if self.sealed else BEAT)
        try:
            value = unsealed(original)
        except ValueError:  # DONE and FAILED of the older format
            return self.input(name, mutated_text(original, random))
        if random.random() < 0.4:
            return self.input(name, mutated_text(original, random, [*self.files.values()]))
        changed = changed_value(value, random)
        return self.input(name, json_bytes(changed) if random.random() < 0.1 else self.write(changed))

    def write(self, value: object) -> bytes:
        """An object as this run's files have it."""
        return seal(value) if self.sealed else json_bytes(value)

    def draw_records(self, random: Random) -> bytes:
        """metrics.jsonl likewise."""
        original = self.files["metrics.jsonl"]
        if random.random() < 0.4:
            return self.input("metrics.jsonl", mutated_text(original, random))
        records = [json.loads(line) for line in original.splitlines()]
        for record in records:
            record.pop("crc32", None)
        for _ in range(int(random.choice([1, 1, 3]))):
            place = int(random.integers(len(records)))
            records[place] = changed_value(records[place], random)
        if random.random() < 0.1:
            records.insert(int(random.integers(len(records))), changed_value(pick(records, random), random))
        return self.input("metrics.jsonl", sealed_lines(records, sealed=self.sealed and random.random() < 0.95))


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise AssertionError(what)


def _run_folder(folder: Path) -> Prepared:
    from icl_train import RunFolder, find_runs
    from icl_train._status.rows import Survey

    runs = _Folder(folder)
    names = ("config.json", "config.json", "classes.json", "DONE", "FAILED", "heartbeat.json", "progress.txt")

    def draw(random: Random) -> bytes:
        if random.random() < 0.2:
            return runs.draw_records(random)
        name = pick(names, random)
        if name == "progress.txt":
            return runs.input(name, mutated_text(runs.files[name], random))
        if name == "FAILED":
            reason = (
                runs.write({"format": 2, "run": runs.identity, "reason": "loss is nan"})
                if runs.sealed
                else b"loss is nan\n"
            )
            return runs.input(name, mutated_text(reason, random))
        return runs.draw_object(name, random)

    def read(content: bytes) -> None:
        mend = runs.put(content)
        if mend is None:
            return
        try:
            try:
                found, _ = find_runs(runs.root), Survey(runs.root).look()
            except ValueError as error:  # nothing that one folder holds is a reason to refuse all
                raise AssertionError(f"a damaged run hides all: {error}") from error
            paths = [run.path for run in (found[0] if isinstance(found, tuple) else found)]
            _require(runs.healthy in paths, "a damaged run hides its neighbour")
            run = RunFolder.open(runs.run)
            run.status()
            run.checkpoint_steps()
            run.records()
        finally:
            mend()

    def config(**changes: object) -> bytes:
        return runs.input("config.json", runs.write(unsealed(runs.files["config.json"]) | changes))

    known = {
        "no-plugins": config(environment={"threads": 1, "plugins": 3}),
        "odd-threads": config(environment={"threads": [1]}),
        "endless-threads": config(environment={"threads": float("inf")}),
        "odd-starts": config(starts=7),
        "list-for-config": config(config=[]),
        "number": runs.input("config.json", b"1"),
        "deep": runs.input("config.json", b"[" * 100_000),
        "no-text": runs.input("DONE", b"\xff\xfe"),
        "huge-step": runs.input("heartbeat.json", runs.write({**BEAT, "step": 10**400})),
        "huge-speed": runs.input("heartbeat.json", runs.write({**BEAT, "steps_per_second": 1e-320})),
        "half-a-letter": runs.input("metrics.jsonl", b'{"split": "\\ud800", "step": 1, "sequences": 1}\n' * 2),
        "number-as-record": runs.input("metrics.jsonl", b"1\n2\n"),
        "bytes-in-records": runs.input("metrics.jsonl", b"\xff\n\xff\n"),
    }
    return Prepared(draw, read, known)


def _tables(folder: Path) -> Prepared:
    import pandas  # noqa: F401 - before the children, which begin with it then
    import polars  # noqa: F401

    from icl_eval import load_runs, summarize_runs

    runs = _Folder(folder)

    def draw(random: Random) -> bytes:
        chance = random.random()
        if chance < 0.6:
            return runs.draw_records(random)
        return runs.draw_object("config.json" if chance < 0.9 else "DONE", random)

    def read(content: bytes) -> None:
        mend = runs.put(content)
        if mend is None:
            return
        try:
            table = load_runs(runs.root, metrics="all", unfinished=True)
            _require("healthy" in set(table["run"].astype(str)), "a damaged run hides its neighbour")
            summarize_runs(runs.root, unfinished=True)
        except ValueError as error:
            raise AssertionError(f"a damaged run hides all: {error}") from error
        finally:
            mend()

    lines = runs.files["metrics.jsonl"].splitlines(keepends=True)

    def records(*changed: bytes) -> bytes:
        return runs.input("metrics.jsonl", b"".join([*lines[:2], *changed, *lines[2:]]))

    known = {
        "huge-step": records(lines[0].replace(b'"step": 0', b'"step": 10000000000000000000000')),
        "no-number": records(lines[0].replace(b'"chance": 0.5', b'"chance": NaN')),
        "half-a-letter": records(b'{"split": "train", "step": 1, "sequences": 1, "\\ud800": 1.0}\n'),
        "list": records(b"[]\n"),
        "deep": records(b"[" * 100_000 + b"\n"),
        "empty-lines": records(b"\n\n\n"),
        "nothing": runs.input("metrics.jsonl", b""),
    }
    return Prepared(draw, read, known)


def _checkpoints(folder: Path) -> Prepared:
    import hashlib

    import torch

    from icl_models import load_model
    from icl_train._runs.checkpoint import load_training_state

    runs = _Folder(folder)
    torch.set_num_threads(1)
    model = load_model(runs.run / "checkpoints" / "step_0000020")
    optimizer = torch.optim.Adam(model.parameters())
    place = "checkpoints/step_0000020/"
    state_name = f"{place}state.json"

    def draw(random: Random) -> bytes:
        if random.random() < 0.5:
            return runs.draw_object(state_name, random)
        name = place + pick(("model", "optimizer"), random) + ".safetensors"
        return runs.input(name, mutated(runs.files[name], random))

    def read(content: bytes) -> None:
        mend = runs.put(content)
        if mend is None:
            return
        name, _, content = content.partition(b"\n")
        if runs.sealed and name.endswith(b".safetensors") and len(content) % 2:  # half of them with the right hash
            if name.endswith(b"model.safetensors"):
                content = resealed(content)
                (runs.run / name.decode()).write_bytes(content)
            state = unsealed(runs.files[state_name])
            state["files"][Path(name.decode()).name] = hashlib.sha256(content).hexdigest()
            (runs.run / state_name).write_bytes(seal(state))
        try:
            load_training_state(runs.run / "checkpoints", 20, model, optimizer)
        finally:
            mend()
            (runs.run / state_name).write_bytes(runs.files[state_name])

    known = {
        "endless-header": runs.input(f"{place}model.safetensors", b"\xff" * 8 + b"{}"),
        "no-header": runs.input(f"{place}optimizer.safetensors", bytes(8)),
        "nothing": runs.input(f"{place}state.json", b""),
        "list": runs.input(f"{place}state.json", b"[]"),
        "deep": runs.input(f"{place}state.json", b"[" * 100_000),
    }
    return Prepared(draw, read, known)


FUZZERS = (
    Fuzzer("run-folder", _run_folder),
    Fuzzer("tables", _tables, share=0.1, room=16 * 1024 * MIB),  # Polars reserves addresses for its threads
    Fuzzer("checkpoints", _checkpoints),
)
