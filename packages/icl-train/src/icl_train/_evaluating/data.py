"""What the sequences of an evaluation are drawn from, as indices. It needs no PyTorch."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from icl_data import Augmented, BatchSampler, Bursty, ClassSplit, Fewshot, LabelElsewhere, Mixed, SequenceBatch, Source
from icl_train._evaluations.exemplars import exemplar_range
from icl_train._evaluations.value import Evaluation
from icl_train._memory import refuse_drawing
from icl_train._run_data import RunData, build_source
from icl_train.config import DataConfig, Protocol, SequenceKind

__all__ = ["EvaluationData"]

_TRANSFORMS = 8


@dataclass(frozen=True, eq=False)
class EvaluationData:
    """The sequences of one evaluation of a run. Make it with :meth:`of`.

    Attributes:
        evaluation: what is asked.
        sampler: draws the sequences.
        source: where their examples come from.
        additive_noise: noise on top of the source's.
        positions: of the sampler's classes among the source's, (n,) ascending; None where they are the same.
        keys: of the run's class behind each class of the sampler, (n,).
    """

    evaluation: Evaluation
    sampler: BatchSampler
    source: Source
    additive_noise: float
    positions: npt.NDArray[np.int64] | None
    keys: npt.NDArray[np.int64]

    @classmethod
    def of(cls, data: RunData, evaluation: Evaluation, *, protocol: Protocol) -> EvaluationData:
        """What an evaluation of a run draws from.

        Args:
            data: the run's data.
            evaluation: what is asked.
            protocol: "paper" or "released".

        Raises:
            ValueError: where the run's data cannot give it: classes, labels, exemplars or images that are not there.
        """
        try:
            return cls._of(data, evaluation, protocol)
        except ValueError as error:
            raise ValueError(f"evaluation {evaluation.name}: {error}") from error

    @classmethod
    def _of(cls, data: RunData, evaluation: Evaluation, protocol: Protocol) -> EvaluationData:
        source, additive = _with_noise(data, evaluation.noise)
        kind, exemplars = sequence_kind(data, evaluation), _exemplars(data, evaluation)
        stream = evaluation.stream_name
        if not evaluation.augmented:
            sampler = data.sampler(kind, stream=stream, protocol=protocol, exemplars=exemplars)
            return cls(evaluation, sampler, source, additive, None, data.split.keys)
        augmented, positions, of_run = _augmented(data, evaluation, source)
        # All of them are classes to draw from, and none is trained, so that novel labels have to be said.
        split = ClassSplit(len(positions), n_rare=0, n_common=0, n_holdout=len(positions), seed=data.config.seeds.split)
        sampler = data.sampler(
            replace_class_type(kind),
            stream=stream,
            protocol=protocol,
            exemplars=exemplars,
            split=split,
            n_labels=data.config.data.n_labels or data.config.data.n_trained_classes,
        )
        return cls(evaluation, sampler, augmented, additive, positions, data.split.keys[of_run])

    @property
    def contexts(self) -> tuple[object, ...]:
        """Equal for evaluations with the same examples in the same places, and the same labels before any exchange."""
        return (
            self.evaluation.stream_name,
            self.sampler.kind,
            self.evaluation.classes,
            self.sampler.exemplars,
            self.evaluation.noise,
        )

    @property
    def bank(self) -> tuple[bool, float | None]:
        """Equal for evaluations whose examples come from one bank: whether augmented, and another noise."""
        return self.evaluation.augmented, self.evaluation.noise

    def batches(self, n_sequences: int) -> list[SequenceBatch]:
        """As many of the run's batches as hold the first sequences of the stream.

        Raises:
            ValueError: if sequences of this length do not fit into memory.
        """
        refuse_drawing(self.evaluation.name, self.sampler.kind.seq_len)
        batches = [self.sampler(step) for step in range(-(-n_sequences // self.sampler.batch_size))]
        return batches if self.positions is None else [_moved(batch, self.positions) for batch in batches]

    def keys_of(self, positions: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Keys of the run's classes behind classes of the source."""
        return self.keys[positions if self.positions is None else np.searchsorted(self.positions, positions)]


