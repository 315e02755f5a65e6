"""In-context and in-weights learning of a model, on the class split of its own training run.

The sequences of an evaluation are fixed by the run's data seed, so that two checkpoints answer the same questions.
Where no noise enters, each distinct example is embedded once per evaluation, however many sequences it appears in.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from icl_data import SequenceBatch
from icl_models import InContextModel
from icl_train._run_data import stream_of
from icl_train._runs.headlines import EVAL_SPLITS, HEADLINES, TRAINING_SPLITS, Headline, headline_of, sequence_type_of
from icl_train._task import Task, autocast
from icl_train.config import Protocol
from icl_train.metrics import closed_correct, query_metrics, wilson_interval

__all__ = ["EVAL_SPLITS", "HEADLINES", "EvalResult", "Evaluator", "Headline", "headline_of"]

SEQUENCES_PER_CALL = 256
EXAMPLES_PER_CALL = 256


@dataclass(frozen=True, kw_only=True)
class EvalResult:
    """One split of one evaluation.

    Attributes:
        split: one of ``EVAL_SPLITS``.
        metrics: metric → mean over the sequences; accuracies also with ``_low`` and ``_high``, their 95% Wilson bounds.
        n_sequences: sequences measured.
        chance: accuracy of guessing, for the headline metric.
        protocol: how the sequences were drawn.
    """

    split: str
    metrics: dict[str, float]
    n_sequences: int
    chance: float
    protocol: Protocol

    @property
    def headline(self) -> Headline:
        """The accuracy this split is measured by."""
        return headline_of(self.split, polysemy="accuracy_class" in self.metrics)


@dataclass(frozen=True, eq=False)
class _Questions:
    """The fixed sequences of one split: N of them, in the sampler's batches."""

    split: str
    stream: str  # of the sampler and of the noise
    sequence_type: str
    batches: list[SequenceBatch]
    labels: Tensor  # (N, L)
    options: Tensor | None  # (N, ways): the two labels of a novel-label sequence

    def concatenated(self, name: str) -> npt.NDArray[np.int32]:
        return np.concatenate([getattr(batch, name) for batch in self.batches])


