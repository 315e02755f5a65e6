"""The settings of the training loop."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from icl_models import ComponentConfig, find_tracker
from icl_train._settings.option import require, require_choices, require_numbers, short_name
from icl_train._settings.steps import Timetable, check_count, check_last_step, checked_steps, log_spaced
from icl_train._settings.values import UnusableConfig

__all__ = ["MOST_THREADS", "EngineName", "Precision", "TrainConfig"]

EngineName = Literal["auto", "eager", "compiled", "graph", "fused", "ensemble"]
"""Ways to make an update: "auto" (what suits the device), "eager", "compiled", "graph", "fused" or "ensemble"."""
Precision = Literal["float32", "tf32", "bf16"]
"""Numbers that a run computes with: "float32", "tf32" or "bf16"."""

MOST_THREADS = 4096


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """The loop."""

    max_steps: Annotated[int, short_name("--max-steps")] = 500_000
    """Updates in all."""
    batch_size: Annotated[int, short_name("--batch-size")] = 32
    """Sequences per update."""
    precision: Annotated[Precision, short_name("--precision")] = "float32"
    """Numbers of the forward pass: float32, tf32 (a CUDA device's products), or bf16 (autocast); weights and loss stay
    float32."""
    engine: Annotated[EngineName, short_name("--engine")] = "auto"
    """How updates are made: eager, compiled, graph and fused (on CUDA), ensemble (runs of one shape as one), or auto;
    eager is the reference, compiled is torch.compile's, graph a CUDA device's, fused a graph with Triton kernels, and
    auto means graph on a CUDA device, else eager."""
    device: Annotated[str, short_name("--device")] = "auto"
    """cpu, cuda, cuda:1, …, or auto: cuda where there is one."""
    threads: int | None = None
    """CPU threads; default: all cores for one run, the cores shared out in a sweep."""
    log_interval: int = 100
    """Updates between lines of training metrics, which are means over the interval."""
    checkpoint_interval: int = 10_000
    """Updates between checkpoints; the last update always has one."""
    checkpoint_steps: tuple[int, ...] | None = None
    """Checkpoints after these updates (0: before the first) and the last, in place of checkpoint_interval."""
    log_spaced_checkpoint_steps: int | None = None
    """That many checkpoints from update 1 to the last, evenly spaced in their logarithm, and one before the first, in
    place of checkpoint_interval."""
    init_from: Annotated[str | None, short_name("--init-from")] = None
    """Weights to start from: RUN (its last checkpoint), RUN@STEP, or a saved model; default: fresh ones."""
    tracker: str | None = None
    """What else is told of the run's records: tensorboard, or a plugin's; default: nothing."""
    tracker_config: Annotated[ComponentConfig | None, tyro.conf.AvoidSubcommands] = None
    """Settings of that tracker alone."""

    def __post_init__(self) -> None:
        require_choices(self, "train")
        require_numbers(self, "train")
        for name in ("max_steps", "batch_size", "log_interval", "checkpoint_interval"):
            require(getattr(self, name) >= 1, f"train.{name} must be at least 1", getattr(self, name))
        require(
            self.threads is None or 1 <= self.threads <= MOST_THREADS,
            f"train.threads must be from 1 to {MOST_THREADS}",
            self.threads,
        )
        require(
            self.device in ("auto", "cpu", "cuda") or re.fullmatch(r"cuda:\d+", self.device) is not None,
            "train.device must be one of auto, cpu, cuda, cuda:N",
            repr(self.device),
        )
        self._resolve_checkpoints()
        self._resolve_tracker()

    @property
    def checkpoints(self) -> Timetable:
        """Steps after which there is a checkpoint."""
        listed = self.checkpoint_steps
        if self.log_spaced_checkpoint_steps is not None:
            listed = log_spaced(self.log_spaced_checkpoint_steps, self.max_steps)
        return Timetable(
            interval=self.checkpoint_interval,
            listed=None if listed is None else frozenset(listed),
            last=self.max_steps,
        )

    def _resolve_checkpoints(self) -> None:
        count = self.log_spaced_checkpoint_steps
        check_count("train.log_spaced_checkpoint_steps", count)
        require(
            count is None or self.checkpoint_steps is None,
            "one of train.checkpoint_steps and train.log_spaced_checkpoint_steps must be left out",
            f"{self.checkpoint_steps} and {count}",
        )
        steps = checked_steps("train.checkpoint_steps", self.checkpoint_steps)
        check_last_step("train.checkpoint_steps", steps, self.max_steps)
        object.__setattr__(self, "checkpoint_steps", steps)

    def _resolve_tracker(self) -> None:
        own = self.tracker_config
        if self.tracker is None:
            require(own is None, "train.tracker_config needs train.tracker", own)
        elif not isinstance(own, UnusableConfig):
            config = find_tracker(self.tracker).config
            require(
                own is None or isinstance(own, config),
                f"train.tracker_config must be {config.__name__} for {self.tracker!r}",
                own,
            )
            object.__setattr__(self, "tracker_config", own or config())
