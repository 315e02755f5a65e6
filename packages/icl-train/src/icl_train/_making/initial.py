"""The weights that a run starts from, if not from fresh ones: where they are, and that they are still the same."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from icl_data.foundation.paths import errors_about, user_path
from icl_data.foundation.regular_file import NotAFile, read_file
from icl_data.foundation.sealed import Damaged
from icl_train._intact.checkpoints import (
    CHECKPOINTS,
    MODEL,
    STATE,
    checkpoint_folder,
    checkpoint_steps,
    hashed_content,
    read_state,
)
from icl_train._intact.errors import RunUnreadable
from icl_train._intact.markers import Done, read_done
from icl_train._intact.objects import OLDER_FORMAT
from icl_train._intact.sizes import require_size_of_tensors
from icl_train.config import RunConfig

__all__ = ["INITIAL", "InitialWeights", "copied_weights", "find_initial_weights", "with_initial_weights"]

INITIAL = "initial.safetensors"
"""The copy in the run's folder, which needs the other run no longer."""

_WRITTEN = re.compile(r"(?P<path>.+?)(@(?P<step>\d+))?(#sha256:(?P<digest>[0-9a-f]{16}))?", re.DOTALL)


@dataclass(frozen=True)
class InitialWeights:
    """Weights of another run, or of a saved model.

    Attributes:
        path: the run's folder, or the file, as an absolute path.
        step: which checkpoint of the run; None for a file.
        file: the safetensors file.
        content: its bytes.
        digest: first 16 hexadecimal digits of the SHA-256 of that file.
    """

    path: Path
    step: int | None
    file: Path
    content: bytes = field(repr=False)
    digest: str

    def __str__(self) -> str:
        step = "" if self.step is None else f"@{self.step}"
        return f"{self.path}{step}#sha256:{self.digest}"


def find_initial_weights(text: str) -> InitialWeights:
    """The weights behind ``--init-from``.

    Args:
        text: a run's folder (its last checkpoint) or ``RUN@STEP``, one checkpoint's folder, or a file of
            `icl_models.save_model`; with ``#sha256:…`` behind it, which weights these must be.

    Raises:
        ValueError: if they are not there, or others than they were.
    """
    parts = _WRITTEN.fullmatch(text)
    if parts is None:
        raise ValueError(f"train.init_from must be a run, RUN@STEP or a saved model, got {text!r}")
    path, step = user_path(parts["path"]).absolute(), parts["step"]
    if step is not None and user_path(f"{parts['path']}@{step}").exists():
        path, step = user_path(f"{parts['path']}@{step}").absolute(), None
    file, number = _file(path, None if step is None else int(step), text)
    with errors_about(file):
        content = _content(file, text)
    digest = _digest(content)
    if parts["digest"] is not None and parts["digest"] != digest:
        raise ValueError(
            f"train.init_from must be the weights with sha256:{parts['digest']}, got sha256:{digest} in {file}"
        )
    return InitialWeights(path, number, file, content, digest)


def with_initial_weights(config: RunConfig) -> RunConfig:
    """The same run with `train.init_from` written in full: absolute path, step and digest of the weights.

    Args:
        config: the run's settings.

    Raises:
        ValueError: if the weights are not there, or others than they were.
    """
    if config.train.init_from is None:
        return config
    return replace(config, train=replace(config.train, init_from=str(find_initial_weights(config.train.init_from))))


def copied_weights(folder: Path, init_from: str) -> bytes:
    """The content of the copy in a run's folder.

    Args:
        folder: the run's.
        init_from: `train.init_from` of the run, which names the digest.

    Raises:
        Damaged: if it is not as it was written; the line begins with the file.
        OSError: what the system says.
    """
    parts = _WRITTEN.fullmatch(init_from)
    try:
        require_size_of_tensors(folder / INITIAL)
        content = read_file(folder / INITIAL)
    except FileNotFoundError:
        raise Damaged(f"{INITIAL} is missing") from None
    except ValueError as error:
        raise Damaged(f"{INITIAL}: {error}") from None
    except NotAFile as error:
        raise Damaged(f"{INITIAL} {error.strerror}") from None
    if parts is not None and parts["digest"] not in (None, _digest(content)):
        raise Damaged(f"{INITIAL} must have sha256:{parts['digest']}, got sha256:{_digest(content)}")
    return content


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _content(file: Path, text: str) -> bytes:
    """The bytes of a file of weights; those of a checkpoint as they were written."""
    checkpoint = re.fullmatch(r"step_([0-9]{7,10})", file.parent.name)
    if checkpoint is None or not (file.parent / STATE).exists():
        return read_file(file)
    try:
        state = read_state(file.parent.parent, int(checkpoint[1]))
        return hashed_content(file.parent.parent, MODEL, state)
    except Damaged as damage:
        raise RunUnreadable(
            f"train.init_from must be weights as they were written, got {text}, where in {file.parent} {damage}"
        ) from damage


def _file(path: Path, step: int | None, text: str) -> tuple[Path, int | None]:
    checkpoints = _steps(path / CHECKPOINTS)
    last = _last_promised(path) if step is None else None
    if last is not None and last not in checkpoints:
        raise RunUnreadable(
            f"train.init_from must be a run with its last checkpoint, {last}, got {text}, where it is gone"
        )
    if (path / "config.json").is_file() or checkpoints:
        if not checkpoints:
            raise ValueError(f"train.init_from must be a run with a checkpoint, got {text} (it has none yet)")
        number = max(checkpoints) if step is None else step
        if number not in checkpoints:
            known = ", ".join(map(str, sorted(checkpoints)))
            raise ValueError(f"train.init_from must name a checkpoint of {path} ({known}), got {number}")
        return checkpoint_folder(path / CHECKPOINTS, number) / MODEL, number
    if step is not None:
        raise ValueError(f"train.init_from must be a run where a step is named, got {text}")
    file = path / MODEL if path.is_dir() else path
    if not file.is_file():
        there = "" if path.exists() else " (it does not exist)"
        raise ValueError(f"train.init_from must be a run, RUN@STEP or a saved model, got {text}{there}")
    return file, None


def _last_promised(run: Path) -> int | None:
    """The step of the last checkpoint of a finished run; None where nothing names it."""
    try:
        done = read_done(run, run_format=OLDER_FORMAT)
    except (OSError, Damaged):
        return None
    return max(done.checkpoints, default=None) if isinstance(done, Done) else None


def _steps(folder: Path) -> set[int]:
    return {step for step in checkpoint_steps(folder) if (checkpoint_folder(folder, step) / MODEL).is_file()}
