"""The settings of a run's data: source, class split, statistics of the training sequences."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

from icl_data import Bursty, Fewshot, LabelElsewhere, Mixed, NoSupport, Random
from icl_data.foundation.paths import user_path
from icl_train._evaluations.exemplars import check_exemplars
from icl_train._settings.option import default_of, require, require_choices, require_numbers, short_name
from icl_train._settings.source import stored_source

__all__ = ["SEQUENCE_TYPES", "ContextOrder", "DataConfig", "Protocol", "QueryExemplar", "SequenceKind"]

SequenceKind = Bursty | NoSupport | LabelElsewhere | Random | Fewshot | Mixed
"""A kind of sequence, with its settings."""
Protocol = Literal["paper", "released"]
"""Whose way of drawing: "paper" keeps to the paper's text, "released" to what the released code does."""
ContextOrder = Literal["shuffled", "grouped", "blocked", "query_first", "query_last"]
QueryExemplar = Literal["new", "copy"]

SEQUENCE_TYPES = (
    "bursty",
    *(f"no_support_{classes}" for classes in ("common", "rare", "zipfian")),
    *(f"fewshot_{classes}" for classes in ("rare", "common", "zipfian", "holdout")),
    "mixed",
    *(f"random_{classes}" for classes in ("common", "rare", "zipfian")),
    *(f"label_elsewhere_{classes}" for classes in ("common", "rare", "zipfian")),
)
"""Names of training sequences: a kind, and whose classes they are of where the kind has a choice."""

# setting → beginnings of the types of training sequence that it is about
_ABOUT = {
    "context_order": ("bursty", "fewshot_"),
    "query_exemplar": ("bursty", "fewshot_"),
    "fs_labeling": ("fewshot_",),
    "heldout_label_sets": ("fewshot_",),
    "p_relabel": ("bursty",),
    "label_noise": ("bursty", "random_"),
    "all_unique": ("no_support_", "random_"),
    "p_fewshot": ("mixed",),
    "p_new": ("bursty",),
    "distinct_labels": ("bursty", "fewshot_"),
}


def _any(beginning: str) -> str:
    return f"{beginning}…" if beginning.endswith("_") else beginning


