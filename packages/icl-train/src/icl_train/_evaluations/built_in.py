"""The evaluations that have a name already, and those that a run makes if nothing else is asked for."""

from __future__ import annotations

from icl_train._evaluations.value import Evaluation

__all__ = ["ABOUT", "BUILT_IN", "DEFAULT_EVALUATIONS"]

DEFAULT_EVALUATIONS = ("fewshot_holdout", "flipped", "novel_label", "no_support_zipfian")
"""What an evaluation inside training measures where ``eval.evaluations`` is left out."""

_HOLDOUT, _TRAINED = "new classes", "trained classes"

_DESCRIBED: tuple[tuple[Evaluation, str], ...] = (
    (Evaluation(name="fewshot_holdout", sequence="fewshot", classes="holdout"), f"ICL: {_HOLDOUT}, labels 0..ways-1"),
    (
        Evaluation(name="flipped", sequence="fewshot", classes="holdout", exchanged=True, stream="fewshot_holdout"),
        "the contexts of fewshot_holdout with their labels exchanged",
    ),
    (
        Evaluation(name="novel_label", sequence="fewshot", classes="holdout", labels="novel"),
        f"{_HOLDOUT}, labels drawn in each sequence from those of training",
    ),
    (
        Evaluation(name="no_support_zipfian", sequence="no_support", classes="trained"),
        f"IWL: {_TRAINED}, the query's not in the context, over all labels",
    ),
    (Evaluation(name="bursty", sequence="bursty"), "the training law of bursty sequences, over all labels"),
    (
        Evaluation(name="no_support_common", sequence="no_support", classes="common", answers="classes"),
        "IWL of common classes, over their labels",
    ),
    (
        Evaluation(name="no_support_rare", sequence="no_support", classes="rare", answers="classes"),
        "IWL of rare classes, over their labels",
    ),
    (Evaluation(name="fewshot_rare", sequence="fewshot", classes="rare"), "rare classes, labels 0..ways-1"),
    (Evaluation(name="fewshot_common", sequence="fewshot", classes="common"), "common classes, labels 0..ways-1"),
    (
        Evaluation(name="fewshot_zipfian", sequence="fewshot", classes="trained"),
        f"{_TRAINED}, labels 0..ways-1 (the ICL of Singh 2025)",
    ),
    (Evaluation(name="mixed", sequence="mixed"), "few-shot sequences of rare and random ones of common classes"),
    (
        Evaluation(name="random_common", sequence="random", classes="common"),
        "common classes drawn one by one, over their labels",
    ),
    (
        Evaluation(name="random_rare", sequence="random", classes="rare"),
        "rare classes drawn one by one, over their labels",
    ),
    (
        Evaluation(name="random_zipfian", sequence="random", classes="trained"),
        f"{_TRAINED} drawn one by one, over their labels",
    ),
    (
        Evaluation(name="fewshot_own", sequence="fewshot", classes="trained", labels="own"),
        f"{_TRAINED} under their own labels: context and weights agree",
    ),
    (
        Evaluation(
            name="flip", sequence="fewshot", classes="trained", labels="own", exchanged=True, stream="fewshot_own"
        ),
        "the contexts of fewshot_own with their labels exchanged: context against weights (Singh 2025)",
    ),
    (
        Evaluation(name="ciwl", sequence="no_support", classes="trained", labels="elsewhere"),
        "IWL in context: the query's label stands on another class, over the labels there (Singh 2025)",
    ),
    (
        Evaluation(name="novel_label_trained", sequence="fewshot", classes="trained", labels="novel"),
        f"{_TRAINED}, labels drawn in each sequence from those of training",
    ),
    (
        Evaluation(name="shared_label", sequence="fewshot", classes="holdout", labels="shared"),
        f"ICL of Reddy 2023: {_HOLDOUT} with labels that classes share (data.n_labels)",
    ),
    (
        Evaluation(name="shifted", sequence="fewshot", classes="trained", labels="own", shift=1, stream="fewshot_own"),
        "ICL2 of Reddy 2023: the contexts of fewshot_own with each label moved on by one",
    ),
    (
        Evaluation(name="relabel", sequence="fewshot", classes="trained", labels="heldout"),
        f"{_TRAINED}, sets of labels that training never shows together (Singh 2024; data.heldout_label_sets)",
    ),
    (
        Evaluation(name="augmented", sequence="fewshot", classes="augmented"),
        "flips and quarter turns of new image classes, labels 0..ways-1",
    ),
    (
        Evaluation(name="augmented_trained", sequence="fewshot", classes="augmented_trained"),
        "flips and quarter turns of trained image classes, labels 0..ways-1",
    ),
)

BUILT_IN: dict[str, Evaluation] = {evaluation.name: evaluation for evaluation, _ in _DESCRIBED}
"""Name → evaluation."""

ABOUT: dict[str, str] = {evaluation.name: about for evaluation, about in _DESCRIBED}
"""Name → what it is, in a few words."""
