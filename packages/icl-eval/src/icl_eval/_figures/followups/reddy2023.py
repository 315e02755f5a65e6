"""What data make of a network (Reddy 2023, arXiv 2312.03002): accuracies by each property of the data, one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from icl_eval._figures.followups.several import panels_of_several
from icl_eval._onsets.fitting import fit_onset
from icl_eval._picture.bands import Band
from icl_eval._picture.build import Layout, close_up, notes_of, panels_of
from icl_eval._picture.groups import Group, groups_of, shared_by
from icl_eval._picture.measures import measure_of
from icl_eval._picture.picture import Panel, Picture
from icl_eval._picture.runs import RunSettings, run_settings, with_derived
from icl_eval._picture.values import shown
from icl_models import FigureSpec
from icl_train import PRESETS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["EXPONENT", "EXPONENT_LABEL", "LABELS", "PAPER", "REDDY", "reddy_settings"]

PAPER = "Reddy 2023"
EXPONENT, EXPONENT_LABEL = "data.zipf_exponent", "Zipf exponent \N{GREEK SMALL LETTER ALPHA}"
_NOISE = "data.noise_scale"
_ICL = "shared_label"
_LEAST_RISE = 0.1  # of an accuracy: a step can be fitted to noise as well
LABELS = {_ICL: "ICL", "shifted": "ICL2", "random_zipfian": "IWL"}
"""Evaluation → what the paper calls it."""


@dataclass(frozen=True)
class Factor:
    """A property of the data.

    Attributes:
        setting: the one that is shown.
        symbol: what the paper calls it, in letters.
        label: what stands below its axis.
        follow: settings that go with it.
        log: on a scale of logarithms.
    """

    setting: str
    symbol: str
    label: str
    follow: tuple[str, ...] = ()
    log: bool = False

    def place(self, settings: Mapping[str, Any]) -> tuple[Any, ...]:
        """What it is in a run, with what follows."""
        return tuple(settings.get(name) for name in (self.setting, *self.follow))


_CLASSES = Factor("classes", "K", "classes K", log=True)
FACTORS = (
    _CLASSES,
    Factor("data.shots", "B", "burst size B", follow=("data.ways", "data.fs_shots")),
    Factor(_NOISE, "eps", "within-class noise \N{GREEK SMALL LETTER EPSILON}"),
    Factor(EXPONENT, "alpha", EXPONENT_LABEL),
    Factor("data.p_bursty", "p_B", "share of bursty sequences p_B"),
)


def picture(table: pd.DataFrame, *, band: Band = "range") -> Picture:
    """The picture: a panel for each property in which runs differ, of those alone that differ in nothing else, and
    in-context learning along the training of those that differ in the number of classes."""
    runs = reddy_settings(table)
    usual = _with_noise(with_derived(PRESETS["reddy2023"]().flat()))
    groups = groups_of(runs, [name for factor in FACTORS for name in (factor.setting, *factor.follow)])
    panels: list[Panel] = []
    rows: list[dict[str, str]] = []
    notes: list[str] = []
    for group in groups:
        base = {
            factor: _most_common([factor.place(runs[run]) for run in group.runs], factor.place(usual))
            for factor in FACTORS
        }
        for factor in FACTORS:
            alike = [run for run in group.runs if _differs_in_none(runs[run], base, besides=factor)]
            if len({factor.place(runs[run]) for run in alike}) > 1:
                layout = Layout(measures=(), x=factor.setting, log_x=factor.log, band=band)
                found = _panels(table, runs, group, alike, LABELS, layout)
                panels += [_named(panel, factor) for panel in found]
                rows += [row for panel in found for row in _rows(panel, factor)]
        over_time = _over_time(table, runs, group, base, band)
        if len(groups) > 1 and all(len(panel.lines) == 1 for panel in over_time):
            over_time = ()  # where others show how it hangs on the number of classes, one curve says nothing more
        told = ", ".join(f"{factor.symbol} = {shown(values[0])}" for factor, values in base.items())
        notes.append(f"Where nothing else is said{f' ({group.title})' if group.title else ''}: {told}.")
        for panel in over_time:
            marked, note = _with_onsets(panel)
            panels.append(marked)
            notes += note
    placed = [replace(panel, row=row, column=0) for row, panel in enumerate(panels)]
    return Picture(
        name=REDDY.name,
        title=REDDY.title,
        shared=shared_by(runs, besides=[factor.setting for factor in FACTORS]),
        panels=close_up(placed, reflow=True),
        notes=(
            *notes_of(panels, band, at="Against a setting: the last evaluation."),
            *notes,
            "ICL: new classes. ICL2: trained classes, each label moved on by one. IWL: trained classes, all of a "
            "sequence drawn one by one.",
        ),
        table=tuple(rows),
    )


def reddy_settings(table: pd.DataFrame) -> RunSettings:
    """Settings of runs, with the noise that those have that leave it to their source."""
    return {run: _with_noise(settings) for run, settings in run_settings(table).items()}


def _with_noise(settings: Mapping[str, Any]) -> dict[str, Any]:
    if settings.get(_NOISE) is not None:
        return dict(settings)
    return {**settings, _NOISE: 0.1 if settings.get("data.source") == "gaussian" else 0}


def _most_common(places: Sequence[tuple[Any, ...]], usual: tuple[Any, ...]) -> tuple[Any, ...]:
    """Of several that are as common as each other, the usual one, else the first."""
    counts = Counter(places)
    return max(counts, key=lambda place: (counts[place], place == usual))


def _differs_in_none(
    settings: Mapping[str, Any], base: Mapping[Factor, tuple[Any, ...]], *, besides: Factor | None = None
) -> bool:
    return all(factor.place(settings) == values for factor, values in base.items() if factor != besides)


def _panels(
    table: pd.DataFrame,
    runs: RunSettings,
    group: Group,
    chosen: Sequence[str],
    labels: Mapping[str, str],
    layout: Layout,
) -> tuple[Panel, ...]:
    return panels_of_several(table, runs, [replace(group, runs=tuple(chosen))], labels, layout)


def _named(panel: Panel, factor: Factor) -> Panel:
    return replace(panel, x=replace(panel.x, label=factor.label))


def _over_time(
    table: pd.DataFrame, runs: RunSettings, group: Group, base: Mapping[Factor, tuple[Any, ...]], band: Band
) -> tuple[Panel, ...]:
    """In-context learning along training, a line for each number of classes of runs that differ in it alone."""
    alike = [run for run in group.runs if _differs_in_none(runs[run], base, besides=_CLASSES)]
    if len({_CLASSES.place(runs[run]) for run in alike}) < 2:
        return _panels(table, runs, group, alike, {_ICL: LABELS[_ICL]}, Layout(measures=(), band=band))
    chosen = replace(group, runs=tuple(alike))
    layout = Layout(measures=(measure_of(_ICL),), hue=_CLASSES.setting, band=band)
    own = panels_of(table, {run: runs[run] for run in alike}, [chosen], layout)
    return tuple(replace(panel, title="\n".join(filter(None, (LABELS[_ICL], group.title)))) for panel in own)


def _with_onsets(panel: Panel) -> tuple[Panel, list[str]]:
    """The panel with the onsets of its curves marked, and a sentence on them."""
    lines, told = [], []
    for line in panel.lines:
        onset = fit_onset(line.x, line.y)
        if onset is None or onset.after - onset.before < _LEAST_RISE:
            lines.append(line)
            continue
        nearest = int(abs(line.x - onset.time).argmin())
        lines.append(replace(line, points=((nearest, "onset"),)))
        which = "" if len(panel.lines) == 1 else f"K = {line.label}: "
        told.append(f"{which}update {onset.time:,.0f} ({onset.low:,.0f} to {onset.high:,.0f})")
    note = [f"Rings: onset of ICL, with 95% of the fit: {', '.join(told)}."] if told else []
    # An axis of sequences above this panel alone would move it down.
    return replace(panel, batch=None, lines=tuple(lines)), note


def _rows(panel: Panel, factor: Factor) -> list[dict[str, str]]:
    """A row for each value: seeds, and the accuracies."""
    rows = []
    for at in sorted({float(x) for line in panel.lines for x in line.x}):
        here = [(line, i) for line in panel.lines for i in range(len(line.x)) if line.x[i] == at]
        values = {line.label: f"{line.y[i]:.3f}" for line, i in here}
        rows.append(
            {
                **({"panel": panel.title} if panel.title else {}),
                "varied": factor.symbol,
                "value": shown(int(at) if at.is_integer() else at),
                "seeds": f"{max(int(line.n_runs[i]) for line, i in here)}",
                **{label: values.get(label, "") for label in LABELS.values()},
            }
        )
    return rows


REDDY = FigureSpec(
    name="reddy2023",
    title="In-context and in-weights learning by properties of the data",
    picture=picture,
    measures=tuple(LABELS),
    varies=("data.n_rare_classes", "data.shots", _NOISE, EXPONENT, "data.p_bursty"),
    paper=PAPER,
    experiment="reddy2023",
)
