"""Strategies over all settings of the sequences, for `BatchSampler` and for `SeqGenerator`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import strategies as st

from icl_data import (
    ArraySource,
    BatchSampler,
    Bursty,
    ClassSplit,
    Fewshot,
    LabelElsewhere,
    Mixed,
    NoSupport,
    Random,
    SeqGenerator,
)

# Ids of the form EXEMPLARS * class + exemplar show which exemplar of which class was drawn.
EXEMPLARS = 64
BEYOND_THE_RELEASED_CODE = (
    *("context_order", "query_exemplar", "p_relabel", "label_noise"),
    *("heldout_label_sets", "p_new", "distinct_labels"),
)

ENOUGH = st.integers(9, 30)
SHARES = st.one_of(st.sampled_from([0.0, 0.5, 0.9999, 1.0]), st.floats(0, 1))
EXPONENTS = st.sampled_from([0.0, 0.5, 1.0, 2.5, 20.0, 60.0, 300.0, -1.0, -150.0])
TYPES = st.sampled_from(["rare", "common", "zipfian", "holdout"])
ORDERED = st.sampled_from(["ordered", "original", "ordered7", "ordered_polysemy3", "ordered5_polysemy2"])
FEWSHOT_LABELINGS = st.one_of(ORDERED, st.sampled_from(["unfixed", "novel", "heldout"]))
ORDERS = st.sampled_from(["shuffled", "grouped", "blocked", "query_first", "query_last"])
QUERY_EXEMPLARS = st.sampled_from(["new", "copy"])
# What none of the settings, or hardly any, can be.
WILD = st.one_of(
    st.sampled_from([None, -1, -0.1, 0, 1.5, 2.0, float("nan"), float("inf"), 10**9, 10**20, "", "ordered_polysemy00"]),
    st.sampled_from(["ordered9999999999", "ordered99999999999999999999", "unfixed", "heldout", "holdout", "common"]),
    st.floats(),
    st.text(max_size=8),
)


@dataclass(frozen=True)
class Settings:
    """All that makes a stream of sequences, before any of it is checked."""

    keys: Any
    split: dict[str, Any]
    kind_type: type
    kind: dict[str, Any]
    n_exemplars: int
    sampler: dict[str, Any]

    def batch_sampler(self, **changes: Any) -> BatchSampler:
        """The sampler, or the ValueError of one of its parts."""
        split, kind = ClassSplit(self.keys, **self.split), self.kind_type(**self.kind)
        return BatchSampler(self.n_exemplars, split, kind, **{**self.sampler, **changes})

    def generator(self, **changes: Any) -> SeqGenerator:
        """The exact stream's generator over ids that show class and exemplar, or its ValueError."""
        names = {"n_rare": "n_rare_classes", "n_common": "n_common_classes", "n_holdout": "n_holdout_classes"}
        names["seed"] = "random_seed"
        split = {names.get(name, name): value for name, value in self.split.items()}
        n_classes = self.keys if isinstance(self.keys, int) else len(self.keys)
        ids = np.arange(n_classes)[:, None] * EXEMPLARS + np.arange(self.n_exemplars)
        return SeqGenerator(ArraySource(ids), **{**split, "noise_scale": 0.0, "seed": self.sampler["seed"], **changes})

    def records(self, generator: SeqGenerator) -> Any:
        """The generator's iterator for this kind."""
        name = {NoSupport: "no_support"}.get(self.kind_type, self.kind_type.__name__.lower())
        return getattr(generator, f"get_{name}_seq")(**self.kind)

    def released(self) -> Settings:
        """The same without the settings that `SeqGenerator` does not have."""
        kind = {name: value for name, value in self.kind.items() if name not in BEYOND_THE_RELEASED_CODE}
        return replace(self, kind=kind, sampler={**self.sampler, "n_labels": None, "exemplars": None})


@st.composite
def _splits(draw: st.DrawFn, sizes: st.SearchStrategy[int]) -> tuple[Any, dict[str, Any]]:
    n_rare, n_common, n_holdout = draw(sizes), draw(sizes), draw(sizes)
    n = max(n_rare + n_common + n_holdout + draw(st.sampled_from([0, 0, 5])), 1)
    block = draw(st.sampled_from([None, None, 2]))
    n += n % 2 if block else 0
    options = {
        "n_rare": n_rare,
        "n_common": n_common,
        "n_holdout": n_holdout,
        "zipf_exponent": draw(EXPONENTS),
        "use_zipf_for_common_rare": draw(st.booleans()),
        "preserve_ordering_every_n": block,
        "seed": draw(st.sampled_from([0, 1337])),
    }
    return draw(st.sampled_from([n, np.arange(n) * 2 + 5])), options


