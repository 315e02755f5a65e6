"""What the gallery keeps of folders in which experiments were trained, drawn and judged."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recorded_runs import read_rows, run_row, runs_below, write_rows
from strip import write_strip

from icl_data.foundation.whole_file import whole_file, write_text
from icl_models import find_experiment, known_experiments
from icl_train import RunError, RunFolder, experiment_runs

__all__ = ["SCALE", "gather"]

SCALE = "laptop"


@dataclass(frozen=True)
class Experiment:
    """An experiment of the gallery.

    Attributes:
        name: what it is called.
        digests: what tells each of its runs at this scale from all others.
        told: what the gallery's page says of it, as experiments.json keeps it.
    """

    name: str
    digests: frozenset[str]
    told: dict[str, Any]

    @property
    def figure(self) -> str:
        """What its picture is called."""
        return str(self.told["figure"])


def experiments() -> list[Experiment]:
    """All that have this scale, those of one paper together."""
    specs = [find_experiment(name) for name in known_experiments()]
    found = []
    for spec in (
        spec for paper in dict.fromkeys(spec.paper for spec in specs) for spec in specs if spec.paper == paper
    ):
        if SCALE not in spec.scales:
            continue
        runs = experiment_runs(spec, SCALE)
        told = {"name": spec.name, "paper": spec.paper, "section": spec.section, "tests": spec.tests}
        told |= {"figure": spec.figures[0], "note": spec.scales[SCALE].note, "runs": len(runs)}
        found.append(Experiment(spec.name, frozenset(run.config.digest() for run in runs), told))
    return found


def gather(out: Path, folders: Sequence[Path]) -> None:
    """Take pictures, claims and times of what is finished in some folders, and draw some of all pictures small.

    Args:
        out: the gallery, which keeps what it has of the other experiments.
        folders: as `tools/make_gallery.py` makes them, the later ones before the earlier ones.
    """
    known = experiments()
    claims = json.loads((out / "claims.json").read_text()) if (out / "claims.json").exists() else []
    rows: list[dict[str, Any]] = list(read_rows(out / "runs.csv"))
    pictures = {one.name: file for one in known if (file := out / f"{one.figure}.png").exists()}
    taken: dict[str, Path] = {}
    for folder in folders:
        try:
            runs = [one.run for one in runs_below([folder / "runs"])]
            judged = json.loads((folder / "claims.json").read_text())
        except (RunError, OSError, ValueError) as error:
            print(f"skipped {folder}: {error}", file=sys.stderr)
            continue
        for one in known:
            own = [run for run in runs if run.config.digest() in one.digests and run.status() == "done"]
            picture = picture_of(folder, one, done=len(own), is_known=one.name in pictures)
            if picture is None:
                continue
            pictures[one.name] = taken[one.name] = picture
            new = [row for row in judged if (row["experiment"], row["scale"]) == (one.name, SCALE)]
            claims = [row for row in claims if row["experiment"] != one.name] + new
            rows = [row for row in rows if row["experiment"] != one.name] + rows_of(one.name, own)
    claims, rows = in_order(known, claims), in_order(known, rows)
    there = [one for one in known if one.name in pictures]
    with whole_file(out / "strip.png") as strip:
        write_strip(strip, {one.name: pictures[one.name] for one in there})  # first: it may fail over any picture
        for picture in taken.values():
            with whole_file(out / picture.name) as beside:
                shutil.copyfile(picture, beside)
        write_text(out / "claims.json", json.dumps(claims, indent=1) + "\n")
        write_text(out / "experiments.json", json.dumps([one.told for one in there], indent=1) + "\n")
        if rows:
            write_rows(out / "runs.csv", rows)


def picture_of(folder: Path, experiment: Experiment, *, done: int, is_known: bool) -> Path | None:
    """An experiment's picture if it is to be taken: all of its runs are done, or the gallery has none of it yet.

    Args:
        folder: in which the experiment was made.
        experiment: of the gallery.
        done: how many of its runs are.
        is_known: whether the gallery has one.
    """
    picture = folder / experiment.name / f"{experiment.figure}.png"
    if not done or not picture.exists():
        return None
    planned = len(experiment.digests)
    if done < planned and is_known:
        print(f"{experiment.name}: {done} of {planned} runs are done; what is here stays", file=sys.stderr)
        return None
    return picture


def in_order(known: Sequence[Experiment], rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows of known experiments, in the order of these."""
    order = {one.name: place for place, one in enumerate(known)}
    return sorted((row for row in rows if row["experiment"] in order), key=lambda row: order[row["experiment"]])


def rows_of(name: str, runs: Sequence[RunFolder]) -> list[dict[str, Any]]:
    """The runs of an experiment as rows, in the order of their names."""
    return [{"experiment": name} | run_row(run) for run in sorted(runs, key=lambda run: run.name)]
