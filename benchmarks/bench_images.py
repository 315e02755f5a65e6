"""How fast index batches become examples, against copying as many bytes in the same run.

    python benchmarks/bench_images.py [FOLDER WITH THE OMNIGLOT ZIPS] [--device cuda] [--library torch|jax]

Batches are 32 sequences of 9. Times are medians of rounds in which every row takes its turn, beside a plain copy of the
floats of a full-size batch: by processor, so that other work on the machine does not count, and by the clock, which is
what counts where another device works. Without a folder, and without ICL_OMNIGLOT to name one, images are random bits
in the shape of Omniglot's. Set OMP_NUM_THREADS=1, and keep JAX on one core, for the speed of one.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from icl_data import (
    ArraySource,
    Augmented,
    BatchSampler,
    Bursty,
    ClassSplit,
    GaussianSource,
    OmniglotSource,
    Source,
    SymbolicSource,
)

BATCH, LENGTH, N_CLASSES = 32, 9, 1623
ROUNDS, STEPS = 15, 4
FULL_SIZE = (BATCH, LENGTH, 105, 105, 1)
Run = Callable[[int], object]


def _sources(folder: str | None) -> dict[str, Source]:
    if folder is None:
        bits = np.random.default_rng(0).integers(2, size=(300, 20, 105, 105), dtype=np.uint8)
        images: dict[str, Source] = {"bytes": ArraySource(bits)}
    else:
        images = {"bytes": OmniglotSource(folder), "bits": OmniglotSource(folder, packed=True)}
    augmented: dict[str, Source] = {f"augmented {name}": Augmented(source) for name, source in images.items()}
    return images | augmented | {"vectors": GaussianSource(N_CLASSES), "ids": SymbolicSource(N_CLASSES)}


def _rows(sources: dict[str, Source]) -> list[tuple[str, Source, dict[str, Any]]]:
    found: list[tuple[str, Source, dict[str, Any]]] = []
    for name, source in sources.items():
        if source.kind != "image":
            found.append((name, source, {}))
            continue
        found += [(name, source, {}), (f"{name} to 28x28", source, {"downsample": True})]
        if not name.startswith("augmented"):
            found.append((f"{name} with noise", source, {"noise_scale": 0.1}))
            found.append((f"{name} with noise to 28x28", source, {"noise_scale": 0.1, "downsample": True}))
    return found


def _batches(source: Source) -> list[Any]:
    n_held_out = source.n_classes // 10
    split = ClassSplit(source.n_classes, n_rare=source.n_classes - 10 - n_held_out, n_common=10, n_holdout=n_held_out)
    sampler = BatchSampler(source, split, Bursty(), batch_size=BATCH, seed=0)
    return [sampler(step) for step in range(ROUNDS * STEPS)]


def _torch_runs(
    rows: list[tuple[str, Source, dict[str, Any]]], device: str
) -> tuple[dict[str, Run], Callable[[], None]]:
    import torch

    from icl_data.torch import ExampleBank

    def run(source: Source, options: dict[str, Any]) -> Run:
        bank, batches = ExampleBank(source, device=device, **options), _batches(source)
        return lambda step: bank(batches[step % len(batches)], seed=0, step=step)

    floats = torch.ones(FULL_SIZE, device=device)
    to = torch.empty_like(floats)
    wait = torch.cuda.synchronize if torch.device(device).type == "cuda" else lambda: None
    return {"copy": lambda step: to.copy_(floats)} | {name: run(*row) for name, *row in rows}, wait


def _jax_runs(rows: list[tuple[str, Source, dict[str, Any]]], device: str) -> tuple[dict[str, Run], Callable[[], None]]:
    import jax

    from icl_data.jax import ExampleBank

    where, key = jax.devices(device)[0], jax.random.key(0)

    def run(source: Source, options: dict[str, Any]) -> Run:
        bank, batches = ExampleBank(source, device=where, **options), _batches(source)
        return lambda step: bank(batches[step % len(batches)], key=key).block_until_ready()

    floats, to = np.ones(FULL_SIZE, np.float32), np.empty(FULL_SIZE, np.float32)
    on_device = jax.device_put(floats, where)

    def copy(step: int) -> None:
        if device == "cpu":
            np.copyto(to, floats)
        else:
            jax.numpy.copy(on_device).block_until_ready()

    return {"copy": copy} | {name: run(*row) for name, *row in rows}, lambda: None


def _times(runs: dict[str, Run], wait: Callable[[], None]) -> dict[str, tuple[float, float]]:
    """Median seconds per batch of each, by processor and by the clock."""
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in runs}
    for round_number in range(-1, ROUNDS):
        for name, run in runs.items():
            wait()
            processor, clock = time.process_time(), time.perf_counter()
            for step in range(STEPS):
                run(max(round_number, 0) * STEPS + step)
            wait()
            if round_number >= 0:  # the first round warms up
                taken = time.process_time() - processor, time.perf_counter() - clock
                times[name].append((taken[0] / STEPS, taken[1] / STEPS))
    return {
        name: (statistics.median(first for first, _ in taken), statistics.median(second for _, second in taken))
        for name, taken in times.items()
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "folder", nargs="?", default=os.environ.get("ICL_OMNIGLOT"), help="folder with the two Omniglot zips"
    )
    parser.add_argument("--device", default="cpu", help="cpu, cuda, ...: where the bank is")
    parser.add_argument("--library", choices=("torch", "jax"), default="torch")
    options = parser.parse_args()
    prepare = {"torch": _torch_runs, "jax": _jax_runs}[options.library]
    runs, wait = prepare(_rows(_sources(options.folder)), options.device)
    times = _times(runs, wait)
    n_bytes = 4 * int(np.prod(FULL_SIZE))
    copy_processor, copy_clock = times.pop("copy")
    unit = copy_processor if options.device == "cpu" else copy_clock
    print(f"{options.library} on {options.device}, batches of {BATCH} x {LENGTH}, {n_bytes / 1e6:.1f} MB at full size")
    print(f"copying those: {copy_processor * 1e3:.2f} ms by processor, {copy_clock * 1e3:.2f} by the clock, which is")
    print(f"{n_bytes / unit / 1e9:.1f} GB/s or {BATCH / unit:,.0f} sequences a second")
    print(f"{'examples':<30}{'ms processor':>13}{'ms clock':>10}{'sequences/s':>13}{'times a copy':>14}")
    for name, (processor, clock) in times.items():
        taken = processor if options.device == "cpu" else clock
        print(f"{name:<30}{processor * 1e3:>13.3f}{clock * 1e3:>10.3f}{BATCH / taken:>13,.0f}{taken / unit:>14.2f}")


if __name__ == "__main__":
    main()
