"""What ties the files of a run to each other, so that those of another run do not pass for its own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from icl_data.foundation.sealed import Damaged, file_hash
from icl_train._intact.classes import CLASSES

__all__ = ["Ties"]

_HASH = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Ties:
    """What state.json, DONE and FAILED say of the run that they are of.

    Attributes:
        run: the run's identity, which config.json has as well.
        classes: SHA-256 of classes.json; None where there was none.
    """

    run: str
    classes: str | None

    @classmethod
    def of(cls, folder: Path, run: str) -> Ties:
        """Those of a run, as its folder is now.

        Args:
            folder: the run's.
            run: its identity.

        Raises:
            OSError: what the system says.
        """
        try:
            return cls(run, file_hash(folder / CLASSES))
        except FileNotFoundError:
            return cls(run, None)

    @classmethod
    def read(cls, value: dict[str, Any]) -> Ties:
        """Those that an object of JSON has.

        Raises:
            Damaged: if it has none.
        """
        run, classes = value.get("run"), value.get("classes")
        if not isinstance(run, str) or not _HASH.fullmatch(run):
            raise Damaged("it must say of which run it is")
        if classes is not None and not (isinstance(classes, str) and _HASH.fullmatch(classes)):
            raise Damaged(f"it must hold the sha256 of {CLASSES}")
        return cls(run, classes)

    def to_plain(self) -> dict[str, Any]:
        """As JSON has them."""
        return {"run": self.run, "classes": self.classes}

    def require_run(self, run: str | None) -> None:
        """That they are of this run; None asks for nothing.

        Raises:
            Damaged: if they are not.
        """
        if run is not None and run != self.run:
            raise Damaged("it is of another run than config.json")

    def require_classes(self, folder: Path) -> None:
        """That the run's classes.json is the one that there was.

        Raises:
            Damaged: if it is not; the line begins with the file.
            OSError: what the system says.
        """
        if Ties.of(folder, self.run).classes != self.classes:
            raise Damaged(f"{CLASSES}: it must have the sha256 that it had: it is missing, changed, or of another run")
