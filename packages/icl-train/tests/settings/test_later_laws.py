"""Settings of the papers after Chan et al.: label sets held out of training (Singh 2024), and Reddy's law (2023)."""

from dataclasses import replace

import pytest
from drawn_sequences import BASE, LABEL_SETS, batches, evaluation_sampler

from icl_train import EvalConfig, read_evaluation, smoke
from icl_train._check_settings import check_settings
from icl_train._evaluating.data import EvaluationData
from icl_train._evaluations.built_in import BUILT_IN
from icl_train._run_data import RunData


def pairs(sampler):
    return {tuple(sorted(set(row))) for step in range(40) for row in sampler(step).label.tolist()}


def test_pairs_of_labels_are_held_out_of_training_and_of_novel_labels_and_shown_by_relabel_alone():
    """640 pairs miss one of 8 with probability 8 (7/8)^640 < 1e-36."""
    config = replace(smoke(), data=replace(BASE, **LABEL_SETS))
    training = pairs(RunData.build(config).training_sampler())
    assert len(training) == 8
    assert pairs(evaluation_sampler(config, "novel_label")) == training
    assert pairs(evaluation_sampler(config, "relabel")) == {(0, 1), (2, 3)}


def test_novel_labels_of_another_number_of_ways_know_no_held_out_sets():
    config = replace(smoke(), data=replace(BASE, **LABEL_SETS))
    evaluation = read_evaluation("a:base=novel_label,ways=3")
    assert EvaluationData.of(RunData.build(config), evaluation, protocol="paper").sampler.kind.heldout_label_sets == 0


@pytest.mark.parametrize(
    ("settings", "text", "message"),
    [
        ({}, "relabel", "evaluation relabel: labels=heldout needs data.heldout_label_sets .*, got 0 sets and ways=2"),
        (
            LABEL_SETS,
            "a:base=relabel,ways=3",
            "labels=heldout needs .* ways=2, .*, got 2 sets and ways=3",
        ),
        (LABEL_SETS | {"heldout_label_sets": 3}, "flip", "sets of 2 labels that fit into the 5 labels .*, got 3"),
    ],
)
def test_held_out_labels_that_are_not_there_are_refused_before_training(settings, text, message):
    config = replace(smoke(), data=replace(BASE, **settings), eval=EvalConfig(evaluations=(text,)))
    with pytest.raises(ValueError, match=message):
        check_settings(config)


REDDY = {"seq_len": 9, "shots": 2, "ways": 4, "fs_shots": 2, "p_bursty": 1.0, "n_labels": 8, "protocol": "released"}


def test_new_classes_are_their_share_of_training_and_have_shared_labels():
    """640 sequences: within 4.5 standard deviations of .3, a false alarm in 10^5."""
    classes, _, labels = batches(p_new=0.3, **REDDY)
    is_new = (classes >= 45).all(axis=1)
    assert is_new.mean() == pytest.approx(0.3, abs=4.5 * (0.3 * 0.7 / 640) ** 0.5)
    assert classes.max() < 45 + 16  # as many as the batch has sequences
    assert (labels[is_new] == (classes[is_new] - 45) % 8).all()


@pytest.mark.parametrize("sequence", [{"sequence": "bursty"}, {"sequence": "fewshot_zipfian", "fs_labeling": "class"}])
def test_distinct_labels_hold_in_training_and_in_evaluations_under_these_labels(sequence):
    settings = {**REDDY, **sequence, "distinct_labels": True, "n_holdout_classes": 20}
    _, _, labels = batches(**settings)
    assert all(len(set(row)) == 4 for row in labels.tolist())
    config = replace(smoke(), data=replace(BASE, **settings), eval=EvalConfig(protocol="released"))
    for name in ("fewshot_own", "shifted", "shared_label"):
        drawn = EvaluationData.of(RunData.build(config), BUILT_IN[name], protocol="released").sampler(0)
        assert all(len(set(row)) == 4 for row in drawn.label.tolist()), name
    assert not evaluation_sampler(config, "novel_label").kind.distinct_labels


def test_shared_labels_of_new_classes_go_on_behind_the_trained_ones():
    config = replace(smoke(), data=replace(BASE, **REDDY, n_holdout_classes=20))
    data = RunData.build(config)
    drawn = EvaluationData.of(data, BUILT_IN["shared_label"], protocol="released").sampler(0)
    place = {int(position): number for number, position in enumerate(data.split.holdout)}
    for position, label in zip(drawn.class_index.ravel().tolist(), drawn.label.ravel().tolist(), strict=True):
        assert label == (40 + place[position]) % 8


@pytest.mark.parametrize(
    ("settings", "text", "message"),
    [
        ({}, "shared_label", "evaluation shared_label: labels=shared needs data.n_labels, .*, got none"),
        ({"source": "symbolic", "dim": None, "n_labels": 8, "p_new": 0.5}, "flip", "p_new needs a source .* Symbolic"),
        ({"n_labels": 3, "ways": 3, "seq_len": 10, "distinct_labels": True, "n_rare_classes": 2, "n_common_classes": 0,
          "protocol": "released"}, "random_zipfian", "distinct_labels needs 3 labels among the zipfian classes, got 2"),
    ],
)  # fmt: skip
def test_reddys_law_without_what_it_needs_is_refused_before_training(settings, text, message):
    config = replace(smoke(), data=replace(BASE, **settings), eval=EvalConfig(evaluations=(text,)))
    with pytest.raises(ValueError, match=message):
        check_settings(config)
