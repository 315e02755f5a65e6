"""What config.json holds: a run's settings, where it was made, and when it was started."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from icl_data.foundation.printable import one_line
from icl_data.foundation.regular_file import NotAFile
from icl_data.foundation.sealed import Damaged
from icl_train._intact.checkpoints import CHECKPOINTS, checkpoint_steps
from icl_train._intact.errors import RunError, RunUnreadable
from icl_train._intact.markers import DONE
from icl_train._intact.metrics import METRICS
from icl_train._intact.objects import OLDER_FORMAT, read_object, write_object
from icl_train._intact.ties import Ties
from icl_train._settings.identity import identity_of
from icl_train._settings.stored import check_stored
from icl_train.config import RunConfig

__all__ = ["CONFIG", "Stored", "left_of_a_run", "read_stored", "stored_settings", "write_stored"]

CONFIG = "config.json"
_LARGEST = 10_000_000  # bytes; it has some thousand, and a list of steps may be long


@dataclass(frozen=True)
class Stored:
    """The content of config.json.

    Attributes:
        config: the run's settings.
        environment: where it was made.
        starts: each time that it was started or went on.
        run_format: which format the run has.
        run: the run's identity, by which its other files know it: made from its settings when it began, and kept when
            it gets another last step, device, or newer versions with more settings.
    """

    config: RunConfig
    environment: dict[str, Any]
    starts: tuple[dict[str, Any], ...]
    run_format: int
    run: str


def write_stored(folder: Path, stored: Stored) -> None:
    """Write config.json into a folder, sealed unless the run is of the format before there were seals."""
    value = {
        **({} if stored.run_format == OLDER_FORMAT else {"run": stored.run}),
        "config": stored.config.to_dict(),
        "environment": stored.environment,
        "starts": list(stored.starts),
    }
    write_object(folder / CONFIG, value, run_format=stored.run_format)


def read_stored(folder: Path) -> Stored:
    """What config.json in a folder holds.

    Raises:
        RunError: if it is not there.
        RunUnreadable: if it is not as it was written, no configuration, or gone from a folder that has a run's records.
    """
    file = folder / CONFIG
    try:
        value, run_format = read_object(file, most_bytes=_LARGEST)
        check_stored(value)
        environment, starts = value["environment"], value.get("starts", [])
        config = RunConfig.from_dict(value["config"], owners=environment.get("plugins", {}), whole=True)
        run = identity_of(config.flat()) if run_format == OLDER_FORMAT else Ties.read(value).run
        return Stored(config, environment, tuple(starts), run_format, run)
    except (FileNotFoundError, NotADirectoryError) as error:
        if (others := left_of_a_run(folder)) is not None:
            raise RunUnreadable(f"{CONFIG} is missing from {folder}, which has {others}") from error
        there = "" if folder.exists() else " (it does not exist)"
        raise RunError(f"a run folder holds {CONFIG}, got {folder}{there}") from error
    except NotAFile as error:
        raise RunUnreadable(f"a run folder holds {CONFIG}, got {folder}, where it {error.strerror}") from error
    except PermissionError as error:
        raise RunError(f"cannot read {file}: {error.strerror}") from error
    except OSError as error:
        raise RunUnreadable(f"cannot read {file}: {error.strerror}") from error
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise RunUnreadable(f"cannot read {file}: {one_line(error)}") from error


def left_of_a_run(folder: Path) -> str | None:
    """What a folder without config.json has that a run alone has; None if nothing."""
    found = [name for name in (METRICS, DONE) if os.path.lexists(folder / name)]
    found += [CHECKPOINTS] if checkpoint_steps(folder / CHECKPOINTS) else []
    return " and ".join(found) or None


def stored_settings(folder: Path) -> dict[str, Any] | None:
    """The settings in config.json, as they are there; None where they cannot be read."""
    try:
        value, _ = read_object(folder / CONFIG, most_bytes=_LARGEST)
    except (OSError, Damaged):
        return None
    return value["config"] if isinstance(value.get("config"), dict) else None
