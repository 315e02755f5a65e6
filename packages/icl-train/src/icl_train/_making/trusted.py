"""What a run's settings may do beside training it: run code as its source, write where its tracker is told to.

To open data must not run code, and to go on with a run must not write outside of its folder. Which code `data.source`
names, and which folder a tracker's settings, is written in a file that may be anybody's; so the user's own commands
write down, in the user's own folder, which runs they made.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from icl_data import read_source_name
from icl_data.foundation.own_modules import place_of_module
from icl_data.foundation.paths import describe, user_path
from icl_data.foundation.regular_file import read_file
from icl_data.foundation.whole_file import write_text
from icl_models import find_tracker
from icl_train._intact.errors import RunError
from icl_train._settings.identity import identifying
from icl_train._settings.source import BUILT_IN_SOURCES

__all__ = [
    "is_made_here",
    "is_own_code",
    "is_trusted",
    "remember_source",
    "require_trusted_tracker",
    "state_folder",
    "why_not_trusted",
]

_FOLDER = "ICL_STATE"
_TRACKER = "train.tracker_config."
_LARGEST = 100_000  # bytes
_MADE_HERE: dict[str, str] = {}  # by this process, which a home folder without room or rights does not forget


def is_own_code(source: object) -> bool:
    """Whether a source's name is of a function that somebody has written: ``package.module:factory``."""
    if not isinstance(source, str) or source in BUILT_IN_SOURCES:
        return False
    found = read_source_name(source)
    return found is not None and found.which == "factory"


def remember_source(path: Path, settings: Mapping[str, Any]) -> None:
    """Write down that this user's own command made a run with a source of somebody's own code, or a tracker that is
    told something.

    Args:
        path: the run's folder.
        settings: its settings by dotted name, as ``RunConfig.flat`` has them; of other runs, nothing is written.
    """
    if not is_own_code(settings.get("data.source")) and not _told_to_tracker(settings):
        return
    entry = _entry(path, settings)
    _MADE_HERE[os.path.realpath(path)] = entry
    try:
        file = _file(path)
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_text(file, entry)
    except (OSError, ValueError) as error:
        why = describe(error) if isinstance(error, OSError) else error
        warnings.warn(
            f"cannot write down that {path} was made here, so other commands will want --trust: {why}; "
            f"{_FOLDER} can name another folder",
            stacklevel=2,
        )


def is_trusted(path: Path, settings: Mapping[str, Any]) -> bool:
    """Whether a run's source runs no code, or is as it was when this user's command made the run in that folder.

    Args:
        path: the run's folder.
        settings: its settings by dotted name.
    """
    return not is_own_code(settings.get("data.source")) or is_made_here(path, settings)


def require_trusted_tracker(path: Path, settings: Mapping[str, Any], *, allowed_by: str) -> None:
    """Before a run is trained: its tracker is told nothing, or this user's command has told it.

    Args:
        path: the run's folder.
        settings: its settings by dotted name.
        allowed_by: the option that would allow it.

    Raises:
        RunError: if not, with what the tracker is told.
    """
    told = _told_to_tracker(settings)
    if told and not is_made_here(path, settings):
        name, value = next(iter(told.items()))
        raise RunError(
            f"what a tracker is told must be trusted before it is done, got {name} {value!r} for tracker "
            f"{settings['train.tracker']!r} of {path}, which no command of yours made there ({allowed_by} allows it)"
        )


def is_made_here(path: Path, settings: Mapping[str, Any]) -> bool:
    """Whether a command of this user has written down that it made a run, in that folder and with these settings.

    Args:
        path: the run's folder.
        settings: its settings by dotted name.
    """
    entry = _entry(path, settings)
    if _MADE_HERE.get(os.path.realpath(path)) == entry:
        return True
    try:
        return read_file(_file(path), most_bytes=_LARGEST).decode() == entry
    except (OSError, ValueError):
        return False


def _told_to_tracker(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a run's tracker that are not its defaults; nothing where it is not installed, and so not asked."""
    try:
        defaults = asdict(find_tracker(settings["train.tracker"]).config()) if settings.get("train.tracker") else {}
    except ValueError:
        return {}
    told = {name: settings.get(f"{_TRACKER}{name}", default) for name, default in defaults.items()}
    return {f"{_TRACKER}{name}": value for name, value in told.items() if value != defaults[name]}


def why_not_trusted(path: Path, source: str, *, allowed_by: str) -> str:
    """What a run's source would import, and from where, in one line; or that it is not found, which no trust mends.

    Args:
        path: what names the source.
        source: its name.
        allowed_by: the option that would allow it.
    """
    module, _, factory = source.partition(":")
    place = place_of_module(module)
    outermost = module.partition(".")[0]
    if outermost in sys.stdlib_module_names:
        return f"data.source {source!r} of {path} must name a module of somebody's own, got Python's own {outermost}"
    if place is None:
        before = _place_before(path, source)
        folder = "the folder that holds it" if before is None else str(before)
        return (
            f"the module of data.source {source!r} of {path} must be found, got no {outermost} here: run the command "
            f"from {folder}, or name that folder in PYTHONPATH"
        )
    return (
        f"a source of somebody's own code must be trusted before it is run, got data.source {source!r} of {path}, "
        f"which no command of yours made there: it would import {module}, from {place}, and call {factory}() "
        f"({allowed_by} allows it)"
    )


def state_folder() -> Path:
    """The user's folder for what commands remember: that of ICL_STATE, else ``icl`` in XDG_STATE_HOME.

    Raises:
        ValueError: there is no home folder.
    """
    own, general = os.environ.get(_FOLDER), os.environ.get("XDG_STATE_HOME", "")
    if own:
        return user_path(own).absolute()
    # The standard has relative paths left aside: https://specifications.freedesktop.org/basedir-spec
    return (Path(general) if os.path.isabs(general) else user_path("~/.local/state")) / "icl"


def _place_before(path: Path, source: str) -> Path | None:
    """The folder that held the module when a command of this user made the run; None where there is no knowing."""
    try:
        entry = json.loads(read_file(_file(path), most_bytes=_LARGEST))
        module = Path(entry["place"]) if entry["source"] == source else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if module is None or not module.is_absolute():
        return None
    return module.parent.parent if module.name == "__init__.py" else module.parent


def _file(path: Path) -> Path:
    """A file for each run folder, so that a run that changes leaves nothing behind."""
    return state_folder() / "made" / f"{hashlib.sha256(os.fsencode(os.path.realpath(path))).hexdigest()}.json"


def _entry(path: Path, settings: Mapping[str, Any]) -> str:
    """What must be as it was. The place of the module, too: the same name means another file in another folder."""
    source = settings.get("data.source")
    place = place_of_module(str(source).partition(":")[0]) if is_own_code(source) else None
    told = json.dumps(identifying(settings), sort_keys=True)
    entry = {
        "run": os.path.realpath(path),
        "settings": hashlib.sha256(told.encode()).hexdigest(),
        "source": source,
        "place": str(place),
        "tracker": _told_to_tracker(settings),
    }
    return json.dumps(entry, indent=1) + "\n"
