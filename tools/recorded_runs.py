"""What pages say of runs, read from their folders: settings, values at every evaluation, times, versions.

Nothing of it names a place: no path, no host. What a folder cannot tell (the name of the processor) is known where the
runs were trained, and empty elsewhere.
"""

from __future__ import annotations

import calendar
import csv
import io
import json
import platform
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from icl_data.foundation.printable import printable
from icl_data.foundation.whole_file import write_text
from icl_eval import RunSeries, collect
from icl_train import RunFolder
from icl_train._making.environment import processor_name

__all__ = [
    "Row",
    "draw",
    "read_rows",
    "run_row",
    "runs_below",
    "settings_text",
    "updates_done",
    "value_rows",
    "write_rows",
]

Row = dict[str, Any]

# column → split and metric
MEASURES = {
    "icl": ("fewshot_holdout", "accuracy_closed"),
    "icl_all_classes": ("fewshot_holdout", "accuracy_query"),
    "novel_labels": ("novel_label", "accuracy_closed"),
    "flipped": ("flipped", "accuracy_closed"),
    "both_ways": ("flipped", "accuracy_both"),
    "iwl": ("no_support_zipfian", "accuracy_query"),
}
# A run's files carry the time at which they were last written; of a copy that is the time of the copy, which shows.
_WALL_IS_LIKELY = 2.0


def runs_below(roots: Iterable[Path]) -> list[RunSeries]:
    """The runs below some folders, finished or not, each once; broken and foreign folders are named on stderr."""
    series, skipped = collect(*roots, unfinished=True)
    for line in skipped:
        print(printable(line), file=sys.stderr)
    return sorted(series, key=lambda one: one.run.name)


def updates_done(run: RunFolder) -> int:
    """Updates that a run has recorded."""
    return max((record["step"] for record in run.records()), default=0)


def run_row(run: RunFolder) -> Row:
    """What a run has come to, in what time, on what, with what."""
    config, status = run.config, run.status()
    done, seconds = updates_done(run), _seconds_of_updates(run)
    start = run.starts[-1] if run.starts else {}
    versions = start.get("versions") or run.environment["versions"]
    return {
        "run": run.name,
        "seed": config.seeds.data,
        "state": status if status in ("done", "failed") else "unfinished",
        "updates": done,
        "of_updates": config.train.max_steps,
        "seconds_of_updates": round(seconds, 1),
        "seconds_per_update": round(seconds / done, 4) if done else "",
        "seconds_in_all": _seconds_in_all(run, seconds),
        "starts": len(run.starts),
        "device": start.get("device") or run.environment["device"],
        "threads": start.get("threads") or run.threads,
        "engine": start.get("engine", ""),
        "processor": _hardware(run),
        "python": start.get("python") or run.environment["python"],
        **{name: version or "" for name, version in versions.items()},
    }


def _hardware(run: RunFolder) -> str:
    """What a run was trained on, one after the other; empty where it is not known.

    Of a run that has not written it down it is that of this machine, if it was trained on a CPU of a host of its name.
    """
    known = [start.get("hardware") or _of_here(start) for start in run.starts or [run.environment]]
    return ", then ".join(dict.fromkeys(known)) if all(known) else ""


def _of_here(start: Mapping[str, Any]) -> str:
    return processor_name() if (start["device"], start["host"]) == ("cpu", platform.node()) else ""


def _seconds_of_updates(run: RunFolder) -> float:
    """Of all updates that its records are about, evaluations and checkpoints not counted; over all starts."""
    seconds, before = 0.0, 0
    for record in run.records():
        if record["split"] != "train":
            continue
        if speed := record.get("sequences_per_second"):
            seconds += (record["step"] - before) * run.config.train.batch_size / speed
        before = record["step"]
    return seconds


def _seconds_in_all(run: RunFolder, of_updates: float) -> float | str:
    """From its start to its last record; empty where that cannot be said, of a run that went on later or was copied."""
    if len(run.starts) != 1:
        return ""
    started = calendar.timegm(time.strptime(run.starts[0]["time"], "%Y-%m-%dT%H:%M:%SZ"))
    seconds = (run.path / "metrics.jsonl").stat().st_mtime - started
    return round(seconds, 1) if 0.95 * of_updates <= seconds <= _WALL_IS_LIKELY * of_updates + 60 else ""


def value_rows(run: RunFolder) -> list[Row]:
    """A row for each evaluation: accuracies with their 95% bounds, and that of the training sequences since the last.

    The columns are those of ``MEASURES``, each with ``_low`` and ``_high``, empty where nothing was measured.
    """
    rows: dict[int, Row] = {}
    trained: list[tuple[int, float]] = []
    for record in run.records():
        if record["split"] == "train":
            trained.append((record["step"], record["accuracy_query"]))
            continue
        row = rows.setdefault(record["step"], _empty(run, record))
        for name, (split, metric) in MEASURES.items():
            if record["split"] == f"eval_{split}" and metric in record:
                row[name] = record[metric]
                row[f"{name}_low"], row[f"{name}_high"] = record[f"{metric}_low"], record[f"{metric}_high"]
    before = 0
    for step, row in sorted(rows.items()):
        since = [value for at, value in trained if before < at <= step]
        row["training_accuracy"] = sum(since) / len(since) if since else ""
        before = step
    return [rows[step] for step in sorted(rows)]


def _empty(run: RunFolder, record: Mapping[str, Any]) -> Row:
    measured = {f"{name}{end}": "" for name in MEASURES for end in ("", "_low", "_high")}
    place = {"run": run.name, "classes": run.config.data.n_trained_classes, "seed": run.config.seeds.data}
    counted = {"step": record["step"], "sequences": record["sequences"], "n_sequences": record["n_sequences"]}
    return {**place, **counted, **measured}


def settings_text(run: RunFolder) -> str:
    """The settings of a run as JSON, without where its data lie."""
    settings = run.config.to_dict()
    settings["data"]["omniglot"] = None
    return json.dumps(settings, indent=1) + "\n"


def write_rows(file: Path, rows: Sequence[Row]) -> None:
    """Rows as a CSV file with the columns of all of them, in the order in which they come; cells may be empty."""
    text = io.StringIO()
    table = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    write_text(file, text.getvalue())


def read_rows(file: Path) -> list[dict[str, str]]:
    """The rows of a CSV file; none if it is not there."""
    if not file.exists():
        return []
    with file.open(newline="", encoding="utf-8") as text:
        return list(csv.DictReader(text))


def draw(*words: object) -> bool:
    """Whether an icl-eval command has done its work; what it says is passed on if not.

    Args:
        words: of the command.
    """
    done = subprocess.run(
        [sys.executable, "-m", "icl_eval", *map(str, words)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(done.stderr.strip() or done.stdout.strip(), file=sys.stderr)
    return done.returncode == 0
