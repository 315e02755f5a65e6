"""Read damaged files by the thousand, of one sort or of all, as the tests beside this do.

python tests/faults/fuzz.py                                all, 1,000 inputs each
python tests/faults/fuzz.py numpy --inputs 100000 --report counts.csv
python tests/faults/fuzz.py numpy --seed 1 --only 4711     one input again, with its traceback
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parent))

from fuzzed_arrays import FUZZERS as OF_DATA
from fuzzed_models import FUZZERS as OF_MODELS
from fuzzed_runs import FUZZERS as OF_RUNS
from fuzzed_settings import FUZZERS as OF_SETTINGS
from fuzzing import Counts, Failure, run_fuzzer
from reports import text_table, write_rows

FUZZERS = {fuzzer.name: fuzzer for fuzzer in (*OF_DATA, *OF_MODELS, *OF_SETTINGS, *OF_RUNS)}


def main(args: Sequence[str] | None = None) -> int:
    """Run the command; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("fuzzers", nargs="*", choices=[*FUZZERS, []], metavar="FUZZER", help=", ".join(FUZZERS))
    parser.add_argument("--inputs", type=int, default=1000, help="of each (some slow readers get a share of them)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", help="the number of an input, or the name of one that was known before")
    parser.add_argument("--report", type=Path, help="file for the counts, .csv or .json")
    parser.add_argument(
        "--keep", type=Path, default=Path(tempfile.gettempdir()) / "icl-faults", help="folder for inputs"
    )
    parser.add_argument("--outcome", type=Path, help=argparse.SUPPRESS)  # JSON for the tests
    command = parser.parse_args(args)
    chosen = [FUZZERS[name] for name in command.fuzzers or FUZZERS]
    if command.only is not None:
        return _only(chosen[0].name, command.seed, command.only)
    every: list[Counts] = []
    failures: list[Failure] = []
    for fuzzer in chosen:
        inputs = max(1, int(command.inputs * fuzzer.share))
        counts, failed = run_fuzzer(fuzzer, inputs, seed=command.seed, keep=command.keep)
        every.append(counts)
        failures += failed
    if command.report:
        write_rows(command.report, [counts.as_row() for counts in every])
    if command.outcome:
        told = {"counts": [one.as_row() for one in every], "failures": [str(one) for one in failures]}
        command.outcome.write_text(json.dumps(told))
        return 0
    print(text_table([counts.as_row() for counts in every]))
    for failure in failures:
        print(failure)
    return 1 if failures else 0


def _only(name: str, seed: int, number: str) -> int:
    """Read one input here, so that what comes out is seen as it is."""
    with tempfile.TemporaryDirectory() as folder:
        prepared = FUZZERS[name].prepare(Path(folder))
        drawn = number.isdecimal()
        prepared.read(prepared.draw(np.random.default_rng([seed, int(number)])) if drawn else prepared.known[number])
    print("accepted")
    return 0


if __name__ == "__main__":
    sys.exit(main())
