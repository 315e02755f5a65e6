"""The settings of the evaluations inside training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from icl_train._evaluations.built_in import DEFAULT_EVALUATIONS
from icl_train._evaluations.exemplars import check_exemplars
from icl_train._evaluations.text import evaluation_text, read_evaluations
from icl_train._evaluations.value import Evaluation
from icl_train._settings.data import ContextOrder, Protocol, QueryExemplar
from icl_train._settings.option import require, require_choices, require_numbers, short_name
from icl_train._settings.steps import Timetable, check_count, checked_steps, log_spaced

__all__ = ["EvalConfig"]


@dataclass(frozen=True, kw_only=True)
class EvalConfig:
    """Evaluations inside training, on the run's own class split."""

    interval: Annotated[int, short_name("--eval-interval")] = 1000
    """Updates between evaluations; there is one before the first and one after the last update as well."""
    steps: tuple[int, ...] | None = None
    """Evaluations after these updates (0: before the first) and the last, in place of eval.interval."""
    log_spaced_steps: int | None = None
    """That many evaluations from update 1 to the last, evenly spaced in their logarithm, and one before the first, in
    place of eval.interval."""
    batches: Annotated[int, short_name("--eval-batches")] = 64
    """Batches (of train.batch-size) in each split of an evaluation."""
    protocol: Protocol = "paper"
    """Few-shot classes distinct and no-support contexts without repeats (paper), or as the released code draws."""
    exemplars: str | None = None
    """Exemplars of each class that are shown, as start:stop (16:20); default: data.train_exemplars."""
    context_order: ContextOrder = "shuffled"
    """Order of few-shot contexts: shuffled, grouped (rounds of all classes), blocked (class by class), query_first or
    query_last (the query's class first or last)."""
    query_exemplar: QueryExemplar = "new"
    """Few-shot queries show a new exemplar of their class, or a copy of one in the context."""
    evaluations: tuple[str, ...] | None = None
    """What is measured: names (fewshot_holdout, flip, ciwl, …) or NAME:base=NAME,setting=value,…; default:
    fewshot_holdout flipped novel_label no_support_zipfian."""

    def __post_init__(self) -> None:
        require_choices(self, "eval")
        require_numbers(self, "eval")
        for name in ("interval", "batches"):
            require(getattr(self, name) >= 1, f"eval.{name} must be at least 1", getattr(self, name))
        count = self.log_spaced_steps
        check_count("eval.log_spaced_steps", count)
        require(
            count is None or self.steps is None,
            "one of eval.steps and eval.log_spaced_steps must be left out",
            f"{self.steps} and {count}",
        )
        object.__setattr__(self, "steps", checked_steps("eval.steps", self.steps))
        check_exemplars("eval.exemplars", self.exemplars)
        self._check_evaluations()

    @property
    def measured(self) -> tuple[Evaluation, ...]:
        """What an evaluation measures, in order."""
        return read_evaluations(DEFAULT_EVALUATIONS if self.evaluations is None else self.evaluations)

    def _check_evaluations(self) -> None:
        if self.evaluations is None:
            return
        is_list = isinstance(self.evaluations, tuple | list)
        require(is_list, "eval.evaluations must be a list of texts", repr(self.evaluations))
        try:
            read_evaluations(self.evaluations)
            texts = tuple(map(evaluation_text, self.evaluations))
        except ValueError as error:
            raise ValueError(f"eval.evaluations: {error}") from None
        object.__setattr__(self, "evaluations", None if texts == DEFAULT_EVALUATIONS else texts)

    def timetable(self, max_steps: int) -> Timetable:
        """Steps after which there is an evaluation, in a run of ``max_steps``."""
        listed = self.steps if self.log_spaced_steps is None else log_spaced(self.log_spaced_steps, max_steps)
        return Timetable(
            interval=self.interval,
            listed=None if listed is None else frozenset(listed),
            last=max_steps,
            from_zero=True,
        )
