"""Every statistic that icl-data can draw is a setting of a run, and trained batches have it."""

import dataclasses
import importlib.util
import inspect
import typing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawn_sequences import BASE, LABEL_SETS, batches, evaluation_sampler

from icl_data import BatchSampler, Bursty, ClassSplit, Fewshot, LabelElsewhere, Mixed, NoSupport, Random
from icl_train import EvalConfig, smoke
from icl_train._check_settings import check_settings
from icl_train._run_data import RunData
from icl_train._settings.data import ContextOrder, QueryExemplar

_spec = importlib.util.spec_from_file_location("tiny_omniglot", Path(__file__).parents[1] / "tiny_omniglot.py")
tiny_omniglot = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tiny_omniglot)

# field of a kind of sequence → the setting that decides it in training
SETTINGS = {
    Bursty: {
        "seq_len": "seq_len",
        "shots": "shots",
        "ways": "ways",
        "p_bursty": "p_bursty",
        "p_bursty_common": "p_bursty_common",
        "p_bursty_zipfian": "p_bursty_zipfian",
        "non_bursty_type": "non_bursty_type",
        "labeling_common": "labeling_common",
        "labeling_rare": "labeling_rare",
        "grouped": None,  # hidden by the shuffle of the whole context: what it is about is context_order
        "context_order": "context_order",
        "query_exemplar": "query_exemplar",
        "p_relabel": "p_relabel",
        "label_noise": "label_noise",
        "p_new": "p_new",
        "distinct_labels": "distinct_labels",
    },
    Fewshot: {
        "class_type": "sequence",
        "shots": "fs_shots",
        "ways": "ways",
        "labeling": "fs_labeling",
        "grouped": None,  # the released name of context_order grouped
        "context_order": "context_order",
        "query_exemplar": "query_exemplar",
        "heldout_label_sets": "heldout_label_sets",
        "distinct_labels": "distinct_labels",
    },
    NoSupport: {
        "class_type": "sequence",
        "seq_len": "seq_len",
        "all_unique": "all_unique",
        "labeling": "labeling_common",
    },
    Random: {
        "class_type": "sequence",
        "seq_len": "seq_len",
        "labeling": "labeling_common",
        "all_unique": "all_unique",
        "label_noise": "label_noise",
    },
    Mixed: {"shots": "fs_shots", "ways": "ways", "p_fewshot": "p_fewshot"},
    LabelElsewhere: {
        "class_type": "sequence",
        "shots": "fs_shots",
        "ways": "ways",
        "labeling": "labeling_common",
    },
}
TRAINED_AS = {
    Bursty: "bursty",
    Fewshot: "fewshot_rare",
    NoSupport: "no_support_rare",
    Random: "random_rare",
    Mixed: "mixed",
    LabelElsewhere: "label_elsewhere_rare",
}
# setting → another value of it, and what else that needs
OTHER = {
    "seq_len": (10, {}),
    "shots": (2, {}),
    "fs_shots": (2, {}),
    "ways": (1, {}),
    "p_bursty": (0.3, {}),
    "p_bursty_common": (0.3, {"p_bursty_zipfian": 0.0}),
    "p_bursty_zipfian": (0.3, {}),
    "non_bursty_type": ("common_uniform", {}),
    "labeling_common": ("original", {"labeling_rare": "original"}),
    "labeling_rare": ("ordered_polysemy3", {}),
    "context_order": ("grouped", {}),
    "query_exemplar": ("copy", {}),
    "p_relabel": (0.3, {}),
    "label_noise": (0.3, {}),
    "all_unique": (True, {}),
    "p_new": (0.3, {"n_labels": 8}),
    "distinct_labels": (True, {"n_labels": 8}),
    "fs_labeling": ("novel", {}),
    "heldout_label_sets": (2, {"fs_labeling": "novel"}),
    "p_fewshot": (0.3, {}),
}
# of one kind alone
ALSO_NEEDED = {
    (Bursty, "distinct_labels"): {"seq_len": 7},
    (Fewshot, "distinct_labels"): {"fs_labeling": "class"},
}
# argument of the sampler → where it comes from
ARGUMENTS = {
    "source_or_n_exemplars": "data.source",
    "split": "seeds.split",
    "kind": "data.sequence",
    "batch_size": "train.batch_size",
    "seed": "seeds.data",
    "stream": None,  # a name of its own for training and each evaluation
    "protocol": "data.protocol",
    "n_labels": "data.n_labels",
    "exemplars": "data.train_exemplars",
}


@pytest.mark.parametrize("kind", SETTINGS)
def test_every_field_of_a_kind_of_sequence_is_a_setting(kind):
    assert {field.name for field in dataclasses.fields(kind)} == set(SETTINGS[kind])


