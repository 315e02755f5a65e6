"""How fast sequences are drawn, and Reddy's tokens made, and Omniglot is loaded, as ratios that carry over to others.

    python benchmarks/bench_data.py [FOLDER WITH THE OMNIGLOT ZIPS, else that in ICL_OMNIGLOT]

Rates are medians of repeated runs of one process on one core, in processor time, so that other work on the machine
does not count; set OMP_NUM_THREADS=1. Loading is timed by the clock.
"""

from __future__ import annotations

import importlib.util
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable

import numpy as np
from bench_generator import AUGMENTED_SIZES, SIZES, rates, sequences

from icl_data import (
    BatchSampler,
    Bursty,
    ClassSplit,
    Fewshot,
    Mixed,
    NoSupport,
    Random,
    ReddySequences,
    SeqGenerator,
    SymbolicSource,
)

BATCH, STEPS, REPEATS = 32, 320, 7
KINDS = {"bursty": Bursty(), "no_support": NoSupport(), "random": Random(), "fewshot": Fewshot(), "mixed": Mixed()}

# Resident memory is that of the images once loaded and looked up, above that of Python, the imports and, for a bank,
# one like it of a few images.
LOAD = """
import sys, time
from icl_data import Augmented, OmniglotSource
_, folder, cache, storage, classes, library = sys.argv
bank_of = lambda source: source
if library:
    import importlib
    bank_of = importlib.import_module("icl_data." + library).ExampleBank
def resident():
    for line in open("/proc/self/status"):
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
def load(n_to_keep):
    source = OmniglotSource(folder, cache=cache or False, packed=storage == "packed", n_to_keep=n_to_keep)
    if classes == "augmented":
        source = Augmented(source)
    bank = bank_of(source)
    if library or classes:
        bank.gather(range(0, source.n_classes, 999), [0] * len(range(0, source.n_classes, 999)))
    return bank
if library:
    load(2)
before, start = resident(), time.perf_counter()
bank = load(None)
print(time.perf_counter() - start, resident() - before)
"""


def _seconds(run: Callable[[], object]) -> float:
    run()
    times = []
    for _ in range(REPEATS):
        start = time.process_time()
        run()
        times.append(time.process_time() - start)
    return statistics.median(times)


def _sampled_rate(
    kind: Bursty | NoSupport | Random | Fewshot | Mixed, sizes: tuple[int, int, int], n_exemplars: int, zipf: float
) -> float:
    rare, common, holdout = sizes
    split = ClassSplit(sum(sizes), n_rare=rare, n_common=common, n_holdout=holdout, zipf_exponent=zipf)
    sampler = BatchSampler(n_exemplars, split, kind, batch_size=BATCH, seed=0)
    steps = iter(range(10**9))
    return BATCH * STEPS / _seconds(lambda: [sampler(next(steps)) for _ in range(STEPS)])


def _generated_rate(name: str, zipf: float) -> float:
    generator = SeqGenerator(SymbolicSource(1623), *SIZES, zipf_exponent=zipf, noise_scale=0.0, seed=0)
    return statistics.median(rates([sequences(generator, name)])[0])


class ReddyByHand:
    """The law of Reddy (2023) as one reads it, a sequence at a time: 8 pairs of 1,024 classes in bursts of 2."""

    def __init__(self) -> None:
        rng = self.rng = np.random.default_rng(0)
        self.classes = rng.normal(size=(1024, 63)) / np.sqrt(63)
        self.labels = rng.normal(size=(32, 63)) / np.sqrt(63)
        weights = 1.0 / np.arange(1, 1025)
        self.weights = weights / weights.sum()

    def batch(self, size: int = 128) -> tuple[np.ndarray, np.ndarray]:
        """Tokens (size, 17, 128) and the right labels (size,)."""
        tokens, answers = np.zeros((size, 17, 128), dtype=np.float32), np.zeros(size, dtype=np.int64)
        for one, answer in zip(tokens, range(size), strict=True):
            context = np.repeat(self.rng.choice(1024, size=4, p=self.weights), 2)
            self.rng.shuffle(context)
            target = context[self.rng.integers(8)]
            shown = np.append(context, target)
            items = (self.classes[shown] + 0.1 * self.rng.normal(size=(9, 63)) / np.sqrt(63)) / np.sqrt(1.01)
            one[::2, 65:], one[1::2, 65:] = items, self.labels[context % 32]
            start = self.rng.integers(49)
            one[np.arange(17), start + np.arange(17)] = 1
            answers[answer] = target % 32
        return tokens, answers


