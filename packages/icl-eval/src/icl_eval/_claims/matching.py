"""Which experiment's runs these are, and at which scale: told by their settings alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from icl_eval._runs import RunSeries
from icl_models import ExperimentSpec, find_experiment
from icl_train import ExperimentRun, RunConfig, RunFolder, experiment_runs

__all__ = ["Performed", "performed"]


@dataclass(frozen=True)
class Performed:
    """An experiment at one scale, and those of its runs that were found.

    Attributes:
        spec: the experiment.
        scale: name of the scale.
        planned: the runs that it has there, with the scale's own seeds.
        found: (place among the planned runs of one seed, seed) → run.
    """

    spec: ExperimentSpec
    scale: str
    planned: tuple[ExperimentRun, ...]
    found: dict[tuple[str, int], RunFolder]

    @cached_property
    def places(self) -> dict[str, ExperimentRun]:
        """What tells runs apart but for the seed → a run there."""
        return {_place(run.config): run for run in self.planned}

    @cached_property
    def seeds(self) -> list[int]:
        """All seeds that runs were found of, the scale's own or not."""
        return sorted({seed for _, seed in self.found})

    def missing(self) -> list[ExperimentRun]:
        """Planned runs that were not found."""
        return [run for run in self.planned if (_place(run.config), run.seed) not in self.found]


def performed(
    series: Iterable[RunSeries], experiments: Sequence[str], *, unusable: list[str] | None = None
) -> list[Performed]:
    """The experiments and scales of which there is a run, in order.

    Args:
        series: runs, none of them twice.
        experiments: names of the experiments to look for.
        unusable: takes a line for each scale that has settings which cannot be, as a plugin's may; None to raise.

    Raises:
        ValueError: if an experiment is unknown, or, without ``unusable``, has settings that cannot be.
    """
    runs: dict[str, dict[int, RunFolder]] = {}
    for one in series:
        seeds = one.run.config.seeds
        if seeds.init == seeds.data:  # as a sweep has them
            runs.setdefault(_place(one.run.config), {})[seeds.data] = one.run
    there = []
    for name in experiments:
        spec = find_experiment(name)
        for scale in spec.scales:
            try:
                planned = tuple(experiment_runs(spec, scale))
            except ValueError as error:
                if unusable is None:
                    raise
                unusable.append(f"skipped experiment {name} at scale {scale}: {error}")
                continue
            found = {
                (place, seed): run
                for place in dict.fromkeys(_place(run.config) for run in planned)
                for seed, run in runs.get(place, {}).items()
            }
            if found:
                there.append(Performed(spec, scale, planned, found))
    return there


def _place(config: RunConfig) -> str:
    """The digest of the run with seeds 0."""
    return replace(config, seeds=replace(config.seeds, init=0, data=0)).digest()