def sequence_kind(data: RunData, evaluation: Evaluation) -> SequenceKind:
    """The kind of an evaluation's sequences, with the run's lengths and labels where it has none of its own."""
    settings, own = data.config.data, evaluation
    changes = {name: value for name in ("shots", "ways", "seq_len") if (value := getattr(own, name)) is not None}
    if own.class_type is None:
        kind = settings.sequence_kind(own.sequence)
        assert isinstance(kind, Bursty | Mixed)
        return replace(kind, **changes)
    lengths = {"shots": settings.fs_shots, "ways": settings.ways}
    if own.label_scheme == "elsewhere":
        return LabelElsewhere(class_type=own.class_type, labeling=settings.class_labeling, **lengths | changes)
    if own.sequence == "fewshot":
        of_classes = own.label_scheme in ("own", "shared")
        if own.label_scheme == "shared" and settings.n_labels is None:
            raise ValueError("labels=shared needs data.n_labels, the labels that classes share, got none")
        labeling = settings.class_labeling if of_classes else own.label_scheme
        return Fewshot(
            class_type=own.class_type,
            labeling=labeling,
            distinct_labels=settings.distinct_labels and of_classes,
            heldout_label_sets=_heldout_label_sets(settings, own),
            context_order=own.order or data.config.eval.context_order,
            query_exemplar=own.query or data.config.eval.query_exemplar,
            **lengths | changes,
        )
    return replace(settings.sequence_kind(f"{own.sequence}_{own.class_type}"), **changes)


def _heldout_label_sets(settings: DataConfig, own: Evaluation) -> int:
    """Sets of labels that novel ones are not, or that held-out ones are; there are none of another number of ways."""
    of_the_run = own.ways is None or own.ways == settings.ways
    if own.label_scheme == "heldout" and not (of_the_run and settings.heldout_label_sets):
        raise ValueError(
            f"labels=heldout needs data.heldout_label_sets and ways={settings.ways}, as in training, "
            f"got {settings.heldout_label_sets} sets and ways={own.ways or settings.ways}"
        )
    return settings.heldout_label_sets if of_the_run and own.label_scheme in ("novel", "heldout") else 0


def replace_class_type(kind: SequenceKind) -> Fewshot:
    """Few-shot sequences of all classes of a split that has but holdout ones."""
    assert isinstance(kind, Fewshot)
    return replace(kind, class_type="holdout")


def _exemplars(data: RunData, evaluation: Evaluation) -> range | None:
    config = data.config
    for name, shown in (
        ("exemplars", evaluation.exemplars),
        ("eval.exemplars", config.eval.exemplars),
        ("data.train_exemplars", config.data.train_exemplars),
    ):
        if shown is not None:
            return exemplar_range(name, shown, data.source.n_exemplars)
    return None


def _with_noise(data: RunData, noise: float | None) -> tuple[Source, float]:
    """The source, and the noise to add to its examples."""
    settings = data.config.data
    if noise is None:
        return data.source, data.additive_noise
    if noise and data.source.kind == "id":
        raise ValueError(f"noise must be 0 with a source of ids, which {settings.source} is, got {noise}")
    if settings.source == "gaussian":
        return build_source(replace(settings, noise_scale=noise), seed=data.config.seeds.split), 0.0
    return data.source, noise


def _augmented(
    data: RunData, evaluation: Evaluation, source: Source
) -> tuple[Source, npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The source with flips and turns, its classes that are asked for, and the run's class behind each of them."""
    if data.config.data.augment:
        raise ValueError(
            f"classes={evaluation.classes} needs a run without data.augment, which turns its classes already"
        )
    if source.kind != "image":
        raise ValueError(
            f"classes={evaluation.classes} needs a source of images, got data.source {data.config.data.source}"
        )
    augmented = Augmented(source)
    block = np.empty(source.n_classes, dtype=np.int64)  # where each class of the source stands among the augmented
    block[augmented.base_order] = np.arange(source.n_classes)
    assert evaluation.class_type is not None
    classes = data.split.classes(evaluation.class_type)
    others = np.arange(1, _TRANSFORMS)  # 0 leaves the image as it is
    classes = classes[block[classes].argsort()]
    positions = (block[classes][:, None] * _TRANSFORMS + others).reshape(-1)
    return augmented, positions, np.repeat(classes, len(others))


def _moved(batch: SequenceBatch, positions: npt.NDArray[np.int64]) -> SequenceBatch:
    return replace(batch, class_index=positions[batch.class_index].astype(np.int32))