class Evaluator:
    """Measures models on fixed sequences of one task.

    Args:
        task: source, split and labels of the training run.
        batches: batches of the run's batch size per split.
        protocol: ``paper`` (few-shot classes distinct, no-support contexts without repeats) or ``released``.
        splits: which of ``EVAL_SPLITS``.

    Raises:
        ValueError: for an unknown split, or classes too few for the protocol.
    """

    def __init__(
        self, task: Task, *, batches: int, protocol: Protocol = "paper", splits: Sequence[str] = TRAINING_SPLITS
    ) -> None:
        unknown = [name for name in splits if name not in EVAL_SPLITS]
        if unknown or not splits:
            got = ", ".join(unknown) or "none"
            raise ValueError(f"splits must be among {', '.join(EVAL_SPLITS)}, got {got}")
        self.task = task
        self.protocol: Protocol = protocol
        self._questions = [self._draw(split, batches) for split in splits]
        self._examples = self._distinct_examples() if task.bank.deterministic else None

    def classes(self) -> dict[str, list[int]]:
        """Split → ascending keys of the classes that its sequences contain."""
        keys = self.task.split.keys
        return {q.split: [int(key) for key in np.unique(keys[q.concatenated("class_index")])] for q in self._questions}

    @torch.inference_mode()
    def __call__(self, model: InContextModel) -> list[EvalResult]:
        """Measure ``model`` (left in the mode it came in); touches no random state outside."""
        was_training = model.training
        model.eval()
        devices = [self.task.bank.device] if self.task.bank.device.type == "cuda" else []
        try:
            with torch.random.fork_rng(devices):
                torch.manual_seed(self.task.config.seeds.data)  # example dropout acts here too
                table = self._embed_examples(model)
                return [self._measure(model, questions, table) for questions in self._questions]
        finally:
            model.train(was_training)

    def _draw(self, split: str, batches: int) -> _Questions:
        ways = self.task.config.data.ways
        sampler = self.task.data.evaluation_sampler(split, protocol=self.protocol)
        drawn = [sampler(step) for step in range(batches)]
        labels = torch.from_numpy(np.concatenate([batch.label for batch in drawn])).long().to(self.task.bank.device)
        options = None
        if split == "flipped":
            labels = (labels + 1) % ways
        if split == "novel_label":
            options = _distinct(labels[:, :-1], ways)
        return _Questions(
            split=split,
            stream=stream_of(split),
            sequence_type=sequence_type_of(split),
            batches=drawn,
            labels=labels,
            options=options,
        )

    def _distinct_examples(self) -> tuple[npt.NDArray[np.int64], dict[str, Tensor]]:
        """Codes of the distinct (class, exemplar) pairs, (U,), and where each split's examples stand there, (N, L)."""
        n_exemplars = self.task.source.n_exemplars
        codes = {
            q.split: q.concatenated("class_index").astype(np.int64) * n_exemplars + q.concatenated("exemplar_index")
            for q in self._questions
        }
        distinct = np.unique(np.concatenate([code.ravel() for code in codes.values()]))
        device = self.task.bank.device
        return distinct, {
            name: torch.from_numpy(np.searchsorted(distinct, code)).to(device) for name, code in codes.items()
        }

    def _embed_examples(self, model: InContextModel) -> Tensor | None:
        """(U, E) embeddings of the distinct examples, or None where noise makes every appearance another example."""
        if self._examples is None:
            return None
        distinct, _ = self._examples
        n_exemplars = self.task.source.n_exemplars
        parts = []
        for start in range(0, len(distinct), EXAMPLES_PER_CALL):
            codes = distinct[start : start + EXAMPLES_PER_CALL]
            examples = self.task.bank.gather(codes // n_exemplars, codes % n_exemplars)
            with self._autocast():
                parts.append(model.embed_examples(examples[None])[0])
        return torch.cat(parts)

    def _query_logits(
        self, model: InContextModel, questions: _Questions, labels: Tensor, table: Tensor | None
    ) -> Tensor:
        """(N, C) answers to the questions under these (N, L) labels."""
        size = len(questions.batches[0]) if table is None else SEQUENCES_PER_CALL
        noise_seed = zlib.crc32(f"{self.task.config.seeds.data} {questions.stream}".encode())
        logits = []
        for step, some in enumerate(torch.split(labels, size)):
            if table is None or self._examples is None:
                examples = self.task.bank(questions.batches[step], seed=noise_seed, step=step)
                with self._autocast():
                    embedded = model.embed_examples(examples)
            else:
                embedded = table[self._examples[1][questions.split][step * size : (step + 1) * size]]
            with self._autocast():
                logits.append(model.from_embeddings(embedded, some, positions="query").float())
        return torch.cat(logits)

    def _autocast(self) -> AbstractContextManager[None]:
        """Models are measured in the precision that they are trained in; their logits are then float32."""
        return autocast(self.task.config.train.precision, self.task.bank.device)

    def _measure(self, model: InContextModel, questions: _Questions, table: Tensor | None) -> EvalResult:
        labels = questions.labels
        logits = self._query_logits(model, questions, labels, table)
        outcomes = query_metrics(logits, labels, sequence_type=questions.sequence_type, groups=self.task.groups)
        outcomes["loss_query"] = torch.nn.functional.cross_entropy(logits, labels[:, -1], reduction="none")
        if questions.options is not None:
            outcomes["accuracy_closed"] = closed_correct(logits, labels[:, -1], questions.options).float()
        if questions.split == "flipped":
            ways = self.task.config.data.ways
            unflipped = (labels - 1) % ways
            answers = self._query_logits(model, questions, unflipped, table)[:, :ways].argmax(1)
            outcomes["accuracy_both"] = outcomes["accuracy_closed"] * (answers == unflipped[:, -1])
        n = len(labels)
        metrics = {}
        for name, values in outcomes.items():
            metrics[name] = float(values.mean())
            if name.startswith("accuracy"):
                interval = wilson_interval(float(values.sum()), n)
                metrics |= {f"{name}_low": interval.low, f"{name}_high": interval.high}
        return EvalResult(
            split=questions.split,
            metrics=metrics,
            n_sequences=n,
            chance=self._chance(questions),
            protocol=self.protocol,
        )

    def _chance(self, questions: _Questions) -> float:
        groups = self.task.groups
        if headline_of(questions.split).metric == "accuracy_closed":  # or, under polysemy, accuracy_class
            answers = len(groups.closed(questions.sequence_type))
        else:
            answers = len(groups.rare) if groups.shared else len(groups.rare) + len(groups.common)
        # Where any label of the class is right, it is classes that are guessed.
        return (groups.multiplicity if questions.sequence_type.startswith("no_support") else 1) / answers


def _distinct(labels: Tensor, ways: int) -> Tensor:
    """The ``ways`` distinct labels of each row, ascending: (N, L) → (N, ways)."""
    ordered = labels.sort(1).values
    first = torch.ones_like(ordered, dtype=torch.bool)
    first[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    return ordered[first].view(len(labels), ways)
