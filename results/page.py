"""The files that a page of results about runs of `figure3` has beside it, and the command that makes them."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tools"))

from figure3_runs import IMAGES, Figure3Run
from fill import fill
from kept import kept_runs
from recorded_runs import draw, run_row, settings_text, value_rows, write_rows

from icl_data.foundation.paths import describe
from icl_data.foundation.printable import printable
from icl_data.foundation.whole_file import whole_file, write_text
from icl_train import RunError

__all__ = ["COMPARED", "arguments", "build", "compared", "draw_into", "draw_kept", "made"]

COMPARED = ("icl", "novel_label", "flipped/accuracy_both", "iwl")
"""Measures that runs are held against each other by."""


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


def draw_kept(out: Path, pictures: Mapping[str, Sequence[str]], *axes: str) -> bool:
    """Whether `icl-eval plot` has drawn all pictures of the runs as the page keeps them, finished or not.

    The runs themselves record metrics of training more often, and are gone another day.

    Args:
        out: the folder of the page.
        pictures: name → what is measured.
        axes: options of the command.
    """
    with tempfile.TemporaryDirectory() as folder:
        folders = [run.path for run, _ in kept_runs(out, Path(folder))]
        words = ("--x", "step", *axes, "--unfinished")
        drawn = [
            draw_into(out, name, "plot", *folders, "--y", *measures, *words, "--name", name)
            for name, measures in pictures.items()
        ]
    return all(drawn)


def compared(folder: Path, ours: Sequence[Figure3Run], theirs: Sequence[Figure3Run], names: Sequence[str]) -> bool:
    """Whether `icl-eval compare` could hold some runs against others.

    Args:
        folder: for its picture and its files.
        ours, theirs: the runs, at least one each.
        names: what the two are called.
    """
    paths = [[one.run.path for one in side] for side in (ours, theirs)]
    with tempfile.TemporaryDirectory() as made:
        words = [*paths[0], "--with", *paths[1], "--names", *names, "--metric", *COMPARED, "--unfinished"]
        if not draw("compare", *words, "--out", made):
            return False
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("compare.png", "compare_differences.csv", "compare_tests.csv"):
            with whole_file(folder / name) as beside:
                shutil.copyfile(Path(made) / name, beside)
    return True
