"""Evaluations measure what they say: models that know the answer, one way or the other, get the scores they must."""

import dataclasses
import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from oracles import ConstantOracle, ContextOracle, WeightsOracle, evaluate, make_task

from icl_models import InContextModel
from icl_train import EVAL_SPLITS, HEADLINES, Evaluator, Task
from icl_train._evaluations.built_in import BUILT_IN
from icl_train.metrics import wilson_interval

NEEDING_LABELS = ("relabel", "shared_label")  # held-out sets of them, and shared ones
OF_ANY_SOURCE = tuple(name for name in EVAL_SPLITS if not BUILT_IN[name].augmented and name not in NEEDING_LABELS)
IN_TRAINING = ("fewshot_holdout", "flipped", "novel_label", "no_support_zipfian")
SOURCE = """\
import numpy as np
from icl_data import ArraySource

def make():
    classes, exemplars = np.meshgrid(np.arange(80), np.arange(9), indexing="ij")
    return ArraySource(np.stack([100 * classes, exemplars, exemplars * 0, exemplars * 0 + 1], -1).astype("float32"))
"""


class FirstLabelOracle(WeightsOracle):
    """Knows every trained class, and names the first of its three labels."""

    def answer(self, h_x, labels):
        return super().answer(h_x, labels) * 3


def real_model(task, **settings):
    config = replace(task.config, model=replace(task.config.model, **settings))
    return dataclasses.replace(task, data=replace(task.data, config=config)).build_model()


def test_a_model_that_copies_labels_from_the_context_has_full_marks_in_context_and_none_in_weights():
    task = make_task()
    found = evaluate(task, ContextOracle(task))
    for split in ("fewshot_holdout", "flipped", "novel_label"):
        assert found[split].metrics["accuracy_closed"] == 1, split
    assert found["flipped"].metrics["accuracy_both"] == 1
    # The query's class is not in the context, and no other class has its label.
    assert found["no_support_zipfian"].metrics["accuracy_query"] == 0
    assert found["no_support_zipfian"].metrics["from_support"] == 1


def test_with_shared_labels_copying_from_a_context_without_the_class_is_near_chance():
    """Within 4.5 standard deviations of 1/8 and the 7/63 of another class: a false alarm in 10^5."""
    task = make_task(n_labels=8)
    found = evaluate(task, ContextOracle(task), batches=64)["no_support_zipfian"]
    assert found.chance == 1 / 8
    assert found.metrics["accuracy_query"] == pytest.approx(0.118, abs=0.007 + 4.5 * (0.118 * 0.882 / 1024) ** 0.5)


@pytest.mark.parametrize(("classes", "labels"), [("rare", 54), ("common", 10), ("zipfian", 64)])
def test_random_sequences_ask_for_the_labels_of_their_classes(classes, labels):
    task = make_task()
    (found,) = evaluate(task, WeightsOracle(task), splits=(f"random_{classes}",)).values()
    assert found.metrics["accuracy_closed"] == found.metrics["accuracy_query"] == 1
    assert found.headline.metric == "accuracy_closed"
    assert found.chance == pytest.approx(1 / labels)


@pytest.mark.parametrize("n_labels", [None, 8])
def test_a_model_that_knows_the_classes_has_full_marks_in_weights_and_none_both_ways(n_labels):
    task = make_task(n_labels=n_labels)
    found = evaluate(task, WeightsOracle(task))
    assert found["no_support_zipfian"].metrics["accuracy_query"] == 1
    # Its answers are blind to the context: swapping the labels makes every right one wrong.
    assert found["flipped"].metrics["accuracy_both"] == 0


def test_one_answer_for_all_is_at_chance_in_context_and_never_right_both_ways():
    """Within 4.5 standard deviations of 1/2 on 1,024 sequences: a false alarm in 10^5."""
    task = make_task()
    found = evaluate(task, ConstantOracle(task), batches=64)
    assert found["fewshot_holdout"].metrics["accuracy_closed"] == pytest.approx(0.5, abs=4.5 * 0.5 / 32)
    right, flipped = (found[name].metrics["accuracy_closed"] for name in ("fewshot_holdout", "flipped"))
    assert right + flipped == 1
    assert found["flipped"].metrics["accuracy_both"] == 0


def test_flipped_asks_about_the_contexts_of_the_two_way_split_with_labels_swapped():
    task = make_task()
    model = ContextOracle(task)
    evaluator = Evaluator(task, batches=2, splits=("fewshot_holdout", "flipped"))
    evaluator(model)
    (plain, labels), (flipped, swapped) = model.asked[:2]
    assert torch.equal(plain, flipped)
    assert torch.equal(swapped, 1 - labels)


