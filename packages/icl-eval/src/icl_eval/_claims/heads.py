"""What a claim about attention heads is about: one number of a run, from the scores of its last checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from icl_data.foundation.command_line import CommandFailed, nearest
from icl_data.foundation.printable import one_line
from icl_models import Claim
from icl_train import RunFolder, RunUnreadable

__all__ = ["SEQUENCES", "ScoredHeads"]

SEQUENCES = 1000  # as many as `icl-eval heads` takes, whose numbers these are; less than a second on a CPU


@dataclass(frozen=True)
class _Scores:
    """Of one model: (name, layer) → its heads' scores; name → why there are none; how many layers there are."""

    values: dict[tuple[str, int], list[float]]
    blank: dict[str, str]
    n_layers: int


@dataclass(eq=False)
class ScoredHeads:
    """The heads of runs: each run is looked into once, when a claim first asks for it. PyTorch is imported then.

    Args:
        trust: import sources of somebody's own code, although no command of this user made the runs.

    Attributes:
        refused: folder of a run → why its heads have no scores.
        damaged: whether that was a checkpoint that is damaged or gone.
    """

    trust: bool = False
    refused: dict[Path, str] = field(default_factory=dict, init=False)
    damaged: bool = field(default=False, init=False)
    _scores: dict[Path, _Scores | None] = field(default_factory=dict, init=False)

    def number(self, claim: Claim, run: RunFolder) -> float | None:
        """The greatest score among the heads of the claim's layer, or how many have more; None if that cannot be had.

        Args:
            claim: about heads.
            run: a finished run.
        """
        return self._found(claim, run)[0]

    def why_not(self, claim: Claim, run: RunFolder) -> str:
        """Why :meth:`number` is None; empty if it is not."""
        return self._found(claim, run)[1]

    def _found(self, claim: Claim, run: RunFolder) -> tuple[float | None, str]:
        assert claim.heads is not None
        from icl_eval._heads.scores import MEASURES

        heads, name = claim.heads, claim.measure
        if name not in MEASURES:
            hint = nearest(name, MEASURES)
            return None, f"a score of heads must be one of {', '.join(MEASURES)}, got {name!r}{hint}"
        scores = self._of(run)
        if scores is None:
            return None, self.refused[run.path]
        if name in scores.blank:
            return None, f"no {name.replace('_', ' ')}: {scores.blank[name]}"
        values = scores.values.get((name, heads.layer))
        if values is None:
            return None, f"the layer of heads must be from 0 to {scores.n_layers - 1}, got {heads.layer}"
        if heads.more_than is None:
            return max(values), ""
        return float(sum(value > heads.more_than for value in values)), ""

    def _of(self, run: RunFolder) -> _Scores | None:
        if run.path not in self._scores:
            self._scores[run.path] = self._measured(run)
        return self._scores[run.path]

    def _measured(self, run: RunFolder) -> _Scores | None:
        from icl_eval._evaluate import CheckpointDamaged
        from icl_eval._heads.runs import measure_heads

        try:
            frame = measure_heads(run, sequences=SEQUENCES, trust=self.trust)
        except (ValueError, ImportError, OSError, CommandFailed, MemoryError, OverflowError) as error:
            too_large = isinstance(error, (MemoryError, OverflowError))
            self.refused[run.path] = "what it asks for does not fit into memory" if too_large else one_line(error)
            self.damaged |= isinstance(error, (CheckpointDamaged, RunUnreadable))
            return None
        rows = frame[frame["kind"] == "head"]
        values: dict[tuple[str, int], list[float]] = {}
        for name, layer, value in zip(rows["measure"], rows["layer"], rows["value"], strict=True):
            values.setdefault((str(name), int(layer)), []).append(float(value))
        return _Scores(values, dict(frame.attrs["blank"]), 1 + max(layer for _, layer in values))
