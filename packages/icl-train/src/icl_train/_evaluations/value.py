"""What one evaluation asks of a model: which sequences, of which classes, under which labels, with which answers."""

from __future__ import annotations

import math
import re
import typing
from dataclasses import dataclass
from typing import Literal

from icl_data.foundation.command_line import nearest
from icl_train._evaluations.exemplars import check_exemplars

__all__ = ["Answers", "ClassSet", "Evaluation", "LabelScheme", "SequenceName"]

SequenceName = Literal["fewshot", "no_support", "random", "bursty", "mixed"]
ClassSet = Literal["trained", "common", "rare", "holdout", "augmented", "augmented_trained"]
LabelScheme = Literal["own", "shared", "unfixed", "novel", "heldout", "elsewhere"]
Answers = Literal["all", "ways", "context", "classes"]
_Order = Literal["shuffled", "grouped", "blocked", "query_first", "query_last"]
_Query = Literal["new", "copy"]

_CHOICES = {
    "sequence": SequenceName,
    "classes": ClassSet,
    "labels": LabelScheme,
    "answers": Answers,
    "order": _Order,
    "query": _Query,
}
_WITH_LABELS = ("trained", "common", "rare")  # classes whose labels training shows
_MOVABLE = ("own", "shared")  # labels that are a class's in every sequence
_LARGEST = 2**31 - 1
_LONGEST_NAME = 40


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """One evaluation, checked at construction. What is None follows the run's own settings, or the kind of sequence.

    Attributes:
        name: what its records are called, eval_NAME in metrics.jsonl.
        sequence: kind of sequence. ``fewshot``: classes of the set, ``shots`` times each, and a query of one of them;
            ``no_support``: the query's class is not in the context; ``random``: classes drawn one by one; ``bursty``
            and ``mixed``: as in training.
        classes: class set; ``augmented`` and ``augmented_trained`` are the seven flips and quarter turns of each
            holdout, or trained, image class, as classes. None for bursty and mixed ones, which say it themselves.
        labels: ``own`` ones of the classes; ``shared``: those that classes of any set, new ones too, have under
            data.n_labels (fewshot); ``unfixed``: 0..ways-1, at random in each sequence; ``novel``: distinct
            ones drawn in each sequence from those of trained classes, as training draws them; ``heldout``: one of the
            sets of data.heldout_label_sets, which are never these; ``elsewhere``: own, but the query's label is in
            the context on another class (no_support; ``icl_data.LabelElsewhere``). Default: unfixed for fewshot.
        exchanged: each label of a sequence becomes its next larger one, the largest the smallest, and so does the right
            answer (fewshot): with two ways, the two are swapped.
        shift: each label, the right answer too, becomes the one so many places further on among the labels of training,
            behind the last the first (fewshot with own or shared labels).
        answers: which labels count as answers of the headline accuracy. ``all``; ``ways``: 0..ways-1; ``context``:
            those in the context; ``classes``: those of the class set.
        shots, ways: appearances of a class in the context, and classes in it (fewshot, bursty, mixed, elsewhere).
        seq_len: examples, the query included (no_support, random, bursty).
        exemplars: exemplars of each class that are shown, start:stop.
        noise: noise of an example, in place of data.noise_scale.
        order, query: context order and query exemplar (fewshot), in place of eval's.
        stream: name of the stream of random numbers; evaluations of one stream, kind and class set have the same
            contexts. Default: the name.

    Raises:
        ValueError: for an unknown name, a number out of range, or settings that do not go together.
    """

    name: str
    sequence: SequenceName
    classes: ClassSet | None = None
    labels: LabelScheme | None = None
    exchanged: bool = False
    shift: int = 0
    answers: Answers | None = None
    shots: int | None = None
    ways: int | None = None
    seq_len: int | None = None
    exemplars: str | None = None
    noise: float | None = None
    order: _Order | None = None
    query: _Query | None = None
    stream: str | None = None

    def __post_init__(self) -> None:
        for name in ("name", "stream"):
            self._check_name(name, getattr(self, name))
        for name, literal in _CHOICES.items():
            value, choices = getattr(self, name), typing.get_args(literal)
            if value not in choices and (value is not None or name == "sequence"):
                self._refuse(f"{name} must be one of {', '.join(choices)}", f"{value!r}{nearest(str(value), choices)}")
        self._check_numbers()
        check_exemplars(f"evaluation {self.name}: exemplars", self.exemplars)
        self._check_classes()
        self._check_labels()
        self._check_answers()
        self._check_layout()

    @property
    def label_scheme(self) -> LabelScheme:
        """`labels`, or the default of the kind of sequence."""
        return self.labels or ("unfixed" if self.sequence == "fewshot" else "own")

    @property
    def headline_answers(self) -> Answers:
        """`answers`, or the default: all where labels are as in training, else the closed set."""
        if self.answers is not None:
            return self.answers
        if self.sequence in ("bursty", "mixed", "no_support") and self.label_scheme == "own":
            return "all"
        return self.closed_answers

    @property
    def closed_answers(self) -> Answers:
        """What ``accuracy_closed`` chooses from, also where the headline is over all labels."""
        if self.answers not in (None, "all"):
            return self.answers
        if self.sequence in ("bursty", "mixed") or self.label_scheme == "unfixed":
            return "ways"
        return "context" if self.sequence == "fewshot" or self.label_scheme == "elsewhere" else "classes"

    @property
    def class_type(self) -> str | None:
        """The class set as `icl_data.ClassSplit` calls it; of augmented ones, what they are made from."""
        names = {"trained": "zipfian", "augmented": "holdout", "augmented_trained": "zipfian"}
        return None if self.classes is None else names.get(self.classes, self.classes)

    @property
    def augmented(self) -> bool:
        """Whether its classes are flips and quarter turns of the run's."""
        return self.classes in ("augmented", "augmented_trained")

    @property
    def sequence_type(self) -> str:
        """The type of sequence whose rules of scoring it follows, as in ``metrics.query_metrics``."""
        if self.class_type is None:
            return self.sequence
        return f"{'label_elsewhere' if self.label_scheme == 'elsewhere' else self.sequence}_{self.class_type}"

    @property
    def stream_name(self) -> str:
        """Name of its sampler's stream."""
        return f"eval_{self.stream or self.name}"

    def headline_metric(self, *, polysemy: bool = False) -> str:
        """The accuracy that it is measured by.

        Args:
            polysemy: whether classes have several labels; without support, any label of the class is then right.
        """
        if self.headline_answers == "all":
            return "accuracy_query"
        without_support = self.sequence == "no_support" and self.label_scheme == "own"
        return "accuracy_class" if polysemy and without_support else "accuracy_closed"

    def _refuse(self, rule: str, value: object) -> typing.NoReturn:
        raise ValueError(f"evaluation {self.name}: {rule}, got {value}")

    def _check_name(self, field: str, value: str | None) -> None:
        if field == "stream" and value is None:
            return
        fits = isinstance(value, str) and len(value) <= _LONGEST_NAME and re.fullmatch(r"[a-z][a-z0-9_]*", value)
        if not fits:
            what = "the name of an evaluation" if field == "name" else f"evaluation {self.name}: stream"
            raise ValueError(
                f"{what} must be a small letter, then small letters, digits and _, at most {_LONGEST_NAME} in all, "
                f"got {value!r}"
            )

    def _check_numbers(self) -> None:
        for name, least in (("shots", 1), ("ways", 1), ("seq_len", 2)):
            value = getattr(self, name)
            if value is not None and not (type(value) is int and least <= value <= _LARGEST):
                self._refuse(f"{name} must be a whole number from {least} to {_LARGEST}", repr(value))
        if not (type(self.shift) is int and 0 <= self.shift <= _LARGEST):
            self._refuse(f"shift must be a whole number from 0 to {_LARGEST}", repr(self.shift))
        noise = self.noise
        if noise is not None and not (type(noise) in (int, float) and math.isfinite(noise) and noise >= 0):
            self._refuse("noise must be a number of at least 0", repr(noise))
        if not isinstance(self.exchanged, bool):
            self._refuse("exchanged must be true or false", repr(self.exchanged))

    def _check_classes(self) -> None:
        if self.sequence in ("bursty", "mixed"):
            if self.classes is not None:
                self._refuse(f"classes must be left out with sequence={self.sequence}, which has its own", self.classes)
        elif self.classes is None:
            self._refuse(f"classes must be given with sequence={self.sequence}", "none")

    def _check_labels(self) -> None:
        allowed = {"fewshot": ("own", "shared", "unfixed", "novel", "heldout"), "no_support": ("own", "elsewhere")}
        choices, scheme = allowed.get(self.sequence, ("own",)), self.label_scheme
        if scheme not in choices:
            self._refuse(f"labels must be one of {', '.join(choices)} with sequence={self.sequence}", scheme)
        if scheme in ("own", "elsewhere") and self.classes not in (None, *_WITH_LABELS):
            self._refuse(
                f"classes must be one of {', '.join(_WITH_LABELS)} with labels={scheme}, for others have none that "
                "training shows",
                self.classes,
            )
        if scheme == "shared" and self.augmented:
            self._refuse("classes must be one of trained, common, rare, holdout with labels=shared", self.classes)
        if self.shift and scheme not in _MOVABLE:
            self._refuse(f"shift needs labels {' or '.join(_MOVABLE)}", f"{self.shift} with labels={scheme}")
        if self.shift and (self.exchanged or self.sequence != "fewshot"):
            self._refuse("shift needs sequence=fewshot without exchanged", self.shift)
        if self.exchanged and self.sequence != "fewshot":
            self._refuse("exchanged needs sequence=fewshot", self.sequence)

    def _check_answers(self) -> None:
        scheme = self.label_scheme
        choices: tuple[str, ...]
        if self.sequence in ("bursty", "mixed") or scheme == "unfixed":
            choices = ("all", "ways", "context")
        elif scheme in ("novel", "heldout", "shared") or self.shift:
            choices = ("all", "context")
        else:
            choices = ("all", "classes", *(("context",) if self.sequence == "fewshot" or scheme == "elsewhere" else ()))
        if self.answers is not None and self.answers not in choices:
            self._refuse(f"answers must be one of {', '.join(choices)} with labels={scheme}", self.answers)

    def _check_layout(self) -> None:
        bursts = self.sequence in ("fewshot", "bursty", "mixed") or self.label_scheme == "elsewhere"
        of_length = self.sequence in ("bursty", "random") or (self.sequence == "no_support" and not bursts)
        for names, fits, needs in (
            (("shots", "ways"), bursts, "sequence=fewshot, bursty or mixed, or labels=elsewhere"),
            (("seq_len",), of_length, "sequence=no_support, random or bursty, without labels=elsewhere"),
            (("order", "query"), self.sequence == "fewshot", "sequence=fewshot"),
        ):
            for name in names:
                if getattr(self, name) is not None and not fits:
                    self._refuse(f"{name} needs {needs}", getattr(self, name))
