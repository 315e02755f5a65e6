"""The kinds of sequence, as checked values (Chan et al. 2022, section 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from icl_data._sequences.labeling import Labeling, parse_labeling
from icl_data._sequences.split import check_class_type
from icl_data._sources.counts import check_integers, is_number

NON_BURSTY_TYPES = ("zipfian", "common_uniform", "common_no_support")
CONTEXT_ORDERS = ("shuffled", "grouped", "blocked", "query_first", "query_last")
QUERY_EXEMPLARS = ("new", "copy")


class Branch(NamedTuple):
    """One way in which a bursty sequence can come about: a few-shot part and the classes that fill the rest."""

    probability: float
    fewshot_type: str
    fewshot_labeling: str
    remainder_type: str
    remainder_labeling: str


@dataclass(frozen=True, kw_only=True)
class Bursty:
    """Training sequences: with probability p_bursty, `ways` classes of which each appears `shots` times in the context.

    The query belongs to one of those classes; seq_len - shots * ways - 1 further context positions are filled with
    other draws, and the whole context is shuffled.

    Args:
        seq_len: length including the query.
        shots, ways: appearances per class, and classes, of the bursty part.
        p_bursty: share of bursty sequences.
        p_bursty_common, p_bursty_zipfian: among bursty ones, the share whose bursty part is drawn from common classes
            (rest of the context rare) and from all trained ones; what is missing from 1 is drawn from rare classes
            (rest of the context common).
        non_bursty_type: what the others are: "zipfian", "common_uniform" or "common_no_support".
        labeling_common, labeling_rare: labelings of the two groups; zipfian parts of bursty sequences take the rare
            one, non-bursty sequences the common one.
        grouped: shuffle the bursty part in groups of `ways`, before the shuffle of the whole context, which hides it.
        context_order: order of the context of bursty sequences, see the package's README.
        query_exemplar: "new", or "copy" of one of the query class's exemplars in the context, in bursty sequences.
        p_relabel: share of bursty sequences whose burst classes are labelled 0..ways-1, at random in each.
        label_noise: share of context labels, in all sequences, that are replaced by another one of the sampler's range.
            The query's label stays: it is what the loss and the accuracy are about.
        p_new: share of all sequences, bursty ones, whose classes are new (p_C of Reddy 2023, arXiv 2312.03002): of a
            pool of as many classes as a batch has sequences, made for each batch and never seen again. The class at
            position i of the pool is class_index n_classes + i and has label i % n_labels; all are equally frequent.
            p_bursty and the other shares are then about the rest. Needs `n_labels`.
        distinct_labels: the classes of a burst have distinct labels, any as likely as the others, and each class of a
            label, too, whatever the skew (Reddy 2023). Needs `n_labels`, and sequences that are bursts and nothing
            else.

    The last six are drawn by `BatchSampler` only.

    Raises:
        ValueError: a share outside [0, 1], a sequence too short, an unknown name, or a labeling that cannot label
            what it would have to.
    """

    seq_len: int = 9
    shots: int = 3
    ways: int = 2
    p_bursty: float = 0.9
    p_bursty_common: float = 0.0
    p_bursty_zipfian: float = 1.0
    non_bursty_type: str = "zipfian"
    labeling_common: str = "ordered"
    labeling_rare: str = "ordered"
    grouped: bool = False
    context_order: str = "shuffled"
    query_exemplar: str = "new"
    p_relabel: float = 0.0
    label_noise: float = 0.0
    p_new: float = 0.0
    distinct_labels: bool = False

    def __post_init__(self) -> None:
        _check_shots_ways(self.shots, self.ways)
        check_integers(seq_len=self.seq_len)
        _check_choice("context_order", self.context_order, CONTEXT_ORDERS)
        _check_choice("query_exemplar", self.query_exemplar, QUERY_EXEMPLARS)
        if self.seq_len < self.shots * self.ways + 1:
            raise ValueError(
                f"seq_len must be at least shots * ways + 1 = {self.shots * self.ways + 1}, got {self.seq_len}"
            )
        for name in ("p_bursty", "p_bursty_common", "p_bursty_zipfian", "p_relabel", "label_noise", "p_new"):
            _check_share(name, getattr(self, name))
        total = self.p_bursty_common + self.p_bursty_zipfian
        if total > 1 + 1e-9:
            raise ValueError(f"p_bursty_common + p_bursty_zipfian must be at most 1, got {total}")
        _check_choice("non_bursty_type", self.non_bursty_type, NON_BURSTY_TYPES)
        _refuse_novel(parse_labeling(self.labeling_common), "labeling_common")
        _refuse_novel(parse_labeling(self.labeling_rare), "labeling_rare")
        if self.p_bursty < 1:
            _check_random_labeling(self.labeling_common, "labeling_common of non-bursty sequences")
        if self.n_remainder:
            for branch in self.branches():
                _check_random_labeling(branch.remainder_labeling, "labeling of the positions beside the bursty part")
        if self.p_relabel and "unfixed" in (self.labeling_rare, self.labeling_common):
            raise ValueError(f"p_relabel must be 0 where bursts are labelled 'unfixed' already, got {self.p_relabel}")
        if self.p_new and (self.labeling_common, self.labeling_rare) != ("ordered", "ordered"):
            raise ValueError(
                "p_new needs labelings 'ordered', as only labels that classes share can be those of new ones, "
                f"got {self.labeling_common!r} and {self.labeling_rare!r}"
            )
        _check_distinct_labels(self.distinct_labels, self.labeling_common, self.labeling_rare)
        if self.distinct_labels and (self.p_relabel or self.n_remainder):
            raise ValueError(
                "distinct_labels needs p_relabel 0 and sequences of bursts alone, of shots * ways + 1, "
                f"got p_relabel={self.p_relabel} and seq_len={self.seq_len}"
            )

    @property
    def n_remainder(self) -> int:
        """Context positions outside the bursty part."""
        return self.seq_len - self.shots * self.ways - 1

    def branches(self) -> tuple[Branch, ...]:
        """The kinds of bursty sequence that can occur, with their shares among bursty sequences."""
        if self.p_bursty == 0:
            return ()
        zipfian, common = self.p_bursty_zipfian, self.p_bursty_common
        rest = 1 - zipfian - common
        every = (
            Branch(zipfian, "zipfian", self.labeling_rare, "zipfian", self.labeling_rare),
            Branch(common, "common", self.labeling_common, "rare", self.labeling_rare),
            Branch(rest if rest > 1e-9 else 0.0, "rare", self.labeling_rare, "common", self.labeling_common),
        )
        labelled = [branch._replace(probability=branch.probability * (1 - self.p_relabel)) for branch in every]
        relabelled = [
            branch._replace(probability=branch.probability * self.p_relabel, fewshot_labeling="unfixed")
            for branch in every
        ]
        return tuple(branch for branch in (*labelled, *relabelled) if branch.probability > 0)


@dataclass(frozen=True, kw_only=True)
class NoSupport:
    """In-weights evaluation: the query's class is not in the context.

    Args:
        class_type: "rare", "common", "zipfian" or "holdout".
        seq_len: length including the query.
        all_unique: all classes of the sequence distinct; else the released protocol lets context classes repeat.
        labeling: labels, see the package's README.

    Raises:
        ValueError: an unknown name or a length below 2.
    """

    class_type: str = "zipfian"
    seq_len: int = 9
    all_unique: bool = False
    labeling: str = "ordered"

    def __post_init__(self) -> None:
        check_class_type(self.class_type)
        check_integers(seq_len=self.seq_len)
        if self.seq_len < 2:
            raise ValueError(f"seq_len must be at least 2, got {self.seq_len}")
        _check_random_labeling(self.labeling, "labeling of no-support sequences")


@dataclass(frozen=True, kw_only=True)
class LabelElsewhere:
    """In-weights evaluation within a context: the query's label is in the context, but on items of another class.

    `ways` classes appear `shots` times each in the context, and the query is of yet another class. One of the classes,
    any with the same chance, bears the query's label in place of its own, on all its items; the others have their own.
    To answer with a label of the context takes the weights, and to copy the label of what looks most like the query is
    a guess (CIWL, "context-constrained in-weights learning", of Singh et al. 2025, arXiv 2503.05631). All ways + 1
    classes are distinct under either protocol, and only `BatchSampler` draws them: the released code has none.

    Where classes share labels (`n_labels`), another class may have the query's label as its own. Under polysemy the
    label that is borne is the very one that is right.

    Args:
        class_type: "rare", "common", "zipfian" or "holdout".
        shots, ways: appearances per class, and classes, of the context.
        labeling: labels, see the package's README.

    Raises:
        ValueError: an unknown name, or shots or ways below 1.
    """

    class_type: str = "zipfian"
    shots: int = 4
    ways: int = 2
    labeling: str = "ordered"

    def __post_init__(self) -> None:
        check_class_type(self.class_type)
        _check_shots_ways(self.shots, self.ways)
        _check_random_labeling(self.labeling, "labeling of label-elsewhere sequences")

    @property
    def seq_len(self) -> int:
        """Length including the query."""
        return self.shots * self.ways + 1


@dataclass(frozen=True, kw_only=True)
class Random:
    """Classes drawn independently, or all distinct with all_unique.

    Args:
        class_type: "rare", "common", "zipfian" or "holdout".
        seq_len: length including the query.
        labeling: labels, see the package's README.
        all_unique: draw without replacement.
        label_noise: share of context labels replaced, as in `Bursty`; drawn by `BatchSampler` only.

    Raises:
        ValueError: an unknown name, a length below 1 or a share outside [0, 1].
    """

    class_type: str = "zipfian"
    seq_len: int = 9
    labeling: str = "ordered"
    all_unique: bool = False
    label_noise: float = 0.0

    def __post_init__(self) -> None:
        check_class_type(self.class_type)
        check_integers(seq_len=self.seq_len)
        if self.seq_len < 1:
            raise ValueError(f"seq_len must be at least 1, got {self.seq_len}")
        _check_share("label_noise", self.label_noise)
        _check_random_labeling(self.labeling, "labeling of random sequences")


@dataclass(frozen=True, kw_only=True)
class Fewshot:
    """In-context evaluation: `ways` classes, `shots` times each, then a query from one of them.

    Args:
        class_type: "rare", "common", "zipfian" or "holdout".
        shots, ways: appearances per class, and classes, of the context.
        labeling: "unfixed" labels the classes 0..ways-1; "novel" draws `ways` distinct labels per sequence from the
            labels of trained classes, "heldout" one of the sets that these never are (both BatchSampler only); the
            others see the package's README.
        grouped: the released name for context_order="grouped".
        context_order: order of the context, see the package's README; other than "grouped" in `BatchSampler` only.
        query_exemplar: "new", or "copy" of one of the query class's exemplars in the context (BatchSampler only).
        heldout_label_sets: sets of `ways` labels that are kept for labeling "heldout" (the "relabel" test of Singh et
            al. 2024, arXiv 2404.07129): set j is labels j * ways to j * ways + ways - 1, so that no label is in two.
            All other sets are drawn as often as each other under "novel", and the order within a set is random.
        distinct_labels: as in `Bursty`, with labeling "ordered".

    Raises:
        ValueError: an unknown name, shots or ways below 1, grouped with another order, or held-out sets without a
            labeling that has them, or the other way round.
    """

    class_type: str = "holdout"
    shots: int = 4
    ways: int = 2
    labeling: str = "unfixed"
    grouped: bool = False
    context_order: str = "shuffled"
    query_exemplar: str = "new"
    heldout_label_sets: int = 0
    distinct_labels: bool = False

    def __post_init__(self) -> None:
        check_class_type(self.class_type)
        _check_shots_ways(self.shots, self.ways)
        self._check_label_sets(parse_labeling(self.labeling))
        _check_distinct_labels(self.distinct_labels, self.labeling)
        _check_choice("context_order", self.context_order, CONTEXT_ORDERS)
        _check_choice("query_exemplar", self.query_exemplar, QUERY_EXEMPLARS)
        if self.grouped and self.context_order not in ("shuffled", "grouped"):
            raise ValueError(f"context_order must be 'grouped' or left out with grouped, got {self.context_order!r}")

    def _check_label_sets(self, labeling: Labeling) -> None:
        check_integers(heldout_label_sets=self.heldout_label_sets)
        if self.heldout_label_sets < 0:
            raise ValueError(f"heldout_label_sets must be at least 0, got {self.heldout_label_sets}")
        if self.heldout_label_sets and labeling.rule not in ("novel", "heldout"):
            raise ValueError(
                f"heldout_label_sets needs labeling 'novel' or 'heldout', got {self.heldout_label_sets} with "
                f"{self.labeling!r}"
            )
        if labeling.rule == "heldout" and not self.heldout_label_sets:
            raise ValueError("labeling 'heldout' needs heldout_label_sets of at least 1, got 0")

    @property
    def seq_len(self) -> int:
        """Length including the query."""
        return self.shots * self.ways + 1


@dataclass(frozen=True, kw_only=True)
class Mixed:
    """Few-shot sequences of rare classes, labelled 0..ways-1, mixed with random sequences of common classes.

    Args:
        shots, ways: as in `Fewshot`; random sequences have the same length.
        p_fewshot: share of few-shot sequences.

    Raises:
        ValueError: a share outside [0, 1], or shots or ways below 1.
    """

    shots: int = 4
    ways: int = 2
    p_fewshot: float = 0.5

    def __post_init__(self) -> None:
        _check_shots_ways(self.shots, self.ways)
        _check_share("p_fewshot", self.p_fewshot)

    @property
    def seq_len(self) -> int:
        """Length including the query."""
        return self.shots * self.ways + 1

    def parts(self) -> tuple[Fewshot, Random]:
        """The two kinds that are mixed."""
        return (
            Fewshot(class_type="rare", shots=self.shots, ways=self.ways, labeling="unfixed"),
            Random(class_type="common", seq_len=self.seq_len, labeling="ordered"),
        )


SequenceKind = Bursty | NoSupport | LabelElsewhere | Random | Fewshot | Mixed


def _check_shots_ways(shots: int, ways: int) -> None:
    check_integers(shots=shots, ways=ways)
    if shots < 1 or ways < 1:
        raise ValueError(f"shots and ways must be at least 1, got shots={shots}, ways={ways}")


def _check_choice(name: str, value: str, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}")


def _check_share(name: str, value: float) -> None:
    if not (is_number(value) and 0 <= value <= 1):
        raise ValueError(f"{name} must be in [0, 1], got {value!r}")


def _check_distinct_labels(distinct_labels: bool, *labelings: str) -> None:
    if not isinstance(distinct_labels, bool):
        raise ValueError(f"distinct_labels must be True or False, got {distinct_labels!r}")
    other = [labeling for labeling in labelings if labeling != "ordered"]
    if distinct_labels and other:
        raise ValueError(f"distinct_labels needs labeling 'ordered', which classes can share, got {other[0]!r}")


def _refuse_novel(labeling: Labeling, name: str) -> None:
    if labeling.rule in ("novel", "heldout"):
        raise ValueError(f"{name} must not be {labeling.rule!r}, which only few-shot sequences can have")


def _check_random_labeling(labeling: str, where: str) -> None:
    if parse_labeling(labeling).rule in ("unfixed", "novel", "heldout"):
        raise ValueError(
            f"{where} must be original or one of the ordered ones, because only few-shot sequences "
            f"can be labelled otherwise, got {labeling!r}"
        )