def test_every_kind_of_sequence_can_be_trained_on():
    import icl_data._sequences.kinds as kinds

    assert set(typing.get_args(kinds.SequenceKind)) == set(SETTINGS)


def test_every_argument_of_the_class_split_is_a_setting():
    from_data = {"n_classes_or_keys": "data.source", "preserve_ordering_every_n": "data.augment"}
    named = {
        "n_rare": "data.n_rare_classes",
        "n_common": "data.n_common_classes",
        "n_holdout": "data.n_holdout_classes",
    }
    law = {name: f"data.{name}" for name in ("zipf_exponent", "use_zipf_for_common_rare")}
    settings = {**from_data, **named, **law, "seed": "seeds.split"}
    assert set(inspect.signature(ClassSplit).parameters) == set(settings)
    assert set(settings.values()) <= set(smoke().flat())


def test_every_argument_of_the_sampler_is_a_setting():
    arguments = set(inspect.signature(BatchSampler).parameters)
    assert arguments == set(ARGUMENTS)
    known = smoke().flat()
    assert {setting for setting in ARGUMENTS.values() if setting is not None} <= set(known)


CASES = [(kind, field, setting) for kind, fields in SETTINGS.items() for field, setting in fields.items() if setting]


@pytest.mark.parametrize(("kind", "field", "setting"), CASES, ids=lambda value: getattr(value, "__name__", value))
def test_the_setting_decides_the_field_in_training(kind, field, setting):
    base = replace(BASE, sequence=TRAINED_AS[kind])
    if setting == "sequence":
        changed = replace(base, sequence=TRAINED_AS[kind].replace("rare", "zipfian"))
        assert getattr(changed.training_kind(), field) == "zipfian"
        return
    value, needed = OTHER[setting]
    needed = needed | ALSO_NEEDED.get((kind, setting), {})
    expected = {"fs_labeling": "novel"}.get(setting, value)
    assert getattr(base.training_kind(), field) != expected
    assert getattr(replace(base, **{setting: value}, **needed).training_kind(), field) == expected


def test_the_choices_of_order_and_query_are_icl_datas():
    import icl_data._sequences.kinds as kinds

    assert typing.get_args(ContextOrder) == kinds.CONTEXT_ORDERS
    assert typing.get_args(QueryExemplar) == kinds.QUERY_EXEMPLARS


def runs_of(classes):
    """How many stretches of one class each context has."""
    return 1 + (np.diff(classes[:, :-1], axis=1) != 0).sum(axis=1)


BURSTS = {"p_bursty": 1.0, "seq_len": 7}  # three of each of two classes, and the query


@pytest.mark.parametrize("sequence", ["bursty", "fewshot_rare"])
def test_blocked_contexts_show_each_class_in_one_piece(sequence):
    classes, _, _ = batches(sequence=sequence, context_order="blocked", fs_shots=3, **BURSTS)
    assert (runs_of(classes) == 2).all()


@pytest.mark.parametrize(("order", "last"), [("query_first", False), ("query_last", True)])
@pytest.mark.parametrize("sequence", ["bursty", "fewshot_rare"])
def test_the_querys_burst_is_where_it_is_put(sequence, order, last):
    classes, _, _ = batches(sequence=sequence, context_order=order, fs_shots=3, **BURSTS)
    end = classes[:, 3:6] if last else classes[:, :3]
    assert (end == classes[:, -1:]).all()


def test_grouped_contexts_show_every_class_in_each_round():
    classes, _, _ = batches(context_order="grouped", **BURSTS)
    rounds = classes[:, :-1].reshape(len(classes), 3, 2)
    assert (rounds[..., 0] != rounds[..., 1]).all()


@pytest.fixture
def omniglot(tmp_path, monkeypatch):
    monkeypatch.setenv("ICL_CACHE", str(tmp_path / "cache"))
    folder = tiny_omniglot.write_omniglot(tmp_path / "omniglot", characters=(14, 10))
    return {
        "source": "omniglot",
        "dim": None,
        "omniglot": folder,
        "n_rare_classes": 14,
        "n_common_classes": 5,
        "n_holdout_classes": 5,
    }


@pytest.mark.parametrize("sequence", ["bursty", "fewshot_rare"])
def test_a_copied_query_shows_an_exemplar_of_its_context_and_a_new_one_does_not(sequence, omniglot):
    for query, share in (("copy", 1.0), ("new", 0.0)):
        classes, exemplars, _ = batches(sequence=sequence, query_exemplar=query, fs_shots=3, **BURSTS, **omniglot)
        same = (classes[:, :-1] == classes[:, -1:]) & (exemplars[:, :-1] == exemplars[:, -1:])
        assert same.any(axis=1).mean() == share


