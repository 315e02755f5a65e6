"""How long the runs of experiments would take on this machine, without the files that some of them need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from icl_train._computing.device import resolve_device
from icl_train._profile.stand_in import without_files
from icl_train._runs.folder import available_cores
from icl_train._sweeps.estimate import Left, Timing, seconds_to_start, sweep_seconds, timed, to_time
from icl_train.config import RunConfig

__all__ = ["HOW", "Stopwatch"]

HOW = (
    "Times are for this machine, with little else on it: a few updates, an evaluation and a checkpoint of the dearest "
    "and the cheapest runs of each kind were timed just now, on random images in place of Omniglot's."
)
_SECONDS, _SEQUENCES = 0.3, 64  # of each that is timed: there are many kinds


class Stopwatch:
    """Times a few updates of runs, and remembers which kinds it knows."""

    def __init__(self) -> None:
        self._timings: list[Timing] = []
        self._start: float | None = None

    def seconds(self, configs: Sequence[RunConfig]) -> float:
        """Seconds that these runs take together, as a sweep trains them: one on each core, or one after the other on a
        GPU.

        Args:
            configs: settings of the runs, of one device.

        Raises:
            RunFailed: if one cannot be trained.
            ValueError: if there is no such device, a source cannot be opened, or a model cannot be built.
        """
        device = resolve_device(configs[0].train.device)
        places = min(len(configs), available_cores()) if device.type == "cpu" else 1
        shared = max(1, available_cores() // places)
        runs = []
        for config in map(without_files, configs):
            threads = config.train.threads or shared
            own = replace(config, train=replace(config.train, threads=threads))  # by which kinds are told apart
            runs.append(Left(own, 0, str(device), threads))
        self._timings += timed(to_time(runs, self._timings), seconds=_SECONDS, sequences=_SEQUENCES)
        self._start = seconds_to_start() if self._start is None else self._start
        return sweep_seconds(runs, self._timings, jobs=places, start=self._start)
