"""What is done to one part of a model, and during which updates."""

from __future__ import annotations

import math
import re
import typing
from dataclasses import dataclass
from typing import Literal

from icl_data.foundation.command_line import nearest
from icl_data.foundation.shown import shown

__all__ = ["ACTIONS", "PATTERNS", "Action", "Intervention", "Pattern"]

Action = Literal["ablate", "mean", "value", "run", "pattern", "copy", "fix"]
Pattern = Literal["previous", "shifted", "induction", "uniform"]

ACTIONS: tuple[str, ...] = typing.get_args(Action)
PATTERNS: tuple[str, ...] = typing.get_args(Pattern)

_LARGEST = 2**31 - 1
_NAME = re.compile(r"[\w.*-]{1,200}")
_WITH_HEADS = re.compile(r"(.*\.)?(queries|keys|values|weights|heads)")
_WEIGHTS = re.compile(r"(.*\.)?weights(\.\d+)?")
_LIKE_A_SETTING = re.compile(r",\s*\w+\s*=")


@dataclass(frozen=True, kw_only=True)
class Intervention:
    """One intervention, checked at construction ("artificial optogenetics": Singh et al. 2024, arXiv 2404.07129).

    Attributes:
        name: of what, as `icl_models.capture` has it: ``blocks.1.attention.heads``, ``blocks.1.attention.heads.3``,
            ``blocks.0.mlp``; * stands for anything. For ``fix``, of a parameter or a module in the model.
        action: ``ablate``: zero in its place; ``mean``: each position's mean over the batch; ``value``: a number;
            ``run``: what another run's model computes there on the same sequences; ``pattern``: attention weights that
            are given; ``copy``: the answer is what these attention weights copy, no readout (see
            `icl_train._intervening.patterns`); ``fix``: parameters stay as they are.
        to: of ``value`` the number; of ``run`` the folder, with @STEP for another checkpoint than the last and
            #sha256:… for which weights these must be; of ``pattern``: previous, shifted, induction or uniform.
        but: heads that stay as they are.
        start, stop: it acts in the updates start + 1 to stop; without a stop to the last. The evaluation after an
            update is made as that update was; that before the first as the first is.

    Raises:
        ValueError: for what cannot be, naming rule, value and choices.
    """

    name: str
    action: Action
    to: float | str | None = None
    but: tuple[int, ...] = ()
    start: int = 0
    stop: int | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or _NAME.fullmatch(self.name) is None:
            raise ValueError(
                f"an intervention must be on a name such as blocks.1.attention.heads.0, got {shown(self.name)}"
            )
        if self.action not in ACTIONS:
            raise self._wrong(
                f"the action must be one of {', '.join(ACTIONS)}", self.action, nearest(self.action, ACTIONS)
            )
        self._check_to()
        self._check_heads()
        self._check_steps()

    def acts(self, step: int) -> bool:
        """Whether it acts in an update, and in the evaluation after it; in that before the first as in the first.

        Args:
            step: number of the update; the first is 1.
        """
        return self.start < max(step, 1) <= (_LARGEST if self.stop is None else self.stop)

    def _check_to(self) -> None:
        if self.action == "value":
            self._check_number()
        elif self.action == "pattern":
            if self.to not in PATTERNS:
                hint = nearest(str(self.to), PATTERNS)
                raise self._wrong(f"pattern must be one of {', '.join(PATTERNS)}", self.to, hint)
        elif self.action == "run":
            if not isinstance(self.to, str) or not self.to:
                raise self._wrong("run must be a run's folder, or RUN@STEP", self.to)
            if _LIKE_A_SETTING.search(self.to):
                raise self._wrong("run must be a folder without a comma and = in its name", self.to)
        elif self.to is not None:
            raise self._wrong(f"{self.action} must have nothing behind it", self.to)

    def _check_number(self) -> None:
        if isinstance(self.to, bool) or not isinstance(self.to, (int, float)) or not math.isfinite(self.to):
            raise self._wrong(f"{self.action} must be a finite number", self.to)
        object.__setattr__(self, "to", float(self.to))

    def _check_heads(self) -> None:
        if self.action in ("pattern", "copy") and _WEIGHTS.fullmatch(self.name) is None:
            raise self._wrong(
                f"{self.action} must be of attention weights (blocks.0.attention.weights, or of one head "
                "blocks.0.attention.weights.3)",
                self.name,
            )
        object.__setattr__(self, "but", tuple(self.but))
        if not self.but:
            return
        if self.action == "fix" or _WITH_HEADS.fullmatch(self.name) is None:
            raise self._wrong("but needs a name that ends with queries, keys, values, weights or heads", self.name)
        if any(isinstance(head, bool) or not isinstance(head, int) or head < 0 for head in self.but):
            raise self._wrong("but must be numbers of heads, joined by +", self.but)
        if len(set(self.but)) < len(self.but):
            raise self._wrong("but must name each head once", "+".join(map(str, self.but)))

    def _check_steps(self) -> None:
        for which, least in (("start", 0), ("stop", 1)):
            step = getattr(self, which)
            if which == "stop" and step is None:
                continue
            if isinstance(step, bool) or not isinstance(step, int) or not least <= step <= _LARGEST:
                raise self._wrong(f"{which} must be a number of updates from {least} to {_LARGEST}", step)
        if self.stop is not None and self.stop <= self.start:
            raise self._wrong(f"stop must be above start ({self.start})", self.stop)

    def _wrong(self, rule: str, value: object, hint: str = "") -> ValueError:
        return ValueError(f"intervention on {self.name}: {rule}, got {shown(value)}{hint}")
