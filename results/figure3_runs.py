"""Runs of the experiment `figure3`, and the files about them that a page of results has beside it."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

from fill import fill
from kept import kept_runs
from recorded_runs import draw, run_row, runs_below, settings_text, updates_done, value_rows, write_rows

from icl_data.foundation.paths import describe
from icl_data.foundation.printable import printable
from icl_data.foundation.whole_file import whole_file, write_text
from icl_models import find_experiment
from icl_train import RunError, RunFolder, experiment_runs

__all__ = ["Figure3Run", "arguments", "build", "draw_into", "made", "runs_of_figure3"]

IMAGES = {"paper": "105x105", "omniglot28": "28x28", "laptop": "no images"}
"""Scale of the experiment → what its examples are."""

STATISTICS = "model.embedder_config.sequences_per_statistics"
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
    """

    run: RunFolder
    scale: str
    statistics: int | None
    row: Mapping[str, object] | None = None

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
        return f"{self.images.replace(' ', '-')}-classes{self.classes}{statistics}-s{self.seed}"

    @property
    def place(self) -> dict[str, object]:
        """The columns that say which run it is."""
        statistics = "" if self.statistics is None else self.statistics
        return {
            "run": self.name,
            "images": self.images,
            "classes": self.classes,
            "sequences_per_statistics": statistics,
        }


@contextmanager
def runs_of_figure3(chosen: argparse.Namespace, scales: Sequence[str]) -> Iterator[list[Figure3Run]]:
    """The experiment's runs, below folders and on the page, by scale, groups, classes and seed, while they are used.

    Of runs that are called alike here the one that has come furthest is taken, of equals one below the folders. Others
    below the folders, and those that are no runs of the experiment, are named on stderr.

    Args:
        chosen: the arguments, of `arguments`.
        scales: of the experiment.
    """
    known = _Known(scales)
    below = [made for one in runs_below(chosen.runs) if (made := known.recognised(one.run, is_told=True))]
    found = _furthest(below)
    with tempfile.TemporaryDirectory() as folder:
        for run, row in () if chosen.fresh else kept_runs(chosen.out, Path(folder)):
            kept = known.recognised(run)
            if kept is None:
                continue
            own = next((one for one in found if one.name == kept.name), None)
            if own is not None and updates_done(own.run) >= updates_done(run):
                continue
            if own is not None:
                found.remove(own)
            found.append(replace(kept, row=row))
        yield sorted(found, key=lambda one: (one.scale, one.statistics or 0, one.classes, one.seed))


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
    """The experiment at some scales."""

    def __init__(self, scales: Sequence[str]) -> None:
        spec = find_experiment("figure3")
        self._fixed = {scale: _fixed(experiment_runs(spec, scale)[0].config.telling()) for scale in scales}

    def recognised(self, run: RunFolder, *, is_told: bool = False) -> Figure3Run | None:
        """A run of it; None of any other, which is named on stderr if it is to be told."""
        config = run.config
        settings = config.telling()
        scale = next((scale for scale, fixed in self._fixed.items() if fixed == _fixed(settings)), None)
        if scale is None or config.seeds.init != config.seeds.data:
            if is_told:
                path, scales = printable(str(run.path)), " or ".join(self._fixed)
                print(f"skipped {path}: it is no run of figure3 at scale {scales}", file=sys.stderr)
            return None
        statistics = (settings[STATISTICS] or config.train.batch_size) if STATISTICS in settings else None
        return Figure3Run(run, scale, statistics)


def _fixed(settings: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in settings.items() if name not in _FREE}


def arguments(page: Path, what: str, *, has_scales: bool = False) -> argparse.ArgumentParser:
    """The arguments of a build: folders of runs, and where its files go.

    Args:
        page: the folder of the page.
        what: the build makes.
        has_scales: whether it is to be said of which scales runs are taken.
    """
    parser = argparse.ArgumentParser(prog=f"{page.name}/build.py", description=what)
    runs = "folders with runs, at any depth; without one the page is made anew of its own files"
    parser.add_argument("runs", nargs="*", type=Path, metavar="RUNS", help=runs)
    fresh = "leave out the runs that the page has and RUNS have not"
    parser.add_argument("--fresh", action="store_true", help=fresh)
    parser.add_argument("--out", type=Path, default=page, help="folder for the files, with the page's README.md")
    if has_scales:
        scales = {"choices": list(IMAGES), "default": ["omniglot28", "paper"]}
        parser.add_argument("--scale", nargs="+", help="scales of figure3 to take", **scales)
    return parser


def made(build_page: Callable[[argparse.Namespace], int], chosen: argparse.Namespace, page: Path) -> int:
    """The exit code of a build; of folders that cannot be read, and of a disk that cannot be written, one line.

    Args:
        build_page: makes the files of the page.
        chosen: the arguments.
        page: the folder of the page.
    """
    try:
        return build_page(chosen)
    except (RunError, OSError) as error:
        said = describe(error) if isinstance(error, OSError) else error
        print(f"{page.name}/build.py: {printable(str(said))}", file=sys.stderr)
        return 1 if isinstance(error, OSError) else 2


def build(out: Path, runs: Sequence[Figure3Run]) -> None:
    """`configs/`, `runs.csv`, `timeseries.csv` and `final.csv`.

    Args:
        out: the folder of the page.
        runs: at least one.
    """
    configs = out / "configs"
    configs.mkdir(parents=True, exist_ok=True)
    for one in runs:
        write_text(configs / f"{one.name}.json", settings_text(one.run))
    values = {one.name: [row | one.place for row in value_rows(one.run)] for one in runs}
    # A build that is killed leaves what the next one can read: runs.csv names no run that has not all the rest.
    write_rows(out / "timeseries.csv", [_placed(row, runs[0]) for rows in values.values() for row in rows])
    write_rows(out / "final.csv", [_placed(rows[-1], runs[0]) for rows in values.values()])
    write_rows(out / "runs.csv", [one.place | (one.row or run_row(one.run)) | {"run": one.name} for one in runs])
    for file in configs.glob("*.json"):
        if file.stem not in {one.name for one in runs}:
            file.unlink()
    if (out / "README.md").exists():
        fill(out / "README.md")


def _placed(row: dict[str, object], one: Figure3Run) -> dict[str, object]:
    """A row that begins with what run it is of."""
    return {name: row[name] for name in (*one.place, *(name for name in row if name not in one.place))}


def draw_into(out: Path, name: str, *words: object) -> bool:
    """Whether an icl-eval command has drawn a picture, of which the PNG is taken.

    Args:
        out: the folder of the page.
        name: of the picture.
        words: of the command, without the folder that it draws into.
    """
    with tempfile.TemporaryDirectory() as drawn:
        if not draw(*words, "--out", drawn):
            return False
        with whole_file(out / f"{name}.png") as beside:
            shutil.copyfile(Path(drawn) / f"{name}.png", beside)
    return True
