"""In-context and in-weights learning of a model, on the class split of its own training run.

The sequences of an evaluation are fixed by the run's data seed, so that two checkpoints answer the same questions.
Where no noise enters, each distinct example is embedded once, however many evaluations and sequences it appears in.

On a CPU each call of the model runs in one thread, and several calls go on beside each other. So the numbers of an
evaluation, to the last bit, are a function of the weights and of its own sequences: not of the number of threads, nor
of what else is measured with it.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from icl_data.torch import ExampleBank
from icl_models import InContextModel, component_owner
from icl_train._computing.precision import autocast, computing
from icl_train._evaluating.calls import Calls
from icl_train._evaluating.contexts import Contexts
from icl_train._evaluating.data import EvaluationData
from icl_train._evaluating.embedded import EmbeddedSequences
from icl_train._evaluating.scoring import Scoring, means
from icl_train._evaluations.text import read_evaluations
from icl_train._evaluations.value import Evaluation
from icl_train._intervening.interventions import Acting
from icl_train._making.environment import available_cores
from icl_train._memory import refuse_evaluation
from icl_train._runs.headlines import EVAL_SPLITS, HEADLINES, Headline, headline_of
from icl_train._task import Task
from icl_train.config import Protocol, RunConfig

__all__ = [
    "EVAL_SPLITS",
    "HEADLINES",
    "EmbeddedSequences",
    "EvalResult",
    "Evaluator",
    "Headline",
    "headline_of",
    "workers_of",
]

SEQUENCES_PER_CALL = 256
EXAMPLES_PER_CALL, EXAMPLES_PER_GPU_CALL = 128, 1024  # what stays in a processor's cache, what keeps a GPU busy
MOST_KEPT = 2**26  # bytes of examples with noise, for each stream


@dataclass(frozen=True, kw_only=True)
class EvalResult:
    """One evaluation of one model.

    Attributes:
        split: its name.
        metrics: metric → mean over the sequences; accuracies also with ``_low`` and ``_high``, their 95% Wilson bounds.
        n_sequences: sequences measured.
        headline_metric: the accuracy that it is measured by.
        chance: accuracy of guessing, for that one.
        protocol: how the sequences were drawn.
    """

    split: str
    metrics: dict[str, float]
    n_sequences: int
    headline_metric: str
    chance: float
    protocol: Protocol

    @property
    def headline(self) -> Headline:
        """The accuracy this evaluation is measured by."""
        return headline_of(self.split, metric=self.headline_metric)


_Embedded = tuple[Tensor, npt.NDArray[np.int64]]  # (U, E) of a bank's distinct examples, and their ascending codes


@dataclass(frozen=True, eq=False)
class _Measuring:
    """One model being measured, and what is done to it."""

    model: InContextModel
    acting: Acting | None
    calls: Calls
    tables: dict[tuple[int, int], _Embedded]  # of a model and a bank, by their ids

    @property
    def models(self) -> list[InContextModel]:
        """The model, and those of other runs that it is held to."""
        return [self.model, *(() if self.acting is None else self.acting.others.values())]


class Evaluator:
    """Measures models on fixed sequences of one task.

    Args:
        task: source, split and labels of the training run.
        batches: batches of the run's batch size per evaluation; None where ``sequences`` says how many.
        sequences: sequences per evaluation, in place of ``batches``; the last batch is cut.
        protocol: ``paper`` (few-shot classes distinct, no-support contexts without repeats) or ``released``.
        splits: what to measure: evaluations, or their names or texts (see ``read_evaluation``); None for the run's own.
        workers: calls of the model beside each other, on a CPU.

    Raises:
        ValueError: for an evaluation that is not known or that the run's data cannot give, or for no sequences.
    """

    def __init__(
        self,
        task: Task,
        *,
        batches: int | None = None,
        sequences: int | None = None,
        protocol: Protocol = "paper",
        splits: Sequence[str | Evaluation] | None = None,
        workers: int = 1,
    ) -> None:
        if (batches is None) == (sequences is None):
            raise ValueError(f"one of batches and sequences must be given, got {batches} and {sequences}")
        n_sequences = sequences if batches is None else batches * task.config.train.batch_size
        if n_sequences is None or n_sequences < 1:
            raise ValueError(f"an evaluation must have at least 1 sequence, got {n_sequences}")
        refuse_evaluation(task.config, n_sequences)
        self.task, self.workers = task, workers
        self.protocol: Protocol = protocol
        self.n_sequences = n_sequences
        self.evaluations = _evaluations(task, splits)
        self._contexts = self._draw()

    def classes(self) -> dict[str, list[int]]:
        """Evaluation → ascending keys of the classes that its sequences contain; of turned ones, what they were."""
        found: dict[str, list[int]] = {}
        for contexts in self._contexts:
            shown = contexts.classes
            keys = np.unique(contexts.data.keys_of(shown[shown < contexts.bank.source.n_classes]))
            found |= {evaluation.name: [int(key) for key in keys] for evaluation in contexts.asked}
        return {evaluation.name: found[evaluation.name] for evaluation in self.evaluations}

    def check_lengths(self, model: InContextModel, acting: Acting | None = None) -> None:
        """Try a sequence of each evaluation's length.

        Args:
            model: of the task.
            acting: interventions that are in it.

        Raises:
            ValueError: if the model has no positions for so many tokens.
        """
        for contexts in self._contexts:
            labels = contexts.labels[:1]
            try:
                with torch.inference_mode(), torch.random.fork_rng(devices=[]):

                    def nothing(model: InContextModel, labels: Tensor = labels) -> Tensor:
                        return torch.zeros(*labels.shape, model.config.emb_dim, device=labels.device)

                    with nullcontext() if acting is None else acting.on(labels, nothing):
                        model.from_embeddings(nothing(model), labels, positions="query")
            except ValueError as error:
                raise ValueError(f"evaluation {contexts.asked[0].name}: {error}") from error

    def __call__(self, model: InContextModel, acting: Acting | None = None) -> list[EvalResult]:
        """Measure ``model`` (left in the mode it came in); touches no random state outside.

        Args:
            model: of the task.
            acting: interventions that are in it.
        """
        with self._measuring(model, acting) as one:
            found = {result.split: result for contexts in self._contexts for result in self._measure(one, contexts)}
        return [found[evaluation.name] for evaluation in self.evaluations]

    def embedded(self, model: InContextModel, acting: Acting | None = None) -> list[EmbeddedSequences]:
        """The sequences of each evaluation, their examples embedded by ``model`` as for measuring it.

        Args:
            model: of the task; it is left in the mode it came in.
            acting: interventions that are in it.
        """
        found = {}
        with self._measuring(model, acting) as measuring:
            for contexts in self._contexts:
                embed, size = self._embedding(measuring, contexts)
                calls = range(-(-len(contexts.labels) // size))
                embedded, *theirs = (
                    torch.cat(measuring.calls.map(partial(embed, each), calls)) for each in measuring.models
                )
                keys = torch.from_numpy(contexts.keys()).to(embedded.device)
                for one in contexts.asked:
                    scoring = Scoring.of(one, contexts.data.sampler.kind, self.task.groups)
                    found[one.name] = EmbeddedSequences(
                        evaluation=one,
                        embedded=embedded,
                        labels=scoring.changed(contexts.labels),
                        classes=keys,
                        scoring=scoring,
                        per_call=size,
                        acting=acting,
                        theirs=dict(zip(measuring.models[1:], theirs, strict=True)),
                    )
        return [found[evaluation.name] for evaluation in self.evaluations]

    @contextmanager
    def _measuring(self, model: InContextModel, acting: Acting | None = None) -> Iterator[_Measuring]:
        """A model that is being measured; the random state outside is not touched."""
        was_training = model.training
        model.eval()
        device = self.task.bank.device
        try:
            with (
                torch.random.fork_rng([device] if device.type == "cuda" else []),
                computing(self.task.config.train.precision, device),
                Calls(self._workers(model, acting), device) as calls,
            ):
                one = _Measuring(model, acting, calls, {})
                for each in one.models:
                    one.tables.update(self._embed_examples(each, calls))
                yield one
        finally:
            model.train(was_training)

    def _workers(self, model: InContextModel, acting: Acting | None) -> int:
        """Example dropout acts here too, and random numbers have an order."""
        config = getattr(model, "config", None)
        draws = getattr(config, "example_dropout_prob", 0.0) > 0 or (acting is not None and acting.draws)
        return 1 if draws else self.workers

    def _draw(self) -> list[Contexts]:
        """The contexts of all evaluations, those that several share once."""
        found: dict[tuple[object, ...], Contexts] = {}
        banks: dict[tuple[bool, float | None], ExampleBank] = {}
        for evaluation in self.evaluations:
            data = EvaluationData.of(self.task.data, evaluation, protocol=self.protocol)
            contexts = found.get(data.contexts)
            if contexts is None:
                bank = banks.setdefault(data.bank, banks.get(data.bank) or self.task.bank_of(data))
                contexts = found[data.contexts] = self._contexts_of(data, bank)
            contexts.asked.append(evaluation)
        return list(found.values())

    def _contexts_of(self, data: EvaluationData, bank: ExampleBank) -> Contexts:
        batches = data.batches(self.n_sequences)
        classes, exemplars, labels = (
            np.concatenate([getattr(batch, name) for batch in batches])[: self.n_sequences]
            for name in ("class_index", "exemplar_index", "label")
        )
        return Contexts(
            data=data,
            bank=bank,
            batches=batches,
            labels=torch.from_numpy(labels).long().to(bank.device),
            codes=classes.astype(np.int64) * bank.source.n_exemplars + exemplars,
            asked=[],
        )

    def _embed_examples(self, model: InContextModel, calls: Calls) -> dict[tuple[int, int], _Embedded]:
        """For each bank without noise, (U, E) embeddings of its distinct examples and their ascending codes.

        Every call has as many examples, the last ones again where there are too few: what an example is embedded as
        must not hang on how many others are.
        """
        found = {}
        tables = [contexts for contexts in self._contexts if contexts.is_table]
        for bank in {id(contexts.bank): contexts.bank for contexts in tables}.values():
            distinct = np.unique(np.concatenate([c.codes.ravel() for c in tables if c.bank is bank]))
            size = EXAMPLES_PER_CALL if bank.device.type == "cpu" else EXAMPLES_PER_GPU_CALL
            filled = np.pad(distinct, (0, -len(distinct) % size), mode="edge")

            def embed(codes: npt.NDArray[np.int64], bank: ExampleBank = bank) -> Tensor:
                n_exemplars = bank.source.n_exemplars
                examples = bank.gather(codes // n_exemplars, codes % n_exemplars)
                with self.autocast():
                    embedded: Tensor = model.embed_examples(examples[None])[0]
                return embedded

            parts = calls.map(embed, filled.reshape(-1, size))
            found[id(model), id(bank)] = torch.cat(parts)[: len(distinct)], distinct
        return found

    def _query_logits(self, one: _Measuring, contexts: Contexts, labels: Tensor) -> Tensor:
        """(N, C) answers to the questions under these (N, L) labels."""
        torch.manual_seed(self._stream_seed(contexts))  # of example dropout, whatever was measured before
        embed, size = self._embedding(one, contexts)

        def answer(step: int) -> Tensor:
            rows = slice(step * size, (step + 1) * size)
            embedded = embed(one.model, step)
            with (
                self.autocast(),
                nullcontext() if one.acting is None else one.acting.on(labels[rows], lambda model: embed(model, step)),
            ):
                return one.model.from_embeddings(embedded, labels[rows], positions="query").float()

        return torch.cat(one.calls.map(answer, range(-(-len(labels) // size))))

    def _embedding(self, one: _Measuring, contexts: Contexts) -> tuple[Callable[[InContextModel, int], Tensor], int]:
        """What embeds the examples of one call by its number, for any of the models, and how many sequences it has."""
        if contexts.is_table:
            places = np.searchsorted(one.tables[id(one.model), id(contexts.bank)][1], contexts.codes)

            def look_up(model: InContextModel, step: int) -> Tensor:
                rows = places[step * SEQUENCES_PER_CALL : (step + 1) * SEQUENCES_PER_CALL]
                embedded, _ = one.tables[id(model), id(contexts.bank)]
                return embedded[torch.from_numpy(rows).to(embedded.device)]

            return look_up, SEQUENCES_PER_CALL
        size, seed = contexts.data.sampler.batch_size, self._stream_seed(contexts)

        def embed(model: InContextModel, step: int) -> Tensor:
            cut = slice(min(size, len(contexts.labels) - step * size))
            examples = contexts.kept.get(step)
            if examples is None:
                examples = contexts.bank(contexts.batches[step], seed=seed, step=step, rows=cut)
                if contexts.labels.numel() * examples[0, 0].nbytes <= MOST_KEPT:
                    contexts.kept[step] = examples
            with self.autocast():
                return model.embed_examples(examples)

        return embed, size

    def _stream_seed(self, contexts: Contexts) -> int:
        return zlib.crc32(f"{self.task.config.seeds.data} {contexts.data.evaluation.stream_name}".encode())

    def autocast(self) -> AbstractContextManager[None]:
        """What models of the task are called in: they are measured in the precision that they are trained in."""
        return autocast(self.task.config.train.precision, self.task.bank.device)

    def _measure(self, one: _Measuring, contexts: Contexts) -> list[EvalResult]:
        """The evaluations that ask about these contexts."""
        answered: dict[tuple[bool, int], Tensor] = {}  # each way of changing the labels is asked about once

        def logits_of(scoring: Scoring, labels: Tensor, *, changed: bool = True) -> Tensor:
            way = (scoring.evaluation.exchanged, scoring.evaluation.shift) if changed else (False, 0)
            if way not in answered:
                answered[way] = self._query_logits(one, contexts, labels)
            return answered[way]

        results = []
        for evaluation in contexts.asked:
            scoring = Scoring.of(evaluation, contexts.data.sampler.kind, self.task.groups)
            labels = scoring.changed(contexts.labels)
            logits = logits_of(scoring, labels)
            outcomes = scoring.outcomes(logits, labels)
            outcomes["loss_query"] = torch.nn.functional.cross_entropy(logits, labels[:, -1], reduction="none")
            if evaluation.exchanged:
                plain = logits_of(scoring, contexts.labels, changed=False)
                both = scoring.outcomes(plain, contexts.labels)["accuracy_closed"]
                outcomes["accuracy_both"] = outcomes["accuracy_closed"] * both
            results.append(
                EvalResult(
                    split=evaluation.name,
                    metrics=means(outcomes),
                    n_sequences=len(labels),
                    headline_metric=scoring.headline_metric,
                    chance=scoring.chance(labels),
                    protocol=self.protocol,
                )
            )
        return results


def workers_of(config: RunConfig, threads: int | None = None) -> int:
    """How many calls of a run's model may go on beside each other: one, if somebody else's code has a part in it.

    Args:
        config: the run's settings.
        threads: as many as there are for it; None for all cores.
    """
    model = config.model
    parts: tuple[tuple[Literal["embedder", "sequence_model"], str], ...] = (
        ("embedder", model.embedder),
        ("sequence_model", model.sequence_model),
    )
    built_in = all(component_owner(kind, name).distribution == "icl-models" for kind, name in parts)
    return (threads or available_cores()) if built_in else 1


def _evaluations(task: Task, splits: Sequence[str | Evaluation] | None) -> tuple[Evaluation, ...]:
    if splits is None:
        return task.config.eval.measured
    texts = [split for split in splits if isinstance(split, str)]
    read = iter(read_evaluations(texts) if texts or not splits else ())
    found = tuple(split if isinstance(split, Evaluation) else next(read) for split in splits)
    names = [evaluation.name for evaluation in found]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise ValueError(f"evaluations must have names of their own, got {twice[0]} twice")
    return found
