"""What runs are called: readable, safe, bounded, and different."""

import re
from dataclasses import replace

from icl_models import Axis, Point
from icl_train import planned, smoke


def test_a_label_says_what_varies_in_the_order_it_was_given():
    varied = [Axis.of("model.sequence_model", "lstm"), Axis.of("data.p_bursty", ".5", 1)]
    assert planned(smoke(), varied, seeds=(0, 1)).labels == (
        "lstm, p_bursty 0.5, s0",
        "lstm, p_bursty 0.5, s1",
        "lstm, p_bursty 1, s0",
        "lstm, p_bursty 1, s1",
    )


def test_a_folder_is_called_after_source_values_seed_and_digest():
    plan = planned(smoke(), [Axis.of("model.sequence_model", "lstm"), Axis.of("data.p_bursty", 0.5)], seeds=(3,))
    assert plan.names == (f"gaussian-p_bursty0.5-lstm-s3-{plan.configs[0].digest()}",)


def test_values_that_are_no_words_have_their_settings_name():
    varied = [Axis.of("data.n_labels", "None"), Axis.of("eval.steps", "0,10"), Axis.of("data.all_unique", False)]
    assert planned(smoke(), varied).labels == ("n_labels None, steps 0,10, all_unique False, s0",)


def test_a_word_that_stands_on_two_axes_has_its_settings_name():
    varied = [Axis.of("model.embedder", "vector", "linear"), Axis.of("optim.schedule", "linear", "cosine")]
    plan = planned(smoke(), varied)
    assert plan.labels[0] == "vector, schedule linear, s0"
    assert plan.labels[3] == "embedder linear, cosine, s0"


def test_settings_of_one_name_in_two_groups_have_their_dotted_names():
    varied = [Axis.of("data.context_order", "shuffled"), Axis.of("eval.context_order", "shuffled")]
    base = replace(smoke(), data=replace(smoke().data, sequence="fewshot_rare"))
    assert planned(base, varied).labels == ("data.context_order shuffled, eval.context_order shuffled, s0",)


def test_points_of_several_settings_are_called_by_their_labels():
    points = (
        Point("few", {"data.n_rare_classes": 20, "data.n_labels": 8}),
        Point("2", {"data.n_rare_classes": 30, "data.n_labels": 4}),
    )
    assert planned(smoke(), [Axis(name="classes", points=points)]).labels == ("few, s0", "classes 2, s0")


def test_seeds_that_differ_are_both_told():
    base = replace(smoke(), seeds=replace(smoke().seeds, init=5))
    assert planned(base, [Axis.of("data.p_bursty", 1)]).labels == ("p_bursty 1, init5-data0",)
    assert planned(base, [Axis.of("seeds.init", 1, 2)]).labels == ("init 1", "init 2")


def test_paths_give_safe_names_and_labels_that_differ(tmp_path):
    import numpy as np

    files = []
    for folder in ("a", "b"):
        file = tmp_path / folder / "my ../; rm\x1b[2J.npy"
        file.parent.mkdir(parents=True)
        np.save(file, np.random.default_rng(len(files)).normal(size=(90, 6, 4)).astype("float32"))
        files.append(str(file))
    plan = planned(smoke(), [Axis.of("data.source", *files)])
    assert len(set(plan.labels)) == 2
    assert all(label.isprintable() for label in plan.labels)
    assert all(re.fullmatch(r"[\w.+-]+", name) and not name.startswith(".") for name in plan.names)


def test_long_names_are_cut_and_keep_seed_and_digest():
    points = tuple(Point(f"{'ä' * 300} {number}", {"data.p_bursty": number / 10}) for number in range(3))
    plan = planned(smoke(), [Axis(name="much", points=points), Axis.of("model.num_layers", 1)], seeds=(0,))
    assert len(set(plan.names)) == 3
    for name, config in zip(plan.names, plan.configs, strict=True):
        assert len(name.encode()) < 150
        assert name.endswith(f"-s0-{config.digest()}")