def _print_reddy() -> None:
    by_hand, size, steps = ReddyByHand(), 128, 80
    made = ReddySequences(n_classes=1024, burst=2, zipf_exponent=1.0, batch_size=size)
    number = iter(range(10**9))
    slow = size * steps / _seconds(lambda: [by_hand.batch(size) for _ in range(steps)])
    fast = size * steps / _seconds(lambda: [made(next(number)) for _ in range(steps)])
    print(f"\nReddy's sequences of 17 tokens, thousand a second, batches of {size}: a loop {slow / 1000:.1f}, ", end="")
    print(f"ReddySequences {fast / 1000:.0f}, {fast / slow:.0f}x")


def _load(folder: str, cache: str, storage: str = "", classes: str = "", library: str = "") -> tuple[float, float]:
    """Median seconds and MiB of fresh processes."""
    runs = []
    for _ in range(3):
        command = [sys.executable, "-c", LOAD, folder, cache, storage, classes, library]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        runs.append(tuple(float(value) for value in done.stdout.split()))
    return statistics.median(run[0] for run in runs), statistics.median(run[1] for run in runs)


def main() -> None:
    """Print the tables."""
    print(f"thousand sequences of 9 a second, one core, batches of {BATCH}; vectorised with 1 and 20 exemplars a class")
    columns = [f"{sum(sizes):,}/{n_exemplars}" for sizes in (SIZES, AUGMENTED_SIZES) for n_exemplars in (1, 20)]
    print(f"{'kind':<12}{'Zipf':>5}{'exact, ids':>12}{''.join(f'{column:>11}' for column in columns)}{'ratio':>7}")
    for zipf in (0.0, 1.0):
        for name, kind in KINDS.items():
            exact = _generated_rate(name, zipf)
            vectorised = [_sampled_rate(kind, sizes, n, zipf) for sizes in (SIZES, AUGMENTED_SIZES) for n in (1, 20)]
            cells = "".join(f"{rate / 1000:>11,.0f}" for rate in vectorised)
            print(f"{name:<12}{zipf:>5}{exact / 1000:>12,.1f}{cells}{vectorised[0] / exact:>6.0f}x")
    _print_reddy()
    folder = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("ICL_OMNIGLOT")
    if not folder:
        print("pass a folder with the two Omniglot zips to time loading too")
        return
    with tempfile.TemporaryDirectory() as cache:
        zips, _ = _load(folder, "")
        cached, plain = _load(folder, cache)
        packed_seconds, packed = _load(folder, cache, "packed")
        _, packed_zips = _load(folder, "", "packed")
        _, augmented = _load(folder, cache, "packed", "augmented")
        libraries = [library for library in ("torch", "jax") if importlib.util.find_spec(library)]
        banks = {
            library: [
                _load(folder, cache, storage, classes, library)[1]
                for storage, classes in (("", ""), ("", "augmented"), ("packed", ""), ("packed", "augmented"))
            ]
            for library in libraries
        }
    print(f"\nOmniglot, 32,460 images: zips {zips:.2f} s, cache {cached:.2f} s, packed {packed_seconds:.2f} s")
    print(f"resident, a byte a pixel: {plain:.0f} MiB; float32 would be {32_460 * 105 * 105 * 4 / 2**20:.0f}")
    print(
        f"resident, packed: {packed:.0f} MiB ({packed_zips:.0f} from the zips), {augmented:.0f} with 8 x 1,623 classes"
    )
    for library, (plain, plain_augmented, packed, packed_augmented) in banks.items():
        print(
            f"resident with a bank for {library}: {plain:.0f} MiB, {plain_augmented:.0f} with 8 x 1,623 classes; "
            f"packed: {packed:.0f} and {packed_augmented:.0f}"
        )


if __name__ == "__main__":
    main()
