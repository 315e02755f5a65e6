"""One table for a machine: an update in each engine, over classes, layers, batch sizes and threads.

    python benchmarks/bench_table.py [--device cuda] [--out benchmarks/results/NAME]

Every point is the paper's model on symbolic examples. Its engines, and on a CPU its numbers of threads, take turns in
one process, a few updates each, and their ratios are medians over the rounds: each against eager with as many threads,
and each against itself with one thread. Engines whose kernels are built first (compiled, fused) have a few points of
their own, which come last. When the minutes are over, what is left is named as not measured.

Ensembles of two-layer, five-token models, trained as one batched model, follow: see bench_ensemble.py.

With --out, NAME.csv has a row for each measurement and NAME.md the tables, with the hardware and the versions;
NAME-ensembles.csv has those of the ensembles.
"""

from __future__ import annotations

import argparse
import csv
import itertools
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from importlib import metadata
from pathlib import Path

import bench_ensemble
import torch

from icl_train import RunConfig, Task, chan2022, laptop, resolve_device
from icl_train._commands.allocator import keep_freed_memory
from icl_train._computing.precision import computing
from icl_train._distributed.alone import Alone
from icl_train._engines.choose import build_engine
from icl_train._making.environment import available_cores, processor_name
from icl_train.config import EngineName

ROUNDS, SECONDS_A_BLOCK, MOST_UPDATES, WARM_UP = 5, 0.12, 200, 3
MINUTES = {"cpu": 12.0, "cuda": 2.0}
LAYERS, CLASSES, BATCHES = (2, 12), (100, 1600, 12_800), (32, 128, 512)
BUILT_AT = ((2, 1600, 32), (12, 1600, 32), (12, 1600, 512))
MEMBERS = {"cpu": (1, 4, 16), "cuda": (1, 4, 16, 64, 100)}
PLAIN: dict[str, tuple[EngineName, ...]] = {"cpu": ("eager",), "cuda": ("eager", "graph", "fused")}
BUILT: dict[str, tuple[EngineName, ...]] = {"cpu": ("compiled",), "cuda": ("fused", "compiled")}


@dataclass(frozen=True)
class Point:
    """One kind of run; ``classes`` 0 is the laptop preset as it is."""

    layers: int
    classes: int
    batch: int

    def config(self, engine: EngineName, device: str) -> RunConfig:
        """Its settings."""
        base = laptop() if not self.classes else chan2022()
        if self.classes:
            data = replace(base.data, source="symbolic", n_rare_classes=self.classes - base.data.n_common_classes)
            model = replace(base.model, embedder="embedding", embedder_config=None, num_layers=self.layers)
            base = replace(base, data=data, model=model)
        return replace(base, train=replace(base.train, engine=engine, device=device, batch_size=self.batch))

    def __str__(self) -> str:
        what = f"{self.classes:,} classes" if self.classes else "laptop preset"
        return f"{self.layers} layers, {what}, batch {self.batch}"


@dataclass
class Row:
    """What was measured of one engine at one point."""

    layers: int
    classes: int
    batch: int
    engine: str
    threads: int
    milliseconds: float
    steps_per_second: float
    sequences_per_second: float
    against_eager: float
    against_one_thread: float
    first_seconds: float
    device_bytes: int


class Contender:
    """An engine that takes its turns."""

    def __init__(
        self, point: Point, engine: EngineName, threads: int, device: str, like: Contender | None = None
    ) -> None:
        self.name, self.threads = engine, threads
        self._device = torch.device(device)
        torch.set_num_threads(threads)
        self.before = torch.cuda.memory_allocated() if self._on_cuda else 0
        started = time.perf_counter()
        if like is None:
            task = Task.build(point.config(engine, device), device=resolve_device(device))
            self.engine = build_engine(task, Alone())
            self.steps = itertools.count(1)
        else:
            self.engine, self.steps = like.engine, like.steps
        self.engine.update(next(self.steps))
        self._wait()
        self.first_seconds: float = time.perf_counter() - started if like is None else like.first_seconds
        self.block(WARM_UP)
        self.bytes = torch.cuda.max_memory_allocated() - self.before if self._on_cuda else 0
        self.times: list[float] = []

    @property
    def _on_cuda(self) -> bool:
        return self._device.type == "cuda"

    def _wait(self) -> None:
        if self._on_cuda:
            torch.cuda.synchronize()

    def block(self, updates: int) -> float:
        """Seconds of an update, over some."""
        torch.set_num_threads(self.threads)
        started = time.perf_counter()
        for _ in range(updates):
            self.engine.update(next(self.steps))
        self._wait()
        return (time.perf_counter() - started) / updates