@st.composite
def bursty(draw: st.DrawFn) -> dict[str, Any]:
    """Arguments of `Bursty` that are valid by themselves."""
    shots, ways = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    beside = draw(st.sampled_from([0, 0, 1, 2, 5]))
    p_common = draw(st.sampled_from([0.0, 0.3, 1.0]))
    # Only sequences that are bursts and nothing else can have labels "unfixed" throughout.
    alone = beside == 0 and draw(st.booleans())
    labelings = st.one_of(ORDERED, st.just("unfixed")) if alone else ORDERED
    shared = draw(st.booleans())  # labels, which new classes and bursts of distinct labels need
    labeling_common, labeling_rare = ("ordered", "ordered") if shared else (draw(labelings), draw(labelings))
    distinct = shared and beside == 0 and draw(st.booleans())
    unfixed = "unfixed" in (labeling_common, labeling_rare)
    return {
        "seq_len": shots * ways + 1 + beside,
        "shots": shots,
        "ways": ways,
        "p_bursty": 1.0 if alone else draw(SHARES),
        "p_bursty_common": p_common,
        "p_bursty_zipfian": draw(st.sampled_from([0.0, (1 - p_common) / 2, 1 - p_common])),
        "non_bursty_type": draw(st.sampled_from(["zipfian", "common_uniform", "common_no_support"])),
        "labeling_common": labeling_common,
        "labeling_rare": labeling_rare,
        "grouped": draw(st.booleans()),
        "context_order": draw(ORDERS),
        "query_exemplar": draw(QUERY_EXEMPLARS),
        "p_relabel": 0.0 if unfixed or distinct else draw(SHARES),
        "label_noise": draw(SHARES),
        "p_new": draw(SHARES) if shared and draw(st.booleans()) else 0.0,
        "distinct_labels": distinct,
    }


@st.composite
def fewshot(draw: st.DrawFn) -> dict[str, Any]:
    """Arguments of `Fewshot` that are valid by themselves."""
    grouped, labeling = draw(st.booleans()), draw(FEWSHOT_LABELINGS)
    least = {"novel": 0, "heldout": 1}.get(labeling)
    return {
        "class_type": draw(TYPES),
        "shots": draw(st.integers(1, 4)),
        "ways": draw(st.integers(1, 4)),
        "labeling": labeling,
        "distinct_labels": labeling == "ordered" and draw(st.booleans()),
        "heldout_label_sets": 0 if least is None else draw(st.integers(least, 3)),
        "grouped": grouped,
        "context_order": "grouped" if grouped else draw(ORDERS),
        "query_exemplar": draw(QUERY_EXEMPLARS),
    }


RANDOM = {"class_type": TYPES, "labeling": ORDERED, "all_unique": st.booleans()}
KINDS: dict[type, st.SearchStrategy[dict[str, Any]]] = {
    Bursty: bursty(),
    Fewshot: fewshot(),
    NoSupport: st.fixed_dictionaries({**RANDOM, "seq_len": st.integers(2, 9)}),
    Random: st.fixed_dictionaries({**RANDOM, "seq_len": st.integers(1, 9), "label_noise": SHARES}),
    Mixed: st.fixed_dictionaries({"shots": st.integers(1, 4), "ways": st.integers(1, 3), "p_fewshot": SHARES}),
    LabelElsewhere: st.fixed_dictionaries(
        {"class_type": TYPES, "shots": st.integers(1, 4), "ways": st.integers(1, 4), "labeling": ORDERED}
    ),
}
RELEASED = tuple(kind for kind in KINDS if kind is not LabelElsewhere)


@st.composite
def settings_of(draw: st.DrawFn, *kinds: type, sizes: st.SearchStrategy[int] = ENOUGH) -> Settings:
    """Settings of any kind, or of these, which most often can be drawn."""
    kind_type = draw(st.sampled_from(kinds or tuple(KINDS)))
    keys, split = draw(_splits(sizes))
    n_exemplars = draw(st.sampled_from([1, 6, 20]))
    sampler = {
        "batch_size": draw(st.sampled_from([1, 7, 32, 60])),
        "seed": draw(st.integers(0, 2**32 - 1)),
        "stream": draw(st.sampled_from(["train", "eval"])),
        "protocol": draw(st.sampled_from(["paper", "released"])),
        "n_labels": None,
        "exemplars": draw(st.sampled_from([None, range(1, n_exemplars), range(n_exemplars - 1, -1, -1)])) or None,
    }
    kind = draw(KINDS[kind_type])
    plain = {kind.get(name, "ordered") for name in ("labeling", "labeling_common", "labeling_rare")}
    if plain <= {"ordered", "unfixed", "novel", "heldout"}:
        needed = kind.get("p_new") or kind.get("distinct_labels")
        sampler["n_labels"] = draw(st.sampled_from([4, 7, 1000] if needed else [None, 4, 7, 1000]))
    return Settings(keys, split, kind_type, kind, n_exemplars, sampler)


@st.composite
def any_settings(draw: st.DrawFn, *kinds: type) -> Settings:
    """Settings that may be impossible: class types without classes, few exemplars, one value of any sort and size."""
    settings = draw(settings_of(*kinds, sizes=st.sampled_from([30, 30, 12, 12, 3, 1, 0])))
    n_exemplars = draw(st.sampled_from([1, 1, 2, 3, 20, 20]))
    ranges = [None, None, None, None, None, range(0), range(2), range(5, 0, -2), range(-2, 1)]
    settings.sampler["exemplars"] = draw(st.sampled_from(ranges))
    settings.sampler["n_labels"] = draw(st.sampled_from([None, None, None, None, None, 1, 2, 100]))
    if draw(st.sampled_from([False, False, True])):
        changed = draw(st.sampled_from([settings.split, settings.kind, settings.sampler]))
        name = draw(st.sampled_from([name for name in sorted(changed) if name not in ("stream", "grouped")]))
        wild = WILD
        if name in ("seq_len", "shots", "ways", "batch_size", "n_labels", "preserve_ordering_every_n"):
            wild = WILD.filter(lambda value: not isinstance(value, int) or value < 10**9)  # possible, but too large
        changed[name] = draw(wild)
    return Settings(settings.keys, settings.split, settings.kind_type, settings.kind, n_exemplars, settings.sampler)