def test_flipped_shows_the_very_examples_of_the_two_way_split_where_there_is_noise():
    task = make_task(noise_scale=0.3)
    model = ContextOracle(task)
    Evaluator(task, batches=1, splits=("fewshot_holdout", "flipped"))(model)
    assert torch.equal(model.asked[0][0], model.asked[1][0])


def test_novel_labels_are_two_of_the_trained_ones_in_each_sequence():
    task = make_task()
    model = ContextOracle(task)
    evaluate(task, model, batches=64, splits=("novel_label",))
    labels = torch.cat([labels for _, labels in model.asked])
    assert all(len(row.unique()) == 2 for row in labels)
    assert (labels[:, -1:] == labels[:, :-1]).any(1).all()
    # 1,024 pairs from 64 labels miss a given one with probability (62/64)^1024 < 1e-12.
    assert labels.unique().tolist() == list(range(64))


@pytest.mark.parametrize(
    ("settings", "splits", "chance"),
    [
        ({}, ("fewshot_holdout", "flipped", "novel_label", "fewshot_rare"), 1 / 2),
        ({"ways": 3, "shots": 2}, ("fewshot_holdout", "flipped", "novel_label"), 1 / 3),
        ({}, ("no_support_zipfian",), 1 / 64),
        ({}, ("no_support_rare",), 1 / 54),
        ({}, ("no_support_common",), 1 / 10),
        ({"n_labels": 8}, ("no_support_zipfian",), 1 / 8),
    ],
)
def test_chance_is_one_over_the_answers_that_count(settings, splits, chance):
    task = make_task(**settings)
    for result in evaluate(task, ConstantOracle(task), batches=1, splits=splits).values():
        assert result.chance == pytest.approx(chance), result.split


@pytest.mark.parametrize(
    ("split", "metric", "chance"),
    [
        ("no_support_zipfian", "accuracy_query", 1 / 64),
        ("no_support_rare", "accuracy_class", 1 / 54),
        ("no_support_common", "accuracy_class", 1 / 10),
        ("fewshot_rare", "accuracy_closed", 1 / 2),
        ("bursty", "accuracy_query", 1 / 192),
    ],
)
def test_under_polysemy_the_headline_takes_any_label_of_the_class_and_chance_counts_classes(split, metric, chance):
    task = make_task(labeling_rare="ordered_polysemy3")
    result = evaluate(task, ConstantOracle(task), batches=1, splits=(split,))[split]
    assert result.headline.metric == metric
    assert result.chance == pytest.approx(chance)


@pytest.mark.parametrize("protocol", ["paper", "released"])
@pytest.mark.parametrize("split", ["no_support_zipfian", "no_support_rare", "no_support_common"])
def test_under_polysemy_knowing_the_class_is_full_marks_by_class_and_a_third_by_the_exact_label(split, protocol):
    """Within 4.5 standard deviations of 1/3 on 1,024 sequences: a false alarm in 10^5."""
    task = make_task(labeling_rare="ordered_polysemy3")
    found = evaluate(task, FirstLabelOracle(task), batches=64, splits=(split,), protocol=protocol)[split]
    assert found.metrics["accuracy_class"] == found.metrics["accuracy_class_high"] == 1
    assert found.metrics["accuracy_closed"] == pytest.approx(1 / 3, abs=4.5 * (2 / 9 / 1024) ** 0.5)
    assert found.metrics[found.headline.metric] == 1


def test_every_accuracy_carries_its_wilson_interval():
    task = make_task()
    for result in evaluate(task, ConstantOracle(task), batches=3, splits=OF_ANY_SOURCE).values():
        assert result.n_sequences == 48
        accuracies = [name for name in result.metrics if name.startswith("accuracy") and name.count("_") == 1]
        assert {"accuracy_query", "accuracy_closed"} <= set(accuracies)
        for name in accuracies:
            interval = wilson_interval(round(result.metrics[name] * 48), 48)
            assert result.metrics[f"{name}_low"] == pytest.approx(interval.low)
            assert result.metrics[f"{name}_high"] == pytest.approx(interval.high)