def measured(point: Point, engines: Sequence[EngineName], threads: Sequence[int], device: str) -> list[Row]:
    """All engines of a point with each number of threads, in turns."""
    contenders: list[Contender] = []
    try:
        for engine in engines:
            like: Contender | None = None
            for count in threads:
                if torch.cuda.is_available():
                    torch.cuda.reset_peak_memory_stats()
                contenders.append(Contender(point, engine, count, device, like))
                like = contenders[-1] if engine == "eager" else None  # compiled code has its threads built in
        updates = [max(1, min(MOST_UPDATES, round(SECONDS_A_BLOCK / one.block(WARM_UP)))) for one in contenders]
        for _ in range(ROUNDS):
            for one, count in zip(contenders, updates, strict=True):
                one.times.append(one.block(count))
    finally:
        for one in contenders:
            one.engine.close()
        torch.compiler.reset()
    return [_row(point, one, contenders) for one in contenders]


def _row(point: Point, one: Contender, contenders: Sequence[Contender]) -> Row:
    def ratio(other: Callable[[Contender], bool]) -> float:
        (than,) = filter(other, contenders)
        return statistics.median(theirs / ours for ours, theirs in zip(one.times, than.times, strict=True))

    seconds = statistics.median(one.times)
    return Row(
        layers=point.layers,
        classes=point.classes,
        batch=point.batch,
        engine=one.name,
        threads=one.threads,
        milliseconds=1e3 * seconds,
        steps_per_second=1 / seconds,
        sequences_per_second=point.batch / seconds,
        against_eager=ratio(lambda than: (than.name, than.threads) == ("eager", one.threads)),
        against_one_thread=ratio(lambda than: (than.name, than.threads) == (one.name, contenders[0].threads)),
        first_seconds=one.first_seconds,
        device_bytes=one.bytes,
    )


def points(kind: str) -> Iterator[tuple[Point, tuple[EngineName, ...], bool]]:
    """Each point with its engines, and whether with all numbers of threads: those that matter most come first."""
    yield Point(2, 0, 64), PLAIN[kind], True
    for batch, layers, classes in itertools.product(BATCHES, LAYERS, CLASSES):
        yield Point(layers, classes, batch), PLAIN[kind], True
    for place in BUILT_AT[:2] if kind == "cpu" else BUILT_AT:
        yield Point(*place), (*PLAIN[kind], *BUILT[kind]), False


@dataclass
class EnsembleRow:
    """What was measured of models trained together, or of one alone."""

    members: int
    engine: str
    milliseconds: float
    steps_per_second: float
    against_solo_eager: float
    device_bytes: int


def ensembles(kind: str) -> list[EnsembleRow]:
    """Solo models and ensembles of each size, in turns."""
    on_cuda = kind == "cuda"
    updates: list[tuple[int, str, Callable[[], None]]] = [(1, "solo, eager", bench_ensemble.solo(1600, 32, kind))]
    if on_cuda:
        updates.append((1, "solo, graph", bench_ensemble.as_graph(bench_ensemble.solo(1600, 32, kind))))
    held = []
    for members in MEMBERS[kind]:
        before = torch.cuda.memory_allocated() if on_cuda else 0
        update = bench_ensemble.ensemble(members, 1600, 32, 1, kind)
        updates.append((members, "ensemble", bench_ensemble.as_graph(update) if on_cuda else update))
        held.append(torch.cuda.memory_allocated() - before if on_cuda else 0)
    for _, _, update in updates:
        bench_ensemble.seconds(update, kind, 0.0)
    times = [[bench_ensemble.seconds(update, kind, SECONDS_A_BLOCK) for *_, update in updates] for _ in range(ROUNDS)]
    rows = []
    for place, (members, engine, _) in enumerate(updates):
        seconds = statistics.median(one[place] for one in times)
        ratio = statistics.median(one[0] * members / one[place] for one in times)
        size = held[place - len(updates)] if engine == "ensemble" else 0
        rows.append(EnsembleRow(members, engine, 1e3 * seconds, members / seconds, ratio, size))
    return rows


def hardware(device: str) -> dict[str, str]:
    """What it was measured on and with."""
    found = {"processor": processor_name(), "cores": str(available_cores())}
    if device.startswith("cuda"):
        found["GPU"] = torch.cuda.get_device_name()
        found["CUDA"] = str(torch.version.cuda)
    for name in ("torch", "numpy", "icl-train"):
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    found |= {"Python": platform.python_version(), "revision": _revision(), "date": time.strftime("%Y-%m-%d")}
    return {name: text for name, text in found.items() if text}


def _revision() -> str:
    with suppress(OSError, subprocess.SubprocessError):
        command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    return ""


