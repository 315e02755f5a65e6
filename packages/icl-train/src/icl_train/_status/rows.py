"""What ``icl-train status`` knows of each run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from icl_data.foundation.paths import describe
from icl_train._plans.labels import run_name
from icl_train._runs.departures import departures
from icl_train._runs.folder import Record, RunFolder, Status
from icl_train._runs.headlines import told_splits
from icl_train._runs.search import find_runs
from icl_train._sweeps.cost import clock
from icl_train._watching.job import read_job
from icl_train._watching.state import state_of
from icl_train._watching.view import RunView, why_failed

__all__ = ["STATES", "Score", "StatusRow", "Survey"]

STATES: tuple[Status, ...] = ("running", "damaged", "failed", "interrupted", "queued", "done")
"""What a run may be, the latest news first."""

IN_THE_NAME = ("data.source", "data.n_rare_classes", "seeds.init", "seeds.data")


@dataclass(frozen=True)
class Score:
    """The accuracy that a split is measured by, in its newest evaluation.

    Attributes:
        step: updates before it.
        accuracy: the headline accuracy.
        chance: what guessing gives.
    """

    step: int
    accuracy: float
    chance: float


@dataclass(frozen=True)
class StatusRow:
    """One run, now.

    Attributes:
        path: its folder.
        name: what it is called here.
        state: what it is.
        step: updates done.
        max_steps: updates in all.
        steps_per_second, seconds_left: measured, while it is trained; None otherwise.
        process: ``pid`` and ``host`` of what trains it; None otherwise.
        job: ``launcher`` and ``id`` of the cluster's job that it waits for or is trained in; None without one.
        scores: split → its newest evaluation.
        differs: the settings that set it apart from the others here.
        reason: why it failed, or what is damaged; None otherwise.
        unusable: why its model cannot be built here; None otherwise.
    """

    path: Path
    name: str
    state: Status
    step: int
    max_steps: int
    steps_per_second: float | None
    seconds_left: float | None
    process: dict[str, Any] | None
    job: dict[str, str] | None
    scores: dict[str, Score]
    differs: dict[str, str]
    reason: str | None
    unusable: str | None

    def as_json(self) -> dict[str, Any]:
        """Plain containers, under these names."""
        return {**asdict(self), "path": str(self.path)}

    @property
    def rank(self) -> int:
        """How near to the top it belongs where there is no room for all: 0 is what is news first."""
        return STATES.index(self.state)

    @property
    def told(self) -> list[str]:
        """Of its evaluations, those that are told where room is short."""
        return told_splits(list(self.scores))

    @property
    def left(self) -> str:
        """The time that is left, as a clock shows it; empty where nothing is known."""
        return "" if self.seconds_left is None else clock(self.seconds_left)

    @property
    def changes(self) -> object:
        """Equal as long as nothing has happened to the run but updates."""
        return self.state, self.reason, tuple(self.scores.values())


class Survey:
    """The runs below folders, which can be looked at again and again.

    Args:
        roots: the folders.
        hears: called with each run, and what it has recorded since the last look, in order; a record of an update that
            was told of before takes the place of it and of all that followed.

    Attributes:
        roots: the folders.
        broken: folders that cannot be read, with the reason.

    Raises:
        RunError: if one of ``roots`` is not a folder.
    """

    def __init__(self, *roots: Path, hears: Callable[[RunFolder, Sequence[Record]], None] | None = None) -> None:
        self.roots = roots
        self._hears = hears
        self._views: dict[Path, RunView] = {}
        self.find()

    def find(self) -> None:
        """Look for runs anew."""
        below: dict[Path, tuple[RunFolder, Path]] = {}
        self._unreadable: list[tuple[Path, str]] = []
        for root in self.roots:
            found, unreadable = find_runs(root)
            below |= {run.path: (run, root) for run in found if run.path not in below}
            self._unreadable += unreadable
        runs = [run for run, _ in below.values()]
        self._views = {run.path: self._views.get(run.path) or RunView(run) for run in runs}
        self._closed: list[tuple[Path, str]] = []
        self._differences = departures([run.config for run in runs], left_out=_told_by_names(runs))
        self._names = _names(list(below.values()))

    def run(self, path: Path) -> RunFolder:
        """The run in a folder that `look` told of.

        Args:
            path: the folder.

        Raises:
            KeyError: for another folder.
        """
        return self._views[path].run

    @property
    def broken(self) -> list[tuple[Path, str]]:
        """Folders that cannot be read, with the reason."""
        return [*self._unreadable, *self._closed]

    def look(self) -> list[StatusRow]:
        """Every run that can be read, as it is now."""
        rows = []
        self._closed = []
        for view, name, differs in zip(self._views.values(), self._names, self._differences, strict=True):
            records = view.look()
            if self._hears is not None and records:
                self._hears(view.run, records)
            try:
                if not view.gone:
                    rows.append(_row(view, name, differs))
            except OSError as error:  # a folder that can be listed but not entered
                self._closed.append((view.run.path, f"cannot look into it: {describe(error)}"))
        return rows


def _row(view: RunView, name: str, differs: dict[str, str]) -> StatusRow:
    state, damage = state_of(view.run), view.damage
    if damage is None and state != "running":
        damage = view.run.damage()
    if damage is not None:
        state = "damaged"
    note = read_job(view.run.path) if state in ("queued", "running") else None
    beat = view.beat if state == "running" else None
    return StatusRow(
        path=view.run.path,
        name=name,
        state=state,
        step=view.step,
        max_steps=view.run.config.train.max_steps,
        steps_per_second=view.steps_per_second if beat else None,
        seconds_left=view.seconds_left if beat else None,
        process={"pid": beat.pid, "host": beat.host} if beat else None,
        job={"launcher": note.launcher, "id": note.id} if note else None,
        scores={} if damage else {split: Score(*score) for split, score in view.scores.items()},
        differs=differs,
        reason=damage if state == "damaged" else why_failed(view.run) if state == "failed" else None,
        unusable=view.run.unusable,
    )


def _told_by_names(runs: Sequence[RunFolder]) -> tuple[str, ...]:
    """What need not be said again, where every run has the name that this package gives."""
    return IN_THE_NAME if all(run.name.endswith(run_name(run.config)) for run in runs) else ()


def _names(runs: Sequence[tuple[RunFolder, Path]]) -> list[str]:
    """Names of the folders, with the folders above them where a name is not the only one of its kind."""
    times = Counter(run.name for run, _ in runs)
    return [
        run.name if times[run.name] == 1 or run.path == root else run.path.relative_to(root).as_posix()
        for run, root in runs
    ]
