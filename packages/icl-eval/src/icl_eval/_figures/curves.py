"""Figures 3a and 3b as numbers: which accuracy they show, and a curve per number of classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from icl_eval._runs import RunGroup
from icl_train import HEADLINES, RunError

__all__ = ["FIGURES", "Curve", "FigureSpec", "Floats", "curve"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class FigureSpec:
    """What a figure shows.

    Attributes:
        name: of the command and the files.
        split: the evaluation split whose headline accuracy is drawn.
        controls: further splits by which its values are read, in its CSV files alone.
        title: what the figure shows, in words.
    """

    name: str
    split: str
    controls: tuple[str, ...]
    title: str


FIGURES = {
    spec.name: spec
    for spec in (
        FigureSpec(
            name="figure3a",
            split="fewshot_holdout",
            controls=("flipped", "novel_label"),
            title="In-context learning by number of trained classes",
        ),
        FigureSpec(
            name="figure3b",
            split="no_support_zipfian",
            controls=(),
            title="In-weights learning by number of trained classes",
        ),
    )
}


@dataclass(frozen=True)
class Curve:
    """One accuracy over training, for one class count; arrays of (T,).

    Attributes:
        steps: updates.
        mean: mean accuracy over the seeds.
        low, high: with several seeds, the least and the greatest; with one, its 95% Wilson interval.
        n_seeds: how many.
        n_sequences: sequences measured, over the seeds; whole numbers.
        chance: accuracy of guessing.
    """

    steps: Floats
    mean: Floats
    low: Floats
    high: Floats
    n_seeds: int
    n_sequences: tuple[int, ...]
    chance: float


def curve(spec: FigureSpec, group: RunGroup, class_count: int) -> Curve:
    """The curve of one class count over the steps at which all its seeds were evaluated.

    Args:
        spec: the figure.
        group: runs of one panel.
        class_count: which of their class counts.

    Raises:
        RunError: if there is no such step.
    """
    metric = HEADLINES[spec.split].metric
    runs = [
        {e.step: e.splits[spec.split] for e in series.evaluations if spec.split in e.splits}
        for series in group.with_count(class_count)
    ]
    steps = sorted(set.intersection(*(set(run) for run in runs)))
    if not steps:
        names = ", ".join(series.run.name for series in group.with_count(class_count))
        raise RunError(f"runs of one curve must have been evaluated at a step in common, got {names}")
    values = np.array([[run[step][metric] for step in steps] for run in runs], dtype=float)
    low, high = values.min(0), values.max(0)
    if len(runs) == 1:
        low = np.array([runs[0][step][f"{metric}_low"] for step in steps], dtype=float)
        high = np.array([runs[0][step][f"{metric}_high"] for step in steps], dtype=float)
    return Curve(
        steps=np.array(steps, dtype=float),
        mean=values.mean(0),
        low=low,
        high=high,
        n_seeds=len(runs),
        n_sequences=tuple(sum(run[step]["n_sequences"] for run in runs) for step in steps),
        chance=float(runs[0][steps[0]]["chance"]),
    )
