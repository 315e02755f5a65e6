"""A run's tracker, if it has one: told of everything, able to change nothing."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from icl_models import Outcome, PluginWarning, Tracker, component_owner, find_tracker
from icl_train._distributed.parted import Parted
from icl_train._life.failure import reason_of
from icl_train._runs.folder import Record, RunFolder
from icl_train._settings.values import UnusableConfig

__all__ = ["Tracking", "tracking"]


class Tracking:
    """What the loop tells; a tracker that raises is set aside with a warning."""

    def __init__(self, run: RunFolder) -> None:
        self._run = run
        self._tracker: Tracker | None = None

    def start(self, from_step: int) -> None:
        """Records of ``from_step`` and later will come."""
        train = self._run.config.train
        if train.tracker is None:
            return
        if isinstance(train.tracker_config, UnusableConfig):
            warnings.warn(
                f"training goes on without its tracker: {train.tracker_config.reason}", PluginWarning, stacklevel=2
            )
            return
        spec, own = find_tracker(train.tracker), train.tracker_config

        def start() -> None:
            spec.check(own)
            self._tracker = spec.build(self._run.path, self._run.config.to_dict(), own)
            self._tracker.start(from_step)

        self._tell(start)

    def log(self, records: Sequence[Record]) -> None:
        """These went to metrics.jsonl."""
        if (tracker := self._tracker) is not None:
            self._tell(lambda: tracker.log(records))

    def finish(self, outcome: Outcome, reason: str = "") -> None:
        """The run has ended in this process."""
        if (tracker := self._tracker) is not None:
            self._tell(lambda: tracker.finish(outcome, reason))
        self._tracker = None

    def _tell(self, call: Callable[[], None]) -> None:
        try:
            call()
        except (Exception, SystemExit) as error:
            self._tracker = None
            name = str(self._run.config.train.tracker)
            whose = f"{name!r} ({component_owner('tracker', name)})"
            _warn(f"training goes on without its tracker {whose}: {type(error).__name__}: {error}")


@contextmanager
def tracking(run: RunFolder) -> Iterator[Tracking]:
    """The tracking of one training, which is told how it ended."""
    told = Tracking(run)
    try:
        yield told
    except (KeyboardInterrupt, BrokenPipeError, Parted):
        told.finish("interrupted")
        raise
    except Exception as error:
        told.finish("failed", reason_of(error))
        raise
    told.finish("done")


def _warn(line: str) -> None:
    warnings.warn(line, PluginWarning, stacklevel=3)