@dataclass(frozen=True, kw_only=True)
class DataConfig:
    """The source of examples, the class split and the statistics of the training sequences (section 2.1)."""

    source: Annotated[str, short_name("--example-type")] = "gaussian"
    """symbolic, gaussian, omniglot, or a source of your own: an array file (features.npz:key, .npy, .h5), a folder of
    image folders, or package.module:factory; with a file or folder, class counts that are not given fit it: a tenth
    holdout (at least data.ways), at most 10 common, the rest rare."""
    omniglot: Path | None = None
    """Folder with Omniglot's two zips, or with these unpacked; default: where icl-data omniglot fetch puts them."""
    exemplars: Literal["all", "single", "separated"] = "all"
    """Omniglot: all 20 drawings of a character, the first alone, or every drawing as a class of its own."""
    augment: bool = False
    """Eight classes from each image class: flips and quarter turns."""
    downsample: bool = False
    """Images bilinearly downsampled to 28 x 28."""
    train_exemplars: str | None = None
    """Exemplars of each class to train on, as start:stop (0:16 for the first 16); default: all."""
    dim: int | None = None
    """Dimensions of the Gaussian class vectors (source gaussian; default 63)."""
    noise_scale: float | None = None
    """Noise of an example: eps of the Gaussian source (default 0.1), or added to each number of a vector or image
    (default 0)."""
    n_exemplars: int | None = None
    """Exemplars of each Gaussian class, drawn once; default: every example is a new one (source gaussian)."""

    n_rare_classes: int = 1590
    """Trained classes besides the common ones."""
    n_common_classes: int = 10
    """Trained classes that are called common."""
    n_holdout_classes: int = 10
    """Classes never seen in training, from which in-context learning is measured."""
    zipf_exponent: float = 0.0
    """Skew of the class frequencies; 0 is uniform."""
    use_zipf_for_common_rare: bool = False
    """Draw rare and common classes by their slices of the Zipf law as well, instead of uniformly."""
    n_labels: int | None = None
    """Labels shared by all trained classes; default: a label of its own for each class. Reddy (2023) has 32."""

    sequence: Literal[
        "bursty",
        "no_support_common",
        "no_support_rare",
        "no_support_zipfian",
        "fewshot_rare",
        "fewshot_common",
        "fewshot_zipfian",
        "mixed",
        "random_common",
        "random_rare",
        "random_zipfian",
        "label_elsewhere_common",
        "label_elsewhere_rare",
        "label_elsewhere_zipfian",
    ] = "bursty"
    """Type of the training sequences; none has holdout classes."""
    seq_len: int = 9
    """Examples in a sequence, the query included (bursty, no-support and random)."""
    shots: int = 3
    """Appearances of each burst class in the context of a bursty sequence."""
    ways: int = 2
    """Burst classes in a bursty sequence, and classes in a few-shot sequence."""
    fs_shots: int = 4
    """Appearances of each class in the context of a few-shot sequence."""
    p_bursty: float = 0.9
    """Share of bursty sequences in training."""
    p_bursty_common: float = 0.0
    """Share of the bursty sequences whose burst classes are common ones."""
    p_bursty_zipfian: float = 1.0
    """Share of the bursty sequences whose burst classes are any trained ones, by the Zipf law."""
    non_bursty_type: Literal["zipfian", "common_uniform", "common_no_support"] = "zipfian"
    """What the other sequences are."""
    p_fewshot: float | None = None
    """Share of few-shot sequences (sequence mixed only; default 0.5)."""
    context_order: ContextOrder = "shuffled"
    """Order of the context (bursty and few-shot): shuffled, grouped (rounds of all burst classes), blocked (class by
    class), query_first or query_last (the query's burst first or last)."""
    query_exemplar: QueryExemplar = "new"
    """The query shows a new exemplar of its burst class, or a copy of one in the context (bursty and few-shot)."""
    p_relabel: float = 0.0
    """Share of the bursty sequences whose burst classes are labelled 0..ways-1, at random in each."""
    label_noise: float = 0.0
    """Share of context labels that are replaced by another one (bursty and random)."""
    p_new: float = 0.0
    """Share of the sequences, bursty ones, whose classes are new in every batch (Reddy 2023: p_C; bursty, with
    n_labels, from a source that draws new classes: gaussian)."""
    distinct_labels: bool = False
    """Burst classes have distinct labels, all alike whatever the skew (Reddy 2023; bursty with n_labels and nothing
    beside the bursts, or few-shot with fs_labeling class); in evaluations under these labels as well."""
    all_unique: bool = False
    """All classes of a sequence distinct, the query's included (no-support and random)."""
    fs_labeling: Literal["unfixed", "novel", "class"] = "unfixed"
    """Labels of few-shot training sequences: 0..ways-1 (unfixed), ways distinct ones drawn for each sequence from those
    of the trained classes (novel), or the classes' own (class). Evaluations draw them unfixed, or novel."""
    heldout_label_sets: int = 0
    """Sets of ways labels that novel labels of training never are, for evaluations with labels=heldout (Singh 2024):
    set j is labels j*ways to j*ways + ways-1 (few-shot with fs_labeling novel)."""
    labeling_common: str = "ordered"
    """Labels of common classes: ordered (by position) or original (the class keys)."""
    labeling_rare: str = "ordered"
    """Labels of rare classes: ordered, original, unfixed or ordered_polysemyX (X labels a class)."""
    protocol: Protocol = "paper"
    """Training sequences as the paper says (burst classes distinct) or as the released code draws them."""

    def __post_init__(self) -> None:
        require_choices(self, "data")
        require_numbers(self, "data")
        object.__setattr__(self, "source", stored_source(self.source))
        if self.omniglot is not None:  # a run is resumed and evaluated from other folders, too
            object.__setattr__(self, "omniglot", user_path(self.omniglot).absolute())
        self._check_source()
        self._check_counts()
        self._check_labels()
        for name, types in _ABOUT.items():
            require(
                self.sequence.startswith(types) or getattr(self, name) == default_of(self, name),
                f"data.{name} needs data.sequence {' or '.join(map(_any, types))}",
                f"{getattr(self, name)} with {self.sequence}",
            )
        self.training_kind()

    def _check_source(self) -> None:
        for name, source in (
            ("omniglot", "omniglot"),
            ("exemplars", "omniglot"),
            ("dim", "gaussian"),
            ("n_exemplars", "gaussian"),
        ):
            require(
                self.source == source or getattr(self, name) == default_of(self, name),
                f"data.{name} needs data.source {source}",
                self.source,
            )
        for name in ("dim", "n_exemplars"):
            size = getattr(self, name)
            require(size is None or size >= 1, f"data.{name} must be at least 1", size)
        require(
            self.noise_scale is None or self.noise_scale >= 0, "data.noise_scale must be at least 0", self.noise_scale
        )
        require(
            not self.noise_scale or self.source != "symbolic",
            "data.noise_scale must be 0 with data.source symbolic, whose examples are ids",
            self.noise_scale,
        )
        require(
            not self.p_new or self.n_exemplars is None,
            "data.n_exemplars must be left out with data.p_new, whose new classes have no exemplars",
            self.n_exemplars,
        )
        check_exemplars("data.train_exemplars", self.train_exemplars)

    def _check_counts(self) -> None:
        for name in ("n_rare_classes", "n_common_classes", "n_holdout_classes"):
            require(getattr(self, name) >= 0, f"data.{name} must be at least 0", getattr(self, name))
        for name in ("shots", "ways", "fs_shots"):
            require(getattr(self, name) >= 1, f"data.{name} must be at least 1", getattr(self, name))
        # A context without support has an example at least.
        require(self.seq_len >= 2, "data.seq_len must be at least 2", self.seq_len)
        require(
            self.n_holdout_classes >= self.ways,
            f"data.n_holdout_classes must be at least data.ways ({self.ways}) to measure in-context learning",
            self.n_holdout_classes,
        )
        require(
            self.n_labels is None or self.n_labels >= self.ways,
            f"data.n_labels must be at least data.ways ({self.ways})",
            self.n_labels,
        )

    def _check_labels(self) -> None:
        require(self.heldout_label_sets >= 0, "data.heldout_label_sets must be at least 0", self.heldout_label_sets)
        require(
            self.heldout_label_sets == 0 or self.fs_labeling == "novel" or not self.sequence.startswith("fewshot_"),
            "data.heldout_label_sets needs data.fs_labeling novel",
            f"{self.heldout_label_sets} with {self.fs_labeling}",
        )
        require(
            self.labeling_common in ("ordered", "original"),
            "data.labeling_common must be ordered or original",
            repr(self.labeling_common),
        )
        require(
            self.labeling_rare in ("ordered", "original", "unfixed")
            or re.fullmatch(r"ordered_polysemy[1-9]\d{0,8}", self.labeling_rare) is not None,
            "data.labeling_rare must be ordered, original, unfixed or ordered_polysemyX (X at most 999999999)",
            repr(self.labeling_rare),
        )
        require(
            self.n_labels is None or (self.labeling_rare == self.labeling_common == "ordered"),
            "data.n_labels needs data.labeling_rare and data.labeling_common ordered",
            f"{self.labeling_rare} and {self.labeling_common}",
        )
        for name in ("p_new", "distinct_labels"):
            require(
                self.n_labels is not None or not getattr(self, name), f"data.{name} needs data.n_labels", self.n_labels
            )
        require(
            self.fs_labeling == "class" or not (self.distinct_labels and self.sequence.startswith("fewshot_")),
            "data.distinct_labels needs data.fs_labeling class",
            self.fs_labeling,
        )
        # Half of the classes labelled by key and half by position would share labels by accident.
        keyed, positional = self.labeling_common == "original", self.labeling_rare.startswith("ordered")
        require(
            keyed != positional if self.labeling_rare != "unfixed" else True,
            "data.labeling_rare and data.labeling_common must both be original, or neither",
            f"{self.labeling_rare} and {self.labeling_common}",
        )

    @property
    def n_trained_classes(self) -> int:
        """Rare and common classes together: the class count of Figure 3."""
        return self.n_rare_classes + self.n_common_classes

    @property
    def multiplicity(self) -> int:
        """Labels of each trained class (figure 4); 1 without polysemy."""
        _, polysemy, labels = self.labeling_rare.rpartition("polysemy")
        return int(labels) if polysemy else 1

    def training_kind(self) -> SequenceKind:
        """The kind of the training sequences, with all their statistics.

        Raises:
            ValueError: for settings that the kind refuses.
        """
        kind = self.sequence_kind(self.sequence)
        if isinstance(kind, Fewshot):
            labeling = self.class_labeling if self.fs_labeling == "class" else self.fs_labeling
            return replace(
                kind,
                labeling=labeling,
                context_order=self.context_order,
                query_exemplar=self.query_exemplar,
                heldout_label_sets=self.heldout_label_sets,
                distinct_labels=self.distinct_labels,
            )
        return replace(kind, all_unique=self.all_unique) if isinstance(kind, NoSupport | Random) else kind

    def sequence_kind(self, name: str) -> SequenceKind:
        """The kind of sequence behind one of ``SEQUENCE_TYPES``, with this run's lengths and labelings.

        Bursty, mixed and random ones have the statistics of training sequences. What is set for few-shot and no-support
        training sequences alone is left to :meth:`training_kind`: evaluations have settings of their own.

        Raises:
            ValueError: for an unknown name, or settings that the kind refuses.
        """
        require(name in SEQUENCE_TYPES, f"sequence type must be one of {', '.join(SEQUENCE_TYPES)}", repr(name))
        if name == "bursty":
            return Bursty(
                seq_len=self.seq_len,
                shots=self.shots,
                ways=self.ways,
                p_bursty=self.p_bursty,
                p_bursty_common=self.p_bursty_common,
                p_bursty_zipfian=self.p_bursty_zipfian,
                non_bursty_type=self.non_bursty_type,
                labeling_common=self.labeling_common,
                labeling_rare=self.labeling_rare,
                context_order=self.context_order,
                query_exemplar=self.query_exemplar,
                p_relabel=self.p_relabel,
                label_noise=self.label_noise,
                p_new=self.p_new,
                distinct_labels=self.distinct_labels,
            )
        if name == "mixed":
            p_fewshot = 0.5 if self.p_fewshot is None else self.p_fewshot
            return Mixed(shots=self.fs_shots, ways=self.ways, p_fewshot=p_fewshot)
        kind, _, class_type = name.rpartition("_")
        if kind == "fewshot":
            return Fewshot(class_type=class_type, shots=self.fs_shots, ways=self.ways)
        if kind == "label_elsewhere":
            return LabelElsewhere(
                class_type=class_type, shots=self.fs_shots, ways=self.ways, labeling=self.class_labeling
            )
        if kind == "random":
            return Random(
                class_type=class_type,
                seq_len=self.seq_len,
                labeling=self.class_labeling,
                label_noise=self.label_noise,
            )
        return NoSupport(class_type=class_type, seq_len=self.seq_len, labeling=self.class_labeling)

    @property
    def class_labeling(self) -> str:
        """Labeling of classes of any type under which each has the labels that are its own."""
        return self.labeling_common if self.multiplicity == 1 else f"ordered_polysemy{self.multiplicity}"