def test_relabelled_bursts_have_the_labels_from_zero_in_their_share_of_sequences():
    """640 sequences: within 4.5 standard deviations of .3, a false alarm in 10^5."""
    classes, _, labels = batches(p_relabel=0.3, **BURSTS)
    relabelled = (labels < 2).all(axis=1)
    own = RunData.build(replace(smoke(), data=BASE)).split.trained
    place = np.argsort(own)[np.searchsorted(np.sort(own), classes)]
    assert (labels[~relabelled] == place[~relabelled]).all()
    # Two rare classes whose own labels are 0 and 1 come together once in 780 sequences.
    assert relabelled.mean() == pytest.approx(0.3, abs=4.5 * (0.3 * 0.7 / 640) ** 0.5 + 1 / 780)


@pytest.mark.parametrize("sequence", ["bursty", "random_zipfian"])
def test_label_noise_replaces_its_share_of_context_labels_and_never_the_querys(sequence):
    """5,120 labels: within 4.5 standard deviations of .2, a false alarm in 10^5."""
    classes, _, noisy = batches(sequence=sequence, label_noise=0.2)
    own = RunData.build(replace(smoke(), data=BASE)).split.trained
    place = np.argsort(own)[np.searchsorted(np.sort(own), classes)]
    wrong = noisy != place
    assert not wrong[:, -1].any()
    assert wrong[:, :-1].mean() == pytest.approx(0.2, abs=4.5 * (0.2 * 0.8 / 5120) ** 0.5)


@pytest.mark.parametrize("sequence", ["random_zipfian", "no_support_zipfian"])
def test_all_unique_sequences_repeat_no_class(sequence):
    settings = {"sequence": sequence, "zipf_exponent": 1.0, "protocol": "released"}
    classes, _, _ = batches(all_unique=True, **settings)
    assert all(len(set(row)) == 9 for row in classes.tolist())
    repeating, _, _ = batches(all_unique=False, **settings)
    assert any(len(set(row)) < 9 for row in repeating.tolist())


@pytest.mark.parametrize("classes", ["rare", "common", "zipfian"])
def test_random_sequences_are_of_the_classes_that_they_are_named_for(classes):
    seen, _, _ = batches(sequence=f"random_{classes}")
    split = RunData.build(replace(smoke(), data=BASE)).split
    assert set(seen.ravel().tolist()) == set(split.classes(classes).tolist())


def test_novel_labels_in_training_are_distinct_ones_of_all_trained_classes():
    _, _, labels = batches(sequence="fewshot_rare", fs_labeling="novel")
    assert all(len(set(row)) == 2 for row in labels.tolist())
    # 640 pairs from 40 labels miss a given one with probability (38/40)^640 < 1e-14.
    assert set(labels.ravel().tolist()) == set(range(40))


@pytest.mark.parametrize("labeling", [{}, {"n_labels": 7}, {"labeling_rare": "ordered_polysemy3"}])
def test_fewshot_sequences_can_have_the_labels_of_their_classes(labeling):
    classes, _, labels = batches(sequence="fewshot_zipfian", fs_labeling="class", **labeling)
    data = BASE if not labeling else replace(BASE, **labeling)
    place = {
        int(position): number
        for number, position in enumerate(RunData.build(replace(smoke(), data=data)).split.trained)
    }
    modulus, times = labeling.get("n_labels", 10**6), data.multiplicity
    for position, label in zip(classes.ravel().tolist(), labels.ravel().tolist(), strict=True):
        assert label // times == place[position] % modulus


def test_training_and_evaluation_can_have_exemplars_of_their_own(omniglot):
    _, exemplars, _ = batches(train_exemplars="0:16", **omniglot)
    assert set(exemplars.ravel().tolist()) == set(range(16))
    data = replace(BASE, train_exemplars="0:16", **omniglot)
    config = replace(smoke(), data=data, eval=EvalConfig(exemplars="16:20"))
    config = replace(config, data=replace(data, fs_shots=3))  # with the query as many as there are
    for split in ("fewshot_holdout", "no_support_zipfian"):
        drawn = evaluation_sampler(config, split)(0)
        assert set(drawn.exemplar_index.ravel().tolist()) == {16, 17, 18, 19}


def test_without_exemplars_of_their_own_evaluations_show_those_of_training(omniglot):
    data = replace(BASE, train_exemplars="3:9", **omniglot)
    drawn = evaluation_sampler(replace(smoke(), data=data), "no_support_zipfian")(0)
    assert set(drawn.exemplar_index.ravel().tolist()) == set(range(3, 9))


