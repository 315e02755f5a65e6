"""``icl-eval plot``: any setting, or time, against any measures."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from icl_eval._commands.drawn import folder_for, output, read_runs, roots_of, runs_of_experiment
from icl_eval._picture.series import Moment
from icl_eval._plot.plot import Asked, plot_picture
from icl_train import RunError
from icl_train.command_line import parse

__all__ = ["plot"]

PROG = "icl-eval plot"
LONGEST_NAME = 200  # bytes; file systems take 255, of which endings and what is written beside need some


@dataclass(frozen=True)
class PlotCommand:
    """Draw any setting, or time, against any measures: means over seeds, and over nothing else."""

    runs: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="RUNS [RUNS ...]")] = (Path("runs"),)
    """Folders with run folders at any depth, behind links as well."""
    x: str = "step"
    """step, sequences, or a setting: data.p-bursty, model.sequence-model, classes (all that are trained), …"""
    y: tuple[str, ...] = ("icl",)
    """What is measured: icl, iwl, flipped, novel_label, another evaluation, split/metric, or a metric of training
    (loss, weight_l2)."""
    hue: str | None = None
    """Setting with a line for each value."""
    row: str | None = None
    """Setting with a row of panels for each value."""
    col: str | None = None
    """Setting with a column of panels for each value."""
    at: str = "last"
    """Moment of each run where x is a setting: last, peak (its greatest value), or a step."""
    where: tuple[str, ...] = ()
    """Keep runs that have these values alone: setting=value, …"""
    log_x: bool | None = None
    """A scale of logarithms for x, of step and sequences as well; default: where values of a setting span decades."""
    name: str = "plot"
    """What the files are called."""
    out: Path | None = None
    """Folder for the files; default: the first of the runs' folders."""
    experiment: str | None = None
    """Draw the runs of this experiment alone (figure2, …), which are known by their settings."""
    scale: str | None = None
    """Its scale, where there are runs of several."""
    style: Literal["notebook", "paper", "talk"] = "notebook"
    """Sizes for a notebook or screen, for a column of a paper, for a slide."""
    band: Literal["range", "sd", "bootstrap"] = "range"
    """Around a mean of several seeds: least to greatest, ± one standard deviation, or the 95% bootstrap interval of the
    mean; a single run has the 95% Wilson interval of its sequences."""
    unfinished: bool = False
    """Take runs that have not reached their last step, too, as far as they are."""
    json: bool = False
    """Print what is drawn as JSON instead of tables; nothing else goes to stdout."""


def plot(args: Sequence[str]) -> int:
    """Run the command; returns the exit code.

    Args:
        args: what follows ``plot``.
    """
    command = parse(PlotCommand, args, prog=PROG)
    roots = roots_of(command.runs, PROG)
    at = _moment(command.at)
    if not re.fullmatch(r"[\w][\w.-]*", command.name):
        raise ValueError(f"--name must be a name of letters, digits, ., - and _, got {command.name!r}")
    if len(os.fsencode(command.name)) > LONGEST_NAME:
        raise ValueError(f"--name must have at most {LONGEST_NAME} bytes, got {len(os.fsencode(command.name))}")
    if not command.y:
        raise ValueError("--y must be one measure or more, got none")
    folder = folder_for(command.out, roots)
    runs = runs_of_experiment(roots, command.experiment, command.scale, unfinished=command.unfinished)
    table = read_runs(runs, unfinished=command.unfinished)
    if table.empty:
        raise RunError(f"plot needs at least one finished run, found none below {', '.join(map(str, roots))}")
    asked = Asked(
        x=command.x,
        y=command.y,
        hue=command.hue,
        row=command.row,
        column=command.col,
        at=at,
        where=command.where,
        band=command.band,
        log_x=command.log_x,
    )
    picture = plot_picture(table, asked, name=command.name)
    return output(picture, folder, prog=PROG, style=command.style, chosen=command.out is not None, as_json=command.json)


def _moment(text: str) -> Moment | int:
    if text == "last":
        return "last"
    if text == "peak":
        return "peak"
    digits = text.replace(",", "").replace("_", "")
    if not digits.isdecimal():
        raise ValueError(f"--at must be last, peak or a step, got {text!r}")
    return int(digits)
