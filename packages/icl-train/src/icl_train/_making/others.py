"""The models of other runs that a run's interventions hold it to: which weights, and their copies in its folder."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from icl_train._interventions.text import intervention_text
from icl_train._interventions.value import Intervention
from icl_train._making.initial import copied_weights, find_initial_weights, with_initial_weights
from icl_train.config import RunConfig

__all__ = [
    "OTHERS",
    "check_other",
    "copied_name",
    "copy_others",
    "find_other",
    "others_of",
    "with_copies_in",
    "with_other_weights",
]

OTHERS = "other_*.safetensors"
"""The copies in a run's folder, by the first digits of their SHA-256."""

_DIGEST = re.compile(r"#sha256:([0-9a-f]{16})$")
_SETTING = "model.interventions: run"


def others_of(interventions: Iterable[Intervention]) -> list[str]:
    """The runs that interventions name, each once."""
    return list(dict.fromkeys(str(one.to) for one in interventions if one.action == "run"))


def with_other_weights(config: RunConfig) -> RunConfig:
    """The same run with all weights of others that it needs written in full: absolute path, step and digest.

    Args:
        config: the run's settings.

    Raises:
        ValueError: if they are not there, or others than they were.
    """
    config = with_initial_weights(config)
    named = config.model.intervened
    found = {run: str(find_initial_weights(run, _SETTING)) for run in others_of(named)}
    if not found:
        return config
    texts = tuple(intervention_text(replace(one, to=found.get(str(one.to), one.to))) for one in named)
    return replace(config, model=replace(config.model, interventions=texts))


def find_other(run: str) -> Path:
    """The file of the weights that an intervention names.

    Args:
        run: folder, step and digest.

    Raises:
        ValueError: if they are not there, or others than they were.
    """
    return find_initial_weights(run, _SETTING).file


def copied_name(run: str) -> str:
    """What their copy in a run's folder is called.

    Args:
        run: folder, step and digest, in full.
    """
    digest = _DIGEST.search(run)
    return OTHERS.replace("*", digest[1] if digest else "unknown")


def copy_others(config: RunConfig, folder: Path) -> None:
    """Put copies of the weights that a run's interventions name into its folder, which needs the other runs no longer.

    Args:
        config: the run's settings, with digests.
        folder: the run's.

    Raises:
        ValueError: if they are not there, or others than they were.
    """
    for run in others_of(config.model.intervened):
        (folder / copied_name(run)).write_bytes(find_initial_weights(run, _SETTING).content)


def with_copies_in(folder: Path, config: RunConfig) -> RunConfig:
    """The same run with the copies in its folder in the place of the other runs that its interventions name.

    Args:
        folder: the run's.
        config: its settings; other runs that were not copied stay as they are.
    """
    named = config.model.intervened
    there = {run: folder / copied_name(run) for run in others_of(named)}
    copies = {run: str(copy) for run, copy in there.items() if copy.is_file()}
    if not copies:
        return config
    texts = tuple(intervention_text(replace(one, to=copies.get(str(one.to), one.to))) for one in named)
    return replace(config, model=replace(config.model, interventions=texts))


def check_other(folder: Path, run: str) -> Path:
    """The copy in a run's folder.

    Args:
        folder: the run's.
        run: folder, step and digest, in full.

    Raises:
        Damaged: if it is not as it was written; the line begins with the file.
        OSError: what the system says.
    """
    name = copied_name(run)
    copied_weights(folder, run, name)
    return folder / name