def test_evaluations_have_an_order_and_a_query_of_their_own(omniglot):
    config = replace(smoke(), data=replace(BASE, context_order="grouped", **omniglot))
    config = replace(config, eval=EvalConfig(context_order="query_last", query_exemplar="copy"))
    for split in ("fewshot_holdout", "flipped", "novel_label", "fewshot_rare"):
        kind = evaluation_sampler(config, split).kind
        assert (kind.context_order, kind.query_exemplar) == ("query_last", "copy"), split
    assert config.data.training_kind().context_order == "grouped"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"context_order": "sorted"}, "data.context_order must be one of shuffled, grouped, blocked, .*'sorted'"),
        ({"query_exemplar": "old"}, "data.query_exemplar must be one of new, copy, got 'old'"),
        ({"p_new": 0.1}, "data.p_new needs data.n_labels, got None"),
        (
            {"p_new": 0.1, "n_labels": 8, "sequence": "mixed"},
            "data.p_new needs data.sequence bursty, got 0.1 with",
        ),
        ({"distinct_labels": True}, "data.distinct_labels needs data.n_labels, got None"),
        ({"distinct_labels": True, "n_labels": 8}, "distinct_labels needs .* bursts alone, .* and seq_len=9"),
        (
            {"distinct_labels": True, "n_labels": 8, "sequence": "fewshot_rare"},
            "data.distinct_labels needs data.fs_labeling class, got unfixed",
        ),
        ({"label_noise": 1.5}, r"label_noise must be in \[0, 1\], got 1.5"),
        ({"p_relabel": -0.1}, r"p_relabel must be in \[0, 1\], got -0.1"),
        ({"fs_labeling": "old", "sequence": "fewshot_rare"}, "data.fs_labeling must be one of unfixed, novel, class"),
        ({"heldout_label_sets": 1}, "data.heldout_label_sets needs data.sequence fewshot_…, got 1 with bursty"),
        (
            {"heldout_label_sets": 1, "sequence": "fewshot_rare"},
            "data.heldout_label_sets needs data.fs_labeling novel, got 1 with unfixed",
        ),
        (LABEL_SETS | {"heldout_label_sets": -1}, "data.heldout_label_sets must be at least 0, got -1"),
        ({"fs_labeling": "novel"}, "data.fs_labeling needs data.sequence fewshot_…, got novel with bursty"),
        ({"all_unique": True}, "data.all_unique needs data.sequence no_support_… or random_…, got True with bursty"),
        ({"label_noise": 0.1, "sequence": "mixed"}, "data.label_noise needs data.sequence bursty or random_…"),
        ({"p_relabel": 0.1, "sequence": "mixed"}, "data.p_relabel needs data.sequence bursty, got 0.1 with mixed"),
        ({"context_order": "grouped", "sequence": "mixed"}, "data.context_order needs data.sequence bursty or fewsh"),
        ({"query_exemplar": "copy", "sequence": "random_rare"}, "data.query_exemplar needs data.sequence bursty or"),
        ({"train_exemplars": "4"}, "data.train_exemplars must be start:stop with 0 <= start < stop .*'4'"),
        ({"train_exemplars": "4:4"}, "data.train_exemplars must be start:stop .*'4:4'"),
        ({"train_exemplars": "-1:4"}, "data.train_exemplars must be start:stop .*'-1:4'"),
    ],
)
def test_a_statistic_that_cannot_be_is_refused_in_one_line(settings, message):
    with pytest.raises(ValueError, match=message) as caught:
        replace(BASE, **settings)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "eval", "message"),
    [
        ({"train_exemplars": "0:21"}, {}, "data.train_exemplars must be within 0:20, the exemplars .*, got 0:21"),
        ({}, {"exemplars": "20:21"}, "eval.exemplars must be within 0:20, the exemplars of .*, got 20:21"),
    ],
)
def test_exemplars_that_the_source_does_not_have_are_refused(data, eval, message, omniglot):
    config = replace(smoke(), data=replace(BASE, **omniglot, **data), eval=EvalConfig(**eval))
    config = replace(config, model=replace(config.model, embedder="linear", embedder_config=None))
    with pytest.raises(ValueError, match=message):
        check_settings(config)


def test_too_few_labels_for_novel_ones_are_refused_before_training():
    data = replace(BASE, n_rare_classes=2, n_common_classes=0, sequence="random_rare", ways=3)
    config = replace(smoke(), data=data, eval=EvalConfig(protocol="released"))
    with pytest.raises(ValueError, match=r"3 novel labels must fit into the label range, got 2 labels"):
        check_settings(config)
