"""How long runs will take on this machine: some of each kind are timed in a few updates, the others lie between them.

Torch is imported when a run is timed.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import NamedTuple

from icl_train._estimate.work import Times, Work
from icl_train._profile.trial import time_runs
from icl_train._sweeps.cost import expected_cost, seconds_left
from icl_train._sweeps.teams import teams_of
from icl_train.config import RunConfig

__all__ = [
    "Left",
    "Timing",
    "as_ensembles",
    "expected_times",
    "kind_of",
    "seconds_to_start",
    "sweep_seconds",
    "timed",
    "to_time",
]

_CLOSE = 1.25  # costs that differ by less are timed once: their difference would be the machine's noise


class Left(NamedTuple):
    """A run that is to be trained.

    Attributes:
        config: its settings.
        done: updates that are done.
        device: where.
        threads: CPU threads; None for all cores.
        others: settings and updates that are done of the runs that are trained with it as an ensemble.
    """

    config: RunConfig
    done: int
    device: str
    threads: int | None
    others: tuple[tuple[RunConfig, int], ...] = ()

    @property
    def members(self) -> int:
        """How many runs are trained as one."""
        return 1 + len(self.others)

    @property
    def work(self) -> Work:
        """What is left of them."""
        return Work.left_of(self.config, self.done).beside(Work.left_of(config, done) for config, done in self.others)


@dataclass(frozen=True)
class Timing:
    """What was measured of one run.

    Attributes:
        config: its settings.
        times: of its pieces.
        members: how many runs were trained as one.
    """

    config: RunConfig
    times: Times
    members: int = 1

    @property
    def cost(self) -> float:
        """Expected cost of an update."""
        return expected_cost(self.config)

    @property
    def kind(self) -> tuple[object, ...]:
        """Runs of which kind follow from it; an ensemble's times from one of as many members."""
        return (self.members, *kind_of(self.config))

    def times_of(self, config: RunConfig, ratio: float = 1.0) -> Times:
        """What a run of this kind takes whose pieces cost ``ratio`` times as much.

        Args:
            config: its settings, which say how many sequences it is evaluated on.
            ratio: of costs.
        """
        asked = _evaluated(config) / _evaluated(self.config)
        times = self.times
        return replace(times, update=times.update * ratio, evaluation=times.evaluation * ratio * asked)


def kind_of(config: RunConfig) -> tuple[object, ...]:
    """What runs have in common whose times follow from one another by their expected cost."""
    data, model, train = config.data, config.model, config.train
    # What embeds images has its share whatever comes behind it, and no setting of its own is known here.
    images = (train.batch_size, model.embedder_config) if model.embedder == "resnet" else ()
    actions = sorted({one.action for one in model.intervened})
    return (
        data.source,
        data.downsample,
        model.embedder,
        repr(images),
        model.sequence_model,
        train.precision,
        train.device,
        train.engine,
        train.threads,
        *actions,
    )


def expected_times(config: RunConfig, timings: Iterable[Timing], members: int = 1) -> Times | None:
    """What a run takes, from those that were timed; None if there are none.

    Between two of its kind its times lie on a line; otherwise they are in proportion to those of the nearest cost, of
    its kind where there is one.

    Args:
        config: its settings.
        timings: of other runs.
        members: how many runs are trained as one.
    """
    cost, kind = expected_cost(config), (members, *kind_of(config))
    found = sorted(timings, key=lambda one: one.cost)
    own = [one for one in found if one.kind == kind]
    below, above = ([one for one in own if sign * one.cost <= sign * cost] for sign in (1, -1))
    if below and above and not _close(below[-1].cost, above[0].cost):
        share = (cost - below[-1].cost) / (above[0].cost - below[-1].cost)
        return _between(below[-1].times_of(config), above[0].times_of(config), share)
    nearest = min(own or found, key=lambda one: abs(one.cost - cost), default=None)
    return None if nearest is None else nearest.times_of(config, cost / nearest.cost)


def to_time(runs: Sequence[Left], known: Iterable[Timing] = ()) -> list[Left]:
    """Which runs are to be timed so that the times of all follow: the dearest and the cheapest of each kind.

    Args:
        runs: all of them.
        known: what was timed before.
    """
    before = list(known)
    chosen: list[Left] = []
    kinds: dict[tuple[object, ...], list[Left]] = {}
    for run in sorted(runs, key=lambda one: expected_cost(one.config)):
        kinds.setdefault((run.members, *kind_of(run.config)), []).append(run)
    for kind, own in kinds.items():
        costs = [one.cost for one in before if one.kind == kind]
        for run in (own[-1], own[0]):
            cost = expected_cost(run.config)
            if not any(_close(cost, other) for other in costs):
                costs.append(cost)
                chosen.append(run)
    return chosen


def timed(runs: Sequence[Left], *, seconds: float = 2.0, sequences: int = 256) -> list[Timing]:
    """Train a few updates of each of these runs.

    Args:
        runs: what is timed.
        seconds, sequences: see `time_runs`.

    Raises:
        RunFailed: if one cannot be trained.
        ValueError: if its data, device or model cannot be had.
    """
    found = []
    for one in runs:
        configs = [one.config, *(config for config, _ in one.others)]
        times = time_runs(configs, device=one.device, threads=one.threads, seconds=seconds, sequences=sequences)
        found.append(Timing(one.config, times, one.members))
    return found


def as_ensembles(runs: Sequence[Left], *, members: int | None) -> list[Left]:
    """The runs by process: those of an ensemble as one, called by the dearest of them.

    Args:
        runs: each by itself.
        members: runs of an ensemble at most; None for all that can be one.
    """
    found = []
    for team in teams_of(runs, lambda one: one.config, members=members):
        first, *others = sorted(team, key=lambda one: -expected_cost(one.config))
        found.append(first._replace(others=tuple((one.config, one.done) for one in others)))
    return found


def sweep_seconds(runs: Sequence[Left], timings: Sequence[Timing], *, jobs: int, start: float) -> float:
    """Seconds until all runs are done, the longest started first, each with the start of its process.

    Args:
        runs: those that are not finished.
        timings: of some of each kind.
        jobs: runs at a time.
        start: seconds until a process trains, see `seconds_to_start`.

    Raises:
        ValueError: if nothing was timed.
    """
    each = []
    for one in runs:
        times = expected_times(one.config, timings, one.members)
        if times is None:
            raise ValueError("timings must be of at least one run, got none")
        each.append(start + times.from_the_start(one.work))
    return seconds_left([], sorted(each, reverse=True), min(jobs, max(1, len(each))))


def seconds_to_start() -> float:
    """Seconds from the start of a process until it has imported what trains."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-P", "-c", "import icl_train._loop"], check=False, capture_output=True)
    return time.perf_counter() - started


def _close(cost: float, other: float) -> bool:
    return max(cost, other) < _CLOSE * min(cost, other)


def _evaluated(config: RunConfig) -> int:
    """Sequences of an evaluation."""
    return config.eval.batches * config.train.batch_size * len(config.eval.measured)


def _between(low: Times, high: Times, share: float) -> Times:
    ends = [asdict(low), asdict(high)]
    return Times(**{name: ends[0][name] + share * (ends[1][name] - ends[0][name]) for name in ends[0]})
