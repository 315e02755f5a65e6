"""What the evaluations beyond the first four ask: of which classes, under which labels, with which answers."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from oracles import ConstantOracle, ContextOracle, WeightsOracle, evaluate, make_task

from icl_train import EvalConfig, Evaluator, RunFolder, Task, smoke, train
from icl_train._check import check_model
from icl_train._check_settings import check_settings
from icl_train._evaluating.scoring import exchanged
from icl_train.config import DataConfig, ModelSettings

PICTURES = """\
import numpy as np
from icl_data import ArraySource

def make():
    return ArraySource(np.random.default_rng(0).random((40, 9, 6, 6, 1), dtype=np.float32))
"""


@pytest.fixture
def of_images(tmp_path, monkeypatch):
    (tmp_path / "pictures_of_classes.py").write_text(PICTURES)
    monkeypatch.syspath_prepend(tmp_path)
    counts = {"n_rare_classes": 20, "n_common_classes": 10, "n_holdout_classes": 10}
    return {"source": "pictures_of_classes:make", "dim": None, "noise_scale": None, **counts}


def measure(task, model, *splits, batches=8):
    return evaluate(task, model, splits=splits, batches=batches)


def test_context_and_weights_agree_on_own_labels_and_part_where_these_are_exchanged():
    task = make_task()
    for oracle, flipped in ((ContextOracle, 1), (WeightsOracle, 0)):
        found = measure(task, oracle(task), "fewshot_own", "flip")
        assert found["fewshot_own"].metrics["accuracy_closed"] == 1
        assert found["flip"].metrics["accuracy_closed"] == flipped
        assert found["flip"].metrics["accuracy_both"] == flipped


def test_flip_shows_the_very_contexts_of_own_labels_with_the_two_exchanged():
    task = make_task()
    model = ContextOracle(task)
    measure(task, model, "fewshot_own", "flip", batches=2)
    (plain, labels), (flipped, swapped) = model.asked
    assert torch.equal(plain, flipped)
    assert (labels != swapped).all()
    assert torch.equal(labels[:, :-1].sort(1).values, swapped[:, :-1].sort(1).values)


def test_shifted_shows_the_contexts_of_own_labels_with_each_moved_on_behind_the_last_the_first():
    task = make_task(n_labels=8)
    model = ContextOracle(task)
    measure(task, model, "fewshot_own", "shifted", "far:base=shifted,shift=11", batches=4)
    (plain, labels), (same, shifted), (_, far) = model.asked
    assert torch.equal(plain, same)
    assert torch.equal(shifted, (labels + 1) % 8)
    assert torch.equal(far, (labels + 3) % 8)


def test_of_shifted_labels_the_context_tells_the_right_one_and_weights_never_do():
    task = make_task()
    for oracle, right in ((ContextOracle, 1), (WeightsOracle, 0)):
        found = measure(task, oracle(task), "shifted", "over_all:base=shifted,answers=all")
        assert found["shifted"].metrics["accuracy_query"] == right
        assert found["over_all"].headline.metric == "accuracy_query"
        assert found["over_all"].chance == 1 / 64
        assert "accuracy_both" not in found["shifted"].metrics


def test_labels_that_are_class_keys_are_shifted_among_those_of_trained_classes():
    task = make_task(labeling_common="original", labeling_rare="original")
    model = ContextOracle(task)
    measure(task, model, "fewshot_own", "shifted", batches=1)
    (_, labels), (_, shifted) = model.asked
    keys = sorted(task.split.keys[task.split.trained].tolist())
    place = {key: number for number, key in enumerate(keys)}
    assert shifted.ravel().tolist() == [keys[(place[label] + 1) % 64] for label in labels.ravel().tolist()]


def test_new_classes_under_shared_labels_take_the_context():
    task = make_task(n_labels=8)
    found = measure(task, ContextOracle(task), "shared_label", batches=64)["shared_label"]
    assert found.metrics["accuracy_query"] == 1
    assert found.headline.metric == "accuracy_closed"
    assert set(Evaluator(task, batches=1, splits=["shared_label"]).classes()["shared_label"]) <= set(
        task.split.keys[task.split.holdout].tolist()
    )


@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_sequences_of_classes_that_are_new_in_each_batch_are_measured(noise):
    """No embedding is kept of them, and no key is told; beside them trained classes are what they were."""
    task = make_task(n_labels=8, p_new=0.5, noise_scale=noise)
    evaluator = Evaluator(task, batches=4, splits=["bursty", "fewshot_own"])
    model = ContextOracle(task)
    found = {result.split: result for result in evaluator(model)}
    again = {result.split: result for result in evaluator(model)}
    assert found == again
    assert found["bursty"].metrics["accuracy_query"] > 0.7  # nine in ten of known classes are bursty, all new ones are
    assert set(evaluator.classes()["bursty"]) <= set(task.split.keys[task.split.trained].tolist())
    (contexts, _) = evaluator._contexts
    assert contexts.classes.max() >= task.source.n_classes
    alone = Evaluator(task, batches=4, splits=["fewshot_own"])(ContextOracle(task))
    assert alone == [found["fewshot_own"]]


def test_where_the_label_is_elsewhere_weights_are_right_and_similarity_is_chance():
    """Within 4.5 standard deviations of 1/2 on 1,024 sequences: a false alarm in 10^5."""
    task = make_task()
    knows = measure(task, WeightsOracle(task), "ciwl")["ciwl"]
    assert knows.metrics["accuracy_closed"] == knows.metrics["accuracy_query"] == 1
    similar = measure(task, ContextOracle(task), "ciwl", batches=64)["ciwl"]
    assert similar.metrics["accuracy_closed"] == pytest.approx(0.5, abs=4.5 * 0.5 / 32)
    assert similar.chance == 0.5
    assert similar.headline.metric == "accuracy_closed"
    assert similar.metrics["from_support"] == 1


def test_novel_labels_of_trained_classes_take_the_context():
    task = make_task()
    (copies,) = measure(task, ContextOracle(task), "novel_label_trained").values()
    (knows,) = measure(task, WeightsOracle(task), "novel_label_trained").values()
    assert copies.metrics["accuracy_closed"] == 1
    assert knows.metrics["accuracy_query"] < 0.2  # the labels are 2 of 64


@pytest.mark.parametrize(
    ("text", "metric", "chance"),
    [
        ("a:base=flip,ways=4", "accuracy_closed", 1 / 4),
        ("a:base=fewshot_holdout,answers=all", "accuracy_query", 1 / 64),
        ("a:base=fewshot_holdout,answers=context,ways=5", "accuracy_closed", 1 / 5),
        ("a:base=ciwl,answers=classes", "accuracy_closed", 1 / 64),
        ("a:base=ciwl,classes=common,answers=classes", "accuracy_closed", 1 / 10),
        ("a:base=no_support_common,answers=all", "accuracy_query", 1 / 64),
        ("a:base=flip,answers=classes", "accuracy_closed", 1 / 64),
    ],
)
def test_headline_and_chance_follow_the_answers(text, metric, chance):
    task = make_task()
    (found,) = measure(task, ConstantOracle(task), text, batches=1).values()
    assert found.headline.metric == metric
    assert found.chance == pytest.approx(chance)


def test_chance_counts_the_labels_of_each_context_where_classes_share_them():
    task = make_task(n_labels=4)
    model = ContextOracle(task)
    found = measure(task, model, "fewshot_own", batches=64)["fewshot_own"]
    labels = torch.cat([labels for _, labels in model.asked])
    shares = [1 / len(row[:-1].unique()) for row in labels]
    assert set(shares) == {1, 0.5}
    assert found.chance == pytest.approx(math.fsum(shares) / len(shares))


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("a:base=fewshot_holdout,shots=8", 17),
        ("a:base=flip,ways=3,shots=2", 7),
        ("a:base=no_support_zipfian,seq_len=20", 20),
        ("a:base=bursty,seq_len=12,shots=5", 12),
        ("a:base=mixed,shots=1", 3),
        ("a:base=ciwl,shots=1", 3),
    ],
)
def test_lengths_are_those_asked_for(text, length):
    task = make_task()
    model = ContextOracle(task)
    measure(task, model, text, batches=1)
    assert model.asked[0][1].shape == (16, length)


def test_exemplars_and_classes_are_those_asked_for(of_images):
    task = make_task(**of_images)
    evaluator = Evaluator(task, batches=20, splits=["a:sequence=no_support,classes=common,exemplars=2:5"])
    (contexts,) = evaluator._contexts
    assert set(np.unique(contexts.codes % 9)) == {2, 3, 4}
    assert set(evaluator.classes()["a"]) == set(task.split.keys[task.split.common].tolist())


def test_another_noise_is_that_of_the_examples_and_no_other_changes():
    task = make_task(noise_scale=0.3)
    model = ContextOracle(task)
    measure(task, model, "fewshot_holdout", "still:base=fewshot_holdout,noise=0", batches=1)
    (noisy, labels), (still, same) = model.asked
    assert torch.equal(labels, same)
    assert len(torch.unique(still.flatten(0, 1), dim=0)) <= 10 < len(torch.unique(noisy.flatten(0, 1), dim=0))
    # An example is (class + eps * noise) / sqrt(1 + eps^2), with noise of variance 1 / dim a number.
    assert ((noisy * math.sqrt(1.09) - still).std() * math.sqrt(8)).item() == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize(("name", "group"), [("augmented", "holdout"), ("augmented_trained", "zipfian")])
def test_turned_classes_are_the_seven_others_of_each_image_class(of_images, name, group):
    task = make_task(**of_images)
    evaluator = Evaluator(task, batches=200, splits=[name])
    (contexts,) = evaluator._contexts
    classes = task.split.classes(group)
    assert evaluator.classes()[name] == sorted(task.split.keys[classes].tolist())
    shown = np.unique(contexts.codes // 9)
    assert set(shown) <= {8 * int(one) + turn for one in classes for turn in range(1, 8)}
    assert len(shown) > 6 * len(classes)
    images = contexts.bank.gather(shown, shown * 0)
    originals = task.bank.gather(shown // 8, shown * 0)
    assert not torch.equal(images, originals)
    assert torch.allclose(images.flatten(1).sort(1).values, originals.flatten(1).sort(1).values)


@pytest.mark.parametrize(
    ("settings", "text", "message"),
    [
        ({}, "augmented", "evaluation augmented: classes=augmented needs a source of images, got data.source gaussian"),
        (
            {"n_common_classes": 2},
            "a:base=fewshot_common,ways=3",
            "Fewshot sequences of 13 need at least 3 common",
        ),
        ({"n_common_classes": 2}, "a:base=ciwl,classes=common", "LabelElsewhere sequences of 9 need at least 3 common"),
        ({}, "a:base=flip,exemplars=0:2", "evaluation a: exemplars must be within 0:1"),
        ({"source": "symbolic", "dim": None}, "a:base=flip,noise=1", "noise must be 0 with a source of ids"),
    ],
)
def test_what_the_data_cannot_give_is_refused_before_a_run_is_made(settings, text, message):
    data = {"source": "gaussian", "dim": 8, "noise_scale": None, "n_rare_classes": 54} | settings
    model = smoke().model if data["source"] == "gaussian" else ModelSettings(embedder="embedding", num_layers=1)
    config = replace(smoke(), data=DataConfig(**data), model=model, eval=EvalConfig(evaluations=(text,)))
    with pytest.raises(ValueError, match=message):
        check_settings(config)


def test_augmented_classes_of_a_run_that_turns_its_classes_are_refused(of_images):
    data = DataConfig(**of_images | {"augment": True})
    with pytest.raises(ValueError, match=r"needs a run without data\.augment"):
        Evaluator(Task.build(replace(smoke(), data=data), device=torch.device("cpu")), batches=1, splits=["augmented"])


def test_sequences_longer_than_the_models_positions_are_refused_before_a_run_is_made():
    own = smoke().model.sequence_model_config
    model = replace(smoke().model, sequence_model_config=replace(own, positions="learned", num_positions=17))
    config = replace(smoke(), model=model)
    check_model(config)
    config = replace(config, eval=EvalConfig(evaluations=("long:base=fewshot_holdout,shots=5",)))
    with pytest.raises(ValueError, match=r"evaluation long: sequences must have at most .* 17, tokens, got 21"):
        check_model(config)


@pytest.mark.parametrize(("batches", "sequences"), [(None, None), (1, 1), (None, 0), (0, None)])
def test_a_number_of_sequences_is_asked_for_in_one_way(batches, sequences):
    with pytest.raises(ValueError, match=r"batches and sequences must be given|at least 1 sequence"):
        Evaluator(make_task(), batches=batches, sequences=sequences)


def test_exchanging_takes_each_label_to_the_next_and_the_largest_to_the_smallest():
    labels = torch.tensor([[5, 2, 5, 2], [0, 9, 4, 4], [7, 7, 7, 7]])
    assert exchanged(labels).tolist() == [[2, 5, 2, 5], [4, 0, 9, 9], [7, 7, 7, 7]]


@pytest.mark.parametrize(("threads", "noise"), [(1, 0.0), (2, 0.0), (3, 0.3)])
def test_a_run_with_a_list_of_its_own_has_its_records_and_their_numbers_hang_on_no_threads(tmp_path, threads, noise):
    splits = ("no_support_common", "flip", "long:base=fewshot_holdout,shots=5", "ciwl")
    base = smoke()
    config = replace(
        base,
        data=make_task(noise_scale=noise).config.data,
        train=replace(base.train, max_steps=1, checkpoint_interval=1),
        eval=replace(base.eval, evaluations=splits, batches=40),
    )
    run = RunFolder.create(tmp_path / "run", config, device="cpu", threads=threads)
    before = torch.get_num_threads()
    try:
        train(run, Quiet())
        assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    first = [record for record in run.records() if record["split"] != "train" and record["step"] == 0]
    assert [record["split"] for record in first] == ["eval_no_support_common", "eval_flip", "eval_long", "eval_ciwl"]
    task = Task.build(config, device=torch.device("cpu"))
    alone = {r.split: r for name in splits for r in Evaluator(task, batches=40, splits=[name])(task.build_model())}
    for record in first:
        found = alone[record["split"].removeprefix("eval_")]
        assert {name: record[name] for name in found.metrics} == found.metrics
        assert (record["headline"], record["chance"]) == (found.headline_metric, found.chance)


class Quiet:
    """A reporter that tells nobody."""

    def start(self, *arguments):
        pass

    advance = records = start

    def stop(self):
        pass
