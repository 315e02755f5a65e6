"""A task's labels, classes and examples: training and evaluation agree on every class's labels."""

from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest
import torch

from icl_train import DataConfig, Evaluator, Task, resolve_device, smoke

DATA = DataConfig(source="gaussian", dim=8, n_rare_classes=30, n_common_classes=10, n_holdout_classes=4)
NO_SUPPORT = ("no_support_rare", "no_support_common", "no_support_zipfian")
SOURCE = """\
import numpy as np
from icl_data import ArraySource

class Keyed(ArraySource):
    def __init__(self):
        super().__init__(np.zeros((44, 9, 4), "float32"))
        self.class_keys = np.arange(44) + 100

def make():
    return Keyed()
"""


def make_task(data=DATA, **settings):
    return Task.build(replace(smoke(), data=replace(data, **settings)), device=torch.device("cpu"))


def batches(sampler, n=100):
    return [sampler(step) for step in range(n)]


def labels_of_classes(sampler):
    """Class position → the labels it was seen with."""
    seen = defaultdict(set)
    for batch in batches(sampler):
        for position, label in zip(batch.class_index.ravel(), batch.label.ravel(), strict=True):
            seen[int(position)].add(int(label))
    return seen


def questions(task, name, protocol="paper"):
    return task.sampler(task.config.data.sequence_kind(name), stream="some", protocol=protocol)


def test_ordered_labels_number_the_rare_classes_then_the_common_ones():
    task = make_task()
    assert task.groups.rare.tolist() == list(range(30))
    assert task.groups.common.tolist() == list(range(30, 40))
    assert (task.groups.multiplicity, task.groups.shared) == (1, False)
    seen = labels_of_classes(task.training_sampler())
    assert seen == {int(position): {label} for label, position in enumerate(task.split.trained)}
    # As released, with an output for each holdout class.
    assert task.num_labels == 44


def test_shared_labels_give_the_class_at_position_i_label_i_modulo_their_number():
    task = make_task(n_labels=7)
    assert task.groups.shared
    assert task.groups.rare.tolist() == task.groups.common.tolist() == list(range(7))
    seen = labels_of_classes(task.training_sampler())
    assert seen == {int(position): {place % 7} for place, position in enumerate(task.split.trained)}
    assert task.num_labels == task.build_model().config.num_classes == 7


def test_original_labels_are_the_classes_keys(tmp_path, monkeypatch):
    (tmp_path / "keyed_source.py").write_text(SOURCE)
    monkeypatch.syspath_prepend(tmp_path)
    task = make_task(source="keyed_source:make", dim=None, labeling_rare="original", labeling_common="original")
    keys, split = task.split.keys, task.split
    assert task.groups.rare.tolist() == sorted(keys[split.rare].tolist())
    assert task.groups.common.tolist() == sorted(keys[split.common].tolist())
    seen = labels_of_classes(task.training_sampler())
    assert seen == {int(position): {int(keys[position])} for position in split.trained}
    assert task.num_labels == 144


def test_polysemy_gives_each_trained_class_labels_of_its_own():
    task = make_task(labeling_rare="ordered_polysemy3")
    assert task.groups.rare.tolist() == list(range(90))
    assert task.groups.common.tolist() == list(range(90, 120))
    assert task.groups.multiplicity == task.config.data.multiplicity == 3
    seen = labels_of_classes(task.training_sampler())
    assert seen == {int(c): {3 * i, 3 * i + 1, 3 * i + 2} for i, c in enumerate(task.split.trained)}
    assert task.num_labels == 124


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"n_labels": 7},
        {"labeling_rare": "original", "labeling_common": "original"},
        {"labeling_rare": "ordered_polysemy3"},
    ],
    ids=["ordered", "shared", "original", "polysemy"],
)
@pytest.mark.parametrize("name", NO_SUPPORT)
def test_in_weights_questions_ask_for_the_labels_of_training_and_count_them_as_answers(settings, name):
    task = make_task(**settings)
    trained = labels_of_classes(task.training_sampler())
    asked = labels_of_classes(questions(task, name))
    assert set(asked) == set(task.split.classes(name.rpartition("_")[2]).tolist())
    for position, labels in asked.items():
        assert labels <= trained[position]
    assert set().union(*asked.values()) <= set(task.groups.closed(name).tolist())


