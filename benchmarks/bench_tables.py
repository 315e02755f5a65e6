"""How fast runs become a table, as ratios that carry over to other machines.

    python benchmarks/bench_tables.py [RUNS] [EVALUATIONS]

Makes folders of that many runs (else 200) of that many evaluations of four splits (else 500), with five lines of
training before each, in a temporary folder. Each way to read them is a process of its own, and reads them twice: what
the first time takes hangs on the disk. Memory is the most that the whole process had, with Python and its libraries.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from icl_train import RunFolder, figure3a, laptop
from icl_train.metrics import wilson_interval

INTERVAL, LOG_INTERVAL, N_SEQUENCES = 500, 100, 2048
SPLITS = {
    "fewshot_holdout": "accuracy_closed",
    "flipped": "accuracy_closed",
    "novel_label": "accuracy_closed",
    "no_support_zipfian": "accuracy_query",
}

MEASURE = """
import json, sys, time
from pathlib import Path
{imports}
root = sys.argv[1]
def most():
    return next(int(line.split()[1]) / 1024 for line in open("/proc/self/status") if line.startswith("VmHWM"))
def read():
    {read}
seconds = []
for _ in range(2):
    start, cpu = time.perf_counter(), time.process_time()
    table = read()
    seconds += [time.perf_counter() - start, time.process_time() - cpu]
    del table
print(*seconds, most())
"""
FILES = 'sorted(Path(root).rglob("metrics.jsonl"))'
WAYS = {
    "bytes alone": ("", f"return sum(len(file.read_bytes()) for file in {FILES})"),
    "json.loads, nothing kept": (
        "",
        f"return sum(len(json.loads(line)) for file in {FILES} for line in file.open(encoding='utf-8'))",
    ),
    "load_runs": ("import pandas, polars; from icl_eval import load_runs", "return load_runs(root)"),
    "load_runs, headlines alone": (
        "import pandas, polars; from icl_eval import load_runs",
        "return load_runs(root, metrics=['accuracy_closed', 'accuracy_query'])",
    ),
    "load_runs, all metrics": (
        "import pandas, polars; from icl_eval import load_runs",
        "return load_runs(root, metrics='all')",
    ),
    "summarize_runs": ("import pandas, polars; from icl_eval import summarize_runs", "return summarize_runs(root)"),
}


def _evaluation(split: str, step: int, chance: random.Random) -> dict[str, object]:
    record: dict[str, object] = {"split": f"eval_{split}", "step": step, "sequences": 32 * step}
    record |= {"headline": SPLITS[split], "chance": 0.5, "n_sequences": N_SEQUENCES, "protocol": "paper"}
    for metric in ("accuracy_query", "accuracy_closed"):
        correct = chance.randrange(N_SEQUENCES + 1)
        low, high = wilson_interval(correct, N_SEQUENCES)
        record |= {metric: correct / N_SEQUENCES, f"{metric}_low": low, f"{metric}_high": high}
    return (
        record
        | {name: chance.random() for name in ("from_fewshot", "from_support", "from_support_fewshot")}
        | {"loss_query": 4 * chance.random()}
    )


def _training(step: int, chance: random.Random) -> dict[str, object]:
    loss = 4 * chance.random()
    record: dict[str, object] = {
        "split": "train",
        "step": step,
        "sequences": 32 * step,
        "loss": loss,
        "loss_query": loss,
    }
    names = ("loss_interim", "accuracy_query", "learning_rate", "grad_l2", "weight_l2", "weight_l2_all")
    return record | {name: chance.random() for name in names} | {"sequences_per_second": 9000 * chance.random()}


def make_runs(root: Path, runs: int, evaluations: int) -> None:
    """Finished runs with made-up numbers: seeds of 5 values of p_bursty and 4 class counts."""
    steps = INTERVAL * (evaluations - 1)
    chance = random.Random(0)
    for number in range(runs):
        seed, p_bursty, count = (
            number // 20,
            (0.0, 0.5, 0.8, 0.9, 1.0)[number % 5],
            (100, 400, 1600, 8192)[number // 5 % 4],
        )
        base = laptop()
        base = replace(
            base,
            data=replace(base.data, p_bursty=p_bursty),
            train=replace(base.train, max_steps=steps),
            eval=replace(base.eval, interval=INTERVAL),
        )
        (config,) = figure3a(base, class_counts=(count,), seeds=(seed,))
        run = RunFolder.create(root / f"c{count:05}-p{p_bursty}-s{seed}", config, device="cpu", threads=1)
        records = []
        for last in range(0, steps + 1, INTERVAL):
            first = max(last - INTERVAL + LOG_INTERVAL, LOG_INTERVAL)
            records += [_training(step, chance) for step in range(first, last + 1, LOG_INTERVAL)]
            records += [_evaluation(split, last, chance) for split in SPLITS]
        run.append(records)
        run.mark_done()


def main() -> None:
    """Make the runs, read them in each way, print a line for each."""
    runs, evaluations = (int(given) for given in (sys.argv[1:] + ["200", "500"][len(sys.argv) - 1 :])[:2])
    with tempfile.TemporaryDirectory() as folder:
        make_runs(Path(folder), runs, evaluations)
        files = list(Path(folder).rglob("metrics.jsonl"))
        size = sum(file.stat().st_size for file in files)
        print(f"{runs} runs, {evaluations} evaluations each, {size / 2**20:,.0f} MiB of records")
        print(f"{'':28} {'first':>8} {'again':>8} {'cpu':>8} {'of json':>8} {'memory':>10}")
        reference = None
        for name, (imports, read) in WAYS.items():
            code = MEASURE.format(imports=imports, read=read)
            printed = subprocess.run([sys.executable, "-c", code, folder], check=True, capture_output=True, text=True)
            first, _, again, cpu, memory = map(float, printed.stdout.split())
            reference = again if name.startswith("json") else reference
            ratio = f"{again / reference:.2f}" if reference else ""
            print(f"{name:28} {first:7.2f}s {again:7.2f}s {cpu:7.2f}s {ratio:>8} {memory:6,.0f} MiB")


if __name__ == "__main__":
    main()
