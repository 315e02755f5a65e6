"""Runs of the experiment `figure3`: which they are, and what a page calls them."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

from kept import kept_runs
from recorded_runs import runs_below, updates_done

from icl_data.foundation.printable import printable
from icl_models import find_experiment
from icl_train import RunFolder, experiment_runs

__all__ = ["IMAGES", "STATISTICS", "Changes", "Figure3Run", "runs_of_figure3"]

IMAGES = {"paper": "105x105", "omniglot28": "28x28", "laptop": "no images"}
"""Scale of the experiment → what its examples are."""

STATISTICS = "model.embedder_config.sequences_per_statistics"
Changes = Mapping[str, Mapping[str, object]]
"""Name → settings that differ from the experiment's, with the values that they have."""
UNCHANGED: Changes = {"": {}}

# What runs of one scale may differ in: classes, groups of batch norm, seeds, length, how often they are looked at.
_FREE = {
    STATISTICS,
    *(f"data.{name}" for name in ("n_rare_classes", "n_common_classes", "n_holdout_classes", "augment")),
    *(f"eval.{name}" for name in ("interval", "steps", "log_spaced_steps", "batches")),
    "seeds.init",
    "seeds.data",
    "train.max_steps",
}


@dataclass(frozen=True)
class Figure3Run:
    """A run of the experiment.

    Attributes:
        run: its folder.
        scale: of the experiment.
        statistics: sequences that each of batch norm's statistics are over; None without batch norm.
        row: of runs.csv, of a run that the page has kept; None of one whose own folder is there.
        change: what the page calls that in which it differs from the experiment; empty on pages without changes.
    """

    run: RunFolder
    scale: str
    statistics: int | None
    row: Mapping[str, object] | None = None
    change: str = ""

    @property
    def classes(self) -> int:
        """Trained ones."""
        return self.run.config.data.n_trained_classes

    @property
    def seed(self) -> int:
        """Of weights and data."""
        return self.run.config.seeds.data

    @property
    def images(self) -> str:
        """What its examples are."""
        return IMAGES[self.scale]

    @property
    def name(self) -> str:
        """What it is called here, whatever its folder is called."""
        statistics = "" if self.statistics is None else f"-statistics{self.statistics}"
        change = self.change and f"-{self.change}"
        return f"{self.images.replace(' ', '-')}-classes{self.classes}{statistics}{change}-s{self.seed}"

    @property
    def place(self) -> dict[str, object]:
        """The columns that say which run it is."""
        statistics = "" if self.statistics is None else self.statistics
        return {
            "run": self.name,
            "images": self.images,
            "classes": self.classes,
            "sequences_per_statistics": statistics,
            **({"change": self.change} if self.change else {}),
        }


@contextmanager
def runs_of_figure3(
    chosen: argparse.Namespace,
    scales: Sequence[str],
    changes: Changes = UNCHANGED,
    beside: Sequence[Path] = (),
) -> Iterator[list[Figure3Run]]:
    """The experiment's runs, below folders and on the page, by scale, groups, classes and seed, while they are used.

    Of runs that are called alike here the one that has come furthest is taken, of equals one below the folders. Others
    below the folders, and those that are no runs of the experiment, are named on stderr.

    Args:
        chosen: the arguments, of `arguments`.
        scales: of the experiment.
        changes: in what runs may differ from the experiment, each under its name.
        beside: other pages, whose runs are taken unless they are below the folders or on this page.
    """
    known = _Known(scales, changes)
    below = [made for one in runs_below(chosen.runs) if (made := known.recognised(one.run, is_told=True))]
    found = _furthest(below)
    with tempfile.TemporaryDirectory() as folder:
        pages = [*([] if chosen.fresh else [chosen.out]), *beside]
        kept_on = [kept_runs(page, Path(folder) / str(number)) for number, page in enumerate(pages)]
        for run, row in (one for kept_there in kept_on for one in kept_there):
            kept = known.recognised(run)
            if kept is None:
                continue
            own = next((one for one in found if one.name == kept.name), None)
            if own is not None and updates_done(own.run) >= updates_done(run):
                continue
            if own is not None:
                found.remove(own)
            found.append(replace(kept, row=row))
        order = list(changes)
        yield sorted(
            found, key=lambda one: (one.scale, one.statistics or 0, one.classes, order.index(one.change), one.seed)
        )


def _furthest(runs: Sequence[Figure3Run]) -> list[Figure3Run]:
    """Of runs that are called alike the one that has come furthest; the others are named on stderr."""
    taken: dict[str, Figure3Run] = {}
    for one in sorted(runs, key=lambda one: updates_done(one.run), reverse=True):
        first = taken.setdefault(one.name, one)
        if first is not one:
            ahead = f"{first.run.path}, which has come to update {updates_done(first.run):,}"
            said = f"skipped {one.run.path}: it is called {one.name} here, as is {ahead}"
            print(printable(said), file=sys.stderr)
    return list(taken.values())


class _Known:
    """The experiment at some scales, with some changes."""

    def __init__(self, scales: Sequence[str], changes: Changes) -> None:
        spec = find_experiment("figure3")
        settings = {scale: experiment_runs(spec, scale)[0].config.telling() for scale in scales}
        self._fixed = {
            (scale, name): _fixed({**settings[scale], **change}) for scale in scales for name, change in changes.items()
        }

    def recognised(self, run: RunFolder, *, is_told: bool = False) -> Figure3Run | None:
        """A run of it; None of any other, which is named on stderr if it is to be told."""
        config = run.config
        settings = config.telling()
        place = next((place for place, fixed in self._fixed.items() if fixed == _fixed(settings)), None)
        if place is None or config.seeds.init != config.seeds.data:
            if is_told:
                path, scales = printable(str(run.path)), " or ".join(dict.fromkeys(scale for scale, _ in self._fixed))
                print(f"skipped {path}: it is no run of figure3 at scale {scales}", file=sys.stderr)
            return None
        statistics = (settings[STATISTICS] or config.train.batch_size) if STATISTICS in settings else None
        scale, change = place
        return Figure3Run(run, scale, statistics, change=change)


def _fixed(settings: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in settings.items() if name not in _FREE}