@pytest.mark.parametrize("name", ["fewshot_rare", "fewshot_common", "fewshot_zipfian", "fewshot_holdout"])
@pytest.mark.parametrize("settings", [{}, {"n_labels": 7}, {"labeling_rare": "ordered_polysemy3"}])
def test_fewshot_questions_are_labelled_from_zero(name, settings):
    task = make_task(**settings)
    assert set().union(*labels_of_classes(questions(task, name)).values()) == {0, 1}


def test_labels_beyond_the_models_outputs_are_refused():
    task = make_task()
    task = replace(task, data=replace(task.data, num_labels=20))
    with pytest.raises(ValueError, match=r"labels must be below the model's 20 outputs, got \d+ from Bursty") as caught:
        task.training_sampler()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("rare", "common"),
    [
        ("ordered", "ordered3"),
        ("ordered200", "ordered"),
        ("ordered5_polysemy3", "ordered"),
        ("ordered_polysemy0", "ordered"),
        ("ordered", "original"),
        ("original", "ordered"),
        ("ordered_polysemy3", "original"),
        ("novel", "ordered"),
    ],
)
def test_labelings_that_would_mix_up_classes_are_refused(rare, common):
    with pytest.raises(ValueError, match=r"data\.labeling_(rare|common)"):
        make_task(labeling_rare=rare, labeling_common=common)


def test_released_polysemy_with_non_bursty_sequences_is_refused():
    """The released labels of non-bursty sequences run past the last class's."""
    task = make_task(labeling_rare="ordered_polysemy3", protocol="released")
    with pytest.raises(ValueError, match="labels must be below the model's 124 outputs"):
        task.training_sampler()


@pytest.mark.parametrize(
    "sequence", ["bursty", "no_support_zipfian", "fewshot_rare", "fewshot_zipfian", "mixed", "no_support_common"]
)
@pytest.mark.parametrize("protocol", ["paper", "released"])
def test_training_never_sees_a_holdout_class(sequence, protocol):
    task = make_task(sequence=sequence, protocol=protocol)
    seen = np.unique([batch.class_index for batch in batches(task.training_sampler(), 300)])
    assert len(seen) >= 10
    assert not set(seen.tolist()) & set(task.split.holdout.tolist())


def test_training_with_every_share_of_burstiness_never_sees_a_holdout_class():
    settings = {"p_bursty": 0.6, "p_bursty_zipfian": 0.3, "p_bursty_common": 0.3, "zipf_exponent": 1.0}
    task = make_task(**settings)
    seen = np.unique([batch.class_index for batch in batches(task.training_sampler(), 300)])
    assert sorted(seen) == sorted(task.split.trained)


def test_runs_of_one_split_seed_hold_out_the_same_classes_whatever_their_other_seeds():
    config = smoke()
    splits = []
    for seeds in ({}, {"init": 3, "data": 4}, {"split": 7}):
        task = Task.build(replace(config, seeds=replace(config.seeds, **seeds)), device=torch.device("cpu"))
        splits.append(task.split.holdout.tolist())
    assert splits[0] == splits[1] != splits[2]


def test_gaussian_classes_are_the_same_vectors_at_every_class_count():
    few, many = make_task(), make_task(n_rare_classes=60)
    assert np.array_equal(few.source.gather([3, 40], [0, 0]), many.source.gather([3, 40], [0, 0]))


@pytest.mark.parametrize("option", ["augment", "downsample"])
def test_an_option_for_images_is_refused_for_other_examples(option):
    with pytest.raises(ValueError, match=rf"data\.{option} needs a source of images, got data\.source gaussian"):
        make_task(**{option: True})


def test_a_missing_device_is_refused_with_those_there_are():
    with pytest.raises(ValueError, match=r"device must be one that this machine has \(cpu.*\), got 'cuda:99'"):
        resolve_device("cuda:99")


@pytest.mark.parametrize("name", ["cuda:x", "tpu-ish"])
def test_a_name_that_is_no_device_is_a_mistake_in_one_line(name):
    with pytest.raises(ValueError, match="device") as caught:
        resolve_device(name)
    assert "\n" not in str(caught.value)


def test_ids_beyond_the_label_range_have_embeddings_of_their_own():
    data = DataConfig(source="symbolic", n_rare_classes=30, n_holdout_classes=4, n_labels=4)
    config = smoke()
    config = replace(config, data=data, model=replace(config.model, embedder="embedding", embedder_config=None))
    task = Task.build(config, device=torch.device("cpu"))
    model = task.build_model()
    assert (model.config.num_classes, model.config.num_ids) == (4, 44)
    assert len(Evaluator(task, batches=1)(model)) == 4
