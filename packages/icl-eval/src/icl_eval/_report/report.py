"""Writing the report: the page and the CSV files that it links to."""

from __future__ import annotations

import hashlib
import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from icl_data.foundation.paths import user_path
from icl_data.foundation.printable import printable
from icl_data.foundation.whole_file import whole_file
from icl_eval._loading.assembled import Paths
from icl_eval._loading.tidy import RunsSkipped
from icl_eval._report.charting import library_scripts
from icl_eval._report.curves import measures_of, packed
from icl_eval._report.found import Found, find, states_below
from icl_eval._report.heads import heads_of
from icl_eval._report.page import page
from icl_eval._report.rows import link, run_rows, setting_rows
from icl_eval._report.sequences import Drawn, sequences_of
from icl_eval._tables.frames import FRAME_WRITERS
from icl_train import RunError

__all__ = ["Made", "report_files", "write_report"]

Writer = Callable[[BinaryIO], object]


@dataclass(frozen=True)
class Made:
    """A report that is not written yet.

    Attributes:
        files: what writes each of the files, the page first.
        digest: of the page.
        skipped: a line for each folder and file that was passed over.
        awaited: a line for each value that runs were to have and none has yet.
    """

    files: dict[Path, Writer]
    digest: bytes
    skipped: list[str]
    awaited: list[str]


def write_report(
    *paths: Paths,
    out: str | os.PathLike[str] | None = None,
    title: str | None = None,
    about: str | None = None,
    where: Sequence[str] = (),
) -> list[Path]:
    """Write one HTML page about all runs below ``paths``, finished or not, and the CSV files that it links to.

    The page needs no network and no server. It has a table of the runs that sorts, filters and groups by any setting;
    learning curves, means over seeds with bands (least to greatest; of a single run the 95% Wilson interval); final ICL
    against IWL; the settings in which chosen runs differ; scores of attention heads where `icl-eval heads` has left
    them; sequences as pictures. Values are those of `load_runs` and `summarize_runs`. Same runs, same bytes.

    Nothing that a run folder names is imported or executed, and names in it are shown as text.

    Args:
        paths: run folders, or any folders above some; one or several, or lists.
        out: the page; default: report.html in the first of ``paths``. Beside it are two CSV files that have its name
            and an ending: _runs, a row for each run, and _curves, a row for each value.
        title: heading of the page, and what its tab is called; default: "Runs in" and the names of the folders.
        about: a line below the heading; default: none.
        where: keep runs that have these values alone: ``setting=value``, of one setting any of the values.

    Returns:
        The files: the page first. Each appears whole, or none does.

    Raises:
        RunError: if one of ``paths`` is not there, or no run below them has an evaluation.
        ValueError: if no run has such a setting or value.
        OSError: what the system says of a file that cannot be written.
    """
    roots = [user_path(path) for one in paths for path in ([one] if isinstance(one, str | os.PathLike) else one)]
    if not roots:
        raise ValueError("paths must be one folder or more, got none")
    target = user_path(out) if out is not None else _default_page(roots)
    made = report_files(roots, target, title=title, about=about, where=where)
    if made.skipped:
        others = f" (and {len(made.skipped) - 1} more)" if len(made.skipped) > 1 else ""
        warnings.warn(f"{made.skipped[0]}{others}", RunsSkipped, stacklevel=2)
    with ExitStack() as stack:
        for file, write in made.files.items():
            place = stack.enter_context(whole_file(file))
            with place.open("wb") as opened:
                write(opened)
    return list(made.files)


def _default_page(roots: Sequence[Path]) -> Path:
    """Where the page goes unless somebody says: into the first of the runs' folders."""
    return next((root for root in roots if root.is_dir()), roots[0]) / "report.html"


def _files_of(target: Path) -> list[Path]:
    """The page and the files beside it."""
    return [target, *(target.with_name(f"{target.stem}_{what}.csv") for what in ("runs", "curves"))]


def report_files(
    roots: Sequence[Path],
    target: Path,
    *,
    title: str | None = None,
    about: str | None = None,
    where: Sequence[str] = (),
    drawn: Drawn | None = None,
    watched: float | None = None,
) -> Made:
    """Read the runs and make the page.

    Args:
        roots: folders with runs.
        target: the page.
        title, about, where: as of `write_report`.
        drawn: pictures of sequences from before.
        watched: seconds after which the page is written again; None if it is not.

    Raises:
        RunError: if one of ``roots`` is not there, or no run has an evaluation and none is waited for.
        ValueError: if no run has such a setting; or such a value and none is waited for.
    """
    library = library_scripts()
    found = find(roots, where, wait=watched is not None)
    if not len(found.summary) and watched is None:
        raise RunError(f"report needs at least one run with evaluations, found none below {', '.join(map(str, roots))}")
    data, skipped = _data(found, roots, target, drawn={} if drawn is None else drawn)
    name = printable(title) if title is not None else _name(roots)
    told = {"title": name, "about": printable(about) if about else None, "watched": watched}
    content = page(name, {**data, **told}, library).encode()
    writers: list[Writer] = [
        lambda file: file.write(content),
        lambda file: FRAME_WRITERS["csv"](found.summary, file),
        lambda file: FRAME_WRITERS["csv"](found.curves, file),
    ]
    digest = hashlib.sha256(content).digest()
    return Made(
        files=dict(zip(_files_of(target), writers, strict=True)), digest=digest, skipped=skipped, awaited=found.awaited
    )


def _name(roots: Sequence[Path]) -> str:
    return printable(f"Runs in {', '.join(map(_folder_name, roots))}")


def _folder_name(root: Path) -> str:
    """A folder's name; with that of the folder above it where it is one that says nothing, as by default."""
    path = Path(os.path.abspath(root))
    return str(Path(*path.parts[-2:])) if path.name == "runs" else path.name or str(root)


def _data(found: Found, roots: Sequence[Path], target: Path, *, drawn: Drawn) -> tuple[Mapping[str, Any], list[str]]:
    measures = measures_of(found) if len(found.summary) else []
    curves, grids, notes = packed(found, measures)
    heads, unread = heads_of(found.folders)
    sequences, note = sequences_of(found.folders, drawn)
    skipped = [*found.skipped, *unread]
    links = [("Every run: settings and what it reached", 1), ("Every value of every curve", 2)]
    return {
        "roots": [printable(root) for root in roots],
        "states": states_below(roots),
        "runs": run_rows(found, measures, target) if measures else [],
        "settings": setting_rows(found) if measures else [],
        "measures": curves,
        "grids": grids,
        "heads": heads,
        "sequences": sequences,
        "notes": [*map(printable, found.awaited), *notes, *([note] if note else [])],
        "skipped": [printable(line) for line in skipped],
        "files": [
            {"name": printable(file.name), "says": says, "address": link(file, target)}
            for says, number in links
            for file in [_files_of(target)[number]]
        ],
    }, skipped