def test_headlines_never_mix_up_the_two_kinds_of_learning():
    task = make_task()
    found = evaluate(task, ConstantOracle(task), batches=1)
    assert tuple(found) == IN_TRAINING
    metrics = {split: result.headline.metric for split, result in found.items()}
    assert metrics == dict.fromkeys(IN_TRAINING[:3], "accuracy_closed") | {"no_support_zipfian": "accuracy_query"}
    assert HEADLINES.keys() == set(IN_TRAINING)


def test_embeddings_kept_give_the_numbers_of_embeddings_made_afresh():
    task = make_task()
    model = real_model(task)
    kept = evaluate(task, model)
    # A bank that is said to be noisy (by nothing) is asked for every appearance anew.
    task.bank.deterministic = False
    afresh = evaluate(task, model)
    for split, result in kept.items():
        assert result.metrics == pytest.approx(afresh[split].metrics, abs=1e-5), split


@pytest.mark.parametrize("source", ["gaussian", "exemplars_of_classes:make", "symbolic"])
def test_each_distinct_example_is_embedded_once_per_evaluation(source, tmp_path, monkeypatch):
    (tmp_path / "exemplars_of_classes.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    noiseless = {"dim": None} | ({"noise_scale": None} if source != "gaussian" else {})
    task = make_task(source=source, **noiseless)
    as_vectors = ContextOracle(task)
    if source == "symbolic":
        embed = as_vectors.embed_examples
        monkeypatch.setattr(as_vectors, "embed_examples", lambda examples: embed(examples)[..., None].float())
    evaluator = Evaluator(task, batches=20)
    for _ in range(2):  # more than one call's worth, so that pieces are put together again
        as_vectors.embedded.clear()
        as_vectors.asked.clear()
        results = evaluator(as_vectors)
        rows = torch.cat(as_vectors.embedded)
        shown = torch.cat([h_x.flatten(0, 1) for h_x, _ in as_vectors.asked])
        distinct = len(rows.unique(dim=0))
        assert 0 < distinct <= len(rows) < distinct + 128  # the last call has as many examples as any
        assert torch.equal(rows.unique(dim=0).view(distinct, -1).float(), shown.unique(dim=0))
        assert results[0].metrics["accuracy_closed"] == 1


def test_kept_embeddings_reach_the_positions_they_belong_to(tmp_path, monkeypatch):
    (tmp_path / "exemplars_in_order.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    task = make_task(source="exemplars_in_order:make", dim=None, noise_scale=None)
    kept = ContextOracle(task)
    evaluate(task, kept, batches=20)
    task.bank.deterministic = False
    afresh = ContextOracle(task)
    evaluate(task, afresh, batches=20)
    for number in range(2):
        assert torch.equal(*(torch.cat([asked[number] for asked in model.asked]) for model in (kept, afresh)))


def test_numbers_do_not_hang_on_random_state_and_leave_it_alone():
    task = make_task(noise_scale=0.3)
    model = real_model(task, dropout_prob=0.2, example_dropout_prob=0.5)
    evaluator = Evaluator(task, batches=2)
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        before, numpys = torch.get_rng_state(), np.random.get_state()[1]  # noqa: NPY002
        found.append(evaluator(model))
        assert torch.equal(torch.get_rng_state(), before)
        assert np.array_equal(np.random.get_state()[1], numpys)  # noqa: NPY002
    assert found[0] == found[1]
    again = Evaluator(make_task(noise_scale=0.3), batches=2)
    assert again(model) == found[0]
    assert again.classes() == evaluator.classes()


@pytest.mark.parametrize("training", [True, False])
def test_the_model_is_measured_in_evaluation_mode_and_left_as_it_came(training):
    task = make_task()
    model = real_model(task, dropout_prob=0.5).train(training)
    found = evaluate(task, model)
    assert model.training is training
    assert found == evaluate(task, model.eval())


def test_a_model_that_fails_is_left_as_it_came(monkeypatch):
    task = make_task()
    model = real_model(task).train()

    def fail(*arguments, **keywords):
        raise RuntimeError("no")

    monkeypatch.setattr(InContextModel, "from_embeddings", fail)
    with pytest.raises(RuntimeError, match="no"):
        evaluate(task, model)
    assert model.training


def test_fewshot_holdout_classes_are_the_splits_and_no_support_ones_were_trained():
    task = make_task()
    classes = Evaluator(task, batches=64, splits=OF_ANY_SOURCE).classes()
    split = task.split
    groups = {name: set(split.keys[split.classes(name)].tolist()) for name in ("rare", "common", "holdout", "zipfian")}
    of_type = {name: BUILT_IN[name].class_type for name in OF_ANY_SOURCE if name not in ("bursty", "mixed")}
    assert {name for name, class_type in of_type.items() if class_type == "holdout"} == set(IN_TRAINING[:3])
    for name, class_type in of_type.items():
        # 1,024 sequences of 64 classes miss one with probability below 64 * (62/64)^1024 < 1e-12.
        assert set(classes[name]) == groups[class_type], name
    assert set(classes["bursty"]) == set(classes["mixed"]) == groups["zipfian"]
    assert not groups["holdout"] & groups["zipfian"]


def test_an_unknown_split_is_refused_with_the_known_ones():
    with pytest.raises(
        ValueError, match=r"must be among fewshot_holdout, .*, got 'fewshot_houldout'; did you mean fewshot_holdout\?$"
    ):
        Evaluator(make_task(), batches=1, splits=("fewshot_houldout", "flipped", "x"))


def contexts_with_both_classes(task, protocol):
    model = ContextOracle(task)
    found = evaluate(task, model, batches=20, splits=("fewshot_holdout",), protocol=protocol)
    assert found["fewshot_holdout"].protocol == protocol
    h_x = torch.cat([h_x for h_x, _ in model.asked])
    return [len(row[:-1].unique(dim=0)) == 2 for row in h_x]


def test_paper_protocol_never_shows_one_class_under_two_labels_but_released_does():
    task = make_task(n_holdout_classes=2)
    assert all(contexts_with_both_classes(task, "paper"))
    released = contexts_with_both_classes(task, "released")
    # Half of 320 sequences: outside 25 to 75% is 9 standard deviations.
    assert 0.25 < np.mean(released) < 0.75


def test_training_and_evaluation_draw_from_different_streams():
    task = make_task()
    model = ContextOracle(task)
    splits = ("bursty", "no_support_zipfian", "fewshot_zipfian", "fewshot_holdout")
    evaluator = Evaluator(task, batches=1, splits=splits)
    evaluator(model)
    asked = [labels for _, labels in model.asked]
    sampler = task.training_sampler()  # bursty sequences, as the first split's
    for step, labels in itertools.product(range(4), asked):
        assert not torch.equal(torch.from_numpy(sampler(step).label).long(), labels)


def test_more_batches_ask_the_same_questions_first():
    task = make_task()
    few, many = ContextOracle(task), ContextOracle(task)
    evaluate(task, few, batches=2, splits=("novel_label",))
    evaluate(task, many, batches=5, splits=("novel_label",))
    assert torch.equal(many.asked[0][1][:32], few.asked[0][1])


def test_the_data_seed_changes_the_questions_and_the_initial_weights_do_not():
    task = make_task()
    labels = []
    for seeds in ({}, {"init": 5}, {"data": 5}):
        config = replace(task.config, seeds=replace(task.config.seeds, **seeds))
        model = ContextOracle(task)
        evaluate(Task.build(config, device=torch.device("cpu")), model, batches=1, splits=("novel_label",))
        labels.append(model.asked[0][1])
    assert torch.equal(labels[0], labels[1])
    assert not torch.equal(labels[0], labels[2])


@pytest.mark.parametrize("settings", [{}, {"noise_scale": 0.7}])
def test_embedded_sequences_are_those_that_evaluations_ask(settings):
    task = make_task(**settings)
    model = task.build_model()
    evaluator = Evaluator(task, sequences=50, splits=("fewshot_holdout", "flipped", "no_support_zipfian"))
    for sequences, result in zip(evaluator.embedded(model), evaluator(model), strict=True):
        with torch.no_grad():
            logits = model.from_embeddings(sequences.embedded, sequences.labels, positions="query")
        outcomes = {name: float(values.mean()) for name, values in sequences.outcomes(logits).items()}
        assert len(logits) == 50
        assert outcomes["accuracy"] == pytest.approx(result.metrics[result.headline_metric], abs=1e-6)
        assert outcomes["loss"] == pytest.approx(result.metrics["loss_query"], rel=1e-5)


def test_embedded_sequences_say_which_classes_they_show():
    task = make_task()
    evaluator = Evaluator(task, sequences=50, splits=("fewshot_holdout",))
    (sequences,) = evaluator.embedded(task.build_model())
    assert sorted(set(sequences.classes.flatten().tolist())) == evaluator.classes()["fewshot_holdout"]
    same_class = sequences.classes[:, :-1] == sequences.classes[:, -1:]
    assert torch.equal(same_class, sequences.labels[:, :-1] == sequences.labels[:, -1:])
