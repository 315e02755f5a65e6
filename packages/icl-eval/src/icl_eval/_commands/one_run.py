"""What commands about a single run have in common: which run, and the files that appear together."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from icl_data.foundation.command_line import CommandFailed
from icl_data.foundation.paths import describe
from icl_eval._commands.chosen_runs import chosen_runs
from icl_eval._commands.output import figure_folder, files_together, say, why_not_written
from icl_train import RunError, RunFolder, intervention_text

__all__ = ["check_name", "one_run", "output_folder", "pictures", "told_interventions", "without", "write_all"]

_PICTURES = (".png", ".pdf", ".svg")
LONGEST_NAME = 200  # bytes; file systems take 255, of which endings and what is written beside need some


def one_run(path: Path) -> RunFolder:
    """The run at a path, or the only one below it.

    Raises:
        RunError: if there is none, several, or it cannot be opened.
    """
    broken: list[tuple[Path, object]] = []
    runs = chosen_runs([path], lambda folder, reason: broken.append((folder, reason)))
    if len(runs) + len(broken) > 1:
        told = ", ".join(run.name for run in runs[:3])
        raise RunError(
            f"RUN must be one run, got {path} with {len(runs)} below ({told}{', …' if len(runs) > 3 else ''})"
        )
    if broken:
        folder, reason = broken[0]
        raise RunError(f"RUN must be a run that can be read, got {folder}: {reason}")
    return runs[0]


def check_name(name: str) -> None:
    """ValueError where ``--name`` is no name of files."""
    if not re.fullmatch(r"[\w][\w.-]*", name):
        raise ValueError(f"--name must be a name of letters, digits, ., - and _, got {name!r}")
    if len(os.fsencode(name)) > LONGEST_NAME:
        raise ValueError(f"--name must have at most {LONGEST_NAME} bytes, got {len(os.fsencode(name))}")


def output_folder(out: Path | None, run: RunFolder, name: str, *, prog: str) -> tuple[Path | None, str | None]:
    """The folder for the files: what ``--out`` names, else the run's; None, and why, where that cannot be written to.

    Raises:
        ValueError: if ``--out`` cannot be written to.
    """
    if out is not None:
        return figure_folder(out), None
    why = why_not_written(run.path / f"{name}.png")
    if why is None:
        return run.path, None
    say(prog, f"nothing is drawn: {run.path} cannot be written to ({why}); --out FOLDER takes the files")
    return None, why


def write_all(folder: Path, writes: Sequence[tuple[Sequence[str], Callable[[Sequence[Path]], object]]]) -> list[Path]:
    """Write files, all or none; returns them.

    Args:
        folder: where; it is made if it is not there.
        writes: names of files, and what writes the same to each of the places that it is given.

    Raises:
        CommandFailed: the system refuses something, such as a disk that is full.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandFailed(describe(error)) from error
    files = [folder / name for names, _ in writes for name in names]
    with files_together(files) as places:
        left = iter(places)
        for names, write in writes:
            write([next(left) for _ in names])
    return files


def told_interventions(run: RunFolder, step: int, *, bare: bool) -> list[str]:
    """What a run does to its model at a step, as a line; none if that is nothing.

    Args:
        run: the run.
        step: of the checkpoint.
        bare: whether it was left out.
    """
    acting = [intervention_text(one) for one in run.config.model.intervened if one.acts(step)]
    return [f"{'without' if bare else 'under'} {', '.join(acting)}"] if acting else []


def without(run: RunFolder, bare: bool) -> dict[str, str]:
    """A cell more for rows of a run under interventions, if these were left out.

    Args:
        run: the run.
        bare: whether they were.
    """
    return {"interventions": "without"} if bare and run.config.model.interventions else {}


def pictures(name: str) -> list[str]:
    """The files of a picture."""
    return [f"{name}{end}" for end in _PICTURES]
