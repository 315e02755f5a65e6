"""What a tracker is: something that is told of a training run's records as they are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Protocol

from icl_models._contract.component import ComponentConfig, check_spec

Outcome = Literal["done", "failed", "interrupted"]
"""How a run ended: "done", "failed" or "interrupted"."""


class Tracker(Protocol):
    """What `TrackerSpec.build` returns. It is called between two updates, which wait for it.

    An exception sets it aside for the rest of the process, with a warning; the training goes on.
    """

    def start(self, from_step: int) -> None:
        """Records of `from_step` and later will come: 0 for a new run, the first step after the checkpoint for a
        resumed one. Later ones may have come before, in a process that was killed, and come again."""

    def log(self, records: Sequence[Mapping[str, Any]]) -> None:
        """These lines went to metrics.jsonl.

        Args:
            records: with "split" (`"train"`, `"eval_..."`), "step", "sequences" and values.
        """

    def finish(self, outcome: Outcome, reason: str) -> None:
        """Training has ended in this process. An interrupted run may be resumed.

        Args:
            outcome: how it ended.
            reason: why it failed, else empty.
        """


def _accept_any(own: Any) -> None:
    """The default `check`: no rule of its own."""


@dataclass(frozen=True, kw_only=True)
class TrackerSpec:
    """A tracker, as `icl_register_trackers` returns it.

    Args:
        name: how `--train.tracker` asks for it.
        build: `build(folder, settings, own_config)` returns a `Tracker` for the run in `folder`, whose config.json
            holds `settings`; called each time the run is started or resumed.
        config: the class of its own settings.
        check: raises ValueError for settings it cannot work with; called before a new run is made.
    """

    name: str
    build: Callable[[Path, Mapping[str, Any], Any], Tracker]
    config: type[ComponentConfig] = ComponentConfig
    check: Callable[[Any], None] = _accept_any

    def __post_init__(self) -> None:
        check_spec(self.name, self.config)
