"""Heads of trained runs: the same sequences as evaluations, the same numbers whatever is beside them."""

import shutil

import numpy as np
import pandas as pd
import pytest
import torch

from icl_eval import CheckpointDamaged, evaluate_run, head_scores, measure_heads
from icl_eval._heads.patterns import attention_patterns, heads_to_show
from icl_models import capture
from icl_train import Evaluator, RunError, RunFolder, Task, load_model_weights


@pytest.fixture
def run(small_runs):
    return RunFolder.open(small_runs / "two-layers")


def test_accuracy_and_loss_are_those_of_the_evaluation(run):
    frame = measure_heads(run, steps="all", sequences=32)
    records = evaluate_run(run, steps=[0, 10, 20], splits=["fewshot_holdout"], sequences=32)
    whole = frame[frame["kind"] == "model"].pivot(index="step", columns="measure", values="value")
    assert whole["accuracy"].tolist() == pytest.approx([record["accuracy_closed"] for record in records])
    assert whole["loss"].tolist() == pytest.approx([record["loss_query"] for record in records], rel=1e-5)


def test_scores_are_those_of_the_pure_function_on_the_sequences_of_the_evaluation(run):
    frame = measure_heads(run, sequences=32)
    task = Task.build(run.config, device=torch.device("cpu"))
    model = task.build_model()
    load_model_weights(run.checkpoints, 20, model)
    (given,) = Evaluator(task, sequences=32, splits=["fewshot_holdout"]).embedded(model)
    for measure, scores in head_scores(model, given.embedded, given.labels).scores.items():
        rows = frame[frame["measure"] == measure].set_index(["layer", "head"])
        for layer, head in np.ndindex(scores.value.shape):
            assert rows.loc[layer, head]["value"] == pytest.approx(scores.value[layer, head], rel=1e-4, abs=1e-6)


def test_workers_change_no_number(run):
    one, two = (measure_heads(run, steps="all", sequences=300, workers=workers) for workers in (1, 2))
    pd.testing.assert_frame_equal(one, two, check_exact=True)


def test_ablation_is_of_the_last_step_and_of_both_kinds_of_learning(run):
    frame = measure_heads(run, steps=[10, 20], sequences=32, ablate="mean")
    rows = frame[frame["measure"].str.startswith("ablation_")]
    assert set(rows["step"]) == {20}
    assert set(rows["split"]) == {"fewshot_holdout", "no_support_zipfian"}
    assert len(rows) == 2 * 2 * (4 + 6)  # evaluations, outcomes, heads and branches
    whole = frame[(frame["kind"] == "model") & (frame["step"] == 20)].set_index("measure")["value"]
    reference = rows[(rows["split"] == "fewshot_holdout") & (rows["measure"] == "ablation_loss")]["reference"]
    assert reference.tolist() == pytest.approx([whole["loss"]] * len(reference), rel=1e-5)


def test_composition_is_of_the_last_step(run):
    frame = measure_heads(run, steps="all", sequences=8)
    pairs = frame[frame["kind"] == "pair"]
    assert set(pairs["step"]) == {20}
    assert len(pairs) == 3 * 2 * 2
    assert pairs["n"].isna().all()


def test_a_model_of_pairs_has_blanks_with_reasons(small_runs):
    frame = measure_heads(RunFolder.open(small_runs / "pairs"), sequences=16)
    assert set(frame.attrs["blank"]) == {"previous_token", "label_copy"}
    assert set(frame[frame["kind"] == "head"]["measure"]) == {"induction", "entropy", "direct"}


def test_a_run_without_attention_is_refused(small_runs):
    with pytest.raises(ValueError, match="must be one with attention to have heads, got lstm"):
        measure_heads(RunFolder.open(small_runs / "lstm"), sequences=8)


def test_a_step_without_a_checkpoint_is_refused(run):
    with pytest.raises(RunError, match=r"steps must be checkpoints of .* \(0, 10, 20\), got 15"):
        measure_heads(run, steps=[15])


def test_weights_that_are_no_numbers_are_refused(spoilt_run):
    with pytest.raises(CheckpointDamaged, match="step_0000010"):
        measure_heads(spoilt_run, steps="all", sequences=8)
    assert not measure_heads(spoilt_run, steps=[20], sequences=8).empty


def test_patterns_are_the_attention_of_the_sequences_with_their_classes_and_labels(run):
    patterns = attention_patterns(run, heads=[(0, 1), (1, 0)], sequences=[2, 5])
    task = Task.build(run.config, device=torch.device("cpu"))
    model = task.build_model()
    load_model_weights(run.checkpoints, 20, model)
    (given,) = Evaluator(task, sequences=6, splits=["fewshot_holdout"]).embedded(model)
    with capture(model, "blocks.1.attention.weights") as trace, torch.no_grad():
        model.from_embeddings(given.embedded, given.labels)
    assert [(one.sequence, one.layer, one.head) for one in patterns] == [(2, 0, 1), (2, 1, 0), (5, 0, 1), (5, 1, 0)]
    assert patterns[3].weights == pytest.approx(trace["blocks.1.attention.weights"][5, 0].numpy(), abs=1e-6)
    tokens = patterns[3].tokens
    assert tokens[-1] == f"c{given.classes[5, -1]}?"
    assert tokens[1] == f"y{given.labels[5, 0]}"
    assert [place for place, right in enumerate(patterns[3].right) if right] == [
        place for place, name in enumerate(tokens) if name == f"y{given.labels[5, -1]}"
    ]


def test_a_head_that_is_not_there_has_no_pattern(run):
    with pytest.raises(ValueError, match=r"heads must be LAYER.HEAD of 2 layers of 2 heads, counted from 0, got 2\.0"):
        attention_patterns(run, heads=[(2, 0)])


def test_the_heads_to_show_are_the_best_of_the_last_step():
    rows = [(0, "previous_token", 0, 0, 0.9), (1, "previous_token", 0, 1, 0.5), (1, "previous_token", 1, 1, 0.1)]
    rows += [(1, "induction", 0, 1, 0.2), (1, "induction", 1, 0, 0.3)]
    frame = pd.DataFrame(rows, columns=["step", "measure", "layer", "head", "value"])
    assert heads_to_show(frame) == [(0, 1), (1, 0)]


def test_checkpoints_beside_the_end_of_another_run_are_refused(run, small_runs, tmp_path):
    path = tmp_path / "mixed"
    shutil.copytree(run.path, path)
    shutil.copy(small_runs / "pairs" / "DONE", path / "DONE")
    for steps in ("all", [20]):
        with pytest.raises((CheckpointDamaged, RunError), match="DONE"):
            measure_heads(RunFolder.open(path), steps=steps, sequences=8)
