"""The tracker "tensorboard": the numbers of a run's records as TensorBoard's scalars. Needs the package tensorboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from icl_data.foundation.extras import MissingExtra, import_extra
from icl_models import ComponentConfig, Outcome, TrackerSpec, hookimpl


@dataclass(frozen=True, kw_only=True)
class TensorBoardConfig(ComponentConfig):
    """Where the event files go."""

    folder: str | None = None
    """Folder in which each run gets one of its name; default: tensorboard/ in the run folder."""

    def __post_init__(self) -> None:
        if self.folder is not None:  # a run may be resumed from another folder
            object.__setattr__(self, "folder", str(Path(self.folder).expanduser().absolute()))


class TensorBoardTracker:
    """Writes split/name at each step, flushed with the records: a kill loses only what a resumed run writes again."""

    def __init__(self, run: Path, settings: Mapping[str, Any], own: TensorBoardConfig) -> None:
        self._folder = run / "tensorboard" if own.folder is None else Path(own.folder) / run.name

    def start(self, from_step: int) -> None:
        """Open an event file that takes the place of earlier ones from ``from_step`` on."""
        from torch.utils.tensorboard import SummaryWriter

        self._writer: Any = SummaryWriter(str(self._folder), purge_step=from_step)

    def log(self, records: Sequence[Mapping[str, Any]]) -> None:
        """Write the numbers among the values."""
        for record in records:
            for name, value in record.items():
                if name != "step" and isinstance(value, (int, float)):
                    self._writer.add_scalar(f"{record['split']}/{name}", value, record["step"])
        self._writer.flush()

    def finish(self, outcome: Outcome, reason: str) -> None:
        """Close the event file."""
        self._writer.close()


def _check(own: TensorBoardConfig) -> None:
    # What torch's SummaryWriter writes with: a folder or a file that happens to be called tensorboard has none of it.
    try:
        import_extra("tensorboard.summary.writer.event_file_writer", "icl-train[tensorboard]", "tracker 'tensorboard'")
    except MissingExtra:
        raise
    except Exception as error:  # of its own libraries, whose versions may not go together
        raise ValueError(
            f"tracker 'tensorboard' cannot use the tensorboard that is installed: {type(error).__name__}: {error}"
        ) from error


@hookimpl
def icl_register_trackers() -> list[TrackerSpec]:
    return [TrackerSpec(name="tensorboard", build=TensorBoardTracker, config=TensorBoardConfig, check=_check)]
