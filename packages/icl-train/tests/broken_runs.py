"""A run of twenty steps, and ways to break it."""

import contextlib
import io
import json
import re
import warnings
from dataclasses import replace

import pytest

from icl_data.foundation.command_line import run_command
from icl_data.foundation.sealed import seal_object, unseal_object
from icl_train import PlainReporter, RunFolder, smoke
from icl_train._commands.main import _main

LAST = 20
CLOCK = re.compile(rb'"sequences_per_second": [^,}]*|"crc32": "[^"]*"')


def config():
    base = smoke()
    return replace(
        base,
        train=replace(base.train, max_steps=LAST, checkpoint_interval=5, log_interval=5),
        eval=replace(base.eval, interval=5, batches=1),
    )


class Stops(PlainReporter):
    """Ends a run, as a kill would, when records of a step come."""

    def __init__(self, step):
        super().__init__(io.StringIO())
        self._step = step

    def records(self, records):
        if records[0]["step"] == self._step and records[0]["split"] != "train":
            raise KeyboardInterrupt


def flipped(content, bit):
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << (bit % 8)
    return bytes(changed)


def flip(file, bit):
    file.write_bytes(flipped(file.read_bytes(), bit))


def contents(run):
    return {path: path.read_bytes() for path in run.path.rglob("*") if path.is_file() and path.name != ".lock"}


def resumed(run, *options):
    """Exit code, and each line on stderr."""
    err = io.StringIO()
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patched:
        warnings.simplefilter("default")
        patched.setattr("sys.stderr", err)
        code = run_command(_main, "icl-train", ["resume", str(run.path), *options])
    return code, err.getvalue().splitlines()


def assert_same(run, finished):
    ours, theirs = (CLOCK.sub(b"", (one.path / "metrics.jsonl").read_bytes()) for one in (run, finished))
    assert ours == theirs
    for step in finished.checkpoint_steps():
        ours, theirs = (one.checkpoints / f"step_{step:07d}" / "model.safetensors" for one in (run, finished))
        assert ours.read_bytes() == theirs.read_bytes()
    assert RunFolder.open(run.path).status() == "done"


def as_format_1(run):
    """What an earlier version has left."""
    stored = unseal_object((run.path / "config.json").read_bytes())
    (run.path / "config.json").write_text(json.dumps(stored | {"format": 1}, indent=1) + "\n")
    (run.path / "classes.json").write_text(json.dumps(unseal_object((run.path / "classes.json").read_bytes())))
    lines = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    for line in lines:
        del line["crc32"]
    (run.path / "metrics.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    if (run.path / "DONE").exists():
        (run.path / "DONE").write_text(f"{LAST} steps\n")
    for step in run.checkpoint_steps():
        file = run.checkpoints / f"step_{step:07d}" / "state.json"
        state = unseal_object(file.read_bytes()) | {"format": 1}
        del state["files"], state["metrics"]
        file.write_text(json.dumps(state))
    return RunFolder.open(run.path)


def reseal(file, **changes):
    """Other values in a sealed object, sealed again, as somebody's program may leave it."""
    file.write_text(seal_object(json.dumps(unseal_object(file.read_bytes()) | changes, indent=1) + "\n"))


def verified(folder, *options):
    """Exit code of ``verify``, and what it prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = run_command(_main, "icl-train", ["verify", str(folder), *options])
    return code, out.getvalue()
