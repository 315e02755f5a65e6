"""Checkpoints as files: which there are, what state.json says of them, and whether their files are as it says."""

from __future__ import annotations

import errno
import hashlib
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from icl_data.foundation.printable import one_line
from icl_data.foundation.regular_file import NotAFile, read_file
from icl_data.foundation.sealed import Damaged, GrowingSeal
from icl_train._intact.objects import OLDER_FORMAT, read_object, write_object
from icl_train._intact.seals import seal_from, seal_to_plain
from icl_train._intact.sizes import require_size_of_tensors
from icl_train._intact.ties import Ties

__all__ = [
    "CHECKPOINTS",
    "MODEL",
    "OPTIMIZER",
    "STATE",
    "CheckpointState",
    "checkpoint_folder",
    "checkpoint_steps",
    "hashed_content",
    "is_checkpoint_name",
    "newest_before",
    "read_state",
    "write_state",
]

CHECKPOINTS = "checkpoints"
MODEL, OPTIMIZER, STATE = "model.safetensors", "optimizer.safetensors", "state.json"
_LAST_STEP = 2**31 - 1  # of any run


@dataclass(frozen=True)
class CheckpointState:
    """What state.json says.

    Attributes:
        step: updates done.
        sums: of the means that the next line of training metrics begins with.
        summed: of how many updates.
        hashes: file → SHA-256; empty in format 1, which has none.
        metrics: how far metrics.jsonl may go when the run goes on from here: as it was then, and as it is once what
            was written because that step was the last has gone from it. Empty in format 1.
        before: step of the checkpoint before; None for the first.
        ties: of which run it is. None in format 1.
    """

    step: int
    sums: tuple[float, ...]
    summed: int
    hashes: Mapping[str, str]
    metrics: tuple[GrowingSeal, ...]
    before: int | None = None
    ties: Ties | None = None

    @property
    def is_covered(self) -> bool:
        """Whether there are hashes."""
        return bool(self.hashes)

    def or_with(self, metrics: GrowingSeal) -> CheckpointState:
        """The same, with another length that metrics.jsonl may have."""
        return replace(self, metrics=(*self.metrics, metrics))

    def require_metrics(self, content: bytes) -> GrowingSeal | None:
        """How far metrics.jsonl went then; None in format 1, where nobody knows.

        Args:
            content: the file, as it is.

        Raises:
            Damaged: if it has lost or changed something since.
        """
        for seal in self.metrics[1:]:
            try:
                seal.require_start_of(content)
                return seal
            except Damaged:
                continue
        if not self.metrics:
            return None
        self.metrics[0].require_start_of(content)
        return self.metrics[0]


def checkpoint_folder(checkpoints: Path, step: int) -> Path:
    """Where the checkpoint of a step is, or will be."""
    return checkpoints / f"step_{step:07d}"


def checkpoint_steps(checkpoints: Path) -> list[int]:
    """Steps that have a checkpoint, ascending."""
    found = [int(path.name[5:]) for path in checkpoints.glob("step_*") if is_checkpoint_name(path.name)]
    return sorted(step for step in found if step <= _LAST_STEP and checkpoint_folder(checkpoints, step).is_dir())


def is_checkpoint_name(name: str) -> bool:
    """Whether a folder that is called so is a checkpoint."""
    return re.fullmatch(r"step_[0-9]{7,10}", name) is not None


def newest_before(checkpoints: Path, step: int) -> int | None:
    """The step of the newest checkpoint before one; None for the first."""
    return max((one for one in checkpoint_steps(checkpoints) if one < step), default=None)


def write_state(checkpoint: Path, state: CheckpointState) -> None:
    """Write state.json into the folder of a checkpoint.

    Args:
        checkpoint: the folder.
        state: what it is to say, ties among it.
    """
    assert state.ties is not None
    value = {**state.ties.to_plain(), "step": state.step, "before": state.before, "sums": state.sums}
    value |= {"summed": state.summed, "files": state.hashes}
    write_object(checkpoint / STATE, {**value, "metrics": [seal_to_plain(seal) for seal in state.metrics]})


def read_state(checkpoints: Path, step: int) -> CheckpointState:
    """What state.json says of the checkpoint of a step.

    Raises:
        Damaged: if it is not as it was written, or not there; the line names it.
        OSError: what the system says.
    """
    try:
        return _state(*read_object(checkpoint_folder(checkpoints, step) / STATE), step)
    except FileNotFoundError:
        raise Damaged(f"{STATE} is missing") from None
    except NotAFile as error:
        raise Damaged(f"{STATE}: it {error.strerror}") from None
    except OSError as error:
        raise _unless_of_the_disk(STATE, error) from error
    except Damaged as damage:
        raise Damaged(f"{STATE}: {damage}") from None


def hashed_content(checkpoints: Path, name: str, state: CheckpointState) -> bytes:
    """The content of one of the files of a checkpoint, as it was written if state.json has its hash.

    Raises:
        Damaged: if it is not; the line names it.
        OSError: what the system says.
    """
    file = checkpoint_folder(checkpoints, state.step) / name
    try:
        require_size_of_tensors(file)
        content = read_file(file)
    except FileNotFoundError:
        raise Damaged(f"{name} is missing") from None
    except ValueError as error:
        raise Damaged(f"{name}: {error}") from None
    except NotAFile as error:
        raise Damaged(f"{name} {error.strerror}") from None
    except OSError as error:
        raise _unless_of_the_disk(name, error) from error
    if state.is_covered and hashlib.sha256(content).hexdigest() != state.hashes.get(name):
        raise Damaged(f"{name} must have the sha256 that it was written with: it has been damaged or changed")
    return content


def _unless_of_the_disk(name: str, error: OSError) -> Exception:
    """A disk that cannot give a file back has damaged it; rights and the like are no damage."""
    return Damaged(f"{name}: {error.strerror}") if error.errno == errno.EIO else error


def _state(value: dict[str, Any], own_format: int, step: int) -> CheckpointState:
    if type(value.get("step")) is not int or value["step"] != step:
        raise Damaged(f"its step must be {step}, got {one_line(value.get('step'))[:60]}")
    sums, summed = value.get("sums"), value.get("summed")
    if not isinstance(sums, list) or not all(map(_is_number, sums)):
        raise Damaged(f"its sums must be finite numbers, got {one_line(sums)[:60]}")
    if type(summed) is not int or not 0 <= summed <= step:
        raise Damaged(f"its summed must be a number of updates, at most {step}, got {one_line(summed)[:60]}")
    if own_format == OLDER_FORMAT:
        return CheckpointState(step, tuple(sums), summed, {}, ())
    hashes, metrics, before = value.get("files"), value.get("metrics"), value.get("before")
    if not isinstance(hashes, dict) or sorted(hashes) != [MODEL, OPTIMIZER]:
        got = one_line(sorted(hashes) if isinstance(hashes, dict) else hashes)[:60]
        raise Damaged(f"its files must be {MODEL} and {OPTIMIZER} with their hashes, got {got}")
    if before is not None and (type(before) is not int or not 0 <= before < step):
        raise Damaged(f"its before must be an earlier step, got {one_line(before)[:60]}")
    if not isinstance(metrics, list) or not metrics:
        raise Damaged("it must say how far metrics.jsonl went")
    seals = tuple(map(seal_from, metrics))
    return CheckpointState(step, tuple(sums), summed, hashes, seals, before, Ties.read(value))


def _is_number(value: object) -> bool:
    """Whether it is one that arithmetic can begin with."""
    try:
        return type(value) in (int, float) and math.isfinite(float(value))  # type: ignore[arg-type]
    except OverflowError:
        return False
