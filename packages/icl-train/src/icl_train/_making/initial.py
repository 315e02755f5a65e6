"""The weights that a run starts from, if not from fresh ones: where they are, and that they are still the same."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, replace
from pathlib import Path

from icl_data.foundation.paths import errors_about, user_path
from icl_train.config import RunConfig

__all__ = ["INITIAL", "InitialWeights", "find_initial_weights", "with_initial_weights"]

INITIAL = "initial.safetensors"
"""The copy in the run's folder, which needs the other run no longer."""

_WRITTEN = re.compile(r"(?P<path>.+?)(@(?P<step>\d+))?(#sha256:(?P<digest>[0-9a-f]{16}))?", re.DOTALL)
_FILE = "model.safetensors"


@dataclass(frozen=True)
class InitialWeights:
    """Weights of another run, or of a saved model.

    Attributes:
        path: the run's folder, or the file, as an absolute path.
        step: which checkpoint of the run; None for a file.
        file: the safetensors file.
        digest: first 16 hexadecimal digits of the SHA-256 of that file.
    """

    path: Path
    step: int | None
    file: Path
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
        digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
    if parts["digest"] is not None and parts["digest"] != digest:
        raise ValueError(
            f"train.init_from must be the weights with sha256:{parts['digest']}, got sha256:{digest} in {file}"
        )
    return InitialWeights(path, number, file, digest)


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


def _file(path: Path, step: int | None, text: str) -> tuple[Path, int | None]:
    checkpoints = _steps(path / "checkpoints")
    if (path / "config.json").is_file() or checkpoints:
        if not checkpoints:
            raise ValueError(f"train.init_from must be a run with a checkpoint, got {text} (it has none yet)")
        number = max(checkpoints) if step is None else step
        if number not in checkpoints:
            known = ", ".join(map(str, sorted(checkpoints)))
            raise ValueError(f"train.init_from must name a checkpoint of {path} ({known}), got {number}")
        return path / "checkpoints" / f"step_{number:07d}" / _FILE, number
    if step is not None:
        raise ValueError(f"train.init_from must be a run where a step is named, got {text}")
    file = path / _FILE if path.is_dir() else path
    if not file.is_file():
        there = "" if path.exists() else " (it does not exist)"
        raise ValueError(f"train.init_from must be a run, RUN@STEP or a saved model, got {text}{there}")
    return file, None


def _steps(folder: Path) -> set[int]:
    found = (re.fullmatch(r"step_(\d+)", path.name) for path in folder.glob("step_*"))
    return {int(match[1]) for match in found if match and (folder / match[0] / _FILE).is_file()}
