"""What an induction head waits for (Singh et al. 2024, arXiv 2404.07129): losses with heads alone and parts given."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from icl_eval._figures.followups.given import SETTING, Interventions, Order, labels_of_experiment, read_interventions
from icl_eval._figures.followups.times import NOTE, times_of
from icl_eval._picture.bands import Band
from icl_eval._picture.build import Layout, close_up, notes_of, panels_of
from icl_eval._picture.groups import Group, groups_of, shared_by
from icl_eval._picture.measures import measure_of
from icl_eval._picture.picture import Line, Panel, Picture
from icl_eval._picture.runs import RunSettings, run_settings, values_of
from icl_eval._picture.series import Series, series_of
from icl_models import FigureSpec

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["INDUCTION"]

_LOSS = measure_of("train/loss")


def picture(table: pd.DataFrame, *, band: Band = "range", labels: Mapping[Interventions, str] | None = None) -> Picture:
    """The picture: left the whole model and single heads, right what is given to one of these; a row for each group.

    Args:
        table: tidy table of runs.
        band: what is drawn around means.
        labels: what interventions are called; None for what the experiment calls them. Others are called by their text.
    """
    names = labels_of_experiment(INDUCTION.experiment) if labels is None else labels
    series = series_of(table, _LOSS)
    runs = {
        run: {**of, SETTING: read_interventions(of.get(SETTING))}
        for run, of in run_settings(table).items()
        if run in series
    }
    order = Order(values_of(runs, SETTING), names)
    groups = groups_of(runs, (SETTING,))
    panels = close_up(
        [
            replace(panel, row=row)
            for row, group in enumerate(groups)
            for panel in _panels(table, runs, group, order, band)
        ],
        reflow=False,
    )
    levels = sorted({level for panel in panels for level in panel.chances})
    costs = " and ".join(f"log {math.exp(level):.0f} = {level:.3f}" for level in levels)
    return Picture(
        name=INDUCTION.name,
        title=INDUCTION.title,
        shared=shared_by(runs),
        panels=panels,
        notes=(*notes_of(panels, band), *([f"Guessing among the labels of a context costs {costs}."] if costs else [])),
        table=tuple(row for group in groups for row in _rows(series, runs, group, order)),
        told=(
            f"{NOTE} Ratio: of half, in the means, to that of the whole model; of parts that are given, to that of "
            f"{order.label(order.reference)}."
        ),
    )


def _panels(table: pd.DataFrame, runs: RunSettings, group: Group, order: Order, band: Band) -> list[Panel]:
    """Those of one group: heads alone, and parts that are given beside the head that they are given to."""
    layout = Layout(measures=(_LOSS,), hue=SETTING, band=band, log_x=True)
    guessing = _guessing(runs, group)
    found = []
    for everything in panels_of(table, {run: runs[run] for run in group.runs}, [group], layout):
        lines = {line.settings[SETTING]: _named(line, order, guessing) for line in everything.lines}
        heads = [lines[given] for given in order.heads if given in lines]
        given = [lines[given] for given in order.given if given in lines]
        beside = [lines[order.reference]] if given and order.reference in lines else []
        alone = f"one head of layer {order.layer} alone" if order.layer else "heads"
        for column, (title, chosen) in enumerate(((alone, heads), ("parts that are given", beside + given))):
            if chosen:
                found.append(
                    replace(
                        everything,
                        column=column,
                        title="\n".join(filter(None, (title, group.title))),
                        lines=tuple(chosen),
                        hue_name="",
                        n_hues=len(order.all),
                        ordered=False,
                    )
                )
    return found


def _named(line: Line, order: Order, guessing: float) -> Line:
    given = line.settings[SETTING]
    _, mark, number_of_runs = line.label.rpartition(" (n = ")
    return replace(
        line,
        label=f"{order.label(given)}{mark}{number_of_runs if mark else ''}",
        hue=order.all.index(given),
        chance=np.full(len(line.x), guessing),
    )


def _guessing(runs: RunSettings, group: Group) -> float:
    """The loss of guessing among the labels of a few-shot context, of which all runs of a group have as many; NaN of
    other sequences, whose contexts have more labels than ways."""
    settings = runs[group.runs[0]]
    few_shot = str(settings.get("data.sequence")).startswith("fewshot")
    return math.log(settings["data.ways"]) if few_shot else math.nan


def _rows(series: Mapping[str, Series], runs: RunSettings, group: Group, order: Order) -> list[dict[str, str]]:
    """A row for each line: when its loss fell, and that as a multiple of what it is compared with."""
    by_given: dict[Interventions, list[Series]] = {given: [] for given in order.all}
    for run in group.runs:
        by_given[runs[run][SETTING]].append(series[run])
    found = {given: times_of(lot, _guessing(runs, group)) for given, lot in by_given.items() if lot}
    rows = []
    for given, own in found.items():
        base = order.compared_with(given)
        theirs = found[base].half if base in found and base != given else None
        rows.append(
            {
                **({"panel": group.title} if group.title else {}),
                "line": order.label(given),
                **own.cells(),
                "ratio": f"{own.half / theirs:.2f}" if own.half and theirs else "",
            }
        )
    return rows


INDUCTION = FigureSpec(
    name="singh2024-induction",
    title="Loss of training with one head alone, and with parts of an induction circuit given",
    picture=picture,
    measures=(_LOSS.name,),
    varies=(SETTING,),
    paper="Singh et al. 2024",
    experiment="singh2024-induction",
)
