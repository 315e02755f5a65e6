"""Thousands of damaged files, each read in a child process: what comes out, and what it costs.

A file may be read, or refused by a ValueError. Anything else that comes out has escaped; a child that dies has crashed;
what takes more memory than the reader is allowed is over memory. A child that died is replaced.
"""

from __future__ import annotations

import errno
import mmap
import os
import resource
import shutil
import signal
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from mutation import Random

MIB = 2**20
_BATCH = 4000  # files that one child reads
_SECONDS, _SECONDS_OF_WORK = 300, 30  # for one file: on the clock, and of the processor; they take milliseconds


@dataclass(frozen=True)
class Prepared:
    """What a fuzzer needs to run.

    Attributes:
        draw: makes an input.
        read: reads it; ValueError where it refuses it.
        known: inputs that broke something once, by name.
    """

    draw: Callable[[Random], bytes]
    read: Callable[[bytes], None]
    known: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True)
class Fuzzer:
    """One reader under fire.

    Attributes:
        name: what it is called.
        prepare: imports the reader and makes valid files in a folder of memory; called once in the parent process.
        share: of the inputs that are asked for, where a reader is slow.
        most_memory: bytes that one input may take.
        room: bytes of address space beyond what a child begins with; more is refused by the system.
        may_raise_os_error: an OSError that names its file is a refusal, too.
    """

    name: str
    prepare: Callable[[Path], Prepared]
    share: float = 1.0
    most_memory: int = 320 * MIB  # 256 are taken as doing no harm, whatever is in a file
    room: int = 5 * 1024 * MIB  # a length of 32 bits can be asked for, as long as nobody fills it
    may_raise_os_error: bool = False


@dataclass
class Failure:
    """An input that was neither read nor refused."""

    fuzzer: str
    seed: int
    number: int | str
    outcome: str
    trace: str = ""
    file: str = ""

    def __str__(self) -> str:
        again = f"python tests/faults/fuzz.py {self.fuzzer} --seed {self.seed} --only {self.number}"
        head = f"{self.fuzzer} seed {self.seed} input {self.number}: {self.outcome}"
        return f"{head}\n  {again}\n  {self.file}\n{self.trace}"


@dataclass
class Counts:
    """How a fuzzer's inputs ended."""

    fuzzer: str
    inputs: int = 0
    accepted: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    escaped: dict[str, int] = field(default_factory=dict)
    crashed: dict[str, int] = field(default_factory=dict)
    over_memory: int = 0
    seconds: float = 0.0

    def as_row(self) -> dict[str, Any]:
        """Flat, for CSV."""
        row = asdict(self)
        for name in ("refused", "escaped", "crashed"):
            kinds = dict(sorted(row[name].items(), key=lambda item: -item[1]))
            row[name] = sum(kinds.values())
            row[f"{name}_as"] = " ".join(f"{kind}:{count}" for kind, count in kinds.items())
        return row | {"seconds": round(self.seconds, 1)}


def run_fuzzer(fuzzer: Fuzzer, inputs: int, *, seed: int, keep: Path) -> tuple[Counts, list[Failure]]:
    """Read the known inputs and then so many drawn ones.

    Args:
        fuzzer: the reader.
        inputs: how many are drawn.
        seed: of what is drawn: input n of a seed is always the same.
        keep: folder for the inputs that fail, the first of each kind.

    Returns:
        The counts, and the first failure of each kind.
    """
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="faults-", dir="/dev/shm" if os.path.isdir("/dev/shm") else None))
    try:
        prepared = fuzzer.prepare(folder)
        board = _Board(folder, len(prepared.known) + inputs)
        contents = list(prepared.known.values())

        def content_of(place: int) -> bytes:
            if place < len(contents):
                return contents[place]
            return prepared.draw(np.random.default_rng([seed, place - len(contents)]))

        place = 0
        while place < board.n:
            place = _in_child(fuzzer, prepared, content_of, board, place)
        counts = board.counts(fuzzer.name)
        failures = []
        for name, first in board.failing():
            number: int | str = first - len(contents) if first >= len(contents) else list(prepared.known)[first]
            failure = Failure(fuzzer.name, seed, number, name, board.trace(first))
            keep.mkdir(parents=True, exist_ok=True)
            file = keep / f"{fuzzer.name}-{seed}-{number}"
            file.write_bytes(_shrunk(fuzzer, prepared, content_of(first), name))
            failure.file = str(file)
            failures.append(failure)
        counts.seconds = time.monotonic() - began
        return counts, failures
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class _Board:
    """What parent and child both see: a byte for each input, and what the bytes mean."""

    def __init__(self, folder: Path, n: int) -> None:
        self.n = n
        self._codes = mmap.mmap(-1, max(n, 1))
        self._names = folder / "outcomes"
        self._names.touch()
        self._known: dict[str, int] = {}
        self._traces = folder / "traces"
        self._traces.mkdir()

    def set(self, place: int, outcome: str, trace: str = "") -> None:
        if outcome not in self._known:
            names = self.names()
            self._known = {name: code for code, name in enumerate(names, 1)}
            if outcome not in self._known:
                with self._names.open("a") as stream:
                    stream.write(f"{outcome}\n")
                self._known[outcome] = len(names) + 1
                (self._traces / str(place)).write_text(trace, errors="backslashreplace")
        self._codes[place] = min(self._known[outcome], 255)

    def names(self) -> list[str]:
        return self._names.read_text().splitlines()

    def first_open(self, start: int) -> int:
        found = self._codes.find(b"\0", start)
        return self.n if found < 0 else min(found, self.n)

    def counts(self, fuzzer: str) -> Counts:
        of_code = Counter(self._codes[: self.n])
        counts = Counts(fuzzer, inputs=self.n)
        for code, name in enumerate(self.names(), 1):
            kind, _, what = name.partition(" ")
            number = of_code[code]
            if kind == "accepted":
                counts.accepted = number
            elif kind == "memory":
                counts.over_memory += number
            elif number:
                getattr(counts, kind)[what] = number
        return counts

    def failing(self) -> list[tuple[str, int]]:
        """Each kind of failure with its first input."""
        failing = [(code, name) for code, name in enumerate(self.names(), 1) if name.split()[0] in _FAILURES]
        found = [(name, self._codes.find(bytes([code]))) for code, name in failing]
        return [(name, place) for name, place in found if place >= 0]

    def trace(self, place: int) -> str:
        file = self._traces / str(place)
        return file.read_text() if file.is_file() else ""