def markdown(
    rows: Sequence[Row], together: Sequence[EnsembleRow], where: dict[str, str], left_out: Sequence[str]
) -> str:
    """The table as Markdown."""
    lines = ["# An update in each engine", "", ", ".join(f"{name} {text}" for name, text in where.items()) + ".", ""]
    lines += [
        f"Medians of {ROUNDS} rounds in which the engines of a point take turns; ratios are medians over the rounds, "
        "above 1 is quicker. *first* is the time until the first update is done, compiling or capturing included; "
        "*pays after* is the number of updates from which that is less than eager takes.",
        "",
        "| layers | classes | batch | threads | engine | ms an update | updates/s | sequences/s | against eager | "
        "against 1 thread | first, s | pays after |",
        "|--:|--:|--:|--:|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [_line(row, rows) for row in rows]
    if left_out:
        lines += ["", f"Not measured, as the time was over: {'; '.join(left_out)}."]
    if together:
        lines += ["", "## Ensembles", ""]
        lines += [
            "Two-layer, five-token models (singh2025), 1,600 classes, batch 32; examples are there beforehand.",
            "",
            "| members | engine | ms a step of all | members' steps/s | against solo, eager |",
            "|--:|---|--:|--:|--:|",
        ]
        lines += [
            f"| {one.members} | {one.engine} | {one.milliseconds:.3f} | {one.steps_per_second:,.0f} | "
            f"{one.against_solo_eager:.2f} |"
            for one in together
        ]
    return "\n".join(lines) + "\n"


def _line(row: Row, rows: Sequence[Row]) -> str:
    own = (row.layers, row.classes, row.batch, row.threads)
    eager = next(
        one for one in rows if (one.layers, one.classes, one.batch, one.threads, one.engine) == (*own, "eager")
    )
    cells = [
        f"{row.layers}",
        f"{row.classes:,}" if row.classes else "laptop",
        f"{row.batch}",
        f"{row.threads}",
        row.engine,
        f"{row.milliseconds:.2f}",
        f"{row.steps_per_second:,.1f}",
        f"{row.sequences_per_second:,.0f}",
        "" if row.engine == "eager" else f"{row.against_eager:.2f}",
        "" if row.threads == 1 else f"{row.against_one_thread:.2f}",
        f"{row.first_seconds:.1f}",
        "" if row.engine == "eager" else _pays_after(row, eager),
    ]
    return f"| {' | '.join(cells)} |"


def _pays_after(row: Row, eager: Row) -> str:
    gained = (eager.milliseconds - row.milliseconds) / 1e3
    lost = row.first_seconds - eager.first_seconds
    return "never" if gained <= 0 else f"{max(0.0, lost) / gained:,.0f}"


def main() -> None:
    """Measure, print, write."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--device", default="cpu")
    asked.add_argument("--out", type=Path, help="write NAME.csv and NAME.md")
    asked.add_argument("--threads", type=int, nargs="+", help="default: 1 and all cores on a CPU, 1 on a GPU")
    asked.add_argument("--minutes", type=float, help=f"when to stop; default: {MINUTES}")
    asked.add_argument("--only", type=int, help="measure that many points alone, to try it")
    given = asked.parse_args()
    kind = resolve_device(given.device).type
    threads = given.threads or ((1,) if kind == "cuda" else tuple(dict.fromkeys((1, available_cores()))))
    end = time.monotonic() + 60 * (given.minutes or MINUTES[kind])
    where = hardware(given.device)
    print(", ".join(f"{name} {text}" for name, text in where.items()), flush=True)
    keep_freed_memory()  # as training does
    rows: list[Row] = []
    left_out: list[str] = []
    with computing("float32", resolve_device(given.device)):
        for point, engines, all_threads in itertools.islice(points(kind), given.only):
            if time.monotonic() > end:
                left_out.append(f"{point} ({', '.join(engines)})")
                continue
            known = {(row.layers, row.classes, row.batch, row.threads, row.engine) for row in rows}
            for row in measured(point, engines, threads if all_threads else threads[:1], given.device):
                if (row.layers, row.classes, row.batch, row.threads, row.engine) in known:
                    continue  # here for the others' ratios
                rows.append(row)
                against = "" if row.engine == "eager" else f", {row.against_eager:.2f} times as fast as eager"
                if row.threads != threads[0]:
                    against += f", {row.against_one_thread:.2f} times as fast as in {threads[0]} thread"
                what = f"{point}, {row.engine}, {row.threads} thread{'s' if row.threads > 1 else ''}"
                print(f"{what:<70} {row.milliseconds:9.2f} ms{against}", flush=True)
    if left_out:
        print(f"not measured, as the time was over: {'; '.join(left_out)}")
    together = [] if given.only is not None else ensembles(kind)
    for one in together:
        print(
            f"{one.engine + f' of {one.members}':<70} {one.milliseconds:9.3f} ms, {one.steps_per_second:,.0f} steps/s "
            f"in all, {one.against_solo_eager:.2f} times as fast as solo, eager",
            flush=True,
        )
    if given.out is not None:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        _write(given.out.with_suffix(".csv"), rows, where)
        if together:
            _write(given.out.with_name(f"{given.out.stem}-ensembles.csv"), together, where)
        given.out.with_suffix(".md").write_text(markdown(rows, together, where, left_out), encoding="utf-8")


def _write(path: Path, rows: Sequence[Row] | Sequence[EnsembleRow], where: dict[str, str]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=[*asdict(rows[0]), *where])
        writer.writeheader()
        writer.writerows(asdict(row) | where for row in rows)


if __name__ == "__main__":
    main()
