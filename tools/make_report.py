"""Write docs/report.html and its CSV files, of the runs that these are about already and of any others.

    python tools/make_report.py                      made anew of its own files
    python tools/make_report.py gallery-runs/runs    with the finished runs of this folder

Runs are experiments' own at laptop scale. Each is known by its digest, with which its name ends: one that several
experiments have is called by the one that trained it. Of a run that is in both places that of the folder is taken. One
whose experiment has changed is left out, and named.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, chdir
from pathlib import Path
from typing import Any

from recorded_runs import read_rows, runs_below

from icl_data.foundation.paths import describe
from icl_data.foundation.printable import printable
from icl_data.foundation.whole_file import whole_file
from icl_eval import RunsSkipped, write_report
from icl_models import ExperimentSpec, find_experiment, known_experiments
from icl_train import ExperimentRun, RunConfig, RunError, RunFolder, experiment_runs

Record = dict[str, Any]

DOCS = Path(__file__).parents[1] / "docs"
SCALE = "laptop"
RUNS = Path("gallery-runs", "runs")  # where the gallery is trained: the page names its runs there


def make(folders: list[Path], out: Path) -> list[Path]:
    """Write the page; the files, the page first.

    Args:
        folders: with runs, beside those of the page's CSV files.
        out: folder of report.html, report_runs.csv and report_curves.csv.

    Raises:
        RunError: without a run, and of what is no file of a report.
        OSError: what the system says of a file.
    """
    if not out.is_dir():
        raise RunError(f"--out must be a folder, got {out}")
    configs = _laptop_configs()
    own = _own(folders, configs)
    kept = _records(out / "report_curves.csv", configs)
    if not own and not kept:
        raise RunError(
            f"a report needs finished runs of experiments at laptop scale, found none in {out} and the folders"
        )
    with tempfile.TemporaryDirectory() as made:
        place = Path(made) / RUNS
        place.mkdir(parents=True)
        for digest, (name, records) in kept.items():
            if digest not in own:
                _write(place / name, configs[digest], records)
        for run in own.values():
            (place / run.name).symlink_to(run.path.resolve())
        (Path(made) / "docs").mkdir()
        with chdir(made), warnings.catch_warnings():  # paths in the files begin where the repository does
            warnings.simplefilter("error", RunsSkipped)  # what is left out is gone for good
            title, about = _called({*kept, *own})
            files = write_report(RUNS, out=Path("docs", "report.html"), title=title, about=about)
        with ExitStack() as stack:
            for file in files:
                shutil.copyfile(Path(made) / file, stack.enter_context(whole_file(out / file.name)))
    return [out / file.name for file in files]


def _own(folders: list[Path], configs: dict[str, RunConfig]) -> dict[str, RunFolder]:
    """The finished runs of experiments below some folders by digest; others are named on stderr."""
    found = {}
    for one in runs_below(folders):
        digest = one.run.config.digest()
        if digest not in configs:
            wrong = "it is no run of an experiment at laptop scale"
        elif digest != _digest_in(one.run.name):
            wrong = f"its name must end with its digest, {digest}"
        elif one.run.status() != "done":
            wrong = "it is not finished"
        else:
            found[digest] = one.run
            continue
        print(printable(f"skipped {one.run.path}: {wrong}"), file=sys.stderr)
    return found


def _records(curves: Path, configs: dict[str, RunConfig]) -> dict[str, tuple[str, list[Record]]]:
    """Digest → name and records of each run of a report, by step, training first; none where there is no report yet.

    Those of runs that no experiment has any more are left out, and named on stderr.
    """
    if not curves.exists():
        return {}
    found: dict[str, dict[tuple[int, bool, str], Record]] = {}
    try:
        for row in read_rows(curves):
            is_trained = row["split"] == "train"
            key = (int(row["step"]), not is_trained, row["split"])
            record = found.setdefault(row["run"], {}).setdefault(key, {} if is_trained else {"protocol": "paper"})
            record.update(_told(row, is_trained=is_trained))
    except (ValueError, KeyError, TypeError, csv.Error) as error:  # a short line has None
        raise RunError(f"{curves} must be what a report has written: {error}") from error
    for name in sorted(found):
        if _digest_in(name) not in configs:  # an experiment that has changed trains it anew, under another name
            print(
                printable(f"left out {name}: it is no run of an experiment at laptop scale any more"), file=sys.stderr
            )
            del found[name]
    ordered = {name: [one[key] for key in sorted(one, key=lambda key: key[:2])] for name, one in found.items()}
    return {_digest_in(name): (name, records) for name, records in ordered.items()}


def _digest_in(name: str) -> str:
    """That of a run's settings, with which its name ends."""
    return name.rpartition("-")[2]


def _told(row: dict[str, str], *, is_trained: bool) -> Record:
    """What a line of metrics.jsonl has of one value."""
    metric = row["metric"]
    told: Record = {
        "split": "train" if is_trained else f"eval_{row['split']}",
        "step": int(row["step"]),
        "sequences": int(row["sequences"]),
        metric: float(row["value"]),
    }
    if row["low"]:
        told |= {f"{metric}_low": float(row["low"]), f"{metric}_high": float(row["high"])}
    if row["n_sequences"]:
        told["n_sequences"] = int(row["n_sequences"])
    if row["headline"] == "true":
        told |= {"headline": metric, "chance": float(row["chance"])}
    return told


def _laptop_configs() -> dict[str, RunConfig]:
    """Digest of a run → its settings."""
    return {one.config.digest(): one.config for _, runs in _experiments() for one in runs}


def _experiments() -> Iterator[tuple[ExperimentSpec, list[ExperimentRun]]]:
    """Those that can be trained at laptop scale, each with its runs."""
    for spec in map(find_experiment, known_experiments()):
        if SCALE in spec.scales:
            yield spec, list(experiment_runs(spec, SCALE))


def _called(digests: set[str]) -> tuple[str, str]:
    """Title of a page of these runs, by the papers; and the experiments in it, with how many of their runs it has."""
    papers, told = [], []
    for spec, runs in _experiments():
        there = sum(one.config.digest() in digests for one in runs)
        if there:
            papers.append(spec.paper.partition(",")[0])
            count = f"{there} runs" if there == len(runs) else f"{there} of {len(runs)} runs"
            told.append(f"{spec.name} ({spec.section}; {count})")
    title = f"Gallery runs at {SCALE} scale: {', '.join(dict.fromkeys(papers))}"
    return title, f"Experiments: {', '.join(told)}. A run may be of several."


def _write(path: Path, config: RunConfig, records: list[Record]) -> None:
    """A finished run."""
    run = RunFolder.create(path, config, device="cpu", threads=1)
    for record in records:
        run.append([record])
    run.mark_done()


def main(args: list[str]) -> int:
    """Run the command; the exit code."""
    parser = argparse.ArgumentParser(
        prog="make_report.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUNS", help="folders with runs, at any depth")
    parser.add_argument("--out", type=Path, default=DOCS, help="folder of the report; default: docs")
    chosen = parser.parse_args(args)
    try:
        print("\n".join(str(file) for file in make(chosen.runs, chosen.out)))
    except (RunError, RunsSkipped, OSError) as error:
        said = describe(error) if isinstance(error, OSError) else error
        print(f"make_report.py: {printable(str(said))}", file=sys.stderr)
        return 1 if isinstance(error, OSError) else 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