_FAILURES = ("escaped", "crashed", "memory")


def _in_child(fuzzer: Fuzzer, prepared: Prepared, content_of: Callable[[int], bytes], board: _Board, start: int) -> int:
    """Let a child read inputs from `start`; the number of the next one to be read."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            _limit(fuzzer.room)
            for place in range(start, min(start + _BATCH, board.n)):
                content = content_of(place)
                before = _peak_from_here()
                outcome, trace = _outcome(fuzzer, prepared, content)
                if _peak() - before > fuzzer.most_memory:
                    outcome, trace = "memory peak", ""
                board.set(place, outcome, trace)
            code = 0
        except BaseException:
            traceback.print_exc()  # of this program, not of a reader
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    reached = board.first_open(start)
    if os.WIFSIGNALED(status):
        board.set(reached, f"crashed {signal.Signals(os.WTERMSIG(status)).name}")
        return reached + 1
    if os.WEXITSTATUS(status):
        raise RuntimeError(f"the fuzzer {fuzzer.name} itself failed at input {reached}")
    return reached


def _limit(room: int) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    most = pages * resource.getpagesize() + room
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")


def _peak_from_here() -> int:
    """Forget the most memory that was held so far, where the system can; returns what counts as the most now."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")
    return _peak()


def _peak() -> int:
    """Most memory that this process has held so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _outcome(fuzzer: Fuzzer, prepared: Prepared, content: bytes) -> tuple[str, str]:
    """How the reading of one input ends, and where."""
    signal.alarm(_SECONDS)  # what does not end is ended, and counts as a crash
    signal.setitimer(signal.ITIMER_PROF, _SECONDS_OF_WORK)
    try:
        prepared.read(content)
        return "accepted", ""
    except BaseException as error:
        kind = type(error).__name__
        if _is_of_memory(error):
            return f"memory {kind}", traceback.format_exc()[-2000:]
        if isinstance(error, ValueError) or (
            fuzzer.may_raise_os_error and isinstance(error, OSError) and error.filename
        ):
            return f"refused {kind}", ""
        return f"escaped {kind}", traceback.format_exc()[-2000:]
    finally:
        signal.alarm(0)
        signal.setitimer(signal.ITIMER_PROF, 0)


def _is_of_memory(error: BaseException | None) -> bool:
    """Whether memory was refused, which a larger machine would have given: somewhere in the chain of causes."""
    while error is not None:
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
            return True
        error = error.__cause__ or error.__context__
    return False


def _shrunk(fuzzer: Fuzzer, prepared: Prepared, content: bytes, outcome: str, tries: int = 200) -> bytes:
    """A smaller input from which the same escapes, as far as a few tries find one; others stay as they are."""
    if not outcome.startswith("escaped"):
        return content
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        try:
            _limit(fuzzer.room)
            best, step = content, max(len(content) // 2, 1)
            while tries > 0 and step >= 1:
                start = 0
                while start < len(best) and tries > 0:
                    smaller = best[:start] + best[start + step :]
                    tries -= 1
                    if _outcome(fuzzer, prepared, smaller)[0] == outcome:
                        best = smaller
                    else:
                        start += step
                step //= 2
            with os.fdopen(writer, "wb") as stream:
                stream.write(best)
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader, "rb") as stream:
        found = stream.read()
    os.waitpid(child, 0)
    return found or content
