"""How fast `SeqGenerator` draws, beside the released code whose sequences it draws.

    python benchmarks/bench_generator.py [FOLDER WITH THE OMNIGLOT ZIPS] [--released CHECKOUT]

The folder may also be in ICL_OMNIGLOT, the checkout of google-deepmind/emergent_in_context_learning in ICL_RELEASED.
With a checkout both are timed in turn in one process, on one core, in processor time, and the ratio is the median of
the pairs' ratios; set OMP_NUM_THREADS=1. Without one, the released code's rates are those that we measured on another
machine, and the ratio says little.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from icl_data import OmniglotSource, SeqGenerator, Source, SymbolicSource
from icl_data._released.sanity_released import ReleasedCode

PAIRS = 7
SECONDS = 0.15  # of each timing, roughly
SIZES, AUGMENTED_SIZES = (1603, 10, 10), (12_700, 100, 80)  # rare, common and holdout classes, as in the paper
BURST = {"seq_len": 9, "shots": 3, "ways": 2, "p_bursty": 0.9, "p_bursty_zipfian": 1.0, "non_bursty_type": "zipfian"}
KINDS: dict[str, dict[str, Any]] = {
    "bursty": {**BURST, "labeling_common": "ordered", "labeling_rare": "ordered"},
    "no_support": {"class_type": "zipfian", "seq_len": 9, "all_unique": False},
    "random": {"class_type": "zipfian", "seq_len": 9},
    "fewshot": {"class_type": "holdout", "shots": 4, "ways": 2},
    "mixed": {"shots": 4, "ways": 2, "p_fewshot": 0.5},
}
# The released code on another machine: sequences a second by kind, and seconds to load Omniglot.
ELSEWHERE = {
    ("symbolic", 1603): {"bursty": 5_067, "no_support": 4_793, "fewshot": 37_370},
    ("symbolic", 12_700): {"bursty": 808},
    ("omniglot", 1603): {"bursty": 794, "no_support": 624, "fewshot": 2_292},
}
LOADING_ELSEWHERE = 18.5
OMNIGLOT = {"type": "omniglot", "omniglot_split": "all", "exemplars": "all", "augment_images": False, "n_to_keep": None}
Records = Iterator[dict[str, Any]]


def sequences(generator: Any, kind: str) -> Records:
    """An iterator over the records of one kind."""
    records: Records = getattr(generator, f"get_{kind}_seq")(**KINDS[kind])
    return records


def rates(iterators: list[Records]) -> list[list[float]]:
    """Sequences a second of each iterator, timed in turn `PAIRS` times."""
    counts = []
    for records in iterators:
        _rate(records, 20)
        counts.append(max(int(_rate(records, 20) * SECONDS), 20))
    rounds = [[_rate(records, n) for records, n in zip(iterators, counts, strict=True)] for _ in range(PAIRS)]
    return [list(column) for column in zip(*rounds, strict=True)]


def _rate(records: Records, n: int) -> float:
    start = time.process_time()
    for _ in islice(records, n):
        pass
    return n / max(time.process_time() - start, 1e-9)


def _sources(omniglot: Path | None) -> Iterator[tuple[str, dict[str, Any], Source, tuple[int, int, int]]]:
    for sizes in (SIZES, AUGMENTED_SIZES):
        n = sum(sizes)
        yield "symbolic", {"type": "symbolic", "dataset_size": n}, SymbolicSource(n), sizes
    if omniglot is not None:
        start = time.perf_counter()
        source = OmniglotSource(omniglot, cache=False)
        took = time.perf_counter() - start
        print(f"Omniglot loaded in {took:.1f} s from the zips; released, measured elsewhere: {LOADING_ELSEWHERE} s")
        yield "omniglot", OMNIGLOT, source, SIZES


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Sequences a second of SeqGenerator and of the released code.")
    parser.add_argument("omniglot", nargs="?", default=os.environ.get("ICL_OMNIGLOT"), help="default: ICL_OMNIGLOT")
    parser.add_argument("--released", default=os.environ.get("ICL_RELEASED"), help="checkout (default: ICL_RELEASED)")
    options = parser.parse_args()
    omniglot = Path(options.omniglot) if options.omniglot else None
    released = ReleasedCode(Path(options.released), omniglot) if options.released else None
    print(
        f"sequences of 9 a second; the released code {'here' if released else 'measured elsewhere, on another machine'}"
    )
    print(f"{'source':<10}{'classes':>8}  {'kind':<12}{'ours':>10}{'released':>10}{'ratio':>8}")
    for name, made, source, sizes in _sources(omniglot):
        arguments = dict(zip(("n_rare_classes", "n_common_classes", "n_holdout_classes"), sizes, strict=True))
        arguments |= {"zipf_exponent": 0.0, "noise_scale": 0.0}
        generators: list[Any] = [SeqGenerator(source, **arguments, seed=0)]
        if released:
            generators.append(released.seq_generator(released.dataset(made), **arguments))
        for kind in KINDS:
            found = rates([sequences(generator, kind) for generator in generators])
            ours = statistics.median(found[0])
            theirs = statistics.median(found[1]) if released else ELSEWHERE[name, sizes[0]].get(kind)
            if released:
                ratio = statistics.median(mine / other for mine, other in zip(*found, strict=True))
            elif theirs:
                ratio = ours / theirs
            cells = f"{theirs:>10,.0f}{ratio:>7.1f}x" if theirs else f"{'-':>10}{'-':>8}"
            print(f"{name:<10}{sizes[0]:>8,}  {kind:<12}{ours:>10,.0f}{cells}", flush=True)


if __name__ == "__main__":
    main()
