"""How a sweep shows its runs, which train in other processes."""

from __future__ import annotations

import json
import os
from typing import TextIO

from rich.console import Console
from rich.progress import TaskID

from icl_train._runs.folder import RunFolder
from icl_train._runs.progress import headline_line, step_progress

__all__ = ["Board", "Watched", "label"]


def label(run: RunFolder) -> str:
    """What a run is called on screen: what it varies within its sweep."""
    return f"{run.config.data.n_trained_classes} classes, s{run.config.seeds.data}"


class Board:
    """Where a sweep shows its runs: bars on a terminal, lines otherwise."""

    def __init__(self, stream: TextIO) -> None:
        console = Console(file=stream)
        self._stream = stream
        self._progress = step_progress(console) if console.is_terminal else None

    def __enter__(self) -> Board:
        if self._progress:
            self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        if self._progress:
            self._progress.stop()

    def say(self, line: str) -> None:
        """Print a line, above the bars if there are any."""
        if self._progress:
            self._progress.console.print(line, markup=False, highlight=False)
        else:
            print(line, file=self._stream, flush=True)

    def add(self, run: RunFolder) -> TaskID | None:
        """A bar for a run, on a terminal."""
        if not self._progress:
            return None
        return self._progress.add_task(label(run), total=run.config.train.max_steps)

    def move(self, bar: TaskID | None, step: int) -> None:
        """The run has done ``step``."""
        if self._progress and bar is not None:
            self._progress.update(bar, completed=step)

    def remove(self, bar: TaskID | None) -> None:
        """The run has ended."""
        if self._progress and bar is not None:
            self._progress.remove_task(bar)


class Watched:
    """A run in another process, seen through its metrics.jsonl."""

    def __init__(self, run: RunFolder, board: Board) -> None:
        self.run, self.board, self.label = run, board, label(run)
        board.say(f"{self.label}: started in {run.path}")
        self.bar = board.add(run)
        self.file = run.path / "metrics.jsonl"
        self.shown = max((record["step"] for record in run.records() if record["split"] != "train"), default=-1)
        self.position, self.inode = 0, 0

    def look(self) -> None:
        """Show what was written since the last look."""
        if not self.file.exists():
            return
        with self.file.open("rb") as file:
            inode = os.fstat(file.fileno()).st_ino
            if inode != self.inode:  # a resumed run rewinds its records into a new file
                self.position, self.inode = 0, inode
            file.seek(self.position)
            text = file.read()
        whole = text[: text.rfind(b"\n") + 1]
        self.position += len(whole)
        records = [json.loads(line) for line in whole.splitlines()]
        if records:
            self.board.move(self.bar, records[-1]["step"])
        evaluations = [record for record in records if record["split"] != "train"]
        for step in sorted({record["step"] for record in evaluations if record["step"] > self.shown}):
            self.shown = step
            line = headline_line([record for record in evaluations if record["step"] == step])
            self.board.say(f"{self.label}: {line}")

    def close(self, *, ok: bool) -> None:
        """Say how the run ended."""
        self.board.remove(self.bar)
        if ok:
            self.board.say(f"{self.label}: done")
            return
        reason = self.run.path / "FAILED"
        why = reason.read_text().strip() if reason.exists() else f"see {self.run.path / 'log.txt'}"
        self.board.say(f"{self.label}: failed, {why}")
